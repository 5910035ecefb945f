/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/system_user. What only root can do is left out for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/system_user.h"

static const struct system_user other = {.uid = 65534, .gid = 65534, .name = "nobody"};

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static enum fault choose(struct str configured, struct system_user *user_out, struct str reason)
{
	struct buf message = BUF_INIT(1000);
	enum fault fault = system_user_choose(configured, user_out, &message);

	assert_true(str_find(buf_str(&message), reason) != STR_NONE);
	buf_done(&message);
	return fault;
}

/* Runs `check` in a process of its own, as nobody where it may; it must exit with 0. */
static void in_child(void (*check)(void), bool becomes_nobody)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (becomes_nobody && geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
			_exit(100);
		check();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void check_self(void)
{
	struct buf message = BUF_INIT(1000);
	struct system_user user;

	if (system_user_choose(STR("root"), &user, &message) != FAULT_NONE || message.len != 0)
		_exit(1);
	if (!user.is_self || user.uid != geteuid())
		_exit(2);
}

static void test_who_is_not_root_stays_himself(void **state)
{
	in_child(check_self, true);
}

static void test_root_never_stays_root(void **state)
{
	struct system_user user = {.uid = 7};

	need_root();
	assert_int_equal(choose(STR("root"), &user, STR("root")), FAULT_DENIED);
	assert_int_equal(choose(STR("no-such-user"), &user, STR("adduser")), FAULT_NOT_FOUND);
	assert_int_equal(user.uid, 7);
	assert_int_equal(choose(STR(""), &user, STR("")), FAULT_NONE);
	assert_int_not_equal(user.uid, 0);
	assert_false(user.is_self);
}

static uid_t owner_of(const char *path)
{
	struct stat told;

	assert_int_equal(lstat(path, &told), 0);
	return told.st_uid;
}

static void file_make(const char *path)
{
	assert_int_equal(file_replace(path, STR("x"), 0600), FAULT_NONE);
}

static void test_the_store_is_given_and_nothing_else(void **state)
{
	char home[] = "/tmp/postern-user-XXXXXX";

	need_root();
	assert_non_null(mkdtemp(home));
	char *store = path_join(home, "store");
	char *inside = path_join(store, "mail");
	char *linked = path_join(store, "linked");
	char *pointing = path_join(store, "pointing");
	char *config = path_join(home, "mailserver.cfg");
	assert_int_equal(mkdir(store, 0700), 0);
	file_make(inside);
	file_make(config);
	assert_int_equal(link(config, linked), 0);
	assert_int_equal(symlink(config, pointing), 0);
	assert_int_equal(system_user_own_home(&other, home), FAULT_NONE);
	assert_int_equal(owner_of(store), other.uid);
	assert_int_equal(owner_of(inside), other.uid);
	assert_int_equal(owner_of(config), 0);
	assert_int_equal(owner_of(home), 0);
	const char *const made[] = {pointing, linked, inside, config};
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		assert_int_equal(unlink(made[i]), 0);
	assert_int_equal(rmdir(store), 0);
	assert_int_equal(rmdir(home), 0);
	free(store);
	free(inside);
	free(linked);
	free(pointing);
	free(config);
}

static void check_other(void)
{
	if (system_user_become(&other) != FAULT_NONE)
		_exit(1);
	if (geteuid() != other.uid || getegid() != other.gid || getgroups(0, NULL) != 0)
		_exit(2);
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		_exit(3);
	if (access("/etc/shadow", R_OK) == 0)
		_exit(4);
}

static void test_who_became_another_cannot_come_back(void **state)
{
	need_root();
	in_child(check_other, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_not_root_stays_himself),
		cmocka_unit_test(test_root_never_stays_root),
		cmocka_unit_test(test_the_store_is_given_and_nothing_else),
		cmocka_unit_test(test_who_became_another_cannot_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
