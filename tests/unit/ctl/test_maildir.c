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

static void mailbox_expect(const char *folder, const char *mailbox)
{
	struct buf name = BUF_INIT(500);
	bool is_good = maildir_append_mailbox(str_from_c(folder), &name);

	assert_int_equal(is_good, mailbox != NULL);
	assert_true(str_equals(buf_str(&name), str_from_c(mailbox == NULL ? "" : mailbox)));
	buf_done(&name);
}

static void test_names_of_mailboxes(void **state)
{
	char longest[600] = ".";

	mailbox_expect(".Sent", "Sent");
	mailbox_expect(".Archive.2025.May", "Archive/2025/May");
	mailbox_expect(".Entw&APw-rfe", "Entw\xc3\xbcrfe");
	mailbox_expect(".Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe");
	mailbox_expect(".R&D", "R&D");
	mailbox_expect(".R&-D", "R&D");
	mailbox_expect(".inbox.old", "INBOX/old");
	mailbox_expect("cur", NULL);
	mailbox_expect("", NULL);
	mailbox_expect(".", NULL);
	mailbox_expect("..", NULL);
	mailbox_expect(".a..b", NULL);
	mailbox_expect(".bad\xff", NULL);
	mailbox_expect(".a\tb", NULL);
	memset(longest + 1, 'x', sizeof(longest) - 2);
	mailbox_expect(longest, NULL);
}

static void test_keywords(void **state)
{
	struct str keywords[MAILDIR_KEYWORDS_MAX] = {0};

	maildir_keywords_parse(STR("0 $Forwarded\n25 NonJunk\n26 TooMuch\n1 has blank\n2 bad(\n"
				   "x Nothing\n3\n-1 Below\n4 caf\xc3\xa9\n5 last"), keywords);
	assert_true(str_equals(keywords[0], STR("$Forwarded")));
	assert_true(str_equals(keywords[25], STR("NonJunk")));
	assert_true(str_equals(keywords[5], STR("last")));
	for (size_t i = 1; i < 25; i++)
		assert_true(i == 5 || str_is_empty(keywords[i]));
	assert_int_equal(maildir_letters(STR("1.a.b:2,FSaz")), 1u | 1u << 25);
	assert_int_equal(maildir_letters(STR("1.abc")), 0);
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
	struct maildir_folders folders;
	char command[128];

	snprintf(folder, sizeof(folder), "/tmp/test-maildir-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(maildir_open(folder, &maildir), FAULT_NOT_FOUND);
	part_make("cur");
	part_make("new");
	part_make("tmp");
	part_make("cur/.hidden");
	part_make(".Sent");
	part_make(".Sent/new");
	part_make(".Archive");
	part_make(".Archive/cur");
	part_make(".nothing");
	part_make("Other");
	part_make("Other/cur");
	file_make("dovecot-keywords");
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
	assert_int_equal(maildir_folders_open(folder, &folders), FAULT_NONE);
	assert_int_equal(folders.count, 2);
	assert_string_equal(folders.names[0], ".Archive");
	assert_string_equal(folders.names[1], ".Sent");
	maildir_folders_close(&folders);
	snprintf(command, sizeof(command), "rm -r -- '%s'", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_of_mailboxes),
		cmocka_unit_test(test_keywords),
		cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
