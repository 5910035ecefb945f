/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of store/directory and store/mailbox: through the role and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "fixture.h"
#include "store/directory.h"
#include "store/mail.h"
#include "store/mailbox.h"

static struct fixture fixture;
static uint64_t first;
static uint64_t second;

static int setup(void **state)
{
	fixture_start(&fixture, NULL);
	first = fixture_user(&fixture, "first@example.org", 1000);
	second = fixture_user(&fixture, "second@example.org", 0);
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

static enum fault route(const char *address, struct route *route_out)
{
	CLEANUP_VIEW struct view *now = view();

	return directory_route(now, str_from_c(address), route_out);
}

static enum fault alias(const char *address, const char *target)
{
	struct str text = str_from_c(target);

	return directory_alias_add(fixture.store, str_from_c(address), &text, 1);
}

static void test_routing(void **state)
{
	struct route found;

	assert_int_equal(alias("all@example.org", "first@example.org"), FAULT_NONE);
	assert_int_equal(alias("all@example.org", "second@example.org"), FAULT_NONE);
	assert_int_equal(alias("team@example.org", "all@example.org"), FAULT_NONE);
	assert_int_equal(alias("team@example.org", "second@example.org"), FAULT_NONE);
	assert_int_equal(route("first@example.org", &found), FAULT_NONE);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.accounts[0], first);
	assert_int_equal(route("team@example.org", &found), FAULT_NONE);
	assert_int_equal(found.count, 2);
	assert_int_equal(found.accounts[0], first);
	assert_int_equal(found.accounts[1], second);
	assert_int_equal(route("nobody@example.org", &found), FAULT_NOT_FOUND);
	assert_int_equal(route("first@elsewhere.org", &found), FAULT_DENIED);
	assert_int_equal(route("first", &found), FAULT_DENIED);
	assert_int_equal(route("first@", &found), FAULT_DENIED);
}

static void test_aliases_in_a_ring_lead_nowhere(void **state)
{
	struct route found;

	assert_int_equal(alias("a@example.org", "first@example.org"), FAULT_NONE);
	assert_int_equal(alias("b@example.org", "a@example.org"), FAULT_NONE);
	assert_int_equal(alias("a@example.org", "b@example.org"), FAULT_NONE);
	assert_int_equal(route("a@example.org", &found), FAULT_NONE);
	assert_int_equal(found.count, 1);
	struct str target = STR("first@example.org");
	assert_int_equal(directory_alias_remove(fixture.store, STR("a@example.org"), &target, 1),
			 FAULT_NONE);
	assert_int_equal(route("a@example.org", &found), FAULT_NOT_FOUND);
}

static void test_a_long_chain_ends(void **state)
{
	char from[40];
	char to[40] = "first@example.org";
	struct route found;

	for (int i = 0; i < ROUTE_DEPTH_MAX + 1; i++) {
		snprintf(from, sizeof(from), "chain%d@example.org", i);
		assert_int_equal(route(to, &found), FAULT_NONE);
		assert_int_equal(alias(from, to), FAULT_NONE);
		memcpy(to, from, sizeof(to));
	}
	assert_int_equal(route(to, &found), FAULT_TOO_LARGE);
}

static void test_aliases_are_checked(void **state)
{
	assert_int_equal(alias("x@example.org", "nobody@example.org"), FAULT_NOT_FOUND);
	assert_int_equal(alias("x@example.org", "who@elsewhere.org"), FAULT_DENIED);
	assert_int_equal(alias("x@elsewhere.org", "first@example.org"), FAULT_DENIED);
	assert_int_equal(alias("first@example.org", "second@example.org"), FAULT_EXISTS);
	assert_int_equal(alias("x@example.org", "x@example.org"), FAULT_INVALID);
	assert_int_equal(alias("x@example.org", "first@example.org"), FAULT_NONE);
	assert_int_equal(alias("x@example.org", "first@example.org"), FAULT_EXISTS);
	struct user user = {.address = STR("x@example.org")};
	uint64_t account;
	assert_int_equal(directory_user_add(fixture.store, &user, &account), FAULT_EXISTS);
	user.address = STR("y@elsewhere.org");
	assert_int_equal(directory_user_add(fixture.store, &user, &account), FAULT_DENIED);
	user.address = STR("@example.org");
	assert_int_equal(directory_user_add(fixture.store, &user, &account), FAULT_INVALID);
}

static void test_a_removed_user_is_no_target(void **state)
{
	struct route found;
	struct user user;

	assert_int_equal(alias("both@example.org", "first@example.org"), FAULT_NONE);
	assert_int_equal(alias("both@example.org", "second@example.org"), FAULT_NONE);
	assert_int_equal(alias("only@example.org", "first@example.org"), FAULT_NONE);
	assert_int_equal(alias("over@example.org", "only@example.org"), FAULT_NONE);
	assert_int_equal(directory_user_remove(fixture.store, STR("first@example.org")),
			 FAULT_NONE);
	assert_int_equal(route("both@example.org", &found), FAULT_NONE);
	assert_int_equal(found.count, 1);
	assert_int_equal(route("only@example.org", &found), FAULT_NOT_FOUND);
	assert_int_equal(route("over@example.org", &found), FAULT_NOT_FOUND);
	struct view *now = view();
	struct alias left;
	assert_int_equal(directory_alias_find(now, STR("over@example.org"), &left),
			 FAULT_NOT_FOUND);
	assert_int_equal(directory_user_get(now, first, &user), FAULT_NOT_FOUND);
	view_close(&now);
	/* Who comes back gets another account. */
	assert_true(fixture_user(&fixture, "first@example.org", 0) > second);
}

static void test_listing(void **state)
{
	struct user user = {0};
	struct alias entry;
	struct str domain = STR("");
	size_t users = 0;
	char address[40];

	for (int i = 0; i < 300; i++) {
		snprintf(address, sizeof(address), "u%03d@example.org", i);
		fixture_user(&fixture, address, 0);
	}
	assert_int_equal(directory_domain_add(fixture.store, STR("zz.example")), FAULT_NONE);
	assert_int_equal(directory_domain_add(fixture.store, STR("zz.example")), FAULT_EXISTS);
	assert_int_equal(alias("u0@example.org", "first@example.org"), FAULT_NONE);
	struct view *now = view();
	for (struct str after = STR(""); directory_user_next(now, after, &user);
	     after = user.address) {
		assert_true(str_compare(after, user.address) < 0);
		users++;
	}
	assert_int_equal(users, 302);
	assert_true(directory_alias_next(now, STR(""), &entry));
	assert_true(str_equals(entry.address, STR("u0@example.org")));
	struct str target;
	assert_true(directory_target_next(&entry.targets, &target));
	assert_true(str_equals(target, STR("first@example.org")));
	assert_false(directory_target_next(&entry.targets, &target));
	assert_false(directory_alias_next(now, STR("u0@example.org"), &entry));
	assert_true(directory_domain_next(now, domain, &domain));
	assert_true(str_equals(domain, STR("example.org")));
	assert_true(directory_domain_next(now, domain, &domain));
	assert_false(directory_domain_next(now, domain, &domain));
	view_close(&now);
	assert_int_equal(directory_domain_remove(fixture.store, STR("example.org")),
			 FAULT_CONFLICT);
	assert_int_equal(directory_domain_remove(fixture.store, STR("zz.example")), FAULT_NONE);
	assert_int_equal(directory_domain_remove(fixture.store, STR("zz.example")),
			 FAULT_NOT_FOUND);
}

static void test_a_user_is_changed(void **state)
{
	struct user user = {
		.address = STR("first@example.org"), .quota_bytes = 5, .is_admin = true};

	assert_int_equal(directory_user_change(fixture.store, &user), FAULT_NONE);
	struct view *now = view();
	assert_int_equal(directory_user_find(now, user.address, &user), FAULT_NONE);
	assert_int_equal(user.quota_bytes, 5);
	assert_true(user.is_admin && !user.is_auditor);
	assert_int_equal(user.account, first);
	assert_int_equal(mail_quota_check(now, first, 6), FAULT_OVER_QUOTA);
	view_close(&now);
	user.address = STR("first@example.org");
	user.is_admin = false;
	user.is_auditor = true;
	assert_int_equal(directory_user_change(fixture.store, &user), FAULT_NONE);
	now = view();
	assert_int_equal(directory_user_find(now, user.address, &user), FAULT_NONE);
	assert_true(!user.is_admin && user.is_auditor);
	view_close(&now);
	user.address = STR("nobody@example.org");
	assert_int_equal(directory_user_change(fixture.store, &user), FAULT_NOT_FOUND);
}

static void test_mailboxes_are_listed(void **state)
{
	static const char *const expected[] = {"Archive", "Drafts", "INBOX", "INBOX/x", "Junk",
					       "Sent",	  "Trash",  "a",     "a/b"};
	struct mailbox mailbox = {0};
	size_t count = 0;
	uint32_t id;

	assert_int_equal(mailbox_create(fixture.store, first, STR("a/b"), SPECIAL_USE_NONE, &id),
			 FAULT_NONE);
	assert_int_equal(
		mailbox_create(fixture.store, first, STR("Inbox/x"), SPECIAL_USE_NONE, NULL),
		FAULT_NONE);
	assert_int_equal(mailbox_delete(fixture.store, first, STR("a")), FAULT_NONE);
	struct view *now = view();
	for (struct str after = STR(""); mailbox_next(now, first, after, &mailbox);
	     after = mailbox.name) {
		assert_true(count < 9);
		assert_true(str_equals(mailbox.name, str_from_c(expected[count])));
		assert_true((mailbox.id == 0) == (count == 7));
		assert_true(mailbox.has_children == (count == 7 || count == 2));
		assert_true(mailbox.is_subscribed == (count < 7 && count != 3));
		count++;
	}
	assert_int_equal(count, 9);
	assert_int_equal(mailbox_find(now, first, STR("sent"), &mailbox), FAULT_NOT_FOUND);
	assert_int_equal(mailbox_find(now, first, STR("Sent"), &mailbox), FAULT_NONE);
	assert_int_equal(mailbox.special_use, SPECIAL_USE_SENT);
	assert_string_equal(special_use_attribute(mailbox.special_use), "\\Sent");
	assert_int_equal(mailbox_find(now, first, STR("inBox"), &mailbox), FAULT_NONE);
	view_close(&now);
}

static void test_a_subscription_outlives_its_mailbox(void **state)
{
	struct str name = STR("");
	size_t count = 0;

	assert_int_equal(mailbox_create(fixture.store, first, STR("old"), SPECIAL_USE_NONE, NULL),
			 FAULT_NONE);
	assert_int_equal(mailbox_subscribe(fixture.store, first, STR("old"), true), FAULT_NONE);
	assert_int_equal(mailbox_subscribe(fixture.store, first, STR("old"), true), FAULT_NONE);
	assert_int_equal(mailbox_delete(fixture.store, first, STR("old")), FAULT_NONE);
	struct view *now = view();
	while (mailbox_subscribed_next(now, first, name, &name))
		count++;
	assert_int_equal(count, 7);
	assert_true(str_equals(name, STR("old")));
	view_close(&now);
	assert_int_equal(mailbox_subscribe(fixture.store, first, STR("old"), false), FAULT_NONE);
}

static void test_recent_is_taken_once(void **state)
{
	uint32_t inbox = fixture_mailbox(&fixture, first, "INBOX");
	struct mailbox mailbox;
	uint32_t from = 0;

	fixture_append(&fixture, first, inbox, "a", 0);
	fixture_append(&fixture, first, inbox, "b", 0);
	struct view *now = view();
	assert_int_equal(mailbox_get(now, first, inbox, &mailbox), FAULT_NONE);
	assert_int_equal(mailbox_recent_count(now, first, &mailbox), 2);
	view_close(&now);
	assert_int_equal(mailbox_recent_take(fixture.store, first, inbox, &from), FAULT_NONE);
	assert_int_equal(from, 1);
	assert_int_equal(mailbox_recent_take(fixture.store, first, inbox, &from), FAULT_NONE);
	assert_int_equal(from, 3);
	fixture_append(&fixture, first, inbox, "c", 0);
	assert_int_equal(mailbox_recent_take(fixture.store, first, inbox, &from), FAULT_NONE);
	assert_int_equal(from, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_routing),
		TEST(test_aliases_in_a_ring_lead_nowhere),
		TEST(test_a_long_chain_ends),
		TEST(test_aliases_are_checked),
		TEST(test_a_removed_user_is_no_target),
		TEST(test_listing),
		TEST(test_a_user_is_changed),
		TEST(test_mailboxes_are_listed),
		TEST(test_a_subscription_outlives_its_mailbox),
		TEST(test_recent_is_taken_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
