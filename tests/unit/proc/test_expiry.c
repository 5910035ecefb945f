/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proc/expiry: what is told of certificates that end, once each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "fixture.h"
#include "proc/expiry.h"

enum { DAY_S = 24 * 3600, HOUR_S = 3600 };

/* A home's history, two log files in memory, and the RSA and the EC pair of the fixture. */
struct place {
	char folder[32];
	struct log log;
	struct expiry expiry;
	struct pairs *pairs;
	int64_t end_s; /* of the RSA pair */
};

static void place_make(struct place *place)
{
	(void)snprintf(place->folder, sizeof(place->folder), "/tmp/postern-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	log_init(&place->log, false);
	place->log.fds[LOG_WARNING] = memfd_create("warning", MFD_CLOEXEC);
	place->log.fds[LOG_ERROR] = memfd_create("error", MFD_CLOEXEC);
	place->pairs = calloc(1, sizeof(*place->pairs));
	place->pairs->count = 1;
	place->pairs->items[0] = (struct pair){.name = (char *)(uintptr_t) "mail",
					       .certificate = world.rsa};
	place->end_s = tls_certificate_not_after(world.rsa);
	expiry_open(&place->expiry, place->folder);
}

static void place_done(struct place *place)
{
	char *file = path_join(place->folder, "expiry");

	(void)unlink(file);
	assert_int_equal(rmdir(place->folder), 0);
	expiry_close(&place->expiry);
	close(place->log.fds[LOG_WARNING]);
	close(place->log.fds[LOG_ERROR]);
	free(place->pairs);
	free(file);
}

static void restart(struct place *place)
{
	expiry_close(&place->expiry);
	expiry_open(&place->expiry, place->folder);
}

/* Looks when so many seconds are left; what stands in the log since is taken from it. */
static struct buf said(struct place *place, int64_t left_s, enum log_file file)
{
	struct buf text = BUF_INIT(1 << 16);

	expiry_look(&place->expiry, place->pairs, place->end_s - left_s, &place->log);
	for (int i = 0; i < 2; i++) {
		enum log_file other = i == 0 ? LOG_WARNING : LOG_ERROR;
		off_t len = lseek(place->log.fds[other], 0, SEEK_CUR);
		char *at = buf_reserve(&text, (size_t)len + 1);
		assert_int_equal(pread(place->log.fds[other], at, (size_t)len, 0), len);
		if (other == file)
			buf_commit(&text, (size_t)len);
		else
			assert_int_equal(len, 0);
		assert_int_equal(ftruncate(place->log.fds[other], 0), 0);
		assert_int_equal(lseek(place->log.fds[other], 0, SEEK_SET), 0);
	}
	return text;
}

static void assert_said(struct place *place, int64_t left_s, enum log_file file, const char *words)
{
	struct buf text = said(place, left_s, file);

	if (str_find(buf_str(&text), str_from_c(words)) == STR_NONE)
		fail_msg("\"%s\" is not in \"%.*s\"", words, STR_ARG(buf_str(&text)));
	buf_done(&text);
}

static void assert_silent(struct place *place, int64_t left_s)
{
	struct buf text = said(place, left_s, LOG_WARNING);

	if (text.len > 0)
		fail_msg("said: %.*s", STR_ARG(buf_str(&text)));
	buf_done(&text);
}

static void test_each_warning_comes_once(void **state)
{
	struct place place;

	place_make(&place);
	assert_silent(&place, 31 * DAY_S);
	assert_said(&place, 30 * DAY_S, LOG_WARNING, "certificate mail expires on ");
	assert_silent(&place, 30 * DAY_S - HOUR_S);
	assert_silent(&place, 15 * DAY_S);
	assert_said(&place, 14 * DAY_S - HOUR_S, LOG_WARNING, ", in 13 days; replace sslcert/mail.crt");
	assert_silent(&place, 8 * DAY_S);
	assert_said(&place, 7 * DAY_S, LOG_WARNING, ", in 7 days");
	assert_said(&place, 1 * DAY_S, LOG_ERROR, ", in 1 day; ");
	assert_silent(&place, HOUR_S);
	expiry_close(&place.expiry);
	expiry_open(&place.expiry, "/nonexistent");
	assert_said(&place, HOUR_S, LOG_ERROR, ", in less than a day; ");
	restart(&place);
	assert_said(&place, 0, LOG_ERROR, "certificate mail expired on ");
	assert_silent(&place, -30 * DAY_S);
	place_done(&place);
}

static void test_a_restart_repeats_nothing(void **state)
{
	struct place place;

	place_make(&place);
	assert_said(&place, 10 * DAY_S, LOG_WARNING, "in 10 days");
	restart(&place);
	assert_silent(&place, 9 * DAY_S);
	assert_said(&place, 6 * DAY_S, LOG_WARNING, "in 6 days");
	restart(&place);
	assert_silent(&place, 5 * DAY_S);
	/* A clock that was set back and forth neither. */
	assert_silent(&place, 20 * DAY_S);
	assert_silent(&place, 5 * DAY_S);
	place_done(&place);
}

static void test_a_new_certificate_is_told_of_by_itself(void **state)
{
	struct place place;

	place_make(&place);
	assert_said(&place, 3 * DAY_S, LOG_WARNING, "in 3 days");
	place.pairs->items[0].certificate = world.ec;
	assert_said(&place, 3 * DAY_S, LOG_WARNING, "in 3 days");
	assert_silent(&place, 3 * DAY_S);
	place_done(&place);
}

static void test_a_file_that_is_nonsense_means_nothing(void **state)
{
	struct place place;

	place_make(&place);
	char *file = path_join(place.folder, "expiry");
	assert_int_equal(file_replace(file, STR("nonsense\n\x01 9\n\n"), 0600), FAULT_NONE);
	free(file);
	restart(&place);
	assert_said(&place, 3 * DAY_S, LOG_WARNING, "in 3 days");
	place_done(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_warning_comes_once),
		cmocka_unit_test(test_a_restart_repeats_nothing),
		cmocka_unit_test(test_a_new_certificate_is_told_of_by_itself),
		cmocka_unit_test(test_a_file_that_is_nonsense_means_nothing),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
