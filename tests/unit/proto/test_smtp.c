/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/smtp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/smtp.h"

static struct smtp_command good(const char *line, enum smtp_verb verb)
{
	struct smtp_command command;
	enum smtp_error error = smtp_command_parse(str_from_c(line), &command);

	if (error != SMTP_ERROR_NONE || command.verb != verb)
		fail_msg("%s: error %d, verb %d", line, error, command.verb);
	return command;
}

static void bad(struct str line, enum smtp_error expected)
{
	struct smtp_command command;
	enum smtp_error error = smtp_command_parse(line, &command);

	if (error != expected)
		fail_msg("%.*s: error %d, not %d", STR_ARG(line), error, expected);
}

static void bad_c(const char *line, enum smtp_error expected)
{
	bad(str_from_c(line), expected);
}

static void test_simple_commands(void **state)
{
	assert_true(str_equals(good("ehlo mx.example", SMTP_EHLO).text, STR("mx.example")));
	assert_true(str_equals(good("HELO [IPv6:::1] ", SMTP_HELO).text, STR("[IPv6:::1]")));
	good("DATA", SMTP_DATA);
	good("RSET  ", SMTP_RSET);
	good("QuIt", SMTP_QUIT);
	good("STARTTLS", SMTP_STARTTLS);
	assert_true(str_equals(good("NOOP  a b", SMTP_NOOP).text, STR("a b")));
	assert_true(str_equals(good("VRFY <a>", SMTP_VRFY).text, STR("<a>")));
	good("HELP", SMTP_HELP);
	bad_c("", SMTP_ERROR_VERB);
	bad_c("XCLIENT a", SMTP_ERROR_VERB);
	bad_c("DATAX", SMTP_ERROR_VERB);
	bad_c("DATA x", SMTP_ERROR_ARGUMENT);
	bad_c("STARTTLS now", SMTP_ERROR_ARGUMENT);
	bad_c("EHLO", SMTP_ERROR_NAME);
	bad_c("EHLO a b", SMTP_ERROR_NAME);
	bad_c("EHLO a;b", SMTP_ERROR_NAME);
	bad_c("VRFY", SMTP_ERROR_ARGUMENT);
}

static void test_bare_line_ends_are_refused(void **state)
{
	bad_c("RSET\nMAIL FROM:<a@b>", SMTP_ERROR_BARE_LINE_END);
	bad_c("RSET\r", SMTP_ERROR_BARE_LINE_END);
	bad(STR("RSET\0"), SMTP_ERROR_BARE_LINE_END);
}

static void test_mail_paths(void **state)
{
	struct smtp_mail mail = good("MAIL FROM:<A@b.example>", SMTP_MAIL).mail;

	assert_true(str_equals(mail.path.address.text, STR("A@b.example")));
	assert_true(good("MAIL FROM:<>", SMTP_MAIL).mail.path.is_null);
	good("mail from: <a@b> ", SMTP_MAIL);
	mail = good("MAIL FROM:<@x,@[192.0.2.1]:\"a b\"@[IPv6:::1]>", SMTP_MAIL).mail;
	assert_true(str_equals(mail.path.address.text, STR("\"a b\"@[IPv6:::1]")));
	bad_c("MAIL", SMTP_ERROR_ARGUMENT);
	bad_c("MAIL FROM", SMTP_ERROR_ARGUMENT);
	bad_c("MAIL TO:<a@b>", SMTP_ERROR_ARGUMENT);
	bad_c("MAIL FROM:a@b", SMTP_ERROR_SENDER);
	bad_c("MAIL FROM:<a@b", SMTP_ERROR_SENDER);
	bad_c("MAIL FROM:<a>", SMTP_ERROR_SENDER);
	bad_c("MAIL FROM:<a@b>x", SMTP_ERROR_SENDER);
	bad_c("MAIL FROM:<@x a@b>", SMTP_ERROR_SENDER);
	bad_c("MAIL FROM:<postmaster>", SMTP_ERROR_SENDER);
	bad_c("MAIL FROM:<\xc3\xbc@b>", SMTP_ERROR_NON_ASCII);
}

static void test_mail_parameters(void **state)
{
	struct smtp_mail mail =
		good("MAIL FROM:<a@b> size=1000  BODY=8bitmime AUTH=e+3Dmc2@example.com", SMTP_MAIL)
			.mail;

	assert_true(mail.has_size);
	assert_int_equal(mail.size_bytes, 1000);
	assert_int_equal(mail.body, SMTP_BODY_8BITMIME);
	assert_true(str_equals(mail.auth, STR("e+3Dmc2@example.com")));
	assert_int_equal(good("MAIL FROM:<a@b> BODY=7BIT AUTH=<>", SMTP_MAIL).mail.body,
			 SMTP_BODY_7BIT);
	bad_c("MAIL FROM:<a@b> SIZE", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> SIZE=", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> SIZE=-1", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> SIZE=18446744073709551616", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> SIZE=1 SIZE=1", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> BODY=BINARYMIME", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> AUTH=a+3", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> AUTH=a+zz", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> MT-PRIORITY=3", SMTP_ERROR_PARAMETER);
	bad_c("MAIL FROM:<a@b> =x", SMTP_ERROR_PARAMETER);
}

static void test_notices_wanted_of_a_message(void **state)
{
	struct smtp_mail mail = good("MAIL FROM:<a@b> RET=hdrs ENVID=q+3D1", SMTP_MAIL).mail;

	assert_int_equal(mail.returns, SMTP_RETURN_HEADERS);
	assert_true(str_equals(mail.envid, STR("q+3D1")));
	assert_int_equal(good("MAIL FROM:<a@b> RET=FULL", SMTP_MAIL).mail.returns,
			 SMTP_RETURN_FULL);
	bad_c("MAIL FROM:<a@b> RET=SOME", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> RET=FULL RET=FULL", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> ENVID=", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> ENVID=a=b", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> ENVID=1 ENVID=2", SMTP_ERROR_PARAMETER_VALUE);
}

static void test_utf8(void **state)
{
	struct smtp_mail mail =
		good("MAIL FROM:<j\xc3\xb6rg@b\xc3\xbc" "cher.example> SMTPUTF8", SMTP_MAIL).mail;

	assert_true(mail.is_utf8);
	assert_true(mail.path.address.has_utf8);
	assert_false(good("MAIL FROM:<a@b>", SMTP_MAIL).mail.is_utf8);
	bad_c("MAIL FROM:<a@b> SMTPUTF8=1", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<a@b> SMTPUTF8 SMTPUTF8", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("MAIL FROM:<\xc3@b> SMTPUTF8", SMTP_ERROR_SENDER);
}

static void test_recipients(void **state)
{
	assert_true(good("RCPT TO:<PostMaster>", SMTP_RCPT).rcpt.path.is_postmaster);
	assert_true(str_equals(good("RCPT TO:<@a:c@d>", SMTP_RCPT).rcpt.path.address.text,
			       STR("c@d")));
	bad_c("RCPT TO:<>", SMTP_ERROR_RECIPIENT);
	bad_c("RCPT TO:<a@b>;", SMTP_ERROR_RECIPIENT);
	bad_c("RCPT TO:<a@b> SIZE=3", SMTP_ERROR_PARAMETER);
	/* Whether SMTPUTF8 was said is known to who took MAIL. */
	assert_true(good("RCPT TO:<a@\xc3\xbc>", SMTP_RCPT).rcpt.path.address.has_utf8);
	bad_c("RCPT TO:<a@\xff>", SMTP_ERROR_RECIPIENT);
}

static void test_notices_wanted_of_recipients(void **state)
{
	struct smtp_rcpt rcpt =
		good("RCPT TO:<a@b> notify=SUCCESS,delay ORCPT=rfc822;A+2Bx@b", SMTP_RCPT).rcpt;

	assert_int_equal(rcpt.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY);
	assert_true(str_equals(rcpt.original, STR("rfc822;A+2Bx@b")));
	assert_int_equal(good("RCPT TO:<a@b>", SMTP_RCPT).rcpt.notify, 0);
	assert_int_equal(good("RCPT TO:<a@b> NOTIFY=NEVER", SMTP_RCPT).rcpt.notify,
			 SMTP_NOTIFY_NEVER);
	bad_c("RCPT TO:<a@b> NOTIFY=NEVER,FAILURE", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("RCPT TO:<a@b> NOTIFY=DELAY,DELAY", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("RCPT TO:<a@b> NOTIFY=", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("RCPT TO:<a@b> NOTIFY=DELAY,", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("RCPT TO:<a@b> NOTIFY=DELAY NOTIFY=FAILURE", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("RCPT TO:<a@b> ORCPT=a@b", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("RCPT TO:<a@b> ORCPT=;a@b", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("RCPT TO:<a@b> ORCPT=rfc822;", SMTP_ERROR_PARAMETER_VALUE);
	bad_c("RCPT TO:<a@b> ORCPT=rfc822;a+b", SMTP_ERROR_PARAMETER_VALUE);
}

static void test_bdat(void **state)
{
	assert_int_equal(good("BDAT 1000", SMTP_BDAT).bdat.size_bytes, 1000);
	assert_false(good("BDAT 1000", SMTP_BDAT).bdat.is_last);
	assert_true(good("BDAT 0 last", SMTP_BDAT).bdat.is_last);
	bad_c("BDAT", SMTP_ERROR_ARGUMENT);
	bad_c("BDAT -1", SMTP_ERROR_ARGUMENT);
	bad_c("BDAT 1LAST", SMTP_ERROR_ARGUMENT);
	bad_c("BDAT 1 FIRST", SMTP_ERROR_ARGUMENT);
	bad_c("BDAT 1 LAST x", SMTP_ERROR_ARGUMENT);
	bad_c("BDAT 9223372036854775808", SMTP_ERROR_ARGUMENT);
}

static void test_auth(void **state)
{
	struct smtp_auth auth = good("AUTH PLAIN", SMTP_AUTH).auth;

	assert_true(str_equals(auth.mechanism, STR("PLAIN")));
	assert_false(auth.has_initial);
	auth = good("AUTH login =", SMTP_AUTH).auth;
	assert_true(auth.has_initial);
	assert_true(str_equals(auth.initial, STR("=")));
	bad_c("AUTH", SMTP_ERROR_ARGUMENT);
	bad_c("AUTH PLAIN a b", SMTP_ERROR_ARGUMENT);
}

static void test_line_lengths(void **state)
{
	char line[1200];

	memset(line, ' ', sizeof(line));
	memcpy(line, "NOOP", 4);
	bad(str_make(line, 511), SMTP_ERROR_LINE_LENGTH);
	bad(str_make(line, 510), SMTP_ERROR_NONE);
	memcpy(line, "NOPE", 4);
	bad(str_make(line, 511), SMTP_ERROR_LINE_LENGTH);
	memcpy(line, "MAIL FROM:<>", 12);
	bad(str_make(line, 1178), SMTP_ERROR_NONE);
	bad(str_make(line, 1179), SMTP_ERROR_LINE_LENGTH);
	memcpy(line, "RCPT TO:<a@b>", 13);
	bad(str_make(line, 1038), SMTP_ERROR_NONE);
	bad(str_make(line, 1039), SMTP_ERROR_LINE_LENGTH);
}

static void reply_expect(int code, const char *enhanced, const char *text, const char *expected)
{
	struct buf reply = BUF_INIT(4096);

	smtp_reply(&reply, code, enhanced, str_from_c(text));
	assert_int_equal(reply.len, strlen(expected));
	assert_memory_equal(reply.data, expected, reply.len);
	buf_done(&reply);
}

static void test_replies(void **state)
{
	reply_expect(354, NULL, "Go on", "354 Go on\r\n");
	reply_expect(250, "2.1.0", "OK", "250 2.1.0 OK\r\n");
	reply_expect(250, NULL, "a\nb\nc", "250-a\r\n250-b\r\n250 c\r\n");
	reply_expect(550, "5.1.1", "a\nb", "550-5.1.1 a\r\n550 5.1.1 b\r\n");
	reply_expect(250, NULL, "x\r\xff\ty", "250 x???y\r\n");
	reply_expect(221, NULL, "", "221 \r\n");
}

static void test_long_reply_is_cut(void **state)
{
	struct buf reply = BUF_INIT(4096);
	char text[1000];

	memset(text, 'a', sizeof(text));
	smtp_reply(&reply, 550, "5.0.0", str_make(text, sizeof(text)));
	assert_int_equal(reply.len, SMTP_LINE_MAX);
	assert_memory_equal(reply.data + reply.len - 3, "a\r\n", 3);
	buf_done(&reply);
}

static void test_tables(void **state)
{
	assert_string_equal(smtp_verb_name(SMTP_STARTTLS), "STARTTLS");
	assert_int_equal(smtp_error_status(SMTP_ERROR_PARAMETER)->code, 555);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple_commands),
		cmocka_unit_test(test_bare_line_ends_are_refused),
		cmocka_unit_test(test_mail_paths),
		cmocka_unit_test(test_mail_parameters),
		cmocka_unit_test(test_notices_wanted_of_a_message),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_notices_wanted_of_recipients),
		cmocka_unit_test(test_bdat),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_line_lengths),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_long_reply_is_cut),
		cmocka_unit_test(test_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
