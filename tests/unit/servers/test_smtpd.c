/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of smtpd/. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "smtpd/smtpd.h"

#define OK "250 2.0.0 OK\r\n"
#define SENDER_OK "250 2.1.0 OK\r\n"
#define RCPT_OK "250 2.1.5 OK\r\n"
/* The end of every EHLO. */
#define EXTENSIONS_END "250-DSN\r\n250 SMTPUTF8\r\n"
#define GO "354 End data with <CR><LF>.<CR><LF>\r\n"
#define SEQUENCE "503 5.5.1 Bad sequence of commands\r\n"

static void connect_greeted(enum service_id service)
{
	fixture_connect(service, &smtpd_protocol);
	fixture_expect("220 mx.example.org ESMTP Postern\r\n");
	fixture_say("EHLO client.example\r\n");
}

/* After EHLO; leaves the session where DATA or BDAT may come. */
static void envelope_say(void)
{
	fixture_exchange("MAIL FROM:<a@client.example>\r\n", SENDER_OK);
	fixture_exchange("RCPT TO:<anna@example.org>\r\n", RCPT_OK);
}

static void login(void)
{
	connect_greeted(SERVICE_SMTPS);
	/* \0anna@example.org\0secret */
	fixture_exchange("AUTH PLAIN AGFubmFAZXhhbXBsZS5vcmcAc2VjcmV0\r\n",
			 "235 2.7.0 Authentication successful\r\n");
}

static bool heard_begins(const char *text)
{
	return str_has_prefix(buf_str(&fixture.heard), str_from_c(text));
}

static bool body_has(const char *text)
{
	return str_find(buf_str(&fixture.append_body), str_from_c(text)) != STR_NONE;
}

static void test_ehlo_announces_what_holds(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_expect(
		"250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 1048576\r\n250-8BITMIME\r\n"
		"250-CHUNKING\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n" EXTENSIONS_END);
	fixture_exchange("HELO x\r\n", "250 mx.example.org\r\n");
}

static void test_a_message_goes_to_its_mailbox(void **state)
{
	connect_greeted(SERVICE_SMTP);
	envelope_say();
	fixture_exchange("DATA\r\n", GO);
	fixture_say("Subject: hi\r\nMessage-ID: <m@x>\r\n\r\n..dot\r\n.\r\n");
	assert_true(heard_begins("250 2.0.0 OK "));
	assert_int_equal(fixture.append_targets, 1);
	assert_int_equal(fixture.append_accounts[0], 1);
	assert_true(str_equals(buf_str(&fixture.append_prefix),
			       STR("Return-Path: <a@client.example>\r\n"
				   "Delivered-To: anna@example.org\r\n")));
	assert_true(str_has_prefix(buf_str(&fixture.append_body),
				   STR("Received: from client.example ([192.0.2.1])\r\n"
				       "\tby mx.example.org (Postern) with ESMTP id ")));
	assert_true(body_has("\r\n\tfor <anna@example.org>;\r\n\t"));
	assert_true(
		str_has_suffix_nocase(buf_str(&fixture.append_body),
				      STR("\r\nSubject: hi\r\nMessage-ID: <m@x>\r\n\r\n.dot\r\n")));
	fixture_exchange("QUIT\r\n", "221 2.0.0 Bye\r\n");
	assert_true(fixture.has_ended);
}

static void test_received_names_ipv6_peers(void **state)
{
	memcpy(fixture.peer, (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 1}, 16);
	fixture_connect(SERVICE_SMTP, &smtpd_protocol);
	fixture_exchange("HELO [IPv6:2001:db8::1]\r\n", "250 mx.example.org\r\n");
	envelope_say();
	fixture_exchange("DATA\r\n", GO);
	fixture_say(".\r\n");
	assert_true(str_has_prefix(buf_str(&fixture.append_body),
				   STR("Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n"
				       "\tby mx.example.org (Postern) with SMTP id ")));
}

static void test_mail_log(void **state)
{
	char line[512];
	char id[QUEUE_ID_BYTES];

	connect_greeted(SERVICE_SMTP);
	fixture_exchange("MAIL FROM:<>\r\n", SENDER_OK);
	fixture_exchange("RCPT TO:<team@example.org>\r\nRCPT TO:<anna@example.org>\r\n",
			 RCPT_OK RCPT_OK);
	fixture_exchange("DATA\r\n", GO);
	fixture_say("Subject: a\r\n b\tc\x01\r\nMessage-ID:\r\n <m,n@x>\r\n\r\n.\r\n");
	assert_true(heard_begins("250 2.0.0 OK "));
	assert_true(str_copy_c(str_sub(buf_str(&fixture.heard), 13, 17), id, sizeof(id)));
	snprintf(line, sizeof(line),
		 "Recv: Queue-ID: %s, Service: SMTP, From: <>, To: <team@example.org> "
		 "<anna@example.org>, Size: %zu, Sender-Host: 192.0.2.1, Subject: a b\\x09c\\x01, "
		 "Msg-Id: <m\\x2cn@x>",
		 id, fixture.append_body.len);
	fixture_expect_log(LOG_MAIL, line);
	snprintf(line, sizeof(line),
		 "Sent: Queue-ID: %s, Recipient: <bert@example.org>, Result: delivered, Status: "
		 "2.0.0 , Remote-Host: 127.0.0.1, Msg-Id: <m\\x2cn@x>",
		 id);
	fixture_expect_log(LOG_MAIL, line);
	/* Who else gets it is nobody's business. */
	assert_false(body_has("\tfor <"));
	assert_int_equal(fixture.append_targets, 2);
	assert_int_equal(fixture.append_accounts[1], 2);
}

static void test_refused_recipients(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("MAIL FROM:<a@x>\r\n", SENDER_OK);
	fixture_exchange("RCPT TO:<no@example.org>\r\n", "550 5.1.1 No such user here\r\n");
	fixture_expect_log(LOG_SECURITY, "Attempt to deliver to unknown recipient "
					 "<no@example.org>, from <a@x>, IP address 192.0.2.1");
	fixture_exchange("RCPT TO:<b@y>\r\n", "550 5.7.1 Relaying denied\r\n");
	fixture_expect_log(LOG_SECURITY, "Relay attempt from IP address 192.0.2.1, mail from "
					 "<a@x> to <b@y> rejected");
	fixture_exchange("DATA\r\n", SEQUENCE);
	fixture.full_account = 2;
	fixture_exchange("RCPT TO:<team@example.org>\r\n", "552 5.2.2 The mailbox is full\r\n");
	fixture_exchange("RCPT TO:<Anna@EXAMPLE.org>\r\n", RCPT_OK);
	assert_int_equal(fixture.metrics.fronts[0].counts[SERVICE_SMTP][METRIC_MESSAGES_REJECTED],
			 3);
}

static void test_postmaster_is_always_there(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("MAIL FROM:<a@x>\r\nRCPT TO:<Postmaster>\r\n"
			 "RCPT TO:<postmaster@example.org>\r\n",
			 SENDER_OK RCPT_OK RCPT_OK);
	fixture_exchange("RCPT TO:<postmaster@elsewhere.example>\r\n",
			 "550 5.7.1 Relaying denied\r\n");
	fixture_exchange("DATA\r\n", GO);
	fixture_say(".\r\n");
	assert_int_equal(fixture.append_targets, 1);
	assert_int_equal(fixture.append_accounts[0], 3);
}

static void test_limits_of_the_envelope(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("MAIL FROM:<a@x> SIZE=1048577\r\n",
			 "552 5.3.4 Message size exceeds the limit\r\n");
	fixture_exchange("MAIL FROM:<a@x> SIZE=1048576\r\n", SENDER_OK);
	for (int i = 0; i < 4; i++)
		fixture_exchange("RCPT TO:<anna@example.org>\r\n", RCPT_OK);
	fixture_exchange("RCPT TO:<bert@example.org>\r\n", "452 4.5.3 Too many recipients\r\n");
	fixture_expect_log(LOG_WARNING, "SMTP: 192.0.2.1: too many recipients");
}

static void test_smuggling_is_refused_after_the_real_end(void **state)
{
	connect_greeted(SERVICE_SMTP);
	envelope_say();
	fixture_exchange("DATA\r\n", GO);
	fixture_exchange(
		"a: b\r\n\r\nx\n.\r\nMAIL FROM:<evil@x>\r\n.\r\n",
		"550 5.6.0 Bare CR or bare LF in the message: lines must end with CRLF\r\n");
	assert_int_equal(fixture.append_count, 0);
	/* What stands behind such a message is not heard. */
	assert_true(fixture.has_ended);
}

static void test_only_crlf_ends_a_command(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("NOOP\n", "500 5.5.2 Bare CR, bare LF or NUL in a command line\r\n");
	fixture_exchange("NOOP\r\n", OK);
}

static void test_message_limits(void **state)
{
	size_t len = (2 << 20) + 5;
	char *text = malloc(len);

	memset(text, 'x', len);
	memcpy(text + len - 5, "\r\n.\r\n", 5);
	connect_greeted(SERVICE_SMTP);
	envelope_say();
	fixture_exchange("DATA\r\n", GO);
	fixture_say_bytes(str_make(text, len));
	fixture_expect("552 5.3.4 Message size exceeds the limit\r\n");
	envelope_say();
	fixture_exchange("DATA\r\n", GO);
	fixture_say_bytes(str_make(text + len - 5000, 5000));
	fixture_expect("552 5.3.4 Message header too large\r\n");
	assert_int_equal(fixture.append_count, 0);

	/* Large, and all right: it goes by descriptor. */
	memcpy(text, "a: b\r\n\r\n", 8);
	memmove(text + 500000, text + len - 5, 5);
	envelope_say();
	fixture_exchange("DATA\r\n", GO);
	fixture_say_bytes(str_make(text, 500005));
	assert_true(heard_begins("250 2.0.0 OK "));
	assert_true(fixture.append_by_descriptor);
	assert_true(body_has("\r\na: b\r\n\r\nxxx"));
	free(text);
}

static void test_loops_are_cut(void **state)
{
	struct buf text = BUF_INIT(8192);

	fixture.limits->header_bytes = 8192;
	connect_greeted(SERVICE_SMTP);
	envelope_say();
	fixture_exchange("DATA\r\n", GO);
	for (int i = 0; i < 101; i++)
		buf_append_str(&text, STR("Received: x\r\n"));
	buf_append_str(&text, STR("\r\n.\r\n"));
	fixture_say_bytes(buf_str(&text));
	fixture_expect("554 5.4.6 Too many hops, mail is looping\r\n");
	buf_done(&text);
}

static void store_fails(enum fault fault, const char *reply)
{
	envelope_say();
	fixture_exchange("DATA\r\n", GO);
	fixture.append_fault = fault;
	fixture_exchange("a: b\r\n\r\n.\r\n", reply);
}

static void test_store_faults(void **state)
{
	connect_greeted(SERVICE_SMTP);
	store_fails(FAULT_OVER_QUOTA, "552 5.2.2 The mailbox is full\r\n");
	fixture_expect_log(LOG_MAIL,
			   "Rejected: Service: SMTP, From: <a@client.example>, "
			   "Sender-Host: 192.0.2.1, Status: 552 5.2.2 The mailbox is full");
	store_fails(FAULT_NO_SPACE, "452 4.3.1 Insufficient storage, try later\r\n");
	store_fails(FAULT_UNAVAILABLE, "451 4.3.0 Temporary local problem, try later\r\n");
	fixture.view_fault = FAULT_BUSY;
	fixture_exchange("MAIL FROM:<a@x>\r\n", "451 4.3.0 Temporary local problem, try later\r\n");
}

static void test_chunks(void **state)
{
	connect_greeted(SERVICE_SMTP);
	envelope_say();
	fixture_exchange("BDAT 10\r\na: b\r\n\r\n.\rBDAT 1\r\n\nNOOP\r\n", OK OK OK);
	fixture_exchange("DATA\r\n", SEQUENCE);
	fixture_exchange("MAIL FROM:<b@x>\r\n", SEQUENCE);
	fixture_say("BDAT 0 LAST\r\n");
	assert_true(heard_begins("250 2.0.0 OK "));
	assert_true(str_has_suffix_nocase(buf_str(&fixture.append_body), STR("a: b\r\n\r\n.\r\n")));
}

static void test_unwanted_chunks_are_read_in_vain(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("BDAT 6 LAST\r\nRSET\r\nNOOP\r\n", SEQUENCE OK);
	envelope_say();
	fixture_exchange(
		"BDAT 2\r\na\nBDAT 2 LAST\r\n\r\n",
		OK "550 5.6.0 Bare CR or bare LF in the message: lines must end with CRLF\r\n");
	fixture_exchange("BDAT x\r\nNOOP\r\n", "501 5.5.4 Syntax error in the arguments\r\n");
	assert_true(fixture.has_ended);
	assert_int_equal(fixture.append_count, 0);
}

static void test_starttls_forgets(void **state)
{
	connect_greeted(SERVICE_SMTP);
	envelope_say();
	fixture_exchange("STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n");
	fixture_exchange("MAIL FROM:<a@x>\r\n", SEQUENCE);
	fixture_exchange("EHLO client.example\r\n",
			 "250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 1048576\r\n"
			 "250-8BITMIME\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n" EXTENSIONS_END);
	fixture_exchange("STARTTLS\r\n", "503 5.5.1 TLS is active already\r\n");
	envelope_say();
	fixture_exchange("DATA\r\n", GO);
	fixture_say(".\r\n");
	assert_true(body_has(" with ESMTPS id "));
	assert_true(body_has("\r\n\ttls TLS_AES_128_GCM_SHA256;\r\n"));
}

static void test_nothing_is_injected_behind_starttls_or_data(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("STARTTLS\r\nNOOP\r\n",
			 "503 5.5.1 Nothing may be sent behind this command, closing\r\n");
	assert_true(fixture.has_ended);
	connect_greeted(SERVICE_SMTP);
	envelope_say();
	fixture_exchange("DATA\r\nSubject: x\r\n\r\n.\r\n",
			 "503 5.5.1 Nothing may be sent behind this command, closing\r\n");
	assert_true(fixture.has_ended);
}

static void test_submission_wants_tls_then_login(void **state)
{
	connect_greeted(SERVICE_SUBMISSION);
	fixture_expect(
		"250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 1048576\r\n250-8BITMIME\r\n"
		"250-CHUNKING\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n" EXTENSIONS_END);
	fixture_exchange("AUTH PLAIN AGFubmFAZXhhbXBsZS5vcmcAc2VjcmV0\r\n",
			 "530 5.7.0 Must issue a STARTTLS command first\r\n");
	fixture_exchange("BDAT 2 LAST\r\n\r\n",
			 "530 5.7.0 Must issue a STARTTLS command first\r\n");
	fixture_exchange("STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n");
	fixture_exchange("EHLO x\r\n",
			 "250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 1048576\r\n"
			 "250-8BITMIME\r\n250-CHUNKING\r\n250-AUTH PLAIN LOGIN\r\n"
			 "250-ENHANCEDSTATUSCODES\r\n" EXTENSIONS_END);
	fixture_exchange("MAIL FROM:<anna@example.org>\r\n",
			 "530 5.7.0 Authentication required\r\n");
}

static void test_login(void **state)
{
	connect_greeted(SERVICE_SMTPS);
	fixture_exchange("AUTH PLAIN AGFubmFAZXhhbXBsZS5vcmcAeA==\r\n",
			 "535 5.7.8 Wrong user name or password\r\n");
	fixture_expect_log(LOG_SECURITY,
			   "Failed SMTP login from 192.0.2.1 with SASL method PLAIN.");
	fixture_exchange("AUTH CRAM-MD5\r\n", "504 5.5.4 Mechanism not available\r\n");
	fixture_exchange("AUTH PLAIN !\r\n", "501 5.5.2 Cannot decode the response\r\n");
	fixture_exchange("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
	fixture_exchange("*\r\n", "501 5.7.0 Authentication cancelled\r\n");
	fixture_exchange("AUTH PLAIN\r\n", "334 \r\n");
	fixture_exchange("AGFubmFAZXhhbXBsZS5vcmcAc2VjcmV0\r\n",
			 "235 2.7.0 Authentication successful\r\n");
	fixture_exchange("AUTH PLAIN\r\n", "503 5.5.1 Already authenticated\r\n");
}

static void test_login_by_certificate(void **state)
{
	fixture.offers_certificate = true;
	fixture.certificate = (struct tls_user_certificate){.is_presented = true,
							    .is_good = true,
							    .name_count = 1,
							    .names = {"Anna@example.org"}};
	connect_greeted(SERVICE_SMTPS);
	fixture_exchange("AUTH EXTERNAL Ym9iQGV4YW1wbGUub3Jn\r\n",
			 "535 5.7.8 Wrong user name or password\r\n");
	fixture_exchange("AUTH EXTERNAL\r\n", "334 \r\n");
	fixture_exchange("\r\n", "235 2.7.0 Authentication successful\r\n");
}

/* Days may lie between the handshake and the login. */
static void test_certificate_expires_within_the_session(void **state)
{
	fixture.offers_certificate = true;
	fixture.certificate = (struct tls_user_certificate){.is_presented = true};
	connect_greeted(SERVICE_SMTPS);
	fixture_exchange("AUTH EXTERNAL =\r\n", "535 5.7.8 Wrong user name or password\r\n");
	fixture_expect_log(LOG_SECURITY, "TLS: a certificate; service SMTPS");
	fixture_exchange("AUTH EXTERNAL =\r\n", "504 5.5.4 Mechanism not available\r\n");
}

static void test_a_user_sends_as_himself(void **state)
{
	login();
	fixture_exchange("MAIL FROM:<bert@example.org>\r\n",
			 "553 5.7.1 The sender address does not belong to the user who has logged "
			 "in\r\n");
	fixture_exchange("MAIL FROM:<elsewhere@x>\r\n",
			 "553 5.7.1 The sender address does not belong to the user who has logged "
			 "in\r\n");
	fixture_exchange("MAIL FROM:<team@example.org>\r\nRSET\r\n", SENDER_OK OK);
	fixture_exchange("MAIL FROM:<>\r\nRSET\r\n", SENDER_OK OK);
	fixture_exchange("MAIL FROM:<Anna@example.org>\r\n", SENDER_OK);
	fixture_exchange("RCPT TO:<bert@example.org>\r\n", RCPT_OK);
	fixture_exchange("DATA\r\n", GO);
	fixture_say(".\r\n");
	assert_true(body_has(" with ESMTPSA id "));
	assert_int_equal(fixture.append_queue.len, 0);
	/* A user's slip is no attack. */
	fixture_expect_no_log(LOG_SECURITY);
}

static void assert_queued(const char *text)
{
	if (!str_equals(buf_str(&fixture.append_queue), str_from_c(text)))
		fail_msg("queued: %.*s", STR_ARG(buf_str(&fixture.append_queue)));
}

static void test_a_user_sends_to_other_servers(void **state)
{
	login();
	fixture_exchange("MAIL FROM:<anna@example.org> RET=HDRS ENVID=q1\r\n", SENDER_OK);
	fixture_exchange("RCPT TO:<B@y> NOTIFY=DELAY,FAILURE ORCPT=rfc822;c@z\r\n", RCPT_OK);
	fixture_exchange("RCPT TO:<bert@example.org>\r\nRCPT TO:<d@[192.0.2.1]>\r\n",
			 RCPT_OK RCPT_OK);
	fixture_exchange("DATA\r\n", GO);
	fixture_say("Date: x\r\nMessage-ID: <1@a>\r\n\r\n.\r\n");
	assert_int_equal(fixture.append_targets, 1);
	assert_queued("8 <anna@example.org> q1\nB@y rfc822;c@z c\nd@[192.0.2.1]  0\n");
}

static void test_a_message_all_for_others_needs_no_mailbox(void **state)
{
	login();
	fixture_exchange("MAIL FROM:<>\r\nRCPT TO:<b@y>\r\n", SENDER_OK RCPT_OK);
	fixture_exchange("DATA\r\n", GO);
	fixture_say("Date: x\r\nMessage-ID: <1@a>\r\n\r\n\xc3\xbc\r\n.\r\n");
	assert_int_equal(fixture.append_count, 1);
	assert_int_equal(fixture.append_targets, 0);
	assert_queued("2 <> \nb@y  0\n");
}

static void test_who_wants_to_hear_of_a_delivery_here_is_queued_for(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("MAIL FROM:<x@y>\r\n", SENDER_OK);
	fixture_exchange("RCPT TO:<anna@example.org> NOTIFY=SUCCESS\r\n"
			 "RCPT TO:<bert@example.org> NOTIFY=NEVER\r\n",
			 RCPT_OK RCPT_OK);
	fixture_exchange("DATA\r\n", GO);
	fixture_say(".\r\n");
	assert_int_equal(fixture.append_targets, 2);
	assert_queued("0 <x@y> \nanna@example.org  2 delivered\n");
	/* Nobody is told of what nobody sent. */
	fixture_exchange("MAIL FROM:<>\r\nRCPT TO:<anna@example.org> NOTIFY=SUCCESS\r\n",
			 SENDER_OK RCPT_OK);
	fixture_exchange("DATA\r\n", GO);
	fixture_say(".\r\n");
	assert_queued("");
}

static void test_what_a_submitted_message_lacks_is_added(void **state)
{
	login();
	fixture_exchange("MAIL FROM:<anna@example.org>\r\n", SENDER_OK);
	fixture_exchange("RCPT TO:<bert@example.org>\r\nRCPT TO:<b@y>\r\n", RCPT_OK RCPT_OK);
	fixture_exchange("DATA\r\n", GO);
	fixture_say("Subject: s\r\n\r\n.\r\n");
	struct str prefix = buf_str(&fixture.append_prefix);
	struct str queued = buf_str(&fixture.append_queue);
	assert_true(str_has_prefix(prefix, STR("Return-Path: <anna@example.org>\r\n"
					       "Delivered-To: bert@example.org\r\nDate: ")));
	assert_true(str_find(prefix, STR("\r\nMessage-ID: <")) != STR_NONE);
	assert_true(str_find(queued, STR("\nDate: ")) != STR_NONE);
	assert_true(str_find(queued, STR("\r\nMessage-ID: <")) != STR_NONE);
}

static void test_a_strangers_message_is_left_as_it_is(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("MAIL FROM:<x@y>\r\nRCPT TO:<anna@example.org>\r\n", SENDER_OK RCPT_OK);
	fixture_exchange("DATA\r\n", GO);
	fixture_say("Subject: s\r\n\r\n.\r\n");
	assert_true(str_equals(buf_str(&fixture.append_prefix),
			       STR("Return-Path: <x@y>\r\nDelivered-To: anna@example.org\r\n")));
}

static void test_addresses_beyond_ascii_want_smtputf8(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("MAIL FROM:<x@y>\r\n", SENDER_OK);
	fixture_exchange("RCPT TO:<\xc3\xbc"
			 "@example.org>\r\n",
			 "553 5.6.7 Such an address needs SMTPUTF8 with MAIL\r\n");
	fixture_exchange("RSET\r\nMAIL FROM:<\xc3\xbc"
			 "@y> SMTPUTF8\r\n", OK SENDER_OK);
	fixture_exchange("RCPT TO:<\xc3\xbc"
			 "@example.org>\r\n", "550 5.1.1 No such user here\r\n");
	fixture_exchange("RCPT TO:<anna@example.org>\r\n", RCPT_OK);
	fixture_exchange("DATA\r\n", GO);
	fixture_say(".\r\n");
	assert_true(body_has(" with UTF8SMTP id "));
}

static void test_port_25_has_no_logins(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("AUTH PLAIN AGFubmFAZXhhbXBsZS5vcmcAc2VjcmV0\r\n",
			 "502 5.5.1 Users log in at the submission port\r\n");
}

static void test_too_many_mistakes_end_the_session(void **state)
{
	connect_greeted(SERVICE_SMTP);
	for (int i = 0; i < 20; i++)
		fixture_exchange("FROBNICATE\r\n", "500 5.5.1 Command not recognized\r\n");
	fixture_exchange("FROBNICATE\r\n", "500 5.5.1 Command not recognized\r\n"
					   "421 4.7.0 Too many errors, closing\r\n");
	assert_true(fixture.has_ended);
}

static void test_talk_without_mail_is_limited(void **state)
{
	connect_greeted(SERVICE_SMTP);
	for (int i = 0; i < 28; i++)
		fixture_exchange("NOOP\r\n", OK);
	envelope_say();
	fixture_exchange("DATA\r\n", GO);
	fixture_say(".\r\n");
	for (int i = 0; i < 30; i++)
		fixture_exchange("RSET\r\n", OK);
	fixture_exchange("RSET\r\n",
			 "421 4.7.0 Too many commands without a login or a message\r\n");
	fixture_expect_log(LOG_WARNING, "SMTP: 192.0.2.1: too many commands before login");
	assert_true(fixture.has_ended);
}

static void test_browsers_are_sent_away(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("POST / HTTP/1.1\r\nRSET\r\n", "500 5.5.1 Command not recognized\r\n");
	assert_true(fixture.has_ended);
}

static void test_idle_peers_are_told(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_expire();
	fixture_expect("421 4.4.2 Idle for too long, closing\r\n");
	assert_true(fixture.has_ended);
}

static void test_other_commands(void **state)
{
	connect_greeted(SERVICE_SMTP);
	fixture_exchange("VRFY anna\r\n",
			 "252 2.5.0 Cannot verify, but will accept mail and try\r\n");
	fixture_exchange("EXPN team\r\n", "502 5.5.1 Lists are not expanded\r\n");
	fixture_exchange("HELP\r\n", "214 2.0.0 See RFC 5321\r\n");
	fixture_exchange("RCPT TO:<anna@example.org>\r\n", SEQUENCE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ehlo_announces_what_holds),
		TEST(test_a_message_goes_to_its_mailbox),
		TEST(test_received_names_ipv6_peers),
		TEST(test_mail_log),
		TEST(test_refused_recipients),
		TEST(test_postmaster_is_always_there),
		TEST(test_limits_of_the_envelope),
		TEST(test_smuggling_is_refused_after_the_real_end),
		TEST(test_only_crlf_ends_a_command),
		TEST(test_message_limits),
		TEST(test_loops_are_cut),
		TEST(test_store_faults),
		TEST(test_chunks),
		TEST(test_unwanted_chunks_are_read_in_vain),
		TEST(test_starttls_forgets),
		TEST(test_nothing_is_injected_behind_starttls_or_data),
		TEST(test_submission_wants_tls_then_login),
		TEST(test_login),
		TEST(test_login_by_certificate),
		TEST(test_certificate_expires_within_the_session),
		TEST(test_a_user_sends_as_himself),
		TEST(test_a_user_sends_to_other_servers),
		TEST(test_a_message_all_for_others_needs_no_mailbox),
		TEST(test_who_wants_to_hear_of_a_delivery_here_is_queued_for),
		TEST(test_what_a_submitted_message_lacks_is_added),
		TEST(test_a_strangers_message_is_left_as_it_is),
		TEST(test_addresses_beyond_ascii_want_smtputf8),
		TEST(test_port_25_has_no_logins),
		TEST(test_too_many_mistakes_end_the_session),
		TEST(test_talk_without_mail_is_limited),
		TEST(test_browsers_are_sent_away),
		TEST(test_idle_peers_are_told),
		TEST(test_other_commands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
