/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A visit, against a server that behaves and against some that do not: what it says, in
 * which order, and that nothing is deleted before it was settled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch/session.h"
#include "fixture.h"

enum { HEARD_MAX = 64 * 1024, MESSAGE_LIMIT = 100 };

/* A visit and the other end of its socket, in the clear. */
struct talk {
	struct fetch_session session;
	struct tls_context *context;
	int fd;
	struct buf heard;
};

static void talk_begin(struct talk *talk, const char *password, bool may_clear)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_demand demand = {.level = TLS_LEVEL_NONE};
	int fds[2];

	*talk = (struct talk){.heard = BUF_INIT(HEARD_MAX)};
	policy.direction = TLS_CLIENT;
	talk->context = context_make(&policy, 0, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	talk->fd = fds[1];
	struct fetch_session_parts parts = {
		.client = {.outbound = {.fd = fds[0],
					.context = talk->context,
					.file_name = STR("mailserver.cfg"),
					.host = STR("pop.example.test"),
					.demand = &demand}},
		.user = STR("anna"),
		.password = str_from_c(password),
		.may_clear = may_clear,
		.message_bytes = MESSAGE_LIMIT,
		.max_messages = 2,
		.max_bytes = 1000};
	fetch_session_init(&talk->session, &parts);
}

static void talk_end(struct talk *talk)
{
	fetch_session_done(&talk->session);
	tls_context_unref(&talk->context);
	close(talk->fd);
	buf_done(&talk->heard);
	ERR_clear_error();
}

static void server_say(struct talk *talk, const char *words)
{
	assert_int_equal(write(talk->fd, words, strlen(words)), strlen(words));
}

static void expect_heard(struct talk *talk, const char *words)
{
	char bytes[4096];
	ssize_t got;

	while ((got = read(talk->fd, bytes, sizeof(bytes))) > 0)
		buf_append(&talk->heard, bytes, (size_t)got);
	buf_append_char(&talk->heard, '\0');
	assert_string_equal(talk->heard.data, words);
	buf_reset(&talk->heard);
}

static void expect_step(struct talk *talk, enum fetch_session_step step)
{
	enum fetch_session_step got = fetch_session_step(&talk->session);

	if (got != step)
		fail_msg("step %d instead of %d: %.*s", got, step,
			 STR_ARG(buf_str(&talk->session.client.outbound.why)));
}

static void exchange(struct talk *talk, const char *words, const char *answer)
{
	server_say(talk, words);
	expect_step(talk, FETCH_SESSION_WAIT_INPUT);
	expect_heard(talk, answer);
}

static void expect_failure(struct talk *talk, const char *why)
{
	struct buf *words = &talk->session.client.outbound.why;

	expect_step(talk, FETCH_SESSION_FAILED);
	buf_append_char(words, '\0');
	assert_string_equal(words->data, why);
}

/* Up to the lists, which are asked for. */
static void login(struct talk *talk)
{
	expect_step(talk, FETCH_SESSION_WAIT_INPUT);
	exchange(talk, "+OK\r\n", "CAPA\r\n");
	exchange(talk, "-ERR\r\n", "USER anna\r\n");
	exchange(talk, "+OK\r\n", "PASS a word\r\n");
	exchange(talk, "+OK\r\n", "UIDL\r\n");
}

/* Up to where the actions are chosen. */
static void listed(struct talk *talk, const char *uidl, const char *sizes)
{
	talk_begin(talk, "a word", true);
	login(talk);
	exchange(talk, uidl, "LIST\r\n");
	server_say(talk, sizes);
	expect_step(talk, FETCH_SESSION_LISTED);
}

static void test_a_visit(void **state)
{
	struct talk talk;
	struct str message;

	listed(&talk, "+OK\r\n1 a\r\n2 b\r\n4 d\r\n.\r\n", "+OK\r\n1 10\r\n2 20\r\n4 40\r\n.\r\n");
	talk.session.listing.messages[0].action = FETCH_ACTION_RETRIEVE;
	talk.session.listing.messages[2].action = FETCH_ACTION_DELETE;
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	expect_heard(&talk, "RETR 1\r\n");
	exchange(&talk, "+OK 10 octets\r\nA: b\r\n\r\n..x\r", "");
	server_say(&talk, "\n.\r\n");
	expect_step(&talk, FETCH_SESSION_MESSAGE);
	assert_int_equal(talk.session.message->number, 1);
	assert_int_equal(spool_view(&talk.session.spool, &message), FAULT_NONE);
	assert_true(str_equals(message, STR("A: b\r\n\r\n.x\r\n")));
	/* As long as it is not settled, nothing is said. */
	expect_step(&talk, FETCH_SESSION_MESSAGE);
	expect_heard(&talk, "");
	fetch_session_settle(&talk.session, true);
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	expect_heard(&talk, "DELE 1\r\n");
	exchange(&talk, "+OK\r\n", "DELE 4\r\n");
	exchange(&talk, "-ERR no\r\n", "QUIT\r\n");
	assert_false(talk.session.is_farewell_kept);
	server_say(&talk, "+OK\r\n");
	expect_step(&talk, FETCH_SESSION_OVER);
	assert_true(talk.session.is_farewell_kept);
	assert_int_equal(talk.session.fetched, 1);
	assert_int_equal(talk.session.deleted, 1);
	assert_true(talk.session.listing.messages[0].is_deleted);
	assert_false(talk.session.listing.messages[2].is_deleted);
	talk_end(&talk);
}

static void test_limits_of_a_session(void **state)
{
	struct talk talk;

	listed(&talk, "+OK\r\n1 a\r\n2 b\r\n3 c\r\n4 d\r\n5 e\r\n.\r\n",
	       "+OK\r\n1 10\r\n2 10\r\n3 10\r\n4 10\r\n5 10\r\n.\r\n");
	for (int i = 0; i < 4; i++)
		talk.session.listing.messages[i].action = FETCH_ACTION_RETRIEVE;
	talk.session.listing.messages[4].action = FETCH_ACTION_DELETE;
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	expect_heard(&talk, "RETR 1\r\n");
	server_say(&talk, "+OK\r\nx\r\n.\r\n");
	expect_step(&talk, FETCH_SESSION_MESSAGE);
	fetch_session_settle(&talk.session, false);
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	/* One that somebody else has deleted meanwhile is passed over, and does not count. */
	expect_heard(&talk, "RETR 2\r\n");
	exchange(&talk, "-ERR no such message\r\n", "RETR 3\r\n");
	server_say(&talk, "+OK\r\nx\r\n.\r\n");
	expect_step(&talk, FETCH_SESSION_MESSAGE);
	fetch_session_settle(&talk.session, false);
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	/* No more are fetched, but what is here is deleted all the same. */
	expect_heard(&talk, "DELE 5\r\n");
	fetch_session_stop(&talk.session);
	exchange(&talk, "+OK\r\n", "QUIT\r\n");
	server_say(&talk, "-ERR some deleted messages not removed\r\n");
	expect_step(&talk, FETCH_SESSION_OVER);
	assert_false(talk.session.is_farewell_kept);
	talk_end(&talk);
}

static void test_a_limit_of_bytes_lets_one_through(void **state)
{
	struct talk talk;

	listed(&talk, "+OK\r\n1 a\r\n2 b\r\n.\r\n", "+OK\r\n1 5000\r\n2 1\r\n.\r\n");
	talk.session.max_bytes = 3;
	for (int i = 0; i < 2; i++)
		talk.session.listing.messages[i].action = FETCH_ACTION_RETRIEVE;
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	expect_heard(&talk, "RETR 1\r\n");
	server_say(&talk, "+OK\r\nxxx\r\n.\r\n");
	expect_step(&talk, FETCH_SESSION_MESSAGE);
	fetch_session_settle(&talk.session, false);
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	expect_heard(&talk, "QUIT\r\n");
	talk_end(&talk);
}

static void test_what_is_too_large(void **state)
{
	struct talk talk;
	char flood[2 * MESSAGE_LIMIT + 1];

	listed(&talk, "+OK\r\n1 a\r\n2 b\r\n.\r\n", "+OK\r\n1 5000\r\n2 1\r\n.\r\n");
	talk.session.listing.messages[0].action = FETCH_ACTION_REFUSE;
	talk.session.listing.messages[1].action = FETCH_ACTION_RETRIEVE;
	expect_step(&talk, FETCH_SESSION_REFUSED);
	assert_int_equal(talk.session.message->number, 1);
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	expect_heard(&talk, "RETR 2\r\n");
	memset(flood, 'x', sizeof(flood));
	flood[sizeof(flood) - 1] = '\0';
	server_say(&talk, "+OK 1 octet\r\n");
	server_say(&talk, flood);
	expect_step(&talk, FETCH_SESSION_REFUSED);
	assert_int_equal(talk.session.message->number, 2);
	/* It is not read to its end. */
	expect_failure(&talk, "sent message 2, which is larger than it may be and than it was said "
			      "to be");
	expect_heard(&talk, "");
	talk_end(&talk);
}

static void test_logins(void **state)
{
	struct talk talk;

	talk_begin(&talk, "a word", false);
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	exchange(&talk, "+OK\r\n", "CAPA\r\n");
	server_say(&talk, "-ERR\r\n");
	expect_failure(&talk, "is not logged in to: it gave no TLS, and a password is not sent in the "
			      "clear");
	expect_heard(&talk, "");
	talk_end(&talk);

	talk_begin(&talk, "a\r\nDELE 1", true);
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	exchange(&talk, "+OK\r\n", "CAPA\r\n");
	server_say(&talk, "-ERR\r\n");
	expect_failure(&talk, "is not logged in to: user or password has a line end in it");
	expect_heard(&talk, "");
	talk_end(&talk);

	talk_begin(&talk, "a word", true);
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	exchange(&talk, "+OK\r\n", "CAPA\r\n");
	exchange(&talk, "+OK\r\nSASL PLAIN\r\n.\r\n", "AUTH PLAIN AGFubmEAYSB3b3Jk\r\n");
	server_say(&talk, "-ERR [AUTH] no\x1b\r\n");
	expect_failure(&talk, "refuses the login: -ERR [AUTH] no\\x1b");
	assert_true(talk.session.is_login_refused);
	talk_end(&talk);
}

static void test_without_uidl(void **state)
{
	struct talk talk;

	talk_begin(&talk, "a word", true);
	login(&talk);
	server_say(&talk, "-ERR what?\r\n");
	expect_failure(&talk, "has no UIDL, without which nobody can tell what was fetched before, so "
			      "that nothing is: -ERR what?");
	talk_end(&talk);
}

static void test_a_silent_server(void **state)
{
	struct talk talk;

	listed(&talk, "+OK\r\n1 a\r\n.\r\n", "+OK\r\n1 5\r\n.\r\n");
	talk.session.listing.messages[0].action = FETCH_ACTION_RETRIEVE;
	expect_step(&talk, FETCH_SESSION_WAIT_INPUT);
	expect_heard(&talk, "RETR 1\r\n");
	exchange(&talk, "+OK\r\nhalf a mess", "");
	assert_true(stream_is_bulk(&talk.session.client.outbound.stream));
	fetch_session_expire(&talk.session);
	expect_failure(&talk, "did not give the rest of its answer in time");
	talk_end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_visit),
		cmocka_unit_test(test_limits_of_a_session),
		cmocka_unit_test(test_a_limit_of_bytes_lets_one_through),
		cmocka_unit_test(test_what_is_too_large),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_without_uidl),
		cmocka_unit_test(test_a_silent_server),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
