/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proc/descriptors: what is kept for the parent, and who may connect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "proc/descriptors.h"

enum { GRANTED = 256 };

static void limit_set(rlim_t soft)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = soft;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Opens what can be opened; returns the highest number. */
static int exhaust(void)
{
	int fd, last = -1;

	while ((fd = dup(STDERR_FILENO)) >= 0)
		last = fd;
	return last;
}

static void test_the_parent_has_descriptors_left(void **state)
{
	struct descriptors descriptors;

	limit_set(GRANTED);
	descriptors_init(&descriptors);
	int last = exhaust();
	assert_in_range(last, GRANTED / 2, GRANTED - 2);
	descriptors_parent_begin(&descriptors);
	int fd = dup(STDERR_FILENO);
	assert_int_equal(fd, last + 1);
	descriptors_parent_end(&descriptors);
	assert_int_equal(dup(STDERR_FILENO), -1);
	for (; fd > STDERR_FILENO; fd--)
		close(fd);
}

static void test_connections_leave_some_for_the_rest(void **state)
{
	struct descriptors descriptors;
	struct buf text = BUF_INIT(4096);
	char path[] = "/tmp/test_descriptors-XXXXXX";
	struct log log;

	log_init(&log, false);
	log.fds[LOG_WARNING] = mkstemp(path);
	assert_true(log.fds[LOG_WARNING] >= 0);
	limit_set(GRANTED);
	descriptors_init(&descriptors);
	assert_true(descriptors_may_connect(&descriptors, GRANTED / 4 * 3 - 1, &log));
	assert_int_equal(lseek(log.fds[LOG_WARNING], 0, SEEK_CUR), 0);
	/* Told once, not for each of a thousand. */
	for (int i = 0; i < 1000; i++)
		assert_false(descriptors_may_connect(&descriptors, GRANTED / 4 * 3, &log));
	assert_int_equal(file_read(path, &text), FAULT_NONE);
	size_t at = str_find_char(buf_str(&text), '\n');
	assert_int_equal(at, text.len - 1);
	assert_true(str_find(buf_str(&text), STR("grants this process 256 open files")) != STR_NONE);
	buf_done(&text);
	close(log.fds[LOG_WARNING]);
	unlink(path);
}

static void test_without_a_limit_everybody_may_connect(void **state)
{
	struct descriptors descriptors = {.all = UINT64_MAX};

	descriptors_parent_begin(&descriptors);
	descriptors_parent_end(&descriptors);
	assert_true(descriptors_may_connect(&descriptors, 1 << 30, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_parent_has_descriptors_left),
		cmocka_unit_test(test_connections_leave_some_for_the_rest),
		cmocka_unit_test(test_without_a_limit_everybody_may_connect),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
