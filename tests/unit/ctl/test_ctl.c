/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "ctl/ctl.h"

/* Standard error is caught between these two. */
static int caught[2];
static int standard_error;

static void catch_begin(void)
{
	assert_int_equal(pipe2(caught, O_CLOEXEC), 0);
	standard_error = dup(STDERR_FILENO);
	assert_true(dup2(caught[1], STDERR_FILENO) >= 0);
}

static void catch_end(struct buf *said)
{
	assert_true(dup2(standard_error, STDERR_FILENO) >= 0);
	fd_close(&standard_error);
	fd_close(&caught[1]);
	assert_int_equal(fd_read_file(caught[0], said), FAULT_NONE);
	fd_close(&caught[0]);
}

static void expect_said(struct buf *said, const char *expected)
{
	buf_append_char(said, '\0');
	assert_string_equal(said->data, expected);
}

static void test_errors_for_people(void **state)
{
	CLEANUP_BUF struct buf said = BUF_INIT(10000);

	unsetenv("POSTERN_ERRORS");
	catch_begin();
	int code = ctl_fail(CTL_NOT_RUNNING, "no server is %s", "there");
	int field_code = ctl_fail_field(FAULT_EXISTS, "address", "%s is taken", "anna@example.org");
	catch_end(&said);
	assert_int_equal(code, CTL_NOT_RUNNING);
	assert_int_equal(field_code, CTL_USAGE);
	expect_said(&said, "postern: no server is there\npostern: anna@example.org is taken\n");
}

static void test_errors_for_programs(void **state)
{
	CLEANUP_BUF struct buf said = BUF_INIT(10000);

	assert_int_equal(setenv("POSTERN_ERRORS", "json", 1), 0);
	catch_begin();
	ctl_fail(CTL_DONE, "a \"word\"\n\xff");
	int code = ctl_fail_field(FAULT_UNAVAILABLE, NULL, "it does not answer");
	ctl_fail_field(FAULT_NOT_FOUND, "quota", "none");
	catch_end(&said);
	unsetenv("POSTERN_ERRORS");
	assert_int_equal(code, CTL_NOT_RUNNING);
	expect_said(&said,
		    "{\"code\":\"note\",\"field\":null,\"text\":\"a \\\"word\\\"\\\\x0a\\\\xff\"}\n"
		    "{\"code\":\"unavailable\",\"field\":null,\"text\":\"it does not answer\"}\n"
		    "{\"code\":\"not_found\",\"field\":\"quota\",\"text\":\"none\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_for_people),
		cmocka_unit_test(test_errors_for_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
