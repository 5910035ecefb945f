/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the queue, on a store in a temporary folder with its role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "fixture.h"
#include "store/directory.h"
#include "store/queue.h"

enum { OWNER = 7, LEASE_S = 60 };

static struct fixture fixture;
static uint64_t epoch;

static int setup(void **state)
{
	fixture_start(&fixture, NULL);
	assert_int_equal(queue_lease_take(fixture.store, OWNER, LEASE_S, &epoch), FAULT_NONE);
	return 0;
}

static int teardown(void **state)
{
	fixture_stop(&fixture);
	fixture_remove(&fixture);
	return 0;
}

static const struct queue_recipient two[] = {
	{.address = STR_INIT("x@one.example"),
	 .original = STR_INIT("rfc822;X@one.example"),
	 .notify = QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY},
	{.address = STR_INIT("y@two.example")},
};

static struct queue_new entry_of(const char *queue_id)
{
	return (struct queue_new){.envelope = {.queue_id = str_from_c(queue_id),
					       .sender = STR_INIT("a@b.c"),
					       .envid = STR_INIT("e+3D1"),
					       .user = STR_INIT("a@b.c"),
					       .message_id = STR_INIT("m@b.c"),
					       .flags = QUEUE_8BIT | QUEUE_RETURN_HEADERS},
				  .recipients = two,
				  .recipient_count = 2};
}

static enum fault add_to(const char *queue_id, const char *body, struct mail_target *target)
{
	struct queue_new entry = entry_of(queue_id);
	struct mail_append append = {.body = {.bytes = str_from_c(body), .fd = -1},
				     .received_s = 1000,
				     .targets = target,
				     .target_count = target != NULL,
				     .queue = &entry};

	return mail_append(fixture.store, &append);
}

static void add(const char *queue_id, const char *body)
{
	assert_int_equal(add_to(queue_id, body, NULL), FAULT_NONE);
}

/* The number of entries, and the last one's number. */
static size_t entries(uint64_t *last_out)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct queue_entry entry;
	size_t count = 0;

	*last_out = 0;
	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	while (queue_next(view, *last_out, &entry)) {
		*last_out = entry.number;
		count++;
	}
	return count;
}

static uint64_t only_entry(void)
{
	uint64_t number;

	assert_int_equal(entries(&number), 1);
	return number;
}

/* A recipient of the only entry; its texts do not outlive the call. */
static bool recipient(uint32_t number, struct queue_recipient *recipient_out)
{
	struct view *view CLEANUP_VIEW = NULL;
	uint64_t entry = only_entry();

	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	return queue_recipient_next(view, entry, number, recipient_out) &&
	       recipient_out->number == number;
}

static enum fault settle_with(const struct queue_outcome *outcomes, size_t count,
			      struct mail_append *notice)
{
	struct queue_settle settle = {.entry = only_entry(),
				      .owner = OWNER,
				      .epoch = epoch,
				      .outcomes = outcomes,
				      .outcome_count = count,
				      .notice = notice};

	return queue_settle(fixture.store, &settle);
}

static void assert_str(struct str text, const char *wanted)
{
	assert_true(str_equals(text, str_from_c(wanted)));
}

static void test_an_entry_is_read_as_it_was_given(void **state)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct queue_entry entry;
	struct queue_recipient first;
	struct mail_content content;

	add("id-1", "Subject: x\r\n\r\n");
	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	assert_true(queue_next(view, 0, &entry));
	assert_str(entry.envelope.queue_id, "id-1");
	assert_str(entry.envelope.sender, "a@b.c");
	assert_str(entry.envelope.envid, "e+3D1");
	assert_str(entry.envelope.message_id, "m@b.c");
	assert_int_equal(entry.envelope.flags, QUEUE_8BIT | QUEUE_RETURN_HEADERS);
	assert_int_equal(entry.received_s, 1000);
	assert_int_equal(entry.size, 14);
	assert_int_equal(entry.recipient_count, 2);
	assert_true(queue_recipient_next(view, entry.number, 0, &first));
	assert_str(first.address, "x@one.example");
	assert_str(first.original, "rfc822;X@one.example");
	assert_int_equal(first.notify, QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY);
	assert_int_equal(first.next_s, 1000);
	assert_true(queue_recipient_next(view, entry.number, 1, &first));
	assert_str(first.address, "y@two.example");
	assert_false(queue_recipient_next(view, entry.number, 2, &first));
	assert_int_equal(mail_content_open(view, ACCOUNT_QUEUE, entry.number, &content),
			 FAULT_NONE);
	assert_str(content.body, "Subject: x\r\n\r\n");
	mail_content_close(&content);
}

static void test_a_large_body_is_queued_too(void **state)
{
	enum { LARGE = 3 << 20 };
	char *body = malloc(LARGE + 1);
	struct view *view CLEANUP_VIEW = NULL;
	struct mail_content content;

	memset(body, 'z', LARGE);
	body[LARGE] = '\0';
	add("id-1", body);
	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	assert_int_equal(mail_content_open(view, ACCOUNT_QUEUE, only_entry(), &content),
			 FAULT_NONE);
	assert_int_equal(content.body.len, LARGE);
	mail_content_close(&content);
	free(body);
}

static void test_mailboxes_and_queue_get_it_together_or_not_at_all(void **state)
{
	struct mail_target target = {.account = fixture_user(&fixture, "a@b.c", 20)};
	uint64_t last;

	assert_int_equal(add_to("id-1", "longer than twenty bytes", &target), FAULT_OVER_QUOTA);
	assert_int_equal(entries(&last), 0);
	assert_int_equal(add_to("id-2", "short", &target), FAULT_NONE);
	assert_int_equal(target.uid, 1);
	only_entry();
}

static void test_what_stays_is_tried_again_and_what_is_done_goes(void **state)
{
	struct queue_recipient left;
	struct queue_outcome later = {.recipient = 1,
				      .next_s = 5000,
				      .is_delay_told = true,
				      .status = STR_INIT("451 4.7.1 later"),
				      .host = STR_INIT("mx.two.example")};
	struct queue_outcome both[] = {{.recipient = 0, .is_done = true}, later};
	uint64_t last;

	add("id-1", "x");
	assert_int_equal(settle_with(both, 2, NULL), FAULT_NONE);
	assert_false(recipient(0, &left));
	assert_true(recipient(1, &left));
	assert_int_equal(left.next_s, 5000);
	assert_int_equal(left.attempts, 1);
	assert_true(left.is_delay_told);
	later.is_delay_told = false;
	assert_int_equal(settle_with(&later, 1, NULL), FAULT_NONE);
	assert_true(recipient(1, &left));
	assert_int_equal(left.attempts, 2);
	assert_true(left.is_delay_told);
	struct queue_outcome done = {.recipient = 1, .is_done = true};
	assert_int_equal(settle_with(&done, 1, NULL), FAULT_NONE);
	assert_int_equal(entries(&last), 0);
}

static void test_outcomes_hold_together(void **state)
{
	struct queue_outcome outcomes[] = {{.recipient = 0, .is_done = true},
					   {.recipient = 9, .is_done = true}};
	struct queue_recipient left;

	add("id-1", "x");
	assert_int_equal(settle_with(outcomes, 2, NULL), FAULT_NOT_FOUND);
	assert_true(recipient(0, &left));
}

static void test_a_notice_takes_the_place_of_what_failed(void **state)
{
	struct queue_outcome failed[] = {{.recipient = 0, .is_done = true},
					 {.recipient = 1, .is_done = true}};
	static const struct queue_recipient sender = {.address = STR_INIT("s@far.example")};
	struct queue_new bounce = {.envelope = {.queue_id = STR_INIT("id-2"),
						.flags = QUEUE_NOTICE},
				   .recipients = &sender,
				   .recipient_count = 1};
	struct mail_append notice = {
		.body = {.bytes = STR_INIT("it failed"), .fd = -1}, .queue = &bounce};
	struct view *view CLEANUP_VIEW = NULL;
	struct queue_entry entry;

	add("id-1", "x");
	uint64_t before = only_entry();
	assert_int_equal(settle_with(failed, 2, &notice), FAULT_NONE);
	uint64_t after = only_entry();
	assert_true(after > before);
	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	assert_int_equal(queue_get(view, before, &entry), FAULT_NOT_FOUND);
	assert_int_equal(queue_get(view, after, &entry), FAULT_NONE);
	assert_int_equal(entry.envelope.sender.len, 0);
	assert_int_equal(entry.envelope.flags, QUEUE_NOTICE);
}

static void test_a_notice_goes_into_a_mailbox(void **state)
{
	struct mail_target target = {.account = fixture_user(&fixture, "a@b.c", 0)};
	struct queue_outcome failed = {.recipient = 0, .is_done = true};
	struct mail_append notice = {.body = {.bytes = STR_INIT("it failed"), .fd = -1},
				     .targets = &target,
				     .target_count = 1};
	struct queue_recipient left;

	add("id-1", "x");
	assert_int_equal(settle_with(&failed, 1, &notice), FAULT_NONE);
	assert_int_equal(target.uid, 1);
	assert_false(recipient(0, &left));
	assert_true(recipient(1, &left));
}

static void test_a_notice_that_cannot_be_stored_leaves_the_recipient(void **state)
{
	struct mail_target target = {.account = fixture_user(&fixture, "a@b.c", 1)};
	struct queue_outcome failed = {.recipient = 0, .is_done = true};
	struct mail_append notice = {.body = {.bytes = STR_INIT("it failed"), .fd = -1},
				     .targets = &target,
				     .target_count = 1};
	struct queue_recipient left;

	add("id-1", "x");
	assert_int_equal(settle_with(&failed, 1, &notice), FAULT_OVER_QUOTA);
	assert_true(recipient(0, &left));
}

static void test_who_lost_the_lease_settles_nothing(void **state)
{
	struct queue_outcome done = {.recipient = 0, .is_done = true};
	struct queue_recipient left;
	uint64_t other;

	add("id-1", "x");
	assert_int_equal(queue_lease_take(fixture.store, OWNER + 1, LEASE_S, &other), FAULT_BUSY);
	assert_int_equal(queue_lease_release(fixture.store, OWNER), FAULT_NONE);
	assert_int_equal(settle_with(&done, 1, NULL), FAULT_DENIED);
	assert_int_equal(queue_lease_take(fixture.store, OWNER + 1, LEASE_S, &other), FAULT_NONE);
	assert_true(other > epoch);
	assert_int_equal(settle_with(&done, 1, NULL), FAULT_DENIED);
	assert_int_equal(queue_lease_release(fixture.store, OWNER + 1), FAULT_NONE);
	/* The same owner in a later epoch is another, too. */
	assert_int_equal(queue_lease_take(fixture.store, OWNER, LEASE_S, &other), FAULT_NONE);
	assert_int_equal(settle_with(&done, 1, NULL), FAULT_DENIED);
	assert_true(recipient(0, &left));
}

/* How many of them there were. */
static int ordered(const uint64_t *numbers, size_t count, enum queue_order order)
{
	size_t done = SIZE_MAX;

	assert_int_equal(queue_order(fixture.store, numbers, count, order, &done), FAULT_NONE);
	return (int)done;
}

static void test_orders(void **state)
{
	struct queue_recipient left;
	uint64_t last;

	add("id-1", "x");
	uint64_t number = only_entry(), other = number + 1;
	assert_int_equal(ordered(&number, 1, QUEUE_HOLD), 1);
	assert_true(recipient(0, &left) && left.is_held);
	assert_true(recipient(1, &left) && left.is_held);
	assert_int_equal(ordered(&number, 1, QUEUE_RELEASE), 1);
	assert_true(recipient(1, &left) && !left.is_held);
	assert_int_equal(ordered(&number, 1, QUEUE_RETRY), 1);
	assert_true(recipient(1, &left) && left.next_s > 1000);
	assert_int_equal(ordered(&other, 1, QUEUE_REMOVE), 0);
	assert_int_equal(ordered(&number, 1, QUEUE_REMOVE), 1);
	assert_int_equal(entries(&last), 0);
	assert_int_equal(ordered(&number, 1, QUEUE_HOLD), 0);
}

/* Those between that are gone hinder nobody. */
static void test_orders_of_many(void **state)
{
	uint64_t numbers[QUEUE_ORDER_MAX] = {0};
	struct queue_recipient left;
	struct queue_entry entry;
	size_t count = 0;

	for (int i = 0; i < 5; i++)
		add("id", "x");
	struct view *view CLEANUP_VIEW = NULL;
	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	for (uint64_t after = 0; queue_next(view, after, &entry); after = entry.number)
		numbers[count++] = entry.number;
	view_close(&view);
	assert_int_equal(count, 5);
	numbers[count++] = numbers[4] + 1;
	assert_int_equal(ordered(numbers, count, QUEUE_HOLD), 5);
	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	for (size_t i = 0; i < 5; i++)
		assert_true(queue_recipient_next(view, numbers[i], 0, &left) && left.is_held);
	view_close(&view);
	assert_int_equal(ordered(numbers + 1, 1, QUEUE_REMOVE), 1);
	assert_int_equal(ordered(numbers, QUEUE_ORDER_MAX, QUEUE_REMOVE), 4);
	assert_int_equal(entries(&numbers[0]), 0);
}

static void test_the_queue_outlives_a_restart(void **state)
{
	struct queue_recipient left;

	add("id-1", "x");
	uint64_t before = only_entry();
	fixture_restart(&fixture);
	assert_int_equal(only_entry(), before);
	assert_true(recipient(1, &left));
}

static void test_entries_without_recipients_or_with_too_many_are_refused(void **state)
{
	struct queue_recipient many[QUEUE_RECIPIENTS_MAX + 1];
	struct queue_new entry = entry_of("id-1");
	struct mail_append append = {.body = {.bytes = STR_INIT("x"), .fd = -1}, .queue = &entry};
	uint64_t last;

	entry.recipient_count = 0;
	assert_int_equal(mail_append(fixture.store, &append), FAULT_INVALID);
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = two[1];
	entry.recipients = many;
	entry.recipient_count = QUEUE_RECIPIENTS_MAX + 1;
	assert_int_equal(mail_append(fixture.store, &append), FAULT_TOO_LARGE);
	many[0].address = STR("");
	entry.recipient_count = 1;
	assert_int_equal(mail_append(fixture.store, &append), FAULT_INVALID);
	assert_int_equal(entries(&last), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_an_entry_is_read_as_it_was_given),
		TEST(test_a_large_body_is_queued_too),
		TEST(test_mailboxes_and_queue_get_it_together_or_not_at_all),
		TEST(test_what_stays_is_tried_again_and_what_is_done_goes),
		TEST(test_outcomes_hold_together),
		TEST(test_a_notice_takes_the_place_of_what_failed),
		TEST(test_a_notice_goes_into_a_mailbox),
		TEST(test_a_notice_that_cannot_be_stored_leaves_the_recipient),
		TEST(test_who_lost_the_lease_settles_nothing),
		TEST(test_orders),
		TEST(test_orders_of_many),
		TEST(test_the_queue_outlives_a_restart),
		TEST(test_entries_without_recipients_or_with_too_many_are_refused),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
