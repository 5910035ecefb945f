/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ctl/maildir.h"
#include "store/mail.h"

static void test_names(void **state)
{
	assert_int_equal(maildir_flags(STR("1.a.b:2,FS")), MAIL_FLAGGED | MAIL_SEEN);
	assert_int_equal(maildir_flags(STR("1.a.b:2,DPRTab")),
			 MAIL_DRAFT | MAIL_ANSWERED | MAIL_DELETED);
	assert_int_equal(maildir_flags(STR("1.a.b,S=20:2,")), 0);
	assert_int_equal(maildir_flags(STR("1.a.b")), 0);
	assert_int_equal(maildir_name_time(STR("1700000000.M1P2.host:2,S")), 1700000000);
	assert_int_equal(maildir_name_time(STR("x.1")), 0);
	assert_int_equal(maildir_name_time(STR("99999999999999999999.x")), 0);
}

static char folder[64];

static void part_make(const char *name)
{
	char *path = path_join(folder, name);

	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

static void file_make(const char *name)
{
	char *path = path_join(folder, name);

	assert_int_equal(file_replace(path, STR("A: 1\n\nx\n"), 0600), FAULT_NONE);
	free(path);
}

static void test_folder(void **state)
{
	struct maildir maildir;
	char command[128];

	snprintf(folder, sizeof(folder), "/tmp/test-maildir-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(maildir_open(folder, &maildir), FAULT_NOT_FOUND);
	part_make("cur");
	part_make("new");
	part_make("tmp");
	part_make("cur/.hidden");
	file_make("cur/1700000002.b:2,S");
	file_make("cur/900.a:2,");
	file_make("new/1700000001.c");
	file_make("tmp/1.unfinished");
	file_make("cur/.nfs1");
	assert_int_equal(maildir_open(folder, &maildir), FAULT_NONE);
	assert_int_equal(maildir.count, 3);
	assert_int_equal(maildir.bytes, 24);
	assert_int_equal(maildir.entries[0].name_time, 900);
	assert_int_equal(maildir.entries[1].name_time, 1700000001);
	assert_int_equal(maildir.entries[2].flags, MAIL_SEEN);
	maildir_close(&maildir);
	snprintf(command, sizeof(command), "rm -r -- '%s'", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
