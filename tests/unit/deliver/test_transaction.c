/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of deliver/transaction: the test is the server, at the other end of a socket pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/transaction.h"
#include "fixture.h"

enum { HEARD_MAX = 8 << 20 };

static struct {
	struct tls_context *context;
	struct smtp_client client;
	struct transaction transaction;
	bool has_transaction;
	int fd; /* the server's */
	struct buf heard;
} talk;

static struct queue_envelope envelope;
static struct queue_recipient recipients[3];
static struct transaction_parts parts;

static void hear(void)
{
	char bytes[65536];
	ssize_t got;

	while ((got = read(talk.fd, bytes, sizeof(bytes))) > 0)
		buf_append(&talk.heard, bytes, (size_t)got);
}

static void expect_heard(const char *words)
{
	hear();
	buf_append_char(&talk.heard, '\0');
	assert_string_equal(talk.heard.data, words);
	buf_reset(&talk.heard);
}

static void say(const char *words)
{
	assert_int_equal(write(talk.fd, words, strlen(words)), (ssize_t)strlen(words));
}

/* Opens a session in the clear with a server of these extensions. */
static void open_session(const char *extensions)
{
	static const struct tls_demand demand = {.level = TLS_LEVEL_NONE};
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	int fds[2];

	policy.direction = TLS_CLIENT;
	talk.context = context_make(&policy, 0, NULL);
	talk.heard = BUF_INIT(HEARD_MAX);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	talk.fd = fds[1];
	struct smtp_client_parts client = {.outbound = {.fd = fds[0],
							.context = talk.context,
							.file_name = STR("mailserver.cfg"),
							.host = STR("mx.example.test"),
							.demand = &demand},
					   .helo = STR("mail.example.org")};
	smtp_client_init(&talk.client, &client);
	say("220 mx\r\n250-mx\r\n");
	say(extensions);
	say("250 HELP\r\n");
	assert_int_equal(smtp_client_step(&talk.client), OUTBOUND_READY);
	expect_heard("EHLO mail.example.org\r\n");
}

static void begin(void)
{
	transaction_init(&talk.transaction, &parts);
	talk.has_transaction = true;
}

static void expect_step(enum transaction_step step)
{
	assert_int_equal(transaction_step(&talk.transaction), step);
}

static void expect_fate(size_t at, enum transaction_fate fate, const char *status, const char *text)
{
	const struct transaction_recipient *recipient = &talk.transaction.recipients[at];

	assert_int_equal(recipient->fate, fate);
	assert_string_equal(recipient->status, status);
	assert_string_equal(recipient->text == NULL ? "" : recipient->text, text);
}

static int setup(void **state)
{
	envelope = (struct queue_envelope){.sender = STR("s@here.example")};
	recipients[0] = (struct queue_recipient){.address = STR("a@there.example")};
	recipients[1] = (struct queue_recipient){.address = STR("b@there.example")};
	recipients[2] = (struct queue_recipient){.address = STR("c@there.example")};
	parts = (struct transaction_parts){.client = &talk.client,
					   .envelope = &envelope,
					   .recipients = recipients,
					   .recipient_count = 2,
					   .pieces = {STR("Date: x\r\n"), STR(""),
						      STR("Subject: s\r\n\r\nhello\r\n")}};
	return 0;
}

static int teardown(void **state)
{
	if (talk.has_transaction)
		transaction_done(&talk.transaction);
	talk.has_transaction = false;
	smtp_client_done(&talk.client);
	tls_context_unref(&talk.context);
	buf_done(&talk.heard);
	if (talk.fd >= 0)
		close(talk.fd);
	return 0;
}

#define MAIL "MAIL FROM:<s@here.example>\r\n"
#define RCPT_A "RCPT TO:<a@there.example>\r\n"
#define RCPT_B "RCPT TO:<b@there.example>\r\n"
#define CONTENT "Date: x\r\nSubject: s\r\n\r\nhello\r\n.\r\n"

static void test_one_piece_with_pipelining(void **state)
{
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(MAIL RCPT_A RCPT_B "DATA\r\n");
	say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(CONTENT);
	say("250 2.0.0 queued as 7\r\n");
	expect_step(TRANSACTION_DONE);
	expect_fate(0, TRANSACTION_SENT, "2.0.0", "250 2.0.0 queued as 7");
	expect_fate(1, TRANSACTION_SENT, "2.0.0", "250 2.0.0 queued as 7");
	assert_false(talk.transaction.wants_reset);
}

static void test_step_by_step_without_it(void **state)
{
	open_session("");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(MAIL);
	say("250 ok\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(RCPT_A);
	say("550-5.1.1 no\r\n550 5.1.1 such user\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(RCPT_B);
	say("250 ok\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard("DATA\r\n");
	say("354 go\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(CONTENT);
	say("250 done\r\n");
	expect_step(TRANSACTION_DONE);
	expect_fate(0, TRANSACTION_FAILED, "5.1.1", "550 5.1.1 no 5.1.1 such user");
	expect_fate(1, TRANSACTION_SENT, "", "250 done");
}

static void test_nobody_is_sent_nothing(void **state)
{
	open_session("");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	say("250 ok\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	say("450 4.2.1 later\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	say("550 5.1.1 never\r\n");
	expect_step(TRANSACTION_DONE);
	expect_heard(MAIL RCPT_A RCPT_B);
	expect_fate(0, TRANSACTION_LATER, "4.2.1", "450 4.2.1 later");
	expect_fate(1, TRANSACTION_FAILED, "5.1.1", "550 5.1.1 never");
	assert_true(talk.transaction.wants_reset);
}

static void test_nobody_is_sent_nothing_in_a_pipeline_either(void **state)
{
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(MAIL RCPT_A RCPT_B "DATA\r\n");
	say("250 ok\r\n550 no\r\n550 no\r\n554 no valid recipients\r\n");
	expect_step(TRANSACTION_DONE);
	expect_fate(0, TRANSACTION_FAILED, "", "550 no");
	expect_heard("");
}

static void test_a_server_that_says_go_to_nobody_gets_an_empty_end(void **state)
{
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(MAIL RCPT_A RCPT_B "DATA\r\n");
	say("250 ok\r\n550 no\r\n550 no\r\n354 go\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(".\r\n");
	say("250 well\r\n");
	expect_step(TRANSACTION_DONE);
	expect_fate(0, TRANSACTION_FAILED, "", "550 no");
}

static void test_a_refused_sender_settles_all(void **state)
{
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	say("550 5.7.10 too old\r\n503 bad\r\n503 bad\r\n503 bad\r\n");
	expect_step(TRANSACTION_DONE);
	expect_fate(0, TRANSACTION_FAILED, "5.7.10", "550 5.7.10 too old");
	expect_fate(1, TRANSACTION_FAILED, "5.7.10", "550 5.7.10 too old");
}

static void test_a_refused_content_settles_those_taken(void **state)
{
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	say("250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	say("451 4.7.1 greylisted\r\n");
	expect_step(TRANSACTION_DONE);
	expect_fate(0, TRANSACTION_FAILED, "5.1.1", "550 5.1.1 no");
	expect_fate(1, TRANSACTION_LATER, "4.7.1", "451 4.7.1 greylisted");
}

static void test_what_the_server_offers_is_used(void **state)
{
	envelope.flags = QUEUE_8BIT | QUEUE_RETURN_HEADERS;
	envelope.envid = STR("id1");
	recipients[0].notify = QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_DELAY;
	recipients[0].original = STR("rfc822;x+2By@z");
	recipients[1].notify = QUEUE_NOTIFY_NEVER;
	open_session("250-PIPELINING\r\n250-SIZE 100000\r\n250-8BITMIME\r\n250-DSN\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard("MAIL FROM:<s@here.example> SIZE=30 BODY=8BITMIME RET=HDRS ENVID=id1\r\n"
		     "RCPT TO:<a@there.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@z\r\n"
		     "RCPT TO:<b@there.example> NOTIFY=NEVER\r\n"
		     "DATA\r\n");
}

static void test_what_the_server_does_not_offer_is_not_said(void **state)
{
	envelope.flags = QUEUE_8BIT | QUEUE_RETURN_HEADERS | QUEUE_UTF8;
	envelope.envid = STR("id1");
	envelope.sender = STR("");
	recipients[0].notify = QUEUE_NOTIFY_SUCCESS;
	recipients[0].address = STR("a@b\xc3\xbc" "cher.example");
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard("MAIL FROM:<>\r\nRCPT TO:<a@xn--bcher-kva.example>\r\n" RCPT_B "DATA\r\n");
}

static void test_addresses_beyond_ascii_go_to_servers_that_take_them(void **state)
{
	envelope.flags = QUEUE_UTF8;
	recipients[0].address = STR("\xc3\xbc@there.example");
	open_session("250-PIPELINING\r\n250-SMTPUTF8\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard("MAIL FROM:<s@here.example> SMTPUTF8\r\n"
		     "RCPT TO:<\xc3\xbc@there.example>\r\n" RCPT_B "DATA\r\n");
}

static void test_what_cannot_be_sent_is_not_tried(void **state)
{
	envelope.flags = QUEUE_UTF8;
	recipients[0].address = STR("\xc3\xbc@there.example");
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_DONE);
	expect_heard("");
	expect_fate(1, TRANSACTION_FAILED, "5.6.7",
		    "The message needs SMTPUTF8, which the server does not have");
	assert_false(talk.transaction.wants_reset);
}

static void test_a_message_that_is_too_large_is_not_tried(void **state)
{
	open_session("250-SIZE 29\r\n");
	begin();
	expect_step(TRANSACTION_DONE);
	expect_heard("");
	expect_fate(0, TRANSACTION_FAILED, "5.3.4",
		    "The message is larger than the server takes");
}

static void test_lines_that_begin_with_a_dot(void **state)
{
	parts.recipient_count = 1;
	parts.pieces[0] = STR(".a\r\n");
	parts.pieces[1] = STR("..b\r\nc.\r\n");
	parts.pieces[2] = STR(".\r\nd\r\n.e");
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(MAIL RCPT_A "DATA\r\n");
	say("250 ok\r\n250 ok\r\n354 go\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard("..a\r\n...b\r\nc.\r\n..\r\nd\r\n..e\r\n.\r\n");
}

static void test_a_large_content_goes_as_the_server_takes_it(void **state)
{
	enum { LARGE = 4 << 20 };
	char *large = malloc(LARGE);
	enum transaction_step step;

	memset(large, '.', LARGE);
	for (size_t i = 77; i < LARGE; i += 78)
		memcpy(large + i - 1, "\r\n", 2);
	memcpy(large + LARGE - 2, "\r\n", 2);
	parts.recipient_count = 1;
	parts.pieces[2] = str_make(large, LARGE);
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard(MAIL RCPT_A "DATA\r\n");
	say("250 ok\r\n250 ok\r\n354 go\r\n");
	while ((step = transaction_step(&talk.transaction)) == TRANSACTION_WAIT_OUTPUT)
		hear();
	assert_int_equal(step, TRANSACTION_WAIT_INPUT);
	hear();
	assert_true(str_has_suffix_nocase(buf_str(&talk.heard), STR("\r\n.\r\n")));
	/* A dot for each line, "Date" and the end. */
	assert_int_equal(talk.heard.len, LARGE + (LARGE + 77) / 78 + 9 + 3);
	free(large);
}

static void test_a_session_left_amid_a_transaction_is_reset(void **state)
{
	parts.after_reset = true;
	parts.recipient_count = 1;
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	expect_heard("RSET\r\n" MAIL RCPT_A "DATA\r\n");
	say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
	expect_step(TRANSACTION_WAIT_INPUT);
	say("250 ok\r\n");
	expect_step(TRANSACTION_DONE);
	expect_fate(0, TRANSACTION_SENT, "", "250 ok");
}

static void test_a_connection_that_breaks_leaves_the_rest_for_later(void **state)
{
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	say("250 ok\r\n550 5.1.1 no\r\n");
	close(talk.fd);
	talk.fd = -1;
	expect_step(TRANSACTION_BROKEN);
	expect_fate(0, TRANSACTION_FAILED, "5.1.1", "550 5.1.1 no");
	assert_int_equal(talk.transaction.recipients[1].fate, TRANSACTION_LATER);
	assert_false(talk.transaction.recipients[1].is_reply);
	assert_non_null(talk.transaction.recipients[1].text);
	expect_step(TRANSACTION_BROKEN);
}

static void test_time_that_runs_out_leaves_them_for_later(void **state)
{
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	transaction_expire(&talk.transaction);
	expect_step(TRANSACTION_BROKEN);
	assert_int_equal(talk.transaction.recipients[0].fate, TRANSACTION_LATER);
}

static void test_an_endless_reply_ends_it(void **state)
{
	char line[1001];

	memset(line, 'x', sizeof(line));
	memcpy(line, "250-", 4);
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	open_session("250-PIPELINING\r\n");
	begin();
	expect_step(TRANSACTION_WAIT_INPUT);
	for (int i = 0; i < 40; i++)
		say(line);
	expect_step(TRANSACTION_BROKEN);
	assert_int_equal(talk.transaction.recipients[0].fate, TRANSACTION_LATER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_one_piece_with_pipelining),
		TEST(test_step_by_step_without_it),
		TEST(test_nobody_is_sent_nothing),
		TEST(test_nobody_is_sent_nothing_in_a_pipeline_either),
		TEST(test_a_server_that_says_go_to_nobody_gets_an_empty_end),
		TEST(test_a_refused_sender_settles_all),
		TEST(test_a_refused_content_settles_those_taken),
		TEST(test_what_the_server_offers_is_used),
		TEST(test_what_the_server_does_not_offer_is_not_said),
		TEST(test_addresses_beyond_ascii_go_to_servers_that_take_them),
		TEST(test_what_cannot_be_sent_is_not_tried),
		TEST(test_a_message_that_is_too_large_is_not_tried),
		TEST(test_lines_that_begin_with_a_dot),
		TEST(test_a_large_content_goes_as_the_server_takes_it),
		TEST(test_a_session_left_amid_a_transaction_is_reset),
		TEST(test_a_connection_that_breaks_leaves_the_rest_for_later),
		TEST(test_time_that_runs_out_leaves_them_for_later),
		TEST(test_an_endless_reply_ends_it),
#undef TEST
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
