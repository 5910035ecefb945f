/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of mailq/settle, on a store in a temporary folder with its role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../store/fixture.h"
#include "mailq/settle.h"
#include "store/mail.h"
#include "store/store_internal.h"

enum { OWNER = 7, LEASE_S = 60, RECIPIENTS = 3 };

static struct fixture fixture;
static uint64_t epoch;
static struct config config;
static struct log silent;
static struct load load;
static struct settle_fate fates[RECIPIENTS];
static struct settle_left *left;

static const struct queue_recipient three[RECIPIENTS] = {
	{.address = STR_INIT("x@one.example"), .notify = QUEUE_NOTIFY_NEVER},
	{.address = STR_INIT("y@one.example"), .notify = QUEUE_NOTIFY_NEVER},
	{.address = STR_INIT("z@one.example"), .notify = QUEUE_NOTIFY_FAILURE},
};

static void entry_add(void)
{
	struct queue_new entry = {.envelope = {.queue_id = STR_INIT("1-1"),
					       .sender = STR_INIT("a@elsewhere.example"),
					       .message_id = STR_INIT("m@b.c")},
				  .recipients = three,
				  .recipient_count = RECIPIENTS};
	struct mail_append append = {
		.body = {.bytes = STR("Subject: s\r\n\r\nHello.\r\n"), .fd = -1},
		.received_s = 1000,
		.queue = &entry};

	assert_int_equal(mail_append(fixture.store, &append), FAULT_NONE);
}

/* The entry with the lowest number above `after`; false: there is none. */
static bool entry_next(uint64_t after, struct queue_entry *entry_out)
{
	struct view *view CLEANUP_VIEW = NULL;

	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	return queue_next(view, after, entry_out);
}

static void entry_load(void)
{
	static const uint32_t numbers[RECIPIENTS] = {0, 1, 2};
	struct outbox_job *job = calloc(1, sizeof(*job) + sizeof(numbers));
	struct queue_entry entry;

	assert_true(entry_next(0, &entry));
	job->entry = entry.number;
	job->recipient_count = RECIPIENTS;
	memcpy(job->recipients, numbers, sizeof(numbers));
	assert_int_equal(load_job(fixture.store, job, &load), FAULT_NONE);
	free(job);
}

static int setup(void **state)
{
	fixture_start(&fixture, NULL);
	assert_int_equal(queue_lease_take(fixture.store, OWNER, LEASE_S, &epoch), FAULT_NONE);
	log_init(&silent, false);
	config = (struct config){.queue = {.first_retry_s = 10,
					   .longest_retry_s = 10,
					   .delay_notice_s = 1 << 30,
					   .tls_notice_s = 1 << 30,
					   .lifetime_s = UINT32_MAX}};
	entry_add();
	entry_load();
	left = calloc(1, sizeof(*left));
	for (size_t i = 0; i < RECIPIENTS; i++)
		fates[i] = (struct settle_fate){.recipient = &load.recipients[i],
						.fate = TRANSACTION_SENT,
						.status = STR("2.0.0"),
						.text = STR("250 ok"),
						.is_reply = true};
	return 0;
}

static int teardown(void **state)
{
	free(left);
	load_done(&load);
	fixture_stop(&fixture);
	fixture_remove(&fixture);
	return 0;
}

static enum fault settle_into(struct store *store, uint64_t lease_epoch)
{
	struct settle settle = {.store = store,
				.log = &silent,
				.config = &config,
				.hostname = STR("here.example"),
				.owner = OWNER,
				.epoch = lease_epoch,
				.load = &load};

	return settle_run(&settle, fates, RECIPIENTS, left);
}

static void test_who_is_done_goes_and_the_others_stay(void **state)
{
	struct queue_entry entry;

	fates[1].fate = TRANSACTION_LATER;
	fates[1].text = STR("451 later");
	assert_int_equal(settle_into(fixture.store, epoch), FAULT_NONE);
	assert_int_equal(left->count, 1);
	assert_int_equal(left->recipients[0], 1);
	assert_true(left->next_s > 0);
	assert_true(entry_next(0, &entry));
	assert_int_equal(entry.recipient_count, 1);
}

static void test_a_failure_leaves_with_its_notice(void **state)
{
	struct queue_entry entry, notice;

	fates[1].fate = TRANSACTION_LATER;
	fates[2].fate = TRANSACTION_FAILED;
	fates[2].text = STR("550 no");
	assert_int_equal(settle_into(fixture.store, epoch), FAULT_NONE);
	assert_true(entry_next(0, &entry));
	assert_int_equal(entry.recipient_count, 1);
	assert_true(entry_next(entry.number, &notice));
	assert_true((notice.envelope.flags & QUEUE_NOTICE) != 0);
	assert_true(str_is_empty(notice.envelope.sender));
}

/* A store that does not answer: it has the same folder, and no role. */
static enum fault nobody(struct connector *connector, enum role role, int *fd_out)
{
	return FAULT_UNAVAILABLE;
}

static void test_what_the_store_cannot_take_is_settled_later_and_once(void **state)
{
	struct connector connector = {.self = ROLE_MAILQ, .connect = nobody};
	struct role_client client;
	struct store *away = NULL;
	struct queue_entry entry, notice;

	role_client_init(&client, &connector, ROLE_STORE, 0);
	away = store_new_over(store_service_index(fixture.service), fixture.folder, &client);
	fates[1].fate = TRANSACTION_LATER;
	fates[2].fate = TRANSACTION_FAILED;
	assert_int_equal(settle_into(away, epoch), FAULT_UNAVAILABLE);
	assert_int_equal(left->count, 0);
	for (size_t i = 0; i < RECIPIENTS; i++)
		assert_false(fates[i].is_settled);
	/* Of those with the same notice some were settled before. */
	fates[0].is_settled = true;
	assert_int_equal(settle_into(fixture.store, epoch), FAULT_NONE);
	assert_int_equal(left->count, 1);
	assert_true(entry_next(0, &entry));
	assert_int_equal(entry.recipient_count, 2);
	assert_true(entry_next(entry.number, &notice));
	/* And nothing is left to settle. */
	assert_int_equal(settle_into(away, epoch), FAULT_NONE);
	assert_int_equal(left->count, 1);
	store_close(&away);
	role_client_done(&client);
}

static void test_another_who_has_the_queue_is_told_apart(void **state)
{
	assert_int_equal(settle_into(fixture.store, epoch + 1), FAULT_DENIED);
	assert_false(fates[0].is_settled);
}

static void test_what_was_removed_meanwhile_is_settled(void **state)
{
	struct queue_entry entry;

	fates[1].fate = TRANSACTION_LATER;
	size_t gone;
	assert_int_equal(queue_order(fixture.store, &load.entry.number, 1, QUEUE_REMOVE, &gone),
			 FAULT_NONE);
	assert_int_equal(settle_into(fixture.store, epoch), FAULT_NONE);
	assert_int_equal(left->count, 0);
	assert_true(fates[0].is_settled && fates[1].is_settled);
	assert_false(entry_next(0, &entry));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_is_done_goes_and_the_others_stay),
		TEST(test_a_failure_leaves_with_its_notice),
		TEST(test_what_the_store_cannot_take_is_settled_later_and_once),
		TEST(test_another_who_has_the_queue_is_told_apart),
		TEST(test_what_was_removed_meanwhile_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
