/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMTP client against servers that behave, misbehave, say no, and stay silent:
 * how far it gets, what it says to them, and its reasons in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/smtp_client.h"
#include "fixture.h"

enum { HEARD_MAX = 64 * 1024 };

/* A client and the other end of its socket. */
struct talk {
	struct smtp_client client;
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
	struct smtp_client_parts parts = {
		.outbound = {.fd = fds[0],
			     .context = talk->context,
			     .file_name = STR("mailserver.cfg"),
			     .host = STR("mx.example.test"),
			     .demand = demand},
		.helo = STR("mail.example.org"),
		.is_implicit = is_implicit,
	};
	smtp_client_init(&talk->client, &parts);
}

static void talk_end(struct talk *talk)
{
	smtp_client_done(&talk->client);
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
	enum outbound_step got = smtp_client_step(&talk->client);

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

#define EHLO "EHLO mail.example.org\r\n"
#define WITH_STARTTLS "250-mx.example.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n"

/* ---- it goes well ---- */

static void test_in_the_clear_where_nothing_is_offered(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	exchange(&talk, "220-mx.example.test\r\n220 ready\r\n", EHLO);
	server_say(&talk, "250-mx.example.test\r\n250 SIZE 1000\r\n");
	expect_step(&talk, OUTBOUND_READY);
	expect_step(&talk, OUTBOUND_IDLE);
	assert_string_equal(talk.client.greeting, "mx.example.test");
	assert_int_equal(talk.client.capabilities.size_limit, 1000);
	assert_false(outbound_facts(&talk.client.outbound).is_active);
	talk_end(&talk);
}

static void test_starttls_is_taken_where_it_is_offered(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	exchange(&talk, WITH_STARTTLS, "STARTTLS\r\n");
	server_say(&talk, "220 2.0.0 go ahead\r\n");
	server_shake(&talk);
	expect_heard(&talk, EHLO);
	assert_true(outbound_facts(&talk.client.outbound).is_active);
	/* What was said in the clear does not count behind TLS. */
	server_say(&talk, "250 mx.example.test\r\n");
	expect_step(&talk, OUTBOUND_READY);
	assert_false(smtp_capabilities_has(&talk.client.capabilities, SMTP_CAPABILITY_PIPELINING));
	assert_true(talk.client.offered_starttls);
	talk_end(&talk);
}

static void test_tls_first(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_ENCRYPT);
	struct talk talk;

	talk_begin(&talk, &demand, true);
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	server_shake(&talk);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	server_say(&talk, "250 mx.example.test\r\n");
	expect_step(&talk, OUTBOUND_READY);
	talk_end(&talk);
}

static void test_none_does_not_even_ask(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_NONE);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	server_say(&talk, WITH_STARTTLS);
	expect_step(&talk, OUTBOUND_READY);
	talk_end(&talk);
}

static void test_a_server_without_extensions(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	exchange(&talk, "500 what?\r\n", "HELO mail.example.org\r\n");
	server_say(&talk, "250 hello\r\n");
	expect_step(&talk, OUTBOUND_READY);
	assert_false(talk.client.is_extended);
	talk_end(&talk);
}

static void test_commands_and_their_replies(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	server_say(&talk, "250-mx\r\n250 PIPELINING\r\n");
	expect_step(&talk, OUTBOUND_READY);
	smtp_client_say(&talk.client, STR("MAIL FROM:<a@example.org>"), SMTP_CLIENT_COMMAND_MS);
	smtp_client_say(&talk.client, STR("RCPT TO:<b@example.test>"), SMTP_CLIENT_COMMAND_MS);
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	expect_heard(&talk, "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.test>\r\n");
	server_say(&talk, "250 2.1.0 sender\r\n550-5.1.1 no\r\n550 5.1.1 such user\r\n");
	expect_step(&talk, OUTBOUND_REPLY);
	assert_int_equal(talk.client.reply.code, 250);
	expect_step(&talk, OUTBOUND_REPLY);
	assert_int_equal(talk.client.reply.code, 550);
	assert_int_equal(talk.client.reply.line_count, 2);
	expect_step(&talk, OUTBOUND_IDLE);
	talk_end(&talk);
}

/* ---- it does not ---- */

static void test_tls_is_demanded_and_not_offered(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_ENCRYPT);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	server_say(&talk, "250 mx.example.test\r\n");
	expect_failure(&talk, OUTBOUND_NO_TLS,
		       "does not offer STARTTLS; TlsPolicy:example.test/Level (mailserver.cfg:41) "
		       "demands encrypt");
	/* Not a word more was said in the clear. */
	expect_heard(&talk, "");
	talk_end(&talk);
}

/* Whoever strips EHLO gets no mail in the clear where TLS is demanded. */
static void test_tls_is_demanded_of_a_server_without_extensions(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_ENCRYPT);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	exchange(&talk, "502 what?\r\n", "HELO mail.example.org\r\n");
	server_say(&talk, "250 hello\r\n");
	expect_failure(&talk, OUTBOUND_NO_TLS,
		       "does not offer STARTTLS; TlsPolicy:example.test/Level (mailserver.cfg:41) "
		       "demands encrypt");
	talk_end(&talk);
}

static void test_starttls_offered_and_refused(void **state)
{
	struct tls_demand may = at_level(TLS_LEVEL_MAY), encrypt = at_level(TLS_LEVEL_ENCRYPT);
	struct talk talk;

	talk_begin(&talk, &may, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	exchange(&talk, WITH_STARTTLS, "STARTTLS\r\n");
	server_say(&talk, "454 4.7.0 TLS not available\r\n");
	expect_failure(&talk, OUTBOUND_NO_TLS,
		       "offers STARTTLS and answered it with 454 4.7.0 TLS not available; what offers "
		       "TLS and does not give it is not spoken to in the clear");
	expect_heard(&talk, "");
	talk_end(&talk);
	talk_begin(&talk, &encrypt, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	exchange(&talk, WITH_STARTTLS, "STARTTLS\r\n");
	server_say(&talk, "454 later\r\n");
	expect_failure(&talk, OUTBOUND_NO_TLS,
		       "offers STARTTLS and answered it with 454 later; TlsPolicy:example.test/Level "
		       "(mailserver.cfg:41) demands encrypt");
	talk_end(&talk);
}

/* RFC 3207 section 6, from the other side: what stands behind the answer came in the clear. */
static void test_bytes_behind_the_consent_are_an_attack(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	exchange(&talk, WITH_STARTTLS, "STARTTLS\r\n");
	server_say(&talk, "220 go\r\n250-mx.example.test\r\n250 AUTH PLAIN\r\n");
	expect_failure(&talk, OUTBOUND_INJECTED,
		       "sent 37 bytes in the clear behind its consent to TLS; somebody on the way may "
		       "have put them there");
	talk_end(&talk);
}

static void test_the_handshake_fails(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_VERIFY);
	struct buf line = BUF_INIT(8192);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	exchange(&talk, WITH_STARTTLS, "STARTTLS\r\n");
	server_say(&talk, "220 go\r\n");
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	talk.server_tls = tls_connection_new(talk.server_context, talk.fd);
	assert_int_equal(tls_handshake(talk.server_tls), IO_WANT_INPUT);
	expect_step(&talk, OUTBOUND_FAILED);
	assert_int_equal(talk.client.outbound.fault, OUTBOUND_TLS);
	assert_true(outbound_append_security(&talk.client.outbound, STR("192.0.2.26"), &line));
	assert_true(str_has_prefix(buf_str(&line), STR("TLS to 192.0.2.26 (mx.example.test): has no "
						       "certificate that will do: ")));
	assert_true(str_find(buf_str(&line), STR("demands verify")) != STR_NONE);
	buf_done(&line);
	talk_end(&talk);
}

static void test_a_server_that_says_no(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct buf line = BUF_INIT(8192);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	server_say(&talk, "554-5.7.1 no\r\n554 5.7.1 mail\x1b[2J from you\r\n");
	expect_failure(&talk, OUTBOUND_REFUSED,
		       "answered the connection with 554 5.7.1 no 5.7.1 mail\\x1b[2J from you");
	assert_int_equal(talk.client.outbound.reply_code, 554);
	assert_false(outbound_append_security(&talk.client.outbound, STR("192.0.2.26"), &line));
	buf_done(&line);
	talk_end(&talk);
	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	server_say(&talk, "421 4.3.2 closing\r\n");
	expect_failure(&talk, OUTBOUND_REFUSED, "answered EHLO with 421 4.3.2 closing");
	talk_end(&talk);
}

static void test_a_server_that_talks_nonsense(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	server_say(&talk, "SSH-2.0-OpenSSH_9.2\r\n");
	expect_failure(&talk, OUTBOUND_NONSENSE,
		       "sent something that is no reply of SMTP instead of its greeting");
	talk_end(&talk);
	/* An answer without an end is cut at its bound. */
	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	enum outbound_step step = OUTBOUND_WAIT_INPUT;
	for (int i = 0; i < 10000 && step == OUTBOUND_WAIT_INPUT; i++) {
		server_say(&talk, "250-more\r\n");
		step = smtp_client_step(&talk.client);
	}
	expect_failure(&talk, OUTBOUND_NONSENSE,
		       "sent something that is no reply of SMTP instead of its answer to EHLO");
	talk_end(&talk);
}

static void test_a_server_that_goes(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	(void)shutdown(talk.fd, SHUT_WR);
	expect_failure(&talk, OUTBOUND_CLOSED,
		       "closed the connection instead of its answer to EHLO");
	talk_end(&talk);
	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	exchange(&talk, WITH_STARTTLS, "STARTTLS\r\n");
	server_say(&talk, "220 go\r\n");
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	(void)shutdown(talk.fd, SHUT_WR);
	expect_failure(&talk, OUTBOUND_TLS,
		       "closed the connection when TLS began; its log says why; servers without a "
		       "certificate often do so");
	talk_end(&talk);
}

static void test_a_server_that_is_silent(void **state)
{
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	talk_begin(&talk, &demand, false);
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	assert_true(talk.client.outbound.stream.deadline_ms > 0);
	smtp_client_expire(&talk.client);
	expect_failure(&talk, OUTBOUND_TIMEOUT, "did not give its greeting in time");
	talk_end(&talk);
	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	exchange(&talk, WITH_STARTTLS, "STARTTLS\r\n");
	server_say(&talk, "220 go\r\n");
	expect_step(&talk, OUTBOUND_WAIT_INPUT);
	smtp_client_expire(&talk.client);
	expect_failure(&talk, OUTBOUND_TLS,
		       "said nothing to the hello until the time for the handshake was over; the port "
		       "may be one where TLS begins with STARTTLS, or a firewall swallows large "
		       "packets");
	talk_end(&talk);
}

static void test_policy_and_demand_leave_nothing(void **state)
{
	static const uint16_t unknown[] = {0x0005};
	struct tls_demand demand = at_level(TLS_LEVEL_MAY);
	struct talk talk;

	demand.suites = unknown;
	demand.suite_count = 1;
	demand.suites_source = demand.level_source;
	talk_begin(&talk, &demand, false);
	exchange(&talk, "220 mx.example.test\r\n", EHLO);
	exchange(&talk, WITH_STARTTLS, "STARTTLS\r\n");
	server_say(&talk, "220 go\r\n");
	expect_failure(&talk, OUTBOUND_DEMAND,
		       "cannot be offered TLS: no suite is left to offer: TlsPolicy:example.test/Level "
		       "(mailserver.cfg:41) admits none of those that SmtpSecurity/ClientTlsCiphers "
		       "(the default) names");
	talk_end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_the_clear_where_nothing_is_offered),
		cmocka_unit_test(test_starttls_is_taken_where_it_is_offered),
		cmocka_unit_test(test_tls_first),
		cmocka_unit_test(test_none_does_not_even_ask),
		cmocka_unit_test(test_a_server_without_extensions),
		cmocka_unit_test(test_commands_and_their_replies),
		cmocka_unit_test(test_tls_is_demanded_and_not_offered),
		cmocka_unit_test(test_tls_is_demanded_of_a_server_without_extensions),
		cmocka_unit_test(test_starttls_offered_and_refused),
		cmocka_unit_test(test_bytes_behind_the_consent_are_an_attack),
		cmocka_unit_test(test_the_handshake_fails),
		cmocka_unit_test(test_a_server_that_says_no),
		cmocka_unit_test(test_a_server_that_talks_nonsense),
		cmocka_unit_test(test_a_server_that_goes),
		cmocka_unit_test(test_a_server_that_is_silent),
		cmocka_unit_test(test_policy_and_demand_leave_nothing),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
