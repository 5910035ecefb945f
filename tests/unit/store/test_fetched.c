/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of what is remembered of other servers' mailboxes, on a store with its role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "fixture.h"
#include "store/fetched.h"
#include "store/mailbox.h"

#define SOURCE STR("0123456789abcdef0123456789abcdef")
#define OTHER STR("0123456789abcdef0123456789abcdeg")

static struct fixture fixture;
static uint64_t account;

static int setup(void **state)
{
	fixture_start(&fixture, NULL);
	account = fixture_user(&fixture, "a@b.c", 0);
	return 0;
}

static int teardown(void **state)
{
	fixture_stop(&fixture);
	fixture_remove(&fixture);
	return 0;
}

static enum fault append(struct str uidl, uint64_t to, bool is_partial)
{
	struct mail_target target = {.account = to};
	struct fetched_new new = {.source = SOURCE, .uidl = uidl};
	struct mail_append append = {.body = {.bytes = STR("A: b\r\n\r\nc\r\n"), .fd = -1},
				     .received_s = 1000,
				     .targets = &target,
				     .target_count = 1,
				     .fetched = &new,
				     .is_partial = is_partial};

	return mail_append(fixture.store, &append);
}

static uint32_t messages_count(void)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct mailbox inbox;

	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	assert_int_equal(mailbox_find(view, account, STR("INBOX"), &inbox), FAULT_NONE);
	return inbox.messages;
}

/* The identifiers of the source, a blank behind each. */
static void expect_known(const char *wanted)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct fetched fetched;
	struct buf known = BUF_INIT(1000);

	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	for (struct str after = STR(""); fetched_next(view, SOURCE, after, &fetched);
	     after = fetched.uidl)
		buf_printf(&known, "%.*s ", STR_ARG(fetched.uidl));
	buf_append_char(&known, '\0');
	assert_string_equal(known.data, wanted);
	buf_done(&known);
}

static void test_a_message_comes_once(void **state)
{
	assert_int_equal(append(STR("one"), account, false), FAULT_NONE);
	assert_int_equal(append(STR("one"), account, false), FAULT_EXISTS);
	assert_int_equal(messages_count(), 1);
	assert_int_equal(append(STR("two"), account, false), FAULT_NONE);
	expect_known("one two ");
	/* What stands there outlives the role. */
	fixture_restart(&fixture);
	assert_int_equal(append(STR("two"), account, false), FAULT_EXISTS);
	assert_int_equal(messages_count(), 2);
}

static void test_what_nobody_got_is_not_remembered(void **state)
{
	assert_int_equal(append(STR("one"), account + 1, false), FAULT_NOT_FOUND);
	assert_int_equal(append(STR("two"), account + 1, true), FAULT_NOT_FOUND);
	expect_known("");
	assert_int_equal(append(STR(""), account, false), FAULT_INVALID);
	assert_int_equal(messages_count(), 0);
}

static void test_changes(void **state)
{
	const struct fetched left[] = {
		{.uidl = STR("big"), .state = FETCHED_LEFT, .at_s = 5, .bytes = 77},
		{.uidl = STR("gone"), .state = FETCHED_STORED, .at_s = 6, .missing_s = 8}};
	struct fetched_changes changes = {
		.source = SOURCE, .messages = left, .message_count = 2, .run = STR("well")};
	struct fetched fetched;
	struct view *view;

	assert_int_equal(fetched_change(fixture.store, &changes), FAULT_NONE);
	expect_known("big gone ");
	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	assert_int_equal(fetched_get(view, SOURCE, STR("big"), &fetched), FAULT_NONE);
	assert_int_equal(fetched.state, FETCHED_LEFT);
	assert_int_equal(fetched.bytes, 77);
	assert_int_equal(fetched_get(view, SOURCE, STR("gone"), &fetched), FAULT_NONE);
	assert_int_equal(fetched.missing_s, 8);
	assert_int_equal(fetched_get(view, OTHER, STR("big"), &fetched), FAULT_NOT_FOUND);
	assert_true(str_equals(fetched_run(view, SOURCE), STR("well")));
	assert_true(str_is_empty(fetched_run(view, OTHER)));
	view_close(&view);

	/* What was left can be had later; what is forgotten, again. */
	assert_int_equal(append(STR("big"), account, false), FAULT_NONE);
	struct fetched forgotten[] = {{.uidl = STR("gone")}, {.uidl = STR("never")}};
	changes = (struct fetched_changes){
		.source = SOURCE, .messages = forgotten, .message_count = 2};
	assert_int_equal(fetched_change(fixture.store, &changes), FAULT_NONE);
	expect_known("big ");
	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	assert_true(str_equals(fetched_run(view, SOURCE), STR("well")));
	view_close(&view);
}

static void test_broken_changes(void **state)
{
	struct fetched long_one = {.uidl = STR("u"), .state = FETCHED_STORED};
	struct fetched_changes changes = {.source = STR("short"), .run = STR("x")};
	char uidl[FETCHED_UIDL_MAX + 1];

	assert_int_equal(fetched_change(fixture.store, &changes), FAULT_INVALID);
	memset(uidl, 'u', sizeof(uidl));
	long_one.uidl = str_make(uidl, sizeof(uidl));
	changes = (struct fetched_changes){
		.source = SOURCE, .messages = &long_one, .message_count = 1};
	assert_int_equal(fetched_change(fixture.store, &changes), FAULT_INVALID);
	long_one.uidl.len--;
	assert_int_equal(fetched_change(fixture.store, &changes), FAULT_NONE);
	changes.message_count = FETCHED_CHANGES_MAX + 1;
	assert_int_equal(fetched_change(fixture.store, &changes), FAULT_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_message_comes_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_nobody_got_is_not_remembered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_changes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
