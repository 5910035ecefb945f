/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proc/logs: files put aside by us, and by others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "proc/logs.h"

enum { DAY_S = 24 * 60 * 60 };

struct place {
	char folder[64];
	struct logs logs;
};

static int setup(void **state)
{
	static struct place place;

	memcpy(place.folder, "/tmp/test_logs-XXXXXX", sizeof("/tmp/test_logs-XXXXXX"));
	assert_non_null(mkdtemp(place.folder));
	assert_int_equal(logs_open(&place.logs, place.folder), FAULT_NONE);
	place.logs.log.to_stderr = false;
	*state = &place;
	return 0;
}

/* How many files begin with `prefix`; removes them if wanted. */
static size_t files_count(const struct place *place, const char *prefix, bool remove)
{
	DIR *folder = opendir(place->folder);
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    !str_has_prefix(str_from_c(entry->d_name), str_from_c(prefix)))
			continue;
		count++;
		if (remove)
			assert_int_equal(unlinkat(dirfd(folder), entry->d_name, 0), 0);
	}
	closedir(folder);
	return count;
}

static int teardown(void **state)
{
	struct place *place = *state;

	logs_close(&place->logs);
	files_count(place, "", true);
	return rmdir(place->folder);
}

static bool file_has(const struct place *place, const char *name, struct str wanted)
{
	struct buf text = BUF_INIT(100000);
	char *path = path_join(place->folder, name);
	bool has = file_read(path, &text) == FAULT_NONE &&
		   str_find(buf_str(&text), wanted) != STR_NONE;

	buf_done(&text);
	free(path);
	return has;
}

static void say(struct place *place, const char *text)
{
	log_printf(&place->logs.log, LOG_MAIL, "%s", text);
}

static void test_a_day_ends_a_file(void **state)
{
	struct place *place = *state;

	say(place, "one");
	assert_int_equal(logs_rotate(&place->logs, clock_real_s()), 0);
	/* Empty files stay. */
	assert_int_equal(logs_rotate(&place->logs, clock_real_s() + DAY_S), 1u << LOG_MAIL);
	say(place, "two");
	assert_true(file_has(place, "mail.log", STR("two")));
	assert_false(file_has(place, "mail.log", STR("one")));
	assert_int_equal(files_count(place, "mail.log", false), 2);
	assert_int_equal(files_count(place, "error.log", false), 1);
}

/* logrotate, or an administrator: whoever reads the file by its name must find what comes. */
static void test_a_file_that_was_moved_is_opened_anew(void **state)
{
	struct place *place = *state;
	char *from = path_join(place->folder, "mail.log");
	char *to = path_join(place->folder, "mail.log.1");

	say(place, "one");
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(logs_rotate(&place->logs, clock_real_s()), 1u << LOG_MAIL);
	say(place, "two");
	assert_true(file_has(place, "mail.log.1", STR("one")));
	assert_true(file_has(place, "mail.log", STR("two")));
	assert_int_equal(logs_rotate(&place->logs, clock_real_s()), 0);
	/* In its place stands another one. */
	assert_int_equal(rename(to, from), 0);
	assert_int_equal(logs_rotate(&place->logs, clock_real_s()), 1u << LOG_MAIL);
	say(place, "three");
	assert_true(file_has(place, "mail.log", STR("three")));
	free(from);
	free(to);
}

static void test_a_file_that_was_removed_is_made_anew(void **state)
{
	struct place *place = *state;

	files_count(place, "", true);
	assert_int_equal(logs_rotate(&place->logs, clock_real_s()), (1u << LOG_FILE_COUNT) - 1);
	say(place, "one");
	assert_true(file_has(place, "mail.log", STR("one")));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_day_ends_a_file),
		TEST(test_a_file_that_was_moved_is_opened_anew),
		TEST(test_a_file_that_was_removed_is_made_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
