/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of pop3d/. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pop3d/pop3d.h"

static void mailbox_fill(void)
{
	fixture.messages[0] = (struct fixture_message){STR("Delivered-To: anna\r\n"),
						       STR("Subject: one\r\n\r\nFirst.\r\n")};
	fixture.messages[1] = (struct fixture_message){
		{0}, STR("Subject: two\r\n\r\nSecond.\r\n.\r\nIts last line.\r\n")};
	fixture.messages[2] = (struct fixture_message){{0}, STR("no line end")};
	fixture.message_count = 3;
}

static void connect_open(void)
{
	mailbox_fill();
	fixture_connect(SERVICE_POP3S, &pop3d_protocol);
	fixture_expect("+OK mx.example.org POP3 Postern\r\n");
	fixture_exchange("USER anna@example.org\r\nPASS secret\r\n",
			 "+OK\r\n+OK 3 messages, 99 octets\r\n");
}

static void test_capabilities(void **state)
{
	fixture_connect(SERVICE_POP3, &pop3d_protocol);
	fixture_exchange("CAPA\r\n", "+OK Capability list follows\r\nTOP\r\nUIDL\r\nPIPELINING\r\n"
				     "RESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\nSTLS\r\n"
				     "IMPLEMENTATION Postern\r\n.\r\n");
	fixture_exchange("USER anna@example.org\r\n", "-ERR Logins need TLS: begin with STLS\r\n");
	fixture_exchange("AUTH PLAIN\r\n", "-ERR Logins need TLS: begin with STLS\r\n");
	fixture_exchange("STLS\r\n", "+OK Begin TLS\r\n");
	fixture_exchange("CAPA\r\n", "+OK Capability list follows\r\nTOP\r\nUIDL\r\nPIPELINING\r\n"
				     "RESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\nUSER\r\n"
				     "SASL PLAIN LOGIN\r\nIMPLEMENTATION Postern\r\n.\r\n");
	fixture_exchange("STLS\r\n", "-ERR TLS is active already\r\n");
}

static void test_nothing_is_injected_behind_stls(void **state)
{
	fixture_connect(SERVICE_POP3, &pop3d_protocol);
	fixture_exchange("STLS\r\nCAPA\r\n", "-ERR Nothing may be sent behind this command\r\n");
	assert_true(fixture.has_ended);
}

static void test_stls_forgets(void **state)
{
	fixture.config.services[SERVICE_POP3].allow_plain_login = true;
	fixture_connect(SERVICE_POP3, &pop3d_protocol);
	fixture_exchange("USER anna@example.org\r\n", "+OK\r\n");
	fixture_exchange("STLS\r\n", "+OK Begin TLS\r\n");
	fixture_exchange("PASS secret\r\n", "-ERR Say USER first\r\n");
}

static void test_logins(void **state)
{
	fixture_connect(SERVICE_POP3S, &pop3d_protocol);
	fixture_exchange("PASS secret\r\n", "-ERR Say USER first\r\n");
	fixture_exchange("STAT\r\n", "-ERR The command is not possible in this state\r\n");
	fixture_exchange("USER anna@example.org\r\nPASS x\r\n",
			 "+OK\r\n-ERR [AUTH] Wrong user name or password\r\n");
	fixture_expect_log(LOG_SECURITY,
			   "POP3: Invalid password for user anna@example.org. Attempt "
			   "from IP address 192.0.2.1");
	fixture_exchange("PASS secret\r\n", "-ERR Say USER first\r\n");
	fixture_exchange("AUTH\r\n", "+OK\r\nPLAIN\r\nLOGIN\r\n.\r\n");
	fixture_exchange("AUTH PLAIN\r\n", "+ \r\n");
	fixture_exchange("AGFubmFAZXhhbXBsZS5vcmcAc2VjcmV0\r\n", "+OK 0 messages, 0 octets\r\n");
	fixture_exchange("USER x\r\n", "-ERR The command is not possible in this state\r\n");
}

static void test_listings(void **state)
{
	connect_open();
	fixture_exchange("STAT\r\n", "+OK 3 99\r\n");
	fixture_exchange("LIST\r\n", "+OK\r\n1 44\r\n2 44\r\n3 11\r\n.\r\n");
	fixture_exchange("LIST 2\r\n", "+OK 2 44\r\n");
	fixture_exchange("LIST 4\r\n", "-ERR No such message\r\n");
	fixture_exchange("UIDL\r\n", "+OK\r\n1 00000abc0000000b\r\n2 00000abc0000000c\r\n"
				     "3 00000abc0000000d\r\n.\r\n");
	fixture_exchange("UIDL 3\r\n", "+OK 3 00000abc0000000d\r\n");
}

static void test_messages(void **state)
{
	connect_open();
	fixture_exchange("RETR 1\r\n", "+OK 44 octets\r\nDelivered-To: anna\r\nSubject: one\r\n\r\n"
				       "First.\r\n.\r\n");
	fixture_exchange("RETR 2\r\nRETR 3\r\n",
			 "+OK 44 octets\r\nSubject: two\r\n\r\nSecond.\r\n..\r\nIts last line.\r\n"
			 ".\r\n+OK 11 octets\r\nno line end\r\n.\r\n");
	fixture_exchange("TOP 2 1\r\n", "+OK 44 octets\r\nSubject: two\r\n\r\nSecond.\r\n.\r\n");
	fixture_exchange("TOP 1 0\r\n",
			 "+OK 44 octets\r\nDelivered-To: anna\r\nSubject: one\r\n\r\n.\r\n");
	fixture_exchange("RETR 9\r\n", "-ERR No such message\r\n");
	fixture.messages[1].body.ptr = NULL;
	fixture_exchange("RETR 2\r\n", "-ERR Another session has deleted this message\r\n");
}

static void test_a_large_message(void **state)
{
	size_t len = 300000;
	char *text = malloc(len);
	struct buf expected = BUF_INIT(400000);

	memset(text, 'y', len);
	for (size_t i = 99; i < len; i += 100)
		memcpy(text + i - 1, "\r\n", 2);
	connect_open();
	fixture.messages[2].body = str_make(text, len);
	fixture_say("RETR 3\r\n");
	buf_append_str(&expected, STR("+OK 11 octets\r\n"));
	buf_append(&expected, text, len);
	buf_append_str(&expected, STR(".\r\n"));
	assert_true(str_equals(buf_str(&fixture.heard), buf_str(&expected)));
	buf_done(&expected);
	free(text);
}

static void test_a_peer_that_does_not_read_holds_nothing(void **state)
{
	size_t len = 4 << 20;
	char *text = calloc(1, len);

	connect_open();
	fixture.messages[2].body = str_make(text, len);
	fixture.is_deaf = true;
	fixture_say("RETR 3\r\n");
	assert_int_equal(fixture.contents_open, 1);
	assert_true(stream_unsent(&((struct session *)(void *)fixture.task)->stream) < 200000);
	/* In the midst of an answer there is no place for a word: it ends at once. */
	fixture_expire();
	assert_true(fixture.has_ended);
	assert_int_equal(fixture.contents_open, 0);
	free(text);
}

static void test_deletion_is_for_quit(void **state)
{
	connect_open();
	fixture_exchange("DELE 1\r\nDELE 1\r\nRETR 1\r\n",
			 "+OK\r\n-ERR No such message\r\n-ERR No such message\r\n");
	fixture_exchange("STAT\r\n", "+OK 2 55\r\n");
	fixture_exchange("LIST\r\n", "+OK\r\n2 44\r\n3 11\r\n.\r\n");
	fixture_exchange("RSET\r\nSTAT\r\n", "+OK\r\n+OK 3 99\r\n");
	fixture_exchange("DELE 1\r\nDELE 3\r\n", "+OK\r\n+OK\r\n");
	assert_int_equal(fixture.expunged.count, 0);
	fixture_exchange("QUIT\r\n", "+OK Bye\r\n");
	assert_true(fixture.has_ended);
	assert_int_equal(fixture.expunged.count, 2);
	assert_int_equal(fixture.expunged.ranges[0].first, 11);
	assert_int_equal(fixture.expunged.ranges[1].first, 13);
}

static void test_nothing_is_deleted_without_quit(void **state)
{
	connect_open();
	fixture_exchange("DELE 1\r\n", "+OK\r\n");
	fixture_expire();
	fixture_expect("");
	assert_true(fixture.has_ended);
	assert_int_equal(fixture.expunged.count, 0);
}

static void test_a_failed_deletion_is_told(void **state)
{
	connect_open();
	fixture.expunge_fault = FAULT_UNAVAILABLE;
	fixture_exchange("DELE 1\r\nQUIT\r\n",
			 "+OK\r\n-ERR [SYS/TEMP] Some deleted messages were not removed\r\n");
}

static void test_limits(void **state)
{
	struct buf line = BUF_INIT(4096);

	fixture_connect(SERVICE_POP3S, &pop3d_protocol);
	while (line.len < 2100)
		buf_append_char(&line, 'x');
	buf_append_str(&line, STR("\r\nCAPA x\r\n"));
	fixture_say_bytes(buf_str(&line));
	fixture_expect("-ERR Command line too long\r\n-ERR Wrong arguments\r\n");
	buf_done(&line);
	for (int i = 0; i < 30; i++)
		fixture_say("CAPA\r\n");
	fixture_exchange("CAPA\r\n", "-ERR Too many commands without a login\r\n");
	assert_true(fixture.has_ended);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_capabilities),
		TEST(test_nothing_is_injected_behind_stls),
		TEST(test_stls_forgets),
		TEST(test_logins),
		TEST(test_listings),
		TEST(test_messages),
		TEST(test_a_large_message),
		TEST(test_a_peer_that_does_not_read_holds_nothing),
		TEST(test_deletion_is_for_quit),
		TEST(test_nothing_is_deleted_without_quit),
		TEST(test_a_failed_deletion_is_told),
		TEST(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
