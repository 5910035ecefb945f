/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of queue/dsn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "queue/dsn.h"

static char text[64 * 1024];

static struct dsn_recipient one = {.address = STR_INIT("x@far.example"),
				   .original = STR_INIT("rfc822;X+2By@far.example"),
				   .status = STR_INIT("5.7.1"),
				   .host = STR_INIT("mx.far.example"),
				   .diagnostic = STR_INIT("550 5.7.1 go away"),
				   .attempted_s = 1000};

static struct dsn base(enum dsn_action action)
{
	return (struct dsn){.action = action,
			    .hostname = STR("mail.example"),
			    .sender = STR("s@here.example"),
			    .envid = STR("id+3D1"),
			    .queue_id = STR("0000-1"),
			    .unique = STR("abc123"),
			    .arrived_s = 500,
			    .now_s = 2000,
			    .retry_until_s = 9000,
			    .recipients = &one,
			    .recipient_count = 1,
			    .message = STR("Subject: s\r\n\r\nthe body\r\n")};
}

static void make(const struct dsn *dsn)
{
	struct buf to = BUF_INIT(sizeof(text) - 1);

	dsn_append(&to, dsn);
	assert_false(to.failed);
	memcpy(text, to.data, to.len);
	text[to.len] = '\0';
	buf_done(&to);
}

static bool has(const char *wanted)
{
	return strstr(text, wanted) != NULL;
}

static void assert_has(const char *wanted)
{
	if (!has(wanted))
		fail_msg("no \"%s\" in:\n%s", wanted, text);
}

static void test_a_failure(void **state)
{
	struct dsn dsn = base(DSN_FAILED);

	make(&dsn);
	assert_has("\r\nTo: <s@here.example>\r\n");
	assert_has("\r\nAuto-Submitted: auto-replied\r\n");
	assert_has("multipart/report; report-type=delivery-status;\r\n\tboundary=\"abc123\"");
	assert_has("\r\n\r\n--abc123\r\nContent-Type: text/plain; charset=utf-8\r\n");
	assert_has("\r\nOriginal-Envelope-Id: id=1\r\n");
	assert_has("\r\nReporting-MTA: dns; mail.example\r\n");
	assert_has("\r\nOriginal-Recipient: rfc822;X+y@far.example\r\n"
		   "Final-Recipient: rfc822; x@far.example\r\n"
		   "Action: failed\r\nStatus: 5.7.1\r\n"
		   "Remote-MTA: dns; mx.far.example\r\n"
		   "Diagnostic-Code: smtp; 550 5.7.1 go away\r\n"
		   "Last-Attempt-Date: ");
	assert_has("mx.far.example said: 550 5.7.1 go away\r\n");
	assert_false(has("Will-Retry-Until"));
	assert_true(strcmp(text + strlen(text) - 12, "--abc123--\r\n") == 0);
}

static void test_the_header_comes_back_or_all_of_it(void **state)
{
	struct dsn dsn = base(DSN_FAILED);

	make(&dsn);
	assert_has("\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: s\r\n");
	assert_false(has("the body"));
	dsn.returns_body = true;
	make(&dsn);
	assert_has("\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nthe body\r\n");
	dsn.message = STR("Subject: \xc3\xbc\r\n\r\n");
	make(&dsn);
	assert_has("message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: \xc3\xbc");
}

static void test_a_delay_says_until_when(void **state)
{
	struct dsn dsn = base(DSN_DELAYED);

	make(&dsn);
	assert_has("\r\nSubject: Message delayed\r\n");
	assert_has("\r\nAction: delayed\r\n");
	assert_has("\r\nWill-Retry-Until: ");
}

static void test_every_action_has_words(void **state)
{
	for (int action = 0; action < DSN_ACTION_COUNT; action++) {
		struct dsn dsn = base((enum dsn_action)action);
		make(&dsn);
		assert_has("\r\nSubject: Message ");
		assert_false(has("(null)"));
	}
}

static void test_a_reason_in_words_stands_where_no_server_spoke(void **state)
{
	struct dsn dsn = base(DSN_FAILED);
	struct dsn_recipient silent = {.address = STR("x@far.example"),
				       .status = STR("4.7.5"),
				       .reason = STR("offered at most TLSv1.1")};

	dsn.recipients = &silent;
	make(&dsn);
	assert_has("<x@far.example>\r\n    offered at most TLSv1.1\r\n");
	assert_has("\r\nDiagnostic-Code: x-postern; offered at most TLSv1.1\r\n");
	assert_false(has("Original-Recipient"));
	assert_false(has("Remote-MTA"));
}

static void test_what_is_no_status_becomes_a_general_one(void **state)
{
	static const char *const wrong[] = {"", "x", "5.7", "5..1", "5.7.1.2", "3.1.1", "5.7.x",
					    "5.7.1\r\nX: y", "5.7.", "555555555.1.1"};
	struct dsn_recipient recipient = one;
	struct dsn dsn = base(DSN_FAILED);

	dsn.recipients = &recipient;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		recipient.status = str_from_c(wrong[i]);
		make(&dsn);
		assert_has("\r\nStatus: 5.0.0\r\n");
	}
}

static void test_foreign_text_forges_nothing(void **state)
{
	struct dsn_recipient recipient = one;
	struct dsn dsn = base(DSN_FAILED);

	dsn.recipients = &recipient;
	recipient.diagnostic = STR("550 a\r\nAction: delivered\r\n\r\n--abc\x01\x1b[2J \xff");
	recipient.address = STR("\"a\r\nBcc: z\"@far.example");
	recipient.original = STR("rfc822;a+0D+0ABcc:+20q");
	dsn.envid = STR("x+0D+0ABcc:+20r");
	make(&dsn);
	assert_false(has("\nAction: delivered"));
	assert_false(has("\nBcc"));
	assert_false(has("\x1b"));
	assert_false(has("\xff"));
}

static void test_no_line_is_too_long(void **state)
{
	struct dsn_recipient recipient = one;
	struct dsn dsn = base(DSN_FAILED);
	char reply[6000];
	size_t column = 0;

	memset(reply, 'w', sizeof(reply));
	for (size_t i = 70; i < 3000; i += 70)
		reply[i] = ' ';
	recipient.diagnostic = str_make(reply, sizeof(reply));
	dsn.recipients = &recipient;
	make(&dsn);
	for (const char *at = text; *at != '\0'; at++) {
		column = *at == '\n' ? 0 : column + 1;
		assert_true(column <= 999);
	}
}

static void test_utf8_addresses_have_their_own_types(void **state)
{
	struct dsn_recipient recipient = one;
	struct dsn dsn = base(DSN_FAILED);

	dsn.recipients = &recipient;
	recipient.address = STR("j\xc3\xb6rg@far.example");
	make(&dsn);
	assert_has("Final-Recipient: rfc822; j??rg@far.example");
	dsn.is_utf8 = true;
	make(&dsn);
	assert_has("Content-Type: message/global-delivery-status\r\n");
	assert_has("Final-Recipient: utf-8; j\xc3\xb6rg@far.example");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_failure),
		cmocka_unit_test(test_the_header_comes_back_or_all_of_it),
		cmocka_unit_test(test_a_delay_says_until_when),
		cmocka_unit_test(test_every_action_has_words),
		cmocka_unit_test(test_a_reason_in_words_stands_where_no_server_spoke),
		cmocka_unit_test(test_what_is_no_status_becomes_a_general_one),
		cmocka_unit_test(test_foreign_text_forges_nothing),
		cmocka_unit_test(test_no_line_is_too_long),
		cmocka_unit_test(test_utf8_addresses_have_their_own_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
