/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failed handshakes in words: what the hello offered, what whoever spoke no TLS
 * said, each alert that a peer may send, and that the manual has the same words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"
#include "tls/failure.h"
#include "tls/hello.h"

enum { HELLO_MAX = 4096 };

/* ---- the parser ---- */

#define RANDOM_32 "0123456789abcdef0123456789abcdef"
#define MESSAGE(bytes) str_make(bytes, sizeof(bytes) - 1)

static void test_an_old_hello_names_its_highest_version(void **state)
{
	/* TLS 1.1; suites: AES128-SHA, the renegotiation signal, the fallback signal. */
	struct str hello =
		MESSAGE("\x01\0\0\x2f\x03\x02" RANDOM_32 "\0\0\x06\0\x2f\0\xff\x56\0\x01\0\0\0");
	struct tls_offer offer;

	assert_true(tls_offer_parse(hello, false, &offer));
	assert_int_equal(offer.highest, TLS_PROTOCOL_1_1);
	assert_false(offer.listed_versions);
	assert_true(offer.has_fallback);
	assert_int_equal(offer.suite_count, 1);
	assert_int_equal(offer.suites[0], 0x002f);
	assert_int_equal(offer.group_count, 0);
}

static void test_a_new_hello_lists_what_it_can(void **state)
{
	struct str hello =
		MESSAGE("\x01\0\0\x50\x03\x03" RANDOM_32 "\0\0\x04\x1a\x1a\x13\x01\x01\0\0\x23"
			/* versions: grease, 1.3, 1.2 */
			"\0\x2b\0\x07\x06\x7a\x7a\x03\x04\x03\x03"
			/* groups: grease, X25519, one that nobody knows */
			"\0\x0a\0\x08\0\x06\x2a\x2a\0\x1d\xfe\xdc"
			/* signatures */
			"\0\x0d\0\x04\0\x02\x08\x07"
			/* one that is not looked into */
			"\0\x17\0\0");
	struct tls_offer offer;

	assert_true(tls_offer_parse(hello, false, &offer));
	assert_true(offer.listed_versions);
	assert_int_equal(offer.versions,
			 TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_2) | TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_3));
	assert_int_equal(offer.suite_count, 1);
	assert_int_equal(offer.suites[0], 0x1301);
	assert_int_equal(offer.group_count, 2);
	assert_int_equal(offer.groups[0], 0x1d);
	assert_int_equal(offer.groups[1], 0xfedc);
	assert_int_equal(offer.scheme_count, 1);
	assert_int_equal(offer.schemes[0], 0x0807);
	/* Cut anywhere, it is malformed, and nothing is read past its end. */
	for (size_t len = 0; len < hello.len; len++)
		assert_false(tls_offer_parse(str_sub(hello, 0, len), false, &offer));
}

static void test_the_hello_of_sslv2(void **state)
{
	struct tls_offer offer;

	/* SSL 2.0 itself: suites 01 00 80 and 07 00 c0 are its own. */
	assert_true(tls_offer_parse(MESSAGE("\x01\0\x02\0\x06\0\0\0\x10\x01\0\x80\x07\0\xc0"
					    "0123456789abcdef"),
				    true, &offer));
	assert_int_equal(offer.highest, TLS_PROTOCOL_COUNT);
	assert_int_equal(offer.suite_count, 0);
	/* Its form, for TLS 1.0. */
	assert_true(tls_offer_parse(MESSAGE("\x01\x03\x01\0\x03\0\0\0\x10\0\0\x2f"
					    "0123456789abcdef"),
				    true, &offer));
	assert_true(offer.is_sslv2);
	assert_int_equal(offer.highest, TLS_PROTOCOL_1_0);
	assert_int_equal(offer.suites[0], 0x2f);
	assert_false(tls_offer_parse(MESSAGE("\x01\x03\x01\0\x03\0\0"), true, &offer));
}

/* ---- who spoke no TLS ---- */

/* What is said of a peer that sends this and closes. */
static struct buf words_for(struct tls_context *context, struct str sent, bool is_expired)
{
	struct buf words = BUF_INIT(4096);
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	struct tls_connection *server = tls_connection_new(context, fds[0]);
	assert_int_equal(write(fds[1], sent.ptr, sent.len), (ssize_t)sent.len);
	if (is_expired) {
		assert_int_equal(tls_handshake(server), IO_WANT_INPUT);
		tls_handshake_expire(server);
	} else {
		close(fds[1]);
		assert_int_equal(tls_handshake(server), IO_BROKEN);
	}
	tls_failure_append(&words, server, STR("192.0.2.26"), STR(""));
	buf_append_char(&words, '\0');
	tls_connection_free(&server);
	close(fds[0]);
	if (is_expired)
		close(fds[1]);
	return words;
}

static void test_what_is_no_tls_is_named_so(void **state)
{
#define HTTPS "; its address has to begin with https:"
#define MAIL_CURE "; set the client to SSL/TLS on this port, or to STARTTLS on the port for it"
#define SCANNER "; a scanner, or a client of another service"
	static const struct {
		struct str sent;
		bool is_expired;
		const char *expected;
	} cases[] = {
		{STR_INIT("GET / HTTP/1.0\r\n\r\n"), false,
		 "spoke plain HTTP where TLS was expected (it began with GET / HTTP/1.0)" HTTPS},
		{STR_INIT("EHLO client.example\r\n"), false,
		 "spoke plain SMTP, IMAP or POP3 where TLS was expected (it began with EHLO "
		 "client.example)" MAIL_CURE},
		{STR_INIT("a1 LOGIN anna x\r\n"), false,
		 "spoke plain SMTP, IMAP or POP3 where TLS was expected (it began with a1 LOGIN "
		 "anna x)" MAIL_CURE},
		{STR_INIT("USER anna\r\n"), false,
		 "spoke plain SMTP, IMAP or POP3 where TLS was expected (it began with USER "
		 "anna)" MAIL_CURE},
		{STR_INIT("SSH-2.0-OpenSSH_9.2\r\n"), false,
		 "spoke no TLS where TLS was expected (it began with SSH-2.0-OpenSSH_9.2)" SCANNER},
		/* Foreign bytes cannot write a line of their own. */
		{STR_INIT("x\r[20/Nov/2026] y\xff\x1b[2J"), false,
		 "spoke no TLS where TLS was expected (it began with "
		 "x\\x0d[20/Nov/2026] y\\xff\\x1b[2J)" SCANNER},
		{STR_INIT(""), false,
		 "closed the connection before it said anything; a port check, most often"},
		{STR_INIT("\x16\x03\x01\x02"), false,
		 "closed the connection in the middle of the handshake; clients that mislike the "
		 "certificate often do so without a word; look into the client's log"},
		{STR_INIT(""), true,
		 "said nothing until the time for the handshake was over; perhaps it waits for a "
		 "greeting: here TLS comes first"},
		{STR_INIT("\x16\x03\x01\x02"), true,
		 "did not finish the handshake in time; a slow line, a firewall that swallows "
		 "large packets, or a scanner"},
		{STR_INIT("USER"), true,
		 "spoke no TLS where TLS was expected (it began with USER)" SCANNER},
	};
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_RSA, NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf words = words_for(context, cases[i].sent, cases[i].is_expired);
		assert_true(str_has_prefix(str_from_c(words.data), STR("TLS: 192.0.2.26 ")));
		assert_string_equal(words.data + strlen("TLS: 192.0.2.26 "), cases[i].expected);
		buf_done(&words);
	}
	tls_context_unref(&context);
}

/* ---- alerts of the peer ---- */

/* The hello of OpenSSL's own client, which a raw peer sends for it. */
static size_t hello_of(SSL_CTX *client, char hello_out[HELLO_MAX])
{
	SSL *ssl = SSL_new(client);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	(void)SSL_do_handshake(ssl);
	int len = BIO_read(out, hello_out, HELLO_MAX);
	assert_true(len > 0);
	SSL_free(ssl);
	return (size_t)len;
}

/* What is said when the peer answers our flight with this alert. */
static struct buf words_after_alert(struct tls_context *context, SSL_CTX *client, int level,
				    int alert)
{
	char hello[HELLO_MAX], record[] = {21, 3, 3, 0, 2, (char)level, (char)alert};
	struct buf words = BUF_INIT(4096);
	int fds[2];

	size_t len = hello_of(client, hello);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	struct tls_connection *server = tls_connection_new(context, fds[0]);
	assert_int_equal(write(fds[1], hello, len), (ssize_t)len);
	assert_int_equal(tls_handshake(server), IO_WANT_INPUT);
	assert_int_equal(write(fds[1], record, sizeof(record)), sizeof(record));
	close(fds[1]);
	enum io io = tls_handshake(server);
	assert_true(io == IO_BROKEN || io == IO_CLOSED);
	tls_failure_append(&words, server, STR("192.0.2.26"), STR(""));
	buf_append_char(&words, '\0');
	tls_connection_free(&server);
	close(fds[0]);
	return words;
}

static void assert_alert_words(struct tls_context *context, SSL_CTX *client, int level,
			       const struct tls_alert_row *row)
{
	struct buf expected = BUF_INIT(4096);
	struct buf words = words_after_alert(context, client, level, row->alert);

	buf_printf(&expected, "TLS: 192.0.2.26 refused: %s (alert %d, %s); %s%c", row->meaning,
		   row->alert, row->name, row->cure, '\0');
	assert_string_equal(words.data, expected.data);
	buf_done(&words);
	buf_done(&expected);
}

static void test_each_alert_of_a_peer_has_words(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_2));
	struct tls_context *context = context_make(&policy, WITH_RSA, NULL);
	SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_2_VERSION);

	for (size_t i = 0; i < tls_alert_count(); i++)
		assert_alert_words(context, client, 2, tls_alert_at(i));
	/* A warning and then the end: these two are never fatal (RFC 5246 section 7.2.2). */
	assert_alert_words(context, client, 1, tls_alert_row(90));
	assert_alert_words(context, client, 1, tls_alert_row(100));
	struct buf words = words_after_alert(context, client, 2, 255);
	assert_string_equal(words.data, "TLS: 192.0.2.26 refused with alert 255");
	buf_done(&words);
	/* Mere goodbye tells nothing. */
	words = words_after_alert(context, client, 1, 0);
	assert_string_equal(words.data,
			    "TLS: 192.0.2.26 closed the connection in the middle of the handshake; "
			    "clients that mislike the certificate often do so without a word; look "
			    "into the client's log");
	buf_done(&words);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

/* Each alert stands once, with words. */
static void test_the_table_of_alerts_is_sound(void **state)
{
	for (size_t i = 0; i < tls_alert_count(); i++) {
		const struct tls_alert_row *row = tls_alert_at(i);
		assert_ptr_equal(tls_alert_row(row->alert), row);
		assert_true(row->name[0] != '\0' && row->meaning[0] != '\0');
		assert_true(row->cure[0] != '\0');
	}
	/* What an answer of ours may hold has a name too. */
	static const int ours[] = {SSL_AD_PROTOCOL_VERSION, SSL_AD_HANDSHAKE_FAILURE,
				   SSL_AD_DECODE_ERROR, SSL_AD_INTERNAL_ERROR,
				   SSL_AD_INAPPROPRIATE_FALLBACK};
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		assert_non_null(tls_alert_row(ours[i]));
}

/* ---- the manual ---- */

static void manual_expect(const struct buf *manual, const struct buf *row)
{
	if (str_find(buf_str(manual), buf_str(row)) == STR_NONE)
		fail_msg("failures.md lacks: %.*s", STR_ARG(buf_str(row)));
}

static void test_the_manual_has_the_same_words(void **state)
{
	struct buf manual = BUF_INIT(1 << 20), row = BUF_INIT(4096);
	char *path = path_join(MANUAL_FOLDER, "failures.md");

	assert_int_equal(file_read(path, &manual), FAULT_NONE);
	for (int i = 0; i < TLS_FAILURE_COUNT; i++) {
		const struct tls_failure_row *failure = tls_failure_row((enum tls_failure)i);
		buf_reset(&row);
		buf_printf(&row, "\n| %s | %s |\n", failure->what, failure->cure);
		manual_expect(&manual, &row);
	}
	for (size_t i = 0; i < tls_alert_count(); i++) {
		const struct tls_alert_row *alert = tls_alert_at(i);
		buf_reset(&row);
		buf_printf(&row, "\n| %d | `%s` | %s | %s |\n", alert->alert, alert->name,
			   alert->meaning, alert->cure);
		manual_expect(&manual, &row);
	}
	free(path);
	buf_done(&manual);
	buf_done(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_old_hello_names_its_highest_version),
		cmocka_unit_test(test_a_new_hello_lists_what_it_can),
		cmocka_unit_test(test_the_hello_of_sslv2),
		cmocka_unit_test(test_what_is_no_tls_is_named_so),
		cmocka_unit_test(test_each_alert_of_a_peer_has_words),
		cmocka_unit_test(test_the_table_of_alerts_is_sound),
		cmocka_unit_test(test_the_manual_has_the_same_words),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
