/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of store/mail_stream: order, limits, and a connection that breaks in the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/socket.h>

#include "fixture.h"
#include "store/mail_stream.h"
#include "store/mailbox.h"

enum { COUNT = 300, LARGE_BYTES = 200 * 1024 };

static struct fixture fixture;

/* Remembers the channel it gave last, to break it. */
static struct {
	struct connector connector;
	int fd;
} breaking;

static enum fault breaking_connect(struct connector *connector, enum role role, int *fd_out)
{
	enum fault fault = fixture.connector.connect(&fixture.connector, role, fd_out);

	if (fault == FAULT_NONE)
		breaking.fd = *fd_out;
	return fault;
}

static int setup(void **state)
{
	fixture_start(&fixture, NULL);
	breaking.connector =
		(struct connector){.self = fixture.connector.self, .connect = breaking_connect};
	return 0;
}

static int teardown(void **state)
{
	fixture_stop(&fixture);
	fixture_remove(&fixture);
	return 0;
}

/* The message of a number: every 50th is too large for a packet. */
static void message_make(struct buf *body, unsigned number)
{
	buf_reset(body);
	buf_printf(body, "Subject: %u\r\n\r\n", number);
	while (number % 50 == 7 && body->len < LARGE_BYTES)
		buf_append_c(body, "0123456789abcdef\r\n");
}

static enum fault stream_give(struct mail_stream *stream, uint64_t account, unsigned number)
{
	struct buf body = BUF_INIT(1 << 20);
	struct mail_target target = {.account = account};

	message_make(&body, number);
	struct mail_append append = {.body = {.bytes = buf_str(&body), .fd = -1},
				     .received_s = number + 1,
				     .targets = &target,
				     .target_count = 1};
	enum fault fault = mail_stream_append(stream, &append);
	buf_done(&body);
	return fault;
}

static void expect_in_order(uint64_t account, unsigned count)
{
	CLEANUP_VIEW struct view *view = NULL;
	struct mail_rows rows;
	struct mail mail;
	unsigned number = 0;

	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	mail_rows_open(view, account, fixture_mailbox(&fixture, account, "INBOX"), 1, &rows);
	while (mail_rows_next(&rows, &mail)) {
		struct mail_content content;
		struct buf wanted = BUF_INIT(1 << 20);
		message_make(&wanted, number);
		assert_int_equal(mail.received_s, ++number);
		assert_int_equal(mail_content_open(view, account, mail.message, &content),
				 FAULT_NONE);
		assert_true(str_equals(content.body, buf_str(&wanted)));
		mail_content_close(&content);
		buf_done(&wanted);
	}
	mail_rows_close(&rows);
	assert_int_equal(number, count);
}

static void test_order(void **state)
{
	uint64_t account = fixture_user(&fixture, "a@example.org", 0);
	struct mail_stream *stream = mail_stream_new(fixture.store);
	struct mail_stream_result result;

	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(stream_give(stream, account, i), FAULT_NONE);
	mail_stream_end(&stream, &result);
	assert_int_equal(result.fault, FAULT_NONE);
	assert_int_equal(result.stored, COUNT);
	expect_in_order(account, COUNT);
}

static void test_quota(void **state)
{
	uint64_t account = fixture_user(&fixture, "a@example.org", 1000);
	struct mail_stream *stream = mail_stream_new(fixture.store);
	struct mail_stream_result result;
	enum fault fault = FAULT_NONE;

	for (unsigned i = 10; i < COUNT && fault == FAULT_NONE; i++)
		fault = stream_give(stream, account, i);
	mail_stream_end(&stream, &result);
	assert_int_equal(fault, FAULT_OVER_QUOTA);
	assert_int_equal(result.fault, FAULT_OVER_QUOTA);
	/* 15 bytes each, until the one that is too large; that one is number 57. */
	assert_int_equal(result.failed_index, 57 - 10);
	assert_in_range(result.stored, 57 - 10, 66);
}

static void test_broken_connection(void **state)
{
	uint64_t account = fixture_user(&fixture, "a@example.org", 0);
	struct mail_stream_result result;

	fixture.client.connector = &breaking.connector;
	struct mail_stream *stream = mail_stream_new(fixture.store);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(stream_give(stream, account, i), FAULT_NONE);
		if (i % 90 == 80)
			assert_int_equal(shutdown(breaking.fd, SHUT_RDWR), 0);
	}
	mail_stream_end(&stream, &result);
	fixture.client.connector = &fixture.connector;
	assert_int_equal(result.fault, FAULT_NONE);
	assert_int_equal(result.stored, COUNT);
	expect_in_order(account, COUNT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_quota),
		TEST(test_broken_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
