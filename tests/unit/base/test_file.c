/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char folder[] = "/tmp/postern-file-XXXXXX";

static int folder_prepare(void **state)
{
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int folder_remove(void **state)
{
	return rmdir(folder);
}

static void expect_content(const char *path, struct str expected)
{
	struct buf content = BUF_INIT(1000);

	assert_int_equal(file_read(path, &content), FAULT_NONE);
	assert_true(str_equals(buf_str(&content), expected));
	buf_done(&content);
}

static void test_replace_sets_content_and_mode(void **state)
{
	char *path = path_join(folder, "secret");
	char *temporary = path_join(folder, "secret.new");
	struct stat told;

	mode_t before = umask(077);
	assert_int_equal(file_replace(path, STR("one"), 0644), FAULT_NONE);
	umask(before);
	expect_content(path, STR("one"));
	assert_int_equal(stat(path, &told), 0);
	assert_int_equal(told.st_mode & 07777, 0644);
	assert_int_equal(file_replace(path, STR("two\0three"), 0600), FAULT_NONE);
	expect_content(path, STR("two\0three"));
	assert_int_equal(stat(path, &told), 0);
	assert_int_equal(told.st_mode & 07777, 0600);
	assert_int_equal(access(temporary, F_OK), -1);
	unlink(path);
	free(temporary);
	free(path);
}

static void test_replace_that_fails_keeps_the_old(void **state)
{
	char *path = path_join(folder, "kept");
	char *temporary = path_join(folder, "kept.new");

	assert_int_equal(file_replace(path, STR("old"), 0600), FAULT_NONE);
	/* The temporary file's place is taken by what cannot be opened for writing. */
	assert_int_equal(mkdir(temporary, 0700), 0);
	assert_int_not_equal(file_replace(path, STR("new"), 0600), FAULT_NONE);
	expect_content(path, STR("old"));
	rmdir(temporary);
	/* Nor does it follow a link that somebody laid there. */
	assert_int_equal(symlink(path, temporary), 0);
	assert_int_not_equal(file_replace(path, STR("new"), 0600), FAULT_NONE);
	expect_content(path, STR("old"));
	unlink(temporary);
	unlink(path);
	free(temporary);
	free(path);
}

static void test_read_is_bounded_and_names_faults(void **state)
{
	char *path = path_join(folder, "large");
	struct buf small = BUF_INIT(4);

	assert_int_equal(file_read(path, &small), FAULT_NOT_FOUND);
	assert_int_equal(file_replace(path, STR("12345"), 0600), FAULT_NONE);
	assert_int_equal(file_read(path, &small), FAULT_TOO_LARGE);
	assert_int_equal(file_read(folder, &small), fault_from_errno(EISDIR));
	unlink(path);
	buf_done(&small);
	free(path);
}

static void test_folder_make_twice(void **state)
{
	char *path = path_join(folder, "sub");
	char *deep = path_join(folder, "none/sub");

	assert_int_equal(folder_make(path, 0700), FAULT_NONE);
	assert_int_equal(folder_make(path, 0700), FAULT_NONE);
	assert_int_equal(folder_make(deep, 0700), FAULT_NOT_FOUND);
	assert_int_equal(folder_sync(path), FAULT_NONE);
	assert_int_equal(folder_sync(deep), FAULT_NOT_FOUND);
	rmdir(path);
	free(deep);
	free(path);
}

static void test_write_all_and_read_all(void **state)
{
	int ends[2];
	char back[5] = "";

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fd_write_all(ends[1], "abcd", 4));
	assert_true(fd_read_all(ends[0], back, 4));
	assert_string_equal(back, "abcd");
	assert_true(fd_write_all(ends[1], "ab", 2));
	fd_close(&ends[1]);
	assert_int_equal(ends[1], -1);
	assert_false(fd_read_all(ends[0], back, 4));
	assert_int_equal(errno, 0);
	fd_close(&ends[0]);
	fd_close(&ends[0]);
}

static void test_descriptor_flags(void **state)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fd_set_nonblocking(ends[0]);
	fd_set_inheritable(ends[0]);
	assert_true(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(ends[0], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(ends[1], F_GETFD) & FD_CLOEXEC);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replace_sets_content_and_mode),
		cmocka_unit_test(test_replace_that_fails_keeps_the_old),
		cmocka_unit_test(test_read_is_bounded_and_names_faults),
		cmocka_unit_test(test_folder_make_twice),
		cmocka_unit_test(test_write_all_and_read_all),
		cmocka_unit_test(test_descriptor_flags),
	};
	return cmocka_run_group_tests(tests, folder_prepare, folder_remove);
}
