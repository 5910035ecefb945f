/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proc/home_file.h, in a temporary folder. */
#include "proc/home_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"

static void test_names(void **state)
{
	static const char *const open_ones[] = {
		"mailserver.cfg", "evidence.log", "history", "history/00000001.cfg", "sslcert",
		"sslcert/server.crt", "sslca", "sslca/root.pem", "dkim", "dkim/example.org/keys", "sslcert/requests",
		"sslcert/requests/mail.csr"};
	static const char *const closed[] = {
		"", "/etc/passwd", "..", "../x", "store", "store/auth/data.mdb", "sslcert/server.key",
		"sslcert/../sslcert/server.key", "history/../sslcert/server.key", "history/.cfg",
		"history/", "sslca/", "sslca/../store", "sslca/clients/a.pem", "sslcert/.hidden.crt",
		"mailserver.cfg/", "./mailserver.cfg", "run/control", "history/pending",
		"sslcert/server.key.crt/../server.key", "dkim/example.org/s.key", "dkim/../keys",
		"dkim/../sslcert/server.key/keys", "dkim//keys", "dkim/keys", "dkim/", "dkim/.lock",
		"dkim/a/b/keys", "dkim/example.org/keys/", "sslcert/requests/mail.key",
		"sslcert/requests/../server.key", "sslcert/requests/", "sslcert/requests/.csr"};

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

static void test_names_that_may_be_put(void **state)
{
	static const char *const good[] = {"sslcert/server.crt", "sslcert/server.key",
					   "sslcert/mail.example.org-ecdsa.key",
					   "sslcert/requests/mail.key",
					   "sslcert/requests/mail.csr",
					   "dkim/example.org/keys",
					   "dkim/example.org/s1-rsa.key"};
	static const char *const bad[] = {"mailserver.cfg",   "sslcert",
					  "sslcert/",	      "sslcert/.crt",
					  "sslcert/a/b.crt",  "sslcert/../run/a.key",
					  "../sslcert/a.crt", "sslcert/a.crt.new",
					  "sslcert/a",	      "sslcert/a b.crt",
					  "sslcert/.a.key",   "store/a.key",
					  "/sslcert/a.crt",   "",
					  "sslcert/requests", "sslcert/requests/",
					  "sslcert/requests/a.crt", "sslcert/requests/.key",
					  "sslcert/requests/../a.csr", "sslcert/requests/a/b.key",
					  "dkim",	      "dkim/.lock",
					  "dkim/keys",	      "dkim/s1.key",
					  "dkim//s1.key",     "dkim/../s1.key",
					  "dkim/./s1.key",    "dkim/example.org/../s1.key",
					  "dkim/a/b/s1.key",  "dkim/example.org/.key",
					  "dkim/a/s_1.key",   "dkim/example.org/s.1.key",
					  "dkim/a/s1.KEY",    "dkim/example.org/s1.key/",
					  "dkim/a/keys.new",  "dkim/example.org",
					  "../dkim/a/keys",   "store/dkim/a/keys"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(home_file_may_be_put(str_from_c(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(home_file_may_be_put(str_from_c(bad[i])));
	assert_false(home_file_may_be_put(STR("sslcert/a\0.crt")));
	assert_false(home_file_may_be_put(STR("dkim/example.org\0/keys")));
	assert_false(home_file_may_be_put(STR("dkim/example.org/s\0.key")));
}

static void test_names_that_may_be_removed(void **state)
{
	static const char *const bad[] = {"dkim/example.org/keys", "dkim/example.org", "dkim/.lock",
					  "sslcert/server.key",	   "mailserver.cfg",   "",
					  "dkim/../run/a.key",	   "dkim/a/../a.key"};

	assert_true(home_file_may_be_removed(STR("dkim/example.org/s1-rsa.key")));
	assert_true(home_file_may_be_removed(STR("sslcert/requests/mail.key")));
	assert_true(home_file_may_be_removed(STR("sslcert/requests/mail.csr")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(home_file_may_be_removed(str_from_c(bad[i])));
}

/* A key that waits is copied to its pair's place, and no other file is. */
static void test_keys_of_requests(void **state)
{
	char home[] = "/tmp/postern-home-XXXXXX", folder[64], requests[80], waiting[100], key[100];
	CLEANUP_FD int content = memfd_create("test", MFD_CLOEXEC);
	CLEANUP_BUF struct buf text = BUF_INIT(100);
	struct str waits = STR("sslcert/requests/mail.key");
	struct stat status;

	assert_non_null(mkdtemp(home));
	snprintf(folder, sizeof(folder), "%s/sslcert", home);
	snprintf(requests, sizeof(requests), "%s/requests", folder);
	snprintf(waiting, sizeof(waiting), "%s/mail.key", requests);
	snprintf(key, sizeof(key), "%s/server.key", folder);
	assert_true(fd_write_all(content, "a key", 5));
	assert_int_equal(home_file_put(home, waits, content), FAULT_DENIED);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(home_file_key_take(home, STR("mail"), STR("server")), FAULT_NOT_FOUND);
	assert_int_equal(home_file_put(home, waits, content), FAULT_NONE);
	assert_int_equal(home_file_key_take(home, STR("mail"), STR("server")), FAULT_NONE);
	assert_int_equal(file_read(key, &text), FAULT_NONE);
	assert_true(str_equals(buf_str(&text), STR("a key")));
	assert_int_equal(stat(key, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(home_file_key_take(home, STR("../mail"), STR("server")), FAULT_DENIED);
	assert_int_equal(home_file_key_take(home, STR("mail"), STR("../run/server")), FAULT_DENIED);
	assert_int_equal(home_file_remove(home, waits), FAULT_NONE);
	assert_int_equal(symlink(key, waiting), 0);
	assert_int_equal(home_file_key_take(home, STR("mail"), STR("other")), FAULT_DENIED);
	assert_int_equal(unlink(waiting), 0);
	assert_int_equal(unlink(key), 0);
	assert_int_equal(rmdir(requests), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(rmdir(home), 0);
}

/* The folder of a domain is made; one that is a link leads elsewhere, and is refused. */
static void test_keys_of_dkim(void **state)
{
	char home[] = "/tmp/postern-home-XXXXXX", dkim[64], folder[96], key[128], elsewhere[96];
	CLEANUP_FD int content = memfd_create("test", MFD_CLOEXEC);
	struct str name = STR("dkim/a.example/s1.key"), linked = STR("dkim/b.example/s1.key");
	struct stat status;

	assert_non_null(mkdtemp(home));
	snprintf(dkim, sizeof(dkim), "%s/dkim", home);
	snprintf(folder, sizeof(folder), "%s/a.example", dkim);
	snprintf(key, sizeof(key), "%s/s1.key", folder);
	snprintf(elsewhere, sizeof(elsewhere), "%s/b.example", dkim);
	assert_int_equal(mkdir(dkim, 0700), 0);
	assert_true(fd_write_all(content, "secret", 6));
	assert_int_equal(home_file_remove(home, name), FAULT_NONE);
	assert_int_equal(home_file_put(home, name, content), FAULT_NONE);
	assert_int_equal(stat(folder, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(stat(key, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(symlink(folder, elsewhere), 0);
	assert_int_equal(home_file_put(home, linked, content), FAULT_DENIED);
	assert_int_equal(home_file_remove(home, linked), FAULT_DENIED);
	assert_int_equal(home_file_remove(home, STR("dkim/a.example/keys")), FAULT_DENIED);
	assert_int_equal(access(key, F_OK), 0);
	assert_int_equal(home_file_remove(home, name), FAULT_NONE);
	assert_int_not_equal(access(key, F_OK), 0);
	unlink(elsewhere);
	rmdir(folder);
	rmdir(dkim);
	assert_int_equal(rmdir(home), 0);
}

static void test_a_file_is_put(void **state)
{
	char home[] = "/tmp/postern-home-XXXXXX", folder[64], path[96];
	CLEANUP_FD int content = memfd_create("test", MFD_CLOEXEC);
	CLEANUP_BUF struct buf text = BUF_INIT(100);
	struct stat status;
	int ends[2];

	assert_non_null(mkdtemp(home));
	snprintf(folder, sizeof(folder), "%s/sslcert", home);
	snprintf(path, sizeof(path), "%s/a.key", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_true(fd_write_all(content, "secret", 6));
	assert_int_equal(home_file_put(home, STR("sslcert/a.key"), content), FAULT_NONE);
	assert_int_equal(home_file_put(home, STR("sslcert/a.key"), content), FAULT_NONE);
	assert_int_equal(file_read(path, &text), FAULT_NONE);
	assert_true(str_equals(buf_str(&text), STR("secret")));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(home_file_put(home, STR("a.key"), content), FAULT_DENIED);
	assert_int_equal(ftruncate(content, HOME_FILE_BYTES_MAX + 1), 0);
	assert_int_equal(home_file_put(home, STR("sslcert/a.key"), content), FAULT_TOO_LARGE);
	/* A pipe would hold whoever reads it up. */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(home_file_put(home, STR("sslcert/a.key"), ends[0]), FAULT_INVALID);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	unlink(path);
	rmdir(folder);
	rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_names_that_may_be_put),
		cmocka_unit_test(test_a_file_is_put),
		cmocka_unit_test(test_names_that_may_be_removed),
		cmocka_unit_test(test_keys_of_requests),
		cmocka_unit_test(test_keys_of_dkim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
