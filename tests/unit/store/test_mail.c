/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of store/mail: what is stored comes back, through the role and the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"
#include "store/directory.h"
#include "store/mail.h"
#include "store/mailbox.h"

static struct fixture fixture;
static uint64_t account;
static uint32_t inbox;

static int setup(void **state)
{
	fixture_start(&fixture, NULL);
	account = fixture_user(&fixture, "demo@example.org", 0);
	inbox = fixture_mailbox(&fixture, account, "INBOX");
	return 0;
}

static int teardown(void **state)
{
	fixture_stop(&fixture);
	fixture_remove(&fixture);
	return 0;
}

static struct view *view(void)
{
	struct view *view = NULL;

	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	return view;
}

static void assert_content(uint32_t uid, struct str prefix, struct str body)
{
	CLEANUP_VIEW struct view *now = view();
	struct mail mail;
	struct mail_content content;

	assert_int_equal(mail_get(now, account, inbox, uid, &mail), FAULT_NONE);
	assert_int_equal(mail.size, prefix.len + body.len);
	assert_int_equal(mail_content_open(now, account, mail.message, &content), FAULT_NONE);
	assert_true(str_equals(content.prefix, prefix));
	assert_true(str_equals(content.body, body));
	mail_content_close(&content);
}

static struct mailbox status(uint32_t mailbox)
{
	CLEANUP_VIEW struct view *now = view();
	struct mailbox found;

	assert_int_equal(mailbox_get(now, account, mailbox, &found), FAULT_NONE);
	return found;
}

static struct uid_set set_of(uint32_t first, uint32_t last)
{
	struct uid_set set = {0};

	uid_set_add(&set, first, last);
	return set;
}

static void test_append_to_many(void **state)
{
	uint64_t other = fixture_user(&fixture, "other@example.org", 0);
	struct mail_target targets[] = {
		{.account = account, .prefix = STR_INIT("Delivered-To: demo\r\n")},
		{.account = other},
	};
	struct str keyword = STR("$Forwarded");
	struct mail_append append = {
		.body = {.bytes = STR_INIT("Subject: a\r\n\r\nb\r\n"), .fd = -1},
		.summary = STR("summary"),
		.flags = MAIL_SEEN,
		.keywords = &keyword,
		.keyword_count = 1,
		.received_s = -5,
		.targets = targets,
		.target_count = 2};

	assert_int_equal(mail_append(fixture.store, &append), FAULT_NONE);
	assert_int_equal(targets[0].uid, 1);
	assert_int_equal(targets[1].uid, 1);
	assert_int_equal(targets[0].uidvalidity, status(inbox).uidvalidity);
	assert_content(1, STR("Delivered-To: demo\r\n"), append.body.bytes);
	struct view *now = view();
	struct mail mail;
	assert_int_equal(mail_get(now, account, inbox, 1, &mail), FAULT_NONE);
	assert_int_equal(mail.flags, MAIL_SEEN);
	assert_int_equal(mail.keywords, 1);
	assert_int_equal(mail.received_s, -5);
	assert_true(str_equals(mail_summary(now, account, mail.message), STR("summary")));
	view_close(&now);
	assert_true(str_equals(status(inbox).keywords[0], keyword));
	assert_int_equal(status(inbox).messages, 1);
	assert_int_equal(status(inbox).unseen, 0);
}

static void test_append_from_a_file(void **state)
{
	size_t len = 3 * 1024 * 1024 + 7;
	char *bytes = malloc(len);
	struct mail_target target = {.account = account};
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct mail_append append = {.body = {.fd = fd}, .targets = &target, .target_count = 1};

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 31 >> 5);
	assert_true(fd_write_all(fd, bytes, len));
	assert_int_equal(mail_append(fixture.store, &append), FAULT_NONE);
	assert_content(target.uid, STR(""), str_make(bytes, len));
	append.body = (struct mail_body){.bytes = str_make(bytes, 100000), .fd = -1};
	assert_int_equal(mail_append(fixture.store, &append), FAULT_NONE);
	assert_content(target.uid, STR(""), str_make(bytes, 100000));
	append.body = (struct mail_body){.fd = -1};
	assert_int_equal(mail_append(fixture.store, &append), FAULT_NONE);
	assert_content(target.uid, STR(""), STR(""));
	close(fd);
	free(bytes);
}

static void test_a_restart_keeps_everything(void **state)
{
	uint32_t uid = fixture_append(&fixture, account, inbox, "one", 0);

	fixture_restart(&fixture);
	assert_content(uid, STR(""), STR("one"));
	assert_int_equal(fixture_append(&fixture, account, inbox, "two", 0), uid + 1);
	assert_content(uid + 1, STR(""), STR("two"));
}

static void test_flags(void **state)
{
	struct str keyword = STR("Work");
	struct mail_flags_change change = {.mode = MAIL_FLAGS_ADD,
					   .flags = MAIL_SEEN | MAIL_DELETED,
					   .keywords = &keyword,
					   .keyword_count = 1,
					   .unchanged_since = UINT64_MAX};
	struct uid_set all = set_of(1, UINT32_MAX);

	for (int i = 0; i < 5; i++)
		fixture_append(&fixture, account, inbox, "x", i == 1 ? MAIL_SEEN : 0);
	uint64_t before = status(inbox).modseq;
	assert_int_equal(mail_flags_change(fixture.store, account, inbox, &all, &change),
			 FAULT_NONE);
	assert_int_equal(uid_set_size(&change.changed), 5);
	assert_int_equal(change.modseq, before + 1);
	assert_int_equal(status(inbox).modseq, change.modseq);
	assert_int_equal(status(inbox).unseen, 0);
	assert_int_equal(status(inbox).deleted, 5);
	uid_set_done(&change.changed);

	/* What is so already keeps its modseq. */
	assert_int_equal(mail_flags_change(fixture.store, account, inbox, &all, &change),
			 FAULT_NONE);
	assert_int_equal(change.changed.count, 0);
	assert_int_equal(change.modseq, 0);
	assert_int_equal(status(inbox).modseq, before + 1);

	change.mode = MAIL_FLAGS_REMOVE;
	change.flags = MAIL_SEEN;
	change.keyword_count = 0;
	struct uid_set one = set_of(2, 2);
	assert_int_equal(mail_flags_change(fixture.store, account, inbox, &one, &change),
			 FAULT_NONE);
	uid_set_done(&change.changed);
	assert_int_equal(status(inbox).unseen, 1);

	change.mode = MAIL_FLAGS_SET;
	change.flags = MAIL_FLAGGED;
	change.unchanged_since = before + 1;
	assert_int_equal(mail_flags_change(fixture.store, account, inbox, &all, &change),
			 FAULT_NONE);
	assert_int_equal(uid_set_size(&change.changed), 4);
	assert_int_equal(change.modified.count, 1);
	assert_int_equal(change.modified.ranges[0].first, 2);
	assert_int_equal(status(inbox).deleted, 1);
	uid_set_done(&change.changed);
	uid_set_done(&change.modified);
	uid_set_done(&all);
	uid_set_done(&one);
}

static void test_changes_since(void **state)
{
	struct uid_set changed = {0};
	struct uid_set vanished = {0};
	struct uid_set expunged = {0};
	struct mail_flags_change change = {
		.mode = MAIL_FLAGS_ADD, .flags = MAIL_FLAGGED, .unchanged_since = UINT64_MAX};

	for (int i = 0; i < 6; i++)
		fixture_append(&fixture, account, inbox, "x", 0);
	uint64_t since = status(inbox).modseq;
	struct uid_set last = set_of(6, 6);
	struct uid_set some = set_of(2, 3);
	assert_int_equal(mail_flags_change(fixture.store, account, inbox, &last, &change),
			 FAULT_NONE);
	assert_int_equal(mail_expunge(fixture.store, account, inbox, &some, false, &expunged),
			 FAULT_NONE);
	fixture_append(&fixture, account, inbox, "x", 0);
	struct view *now = view();
	assert_true(mail_changes(now, account, inbox, since, &changed, &vanished));
	view_close(&now);
	assert_int_equal(changed.count, 1);
	assert_int_equal(changed.ranges[0].first, 6);
	assert_int_equal(changed.ranges[0].last, 7);
	assert_int_equal(vanished.count, 1);
	assert_int_equal(vanished.ranges[0].first, 2);
	assert_int_equal(vanished.ranges[0].last, 3);
	assert_int_equal(uid_set_size(&expunged), 2);
	uid_set_done(&changed);
	uid_set_done(&vanished);
	uid_set_done(&expunged);
	uid_set_done(&change.changed);
	uid_set_done(&last);
	uid_set_done(&some);
}

static void test_expunge_only_deleted(void **state)
{
	struct uid_set all = set_of(1, UINT32_MAX);
	struct uid_set expunged = {0};
	struct uid_set left = {0};

	fixture_append(&fixture, account, inbox, "a", MAIL_DELETED);
	fixture_append(&fixture, account, inbox, "b", 0);
	fixture_append(&fixture, account, inbox, "c", MAIL_DELETED);
	assert_int_equal(mail_expunge(fixture.store, account, inbox, &all, true, &expunged),
			 FAULT_NONE);
	assert_int_equal(uid_set_size(&expunged), 2);
	struct view *now = view();
	mail_uids(now, account, inbox, &left);
	view_close(&now);
	assert_int_equal(uid_set_size(&left), 1);
	assert_true(uid_set_has(&left, 2));
	assert_int_equal(status(inbox).size_bytes, 1);
	/* A UID is never given out twice. */
	assert_int_equal(fixture_append(&fixture, account, inbox, "d", 0), 4);
	uid_set_done(&all);
	uid_set_done(&expunged);
	uid_set_done(&left);
}

static void test_copy_and_move(void **state)
{
	uint32_t sent = fixture_mailbox(&fixture, account, "Sent");
	struct uid_set all = set_of(1, 10);
	struct mail_copied copied;

	fixture_append(&fixture, account, inbox, "first", MAIL_SEEN);
	fixture_append(&fixture, account, inbox, "second", 0);
	assert_int_equal(mail_copy(fixture.store, account, inbox, &all, sent, &copied), FAULT_NONE);
	assert_int_equal(copied.uidvalidity, status(sent).uidvalidity);
	assert_int_equal(copied.first_uid, 1);
	assert_int_equal(uid_set_size(&copied.from), 2);
	uid_set_done(&copied.from);
	assert_int_equal(status(sent).messages, 2);
	assert_int_equal(status(sent).unseen, 1);

	assert_int_equal(mail_move(fixture.store, account, sent, &all, inbox, &copied), FAULT_NONE);
	assert_int_equal(copied.first_uid, 3);
	uid_set_done(&copied.from);
	assert_int_equal(status(sent).messages, 0);
	assert_int_equal(status(inbox).messages, 4);
	assert_content(3, STR(""), STR("first"));

	/* Within one mailbox, and with both originals gone the copies live on. */
	struct uid_set originals = set_of(1, 2);
	struct uid_set expunged = {0};
	assert_int_equal(mail_copy(fixture.store, account, inbox, &originals, inbox, &copied),
			 FAULT_NONE);
	uid_set_done(&copied.from);
	assert_int_equal(mail_expunge(fixture.store, account, inbox, &all, false, &expunged),
			 FAULT_NONE);
	assert_int_equal(uid_set_size(&expunged), 6);
	assert_int_equal(status(inbox).messages, 0);
	struct user user;
	struct view *now = view();
	assert_int_equal(directory_user_get(now, account, &user), FAULT_NONE);
	assert_int_equal(user.used_bytes, 0);
	view_close(&now);
	uid_set_done(&originals);
	uid_set_done(&expunged);
	uid_set_done(&all);
}

static void test_quota(void **state)
{
	uint64_t small = fixture_user(&fixture, "small@example.org", 10);
	struct mail_target targets[] = {{.account = small}, {.account = account}};
	struct mail_append append = {.body = {.bytes = STR_INIT("123456"), .fd = -1},
				     .targets = targets,
				     .target_count = 1};
	struct view *now;

	assert_int_equal(mail_append(fixture.store, &append), FAULT_NONE);
	now = view();
	assert_int_equal(mail_quota_check(now, small, 4), FAULT_NONE);
	assert_int_equal(mail_quota_check(now, small, 5), FAULT_OVER_QUOTA);
	view_close(&now);
	append.target_count = 2;
	uint32_t before = status(inbox).messages;
	assert_int_equal(mail_append(fixture.store, &append), FAULT_OVER_QUOTA);
	assert_int_equal(status(inbox).messages, before);
	append.is_partial = true;
	assert_int_equal(mail_append(fixture.store, &append), FAULT_NONE);
	assert_int_equal(targets[0].fault, FAULT_OVER_QUOTA);
	assert_int_equal(targets[1].fault, FAULT_NONE);
	assert_int_equal(status(inbox).messages, before + 1);
	struct uid_set one = set_of(1, 1);
	struct mail_copied copied;
	uint32_t box = fixture_mailbox(&fixture, small, "INBOX");
	assert_int_equal(mail_copy(fixture.store, small, box, &one, box, &copied),
			 FAULT_OVER_QUOTA);
	uid_set_done(&one);
}

static void test_content_survives_expunge(void **state)
{
	uint32_t uid = fixture_append(&fixture, account, inbox, "still here", 0);
	struct uid_set one = set_of(uid, uid);
	struct uid_set expunged = {0};
	struct mail_content content;
	struct mail mail;
	struct view *now = view();

	assert_int_equal(mail_get(now, account, inbox, uid, &mail), FAULT_NONE);
	assert_int_equal(mail_content_open(now, account, mail.message, &content), FAULT_NONE);
	view_close(&now);
	assert_int_equal(mail_expunge(fixture.store, account, inbox, &one, false, &expunged),
			 FAULT_NONE);
	assert_true(str_equals(content.body, STR("still here")));
	mail_content_close(&content);
	now = view();
	assert_int_equal(mail_content_open(now, account, mail.message, &content), FAULT_NOT_FOUND);
	view_close(&now);
	uid_set_done(&one);
	uid_set_done(&expunged);
}

static void test_many_messages_in_steps(void **state)
{
	uint32_t sent = fixture_mailbox(&fixture, account, "Sent");
	struct uid_set all = set_of(1, UINT32_MAX);
	struct mail_copied copied;
	struct mail_flags_change change = {
		.mode = MAIL_FLAGS_ADD, .flags = MAIL_FLAGGED, .unchanged_since = UINT64_MAX};

	fixture_append(&fixture, account, inbox, "x", 0);
	for (int i = 0; i < 15; i++) {
		assert_int_equal(mail_copy(fixture.store, account, inbox, &all, inbox, &copied),
				 FAULT_NONE);
		uid_set_done(&copied.from);
	}
	assert_int_equal(status(inbox).messages, 32768);
	assert_int_equal(mail_flags_change(fixture.store, account, inbox, &all, &change),
			 FAULT_NONE);
	assert_int_equal(uid_set_size(&change.changed), 32768);
	uid_set_done(&change.changed);
	assert_int_equal(mail_move(fixture.store, account, inbox, &all, sent, &copied), FAULT_NONE);
	assert_int_equal(uid_set_size(&copied.from), 32768);
	uid_set_done(&copied.from);
	struct uid_set expunged = {0};
	assert_int_equal(mail_expunge(fixture.store, account, sent, &all, false, &expunged),
			 FAULT_NONE);
	assert_int_equal(uid_set_size(&expunged), 32768);
	uid_set_done(&expunged);
	uid_set_done(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_append_to_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_append_from_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_restart_keeps_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes_since, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expunge_only_deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy_and_move, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quota, setup, teardown),
		cmocka_unit_test_setup_teardown(test_content_survives_expunge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_messages_in_steps, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
