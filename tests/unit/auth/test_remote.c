/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of auth/remote, in a temporary folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/remote.h"
#include "base/file.h"

static char folder[] = "/tmp/postern-remote-XXXXXX";
static struct credentials *credentials;
static struct remote_passwords *passwords;

static void open_both(void)
{
	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	assert_int_equal(remote_passwords_open(folder, credentials, &passwords), FAULT_NONE);
}

static void close_both(void)
{
	remote_passwords_close(&passwords);
	credentials_close(&credentials);
}

static void path_of(const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", folder, name);
}

static int setup(void **state)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	open_both();
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"data.mdb", "lock.mdb", "remote.key"};
	char path[256];

	close_both();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(names[i], path);
		unlink(path);
	}
	rmdir(folder);
	return 0;
}

static void expect(const char *name, const char *password)
{
	struct secret found CLEANUP_SECRET = {0};

	assert_int_equal(remote_password_get(passwords, str_from_c(name), &found), FAULT_NONE);
	assert_true(str_equals(secret_reveal(&found), str_from_c(password)));
}

static void test_it_is_kept(void **state)
{
	assert_int_equal(remote_password_set(passwords, STR("relay"), STR("pa55")), FAULT_NONE);
	expect("relay", "pa55");
	close_both();
	open_both();
	expect("relay", "pa55");
	assert_int_equal(remote_password_set(passwords, STR("relay"), STR("other")), FAULT_NONE);
	expect("relay", "other");
}

static void test_it_is_forgotten(void **state)
{
	struct secret found CLEANUP_SECRET = {0};

	assert_int_equal(remote_password_set(passwords, STR("relay"), STR("")), FAULT_NOT_FOUND);
	assert_int_equal(remote_password_set(passwords, STR("relay"), STR("pa55")), FAULT_NONE);
	assert_int_equal(remote_password_set(passwords, STR("relay"), STR("")), FAULT_NONE);
	assert_int_equal(remote_password_get(passwords, STR("relay"), &found), FAULT_NOT_FOUND);
}

static void test_the_environment_alone_does_not_tell_it(void **state)
{
	struct buf bytes = BUF_INIT(64 << 20);
	struct secret found CLEANUP_SECRET = {0};
	struct stat status;
	char path[256];

	assert_int_equal(remote_password_set(passwords, STR("relay"), STR("qwertzuiop12")),
			 FAULT_NONE);
	close_both();
	path_of("data.mdb", path);
	assert_int_equal(file_read(path, &bytes), FAULT_NONE);
	assert_true(str_find(buf_str(&bytes), STR("qwertzuiop12")) == STR_NONE);
	buf_done(&bytes);
	path_of("remote.key", path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	/* Under a new key it is lost, and said to be. */
	assert_int_equal(unlink(path), 0);
	open_both();
	assert_int_equal(remote_password_get(passwords, STR("relay"), &found), FAULT_CORRUPT);
}

static void test_a_key_that_is_none_is_told(void **state)
{
	char path[256];

	close_both();
	path_of("remote.key", path);
	assert_int_equal(truncate(path, 31), 0);
	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	assert_int_equal(remote_passwords_open(folder, credentials, &passwords), FAULT_CORRUPT);
	assert_null(passwords);
}

static void test_names(void **state)
{
	struct buf names = BUF_INIT(1024);
	char wide[REMOTE_NAME_MAX + 1];

	memset(wide, 'n', sizeof(wide));
	assert_int_equal(remote_password_set(passwords, STR(""), STR("x")), FAULT_INVALID);
	assert_int_equal(remote_password_set(passwords, STR("a b"), STR("x")), FAULT_INVALID);
	assert_int_equal(remote_password_set(passwords, STR("a\n"), STR("x")), FAULT_INVALID);
	assert_int_equal(remote_password_set(passwords, str_make(wide, sizeof(wide)), STR("x")),
			 FAULT_INVALID);
	assert_int_equal(remote_password_set(passwords, STR("two"), STR("x")), FAULT_NONE);
	assert_int_equal(remote_password_set(passwords, STR("one"), STR("x")), FAULT_NONE);
	assert_int_equal(remote_password_names(passwords, &names), FAULT_NONE);
	assert_true(str_equals(buf_str(&names), STR("one\ntwo\n")));
	buf_done(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_it_is_kept),
		TEST(test_it_is_forgotten),
		TEST(test_the_environment_alone_does_not_tell_it),
		TEST(test_a_key_that_is_none_is_told),
		TEST(test_names),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
