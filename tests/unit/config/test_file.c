/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of config/file: loading, and writing that loses nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "config/file.h"
#include "tls/catalog.h"

#define LIMITS(content) "<c>\n<table name=\"Limits\">" content "\n</table>\n</c>"
#define RECIPIENTS(value) "\n<variable name=\"Recipients\">" value "</variable>"
#define PARTS(value) "\n<variable name=\"MimeParts\">" value "</variable>"

static const struct suite_catalog *catalog;

/* A folder of its own with a mailserver.cfg. */
struct place {
	char *folder;
	char *path;
	char *history;
	struct findings findings;
	struct config *config;
};

static void place_make(struct place *place, const char *content)
{
	char template[] = "/tmp/postern-test-XXXXXX";

	assert_non_null(mkdtemp(template));
	place->folder = str_dup_c(str_from_c(template));
	place->path = path_join(place->folder, "mailserver.cfg");
	place->history = path_join(place->folder, "history");
	place->config = NULL;
	findings_init(&place->findings);
	assert_int_equal(file_replace(place->path, str_from_c(content), 0640), FAULT_NONE);
	assert_int_equal(config_file_load(place->path, catalog, &place->findings, &place->config),
			 FAULT_NONE);
}

static void place_remove(struct place *place)
{
	char *backup = path_join(place->folder, "mailserver.cfg.bak");

	for (unsigned i = 1; i <= 3; i++) {
		char *numbered = config_history_path(place->history, i);
		unlink(numbered);
		free(numbered);
	}
	unlink(backup);
	unlink(place->path);
	rmdir(place->history);
	assert_int_equal(rmdir(place->folder), 0);
	config_unref(&place->config);
	findings_done(&place->findings);
	free(backup);
	free(place->folder);
	free(place->path);
	free(place->history);
}

static void file_expect(const char *path, const char *content)
{
	struct buf text = BUF_INIT(1 << 16);

	assert_int_equal(file_read(path, &text), FAULT_NONE);
	assert_true(str_equals(buf_str(&text), str_from_c(content)));
	buf_done(&text);
}

static enum fault save(struct place *place, const char *ours)
{
	struct config *saved = NULL;
	enum fault fault = config_file_save(place->path, place->history, place->config->text,
					    str_from_c(ours), catalog, &place->findings, &saved);

	if (fault == FAULT_NONE) {
		config_unref(&place->config);
		place->config = saved;
	}
	return fault;
}

static void test_the_version_before_is_kept_twice(void **state)
{
	struct place place;
	struct stat status;

	place_make(&place, LIMITS(RECIPIENTS("200")));
	assert_int_equal(config_history_last(place.history), 0);
	assert_int_equal(save(&place, LIMITS(RECIPIENTS("300"))), FAULT_NONE);
	assert_int_equal(save(&place, LIMITS(RECIPIENTS("400"))), FAULT_NONE);
	assert_int_equal(place.config->limits.recipients, 400);
	assert_int_equal(config_history_last(place.history), 2);
	char *first = config_history_path(place.history, 1);
	char *second = config_history_path(place.history, 2);
	char *backup = path_join(place.folder, "mailserver.cfg.bak");
	file_expect(place.path, LIMITS(RECIPIENTS("400")));
	file_expect(backup, LIMITS(RECIPIENTS("300")));
	file_expect(first, LIMITS(RECIPIENTS("200")));
	file_expect(second, LIMITS(RECIPIENTS("300")));
	assert_int_equal(stat(place.path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	free(first);
	free(second);
	free(backup);
	place_remove(&place);
}

static void test_a_hand_edit_meanwhile_is_merged_or_refused(void **state)
{
	struct place place;

	place_make(&place, LIMITS(RECIPIENTS("200")));
	assert_int_equal(file_replace(place.path, STR(LIMITS(RECIPIENTS("200") PARTS("20"))), 0640),
			 FAULT_NONE);
	assert_int_equal(save(&place, LIMITS(RECIPIENTS("300"))), FAULT_NONE);
	file_expect(place.path, LIMITS(RECIPIENTS("300") PARTS("20")));
	assert_int_equal(place.config->limits.mime_parts, 20);
	assert_int_equal(file_replace(place.path, STR(LIMITS(RECIPIENTS("500"))), 0640),
			 FAULT_NONE);
	assert_int_equal(save(&place, LIMITS(RECIPIENTS("400") PARTS("20"))), FAULT_CONFLICT);
	file_expect(place.path, LIMITS(RECIPIENTS("500")));
	place_remove(&place);
}

static void test_what_is_invalid_or_unchanged_is_not_written(void **state)
{
	struct place place;

	place_make(&place, LIMITS(RECIPIENTS("200")));
	assert_int_equal(save(&place, LIMITS(RECIPIENTS("1"))), FAULT_INVALID);
	assert_int_equal(save(&place, LIMITS(RECIPIENTS("200"))), FAULT_NONE);
	file_expect(place.path, LIMITS(RECIPIENTS("200")));
	assert_int_equal(config_history_last(place.history), 0);
	place_remove(&place);
}

static void test_a_missing_file_is_named(void **state)
{
	struct findings findings;
	struct config *config = NULL;

	findings_init(&findings);
	assert_int_equal(
		config_file_load("/nonexistent/mailserver.cfg", catalog, &findings, &config),
		FAULT_NOT_FOUND);
	assert_null(config);
	assert_true(str_has_prefix(findings.items[0].text,
				   STR("cannot read /nonexistent/mailserver.cfg: ")));
	findings_done(&findings);
}

static int catalog_open(void **state)
{
	catalog = tls_catalog_new();
	return 0;
}

static int catalog_close(void **state)
{
	tls_catalog_free(&catalog);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_version_before_is_kept_twice),
		cmocka_unit_test(test_a_hand_edit_meanwhile_is_merged_or_refused),
		cmocka_unit_test(test_what_is_invalid_or_unchanged_is_not_written),
		cmocka_unit_test(test_a_missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, catalog_open, catalog_close);
}
