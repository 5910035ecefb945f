/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The POP3 client against servers that behave, misbehave, say no, and stay silent: how
 * far it gets, what it says to them, and its reasons in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/pop3_client.h"
#include "fixture.h"

enum { HEARD_MAX = 64 * 1024 };

/* A client and the other end of its socket. */
struct talk {
	struct pop3_client client;
	struct tls_context *context;	   /* the client's */
	struct tls_context *server_context;
	struct tls_connection *server_tls; /* NULL: the server is in the clear */
	int fd;				   /* the server's */
	struct buf heard;		   /* what the client said and nobody compared yet */
};

static void talk_begin(struct talk *talk, const struct tls_demand *demand, bool is_implicit)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT), server = policy;
	int fds[2];

	*talk = (struct talk){.heard = BUF_INIT(HEARD_MAX)};
	policy.direction = TLS_CLIENT;
	talk->context = context_make(&policy, 0, NULL);
	talk->server_context = context_make(&server, WITH_BOTH, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	talk->fd = fds[1];
	struct pop3_client_parts parts = {
		.outbound = {.fd = fds[0],
			     .context = talk->context,
			     .file_name = STR("mailserver.cfg"),
			     .host = STR("mx.example.test"),
			     .demand = demand},
		.is_implicit = is_implicit,
	};
	pop3_client_init(&talk->client, &parts);
}

static void talk_end(struct talk *talk)
{
	pop3_client_done(&talk->client);
	tls_connection_free(&talk->server_tls);
	tls_context_unref(&talk->context);
	tls_context_unref(&talk->server_context);
	close(talk->fd);
	buf_done(&talk->heard);
	ERR_clear_error();
}

static enum io server_read(struct talk *talk, char *to, size_t cap, size_t *got_out)
{
	return talk->server_tls == NULL
		       ? transport_plain.read(NULL, talk->fd, to, cap, got_out)
		       : transport_tls.read(talk->server_tls, talk->fd, to, cap, got_out);
}

static void server_say(struct talk *talk, const char *words)
{
	size_t done = 0;
	enum io io = talk->server_tls == NULL
			     ? transport_plain.write(NULL, talk->fd, words, strlen(words), &done)
			     : transport_tls.write(talk->server_tls, talk->fd, words, strlen(words),
						   &done);

	assert_int_equal(io, IO_DONE);
	assert_int_equal(done, strlen(words));
}

/* What the client has said since the last time. */
static void expect_heard(struct talk *talk, const char *words)
{
	char bytes[4096];
	size_t got = 0;

	while (server_read(talk, bytes, sizeof(bytes), &got) == IO_DONE)
		buf_append(&talk->heard, bytes, got);
	buf_append_char(&talk->heard, '\0');
	assert_string_equal(talk->heard.data, words);
	buf_reset(&talk->heard);
}

static void expect_step(struct talk *talk, enum outbound_step step)
{
	enum outbound_step got = pop3_client_step(&talk->client);

	if (got != step)
		fail_msg("step %d instead of %d: %.*s", got, step,
			 STR_ARG(buf_str(&talk->client.outbound.why)));
}

/* The server speaks, the client answers. */
static void exchange(struct talk *talk, const char *words, const char *answer)
{
	server_say(talk, words);
	expect_step(talk, OUTBOUND_WAIT_INPUT);
	expect_heard(talk, answer);
}

static void expect_failure(struct talk *talk, enum outbound_fault fault, const char *why)
{
	expect_step(talk, OUTBOUND_FAILED);
	buf_append_char(&talk->client.outbound.why, '\0');
	assert_string_equal(talk->client.outbound.why.data, why);
	assert_int_equal(talk->client.outbound.fault, fault);
	/* It is final. */
	expect_step(talk, OUTBOUND_FAILED);
}

static void server_shake(struct talk *talk)
{
	enum io io = IO_WANT_INPUT;

	talk->server_tls = tls_connection_new(talk->server_context, talk->fd);
	for (int i = 0; i < 10; i++) {
		if (io != IO_DONE)
			io = tls_handshake(talk->server_tls);
		expect_step(talk, OUTBOUND_WAIT_INPUT);
	}
	assert_int_equal(io, IO_DONE);
}

static struct tls_demand at_level(enum tls_level level)
{
	return (struct tls_demand){
		.level = level,
		.level_source = {.line = 41, .table = STR("TlsPolicy:example.test"),
				 .variable = STR("Level")}};
}

#define LISTS_STLS "+OK\r\nSTLS\r\nUIDL\r\n.\r\n"
#define ROW_DEMANDS "TlsPolicy:example.test/Level (mailserver.cfg:41) demands encrypt"

/* Up to the answer to CAPA. */
static void greet(struct talk *talk)
{
	expect_step(talk, OUTBOUND_WAIT_INPUT);
	exchange(talk, "+OK POP3 <1@mx.example.test>\r\n", "CAPA\r\n");
}

static void test_in_the_clear_where_nothing_is_offered(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	greet(&talk);
	server_say(&talk, "-ERR what?\r\n");
	expect_step(&talk, OUTBOUND_READY);
	expect_step(&talk, OUTBOUND_IDLE);
	assert_false(outbound_facts(&talk.client.outbound).is_active);
	pop3_client_say(&talk.client, STR("UIDL"), true);
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	expect_heard(&talk, "UIDL\r\n");
	server_say(&talk, "+OK\r\n1 abc\r\n.\r\n");
	expect_step(&talk, OUTBOUND_REPLY);
	assert_true(str_equals(talk.client.reply.list, STR("1 abc\r\n")));
	expect_step(&talk, OUTBOUND_IDLE);
	talk_end(&talk);
}

static void test_a_long_answer_comes_in_pieces(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_NONE);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	greet(&talk);
	server_say(&talk, "-ERR what?\r\n");
	expect_step(&talk, OUTBOUND_READY);
	pop3_client_say_long(&talk.client, STR("RETR 1"), 0);
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	expect_heard(&talk, "RETR 1\r\n");
	server_say(&talk, "+OK 6 octets\r\nabc");
	expect_step(&talk, OUTBOUND_REPLY);
	expect_step(&talk, OUTBOUND_BYTES);
	assert_true(str_equals(talk.client.bytes, STR("abc")));
	pop3_client_take(&talk.client, 1, false);
	/* What was left comes again when there is more. */
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	server_say(&talk, "d\r\n.\r\n+OK next\r\n");
	expect_step(&talk, OUTBOUND_BYTES);
	assert_true(str_has_prefix(talk.client.bytes, STR("bcd\r\n")));
	pop3_client_take(&talk.client, 8, true);
	expect_step(&talk, OUTBOUND_IDLE);
	pop3_client_say_long(&talk.client, STR("RETR 2"), 0);
	expect_step(&talk, OUTBOUND_REPLY);
	assert_true(str_equals(talk.client.reply.text, STR("next")));
	pop3_client_expire(&talk.client);
	expect_failure(&talk, OUTBOUND_TIMEOUT, "did not give the rest of its answer in time");
	talk_end(&talk);

	/* One that is refused has no more than its line. */
	talk_begin(&talk, &demand, false);
	greet(&talk);
	server_say(&talk, "-ERR what?\r\n");
	expect_step(&talk, OUTBOUND_READY);
	pop3_client_say_long(&talk.client, STR("RETR 1"), 0);
	server_say(&talk, "-ERR no\r\n");
	expect_step(&talk, OUTBOUND_REPLY);
	expect_step(&talk, OUTBOUND_IDLE);
	talk_end(&talk);
}

static void test_stls_is_taken_where_it_is_offered(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_ENCRYPT);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	greet(&talk);
	exchange(&talk, LISTS_STLS, "STLS\r\n");
	server_say(&talk, "+OK begin\r\n");
	server_shake(&talk);
	expect_heard(&talk, "CAPA\r\n");
	/* What was said in the clear does not count behind TLS. */
	server_say(&talk, "+OK\r\nUSER\r\n.\r\n");
	expect_step(&talk, OUTBOUND_READY);
	assert_int_equal(talk.client.capabilities, 1u << POP3_CAPABILITY_USER);
	assert_true(talk.client.offered_stls);
	assert_true(outbound_facts(&talk.client.outbound).is_active);
	talk_end(&talk);
}

static void test_tls_first(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_ENCRYPT);
	struct talk talk;

	talk_begin(&talk, &demand, true);
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	server_shake(&talk);
	greet(&talk);
	server_say(&talk, "+OK\r\n.\r\n");
	expect_step(&talk, OUTBOUND_READY);
	talk_end(&talk);
}

static void test_tls_is_demanded_and_not_offered(void **state)
{
	static const char *const answers[] = {"-ERR what?\r\n", "+OK\r\nUIDL\r\n.\r\n"};
	struct tls_demand demand = at_level(TLS_LEVEL_ENCRYPT);
	struct talk talk;

	for (int i = 0; i < 2; i++) {
		talk_begin(&talk, &demand, false);
		greet(&talk);
		server_say(&talk, answers[i]);
		expect_failure(&talk, OUTBOUND_NO_TLS, "does not offer STLS; " ROW_DEMANDS);
		/* Neither a name nor a password was said in the clear. */
		expect_heard(&talk, "");
		talk_end(&talk);
	}
}

static void test_stls_offered_and_refused(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	greet(&talk);
	exchange(&talk, LISTS_STLS, "STLS\r\n");
	server_say(&talk, "-ERR not now\r\n");
	expect_failure(&talk, OUTBOUND_NO_TLS,
		       "offers STLS and answered it with -ERR not now; what offers TLS and does not "
		       "give it is not spoken to in the clear");
	expect_heard(&talk, "");
	talk_end(&talk);
}

static void test_bytes_behind_the_consent_are_an_attack(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	greet(&talk);
	exchange(&talk, LISTS_STLS, "STLS\r\n");
	server_say(&talk, "+OK begin\r\n+OK\r\n");
	expect_failure(&talk, OUTBOUND_INJECTED,
		       "sent 5 bytes in the clear behind its consent to TLS; somebody on the way may "
		       "have put them there");
	talk_end(&talk);
}

static void test_servers_that_do_not_behave(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	server_say(&talk, "-ERR [SYS/TEMP] full\x1b\r\n");
	expect_failure(&talk, OUTBOUND_REFUSED,
		       "answered the connection with -ERR [SYS/TEMP] full\\x1b");
	talk_end(&talk);
	talk_begin(&talk, &demand, false);
	server_say(&talk, "220 mx.example.test ESMTP\r\n");
	expect_failure(&talk, OUTBOUND_NONSENSE,
		       "sent something that is no answer of POP3 instead of its greeting");
	talk_end(&talk);
	talk_begin(&talk, &demand, false);
	greet(&talk);
	(void)shutdown(talk.fd, SHUT_WR);
	expect_failure(&talk, OUTBOUND_CLOSED,
		       "closed the connection instead of its answer to CAPA");
	talk_end(&talk);
	talk_begin(&talk, &demand, false);
	greet(&talk);
	pop3_client_expire(&talk.client);
	expect_failure(&talk, OUTBOUND_TIMEOUT, "did not give its answer to CAPA in time");
	talk_end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_the_clear_where_nothing_is_offered),
		cmocka_unit_test(test_a_long_answer_comes_in_pieces),
		cmocka_unit_test(test_stls_is_taken_where_it_is_offered),
		cmocka_unit_test(test_tls_first),
		cmocka_unit_test(test_tls_is_demanded_and_not_offered),
		cmocka_unit_test(test_stls_offered_and_refused),
		cmocka_unit_test(test_bytes_behind_the_consent_are_an_attack),
		cmocka_unit_test(test_servers_that_do_not_behave),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
