/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proc/home_file.h, in a temporary folder. */
#include "proc/home_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"

static void test_names(void **state)
{
	static const char *const open_ones[] = {
		"mailserver.cfg", "evidence.log", "history", "history/00000001.cfg", "sslcert",
		"sslcert/server.crt", "sslca", "sslca/root.pem"};
	static const char *const closed[] = {
		"", "/etc/passwd", "..", "../x", "store", "store/auth/data.mdb", "sslcert/server.key",
		"sslcert/../sslcert/server.key", "history/../sslcert/server.key", "history/.cfg",
		"history/", "sslca/", "sslca/../store", "sslca/clients/a.pem", "sslcert/.hidden.crt",
		"mailserver.cfg/", "./mailserver.cfg", "run/control", "history/pending",
		"sslcert/server.key.crt/../server.key"};

	for (size_t i = 0; i < sizeof(open_ones) / sizeof(open_ones[0]); i++)
		assert_true(home_file_is_open(str_from_c(open_ones[i])));
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		if (home_file_is_open(str_from_c(closed[i])))
			fail_msg("%s is open", closed[i]);
	assert_false(home_file_is_open(STR("sslcert/server.key\0.crt")));
}

static void test_files(void **state)
{
	char home[] = "/tmp/postern-home-XXXXXX", path[100], link_path[100];
	struct buf text = BUF_INIT(100);
	int fd = -1;

	assert_non_null(mkdtemp(home));
	snprintf(path, sizeof(path), "%s/mailserver.cfg", home);
	snprintf(link_path, sizeof(link_path), "%s/evidence.log", home);
	assert_int_equal(home_file_open(home, STR("mailserver.cfg"), &fd), FAULT_NOT_FOUND);
	assert_int_equal(file_replace(path, STR("text"), 0600), FAULT_NONE);
	assert_int_equal(home_file_open(home, STR("mailserver.cfg"), &fd), FAULT_NONE);
	assert_int_equal(fd_read_file(fd, &text), FAULT_NONE);
	assert_true(str_equals(buf_str(&text), STR("text")));
	fd_close(&fd);
	assert_int_equal(symlink(path, link_path), 0);
	assert_int_equal(home_file_open(home, STR("evidence.log"), &fd), FAULT_DENIED);
	assert_int_equal(unlink(link_path), 0);
	assert_int_equal(mkfifo(link_path, 0600), 0);
	assert_int_equal(home_file_open(home, STR("evidence.log"), &fd), FAULT_DENIED);
	assert_int_equal(home_file_open(home, STR("run/control"), &fd), FAULT_DENIED);
	(void)unlink(link_path);
	(void)unlink(path);
	assert_int_equal(rmdir(home), 0);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
