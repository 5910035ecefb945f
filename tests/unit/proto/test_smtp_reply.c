/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of SMTP servers: whole, in pieces, broken, endless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "proto/smtp_reply.h"

static struct smtp_reply whole(struct str input)
{
	struct smtp_reply reply = {.code = 0};

	assert_int_equal(smtp_reply_parse(input, &reply), SMTP_REPLY_WHOLE);
	return reply;
}

static void test_one_line(void **state)
{
	struct smtp_reply reply = whole(STR("250 2.1.0 Ok\r\n220 next\r\n"));
	struct str rest = reply.lines, text;

	assert_int_equal(reply.code, 250);
	assert_int_equal(smtp_reply_class(&reply), 2);
	assert_int_equal(reply.line_count, 1);
	/* What follows belongs to the next reply. */
	assert_int_equal(reply.lines.len, strlen("250 2.1.0 Ok\r\n"));
	assert_true(str_equals(reply.enhanced, STR("2.1.0")));
	assert_true(smtp_reply_line(&rest, &text));
	assert_true(str_equals(text, STR("2.1.0 Ok")));
	assert_false(smtp_reply_line(&rest, &text));
	assert_int_equal(whole(STR("354\r\n")).code, 354);
	assert_int_equal(whole(STR("220 old server\n")).code, 220);
}

static void test_in_pieces(void **state)
{
	struct str input = STR("550-5.7.1 No,\r\n550-5.7.1 really\r\n550 5.7.1 not\r\n");
	struct smtp_reply reply = {.code = 0};

	for (size_t len = 0; len < input.len; len++)
		assert_int_equal(smtp_reply_parse(str_sub(input, 0, len), &reply), SMTP_REPLY_MORE);
	reply = whole(input);
	assert_int_equal(reply.line_count, 3);
	assert_true(str_equals(reply.enhanced, STR("5.7.1")));
}

static void test_what_is_no_reply(void **state)
{
	static const struct str broken[] = {
		STR_INIT("hello\r\n"),	     STR_INIT("25 Ok\r\n"),
		STR_INIT("2500 Ok\r\n"),     STR_INIT("250:Ok\r\n"),
		STR_INIT("199 Ok\r\n"),	     STR_INIT("560 Ok\r\n"),
		STR_INIT("250 a\0b\r\n"),    STR_INIT("250 a\rb\r\n"),
		STR_INIT("\r\n"),	     STR_INIT("SSH-2.0"),
		STR_INIT("\x15\x03\x01"),    STR_INIT("250-a\r\n251 b\r\n"),
		STR_INIT("250-a\r\n\r\n"),
	};
	struct smtp_reply reply;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_int_equal(smtp_reply_parse(broken[i], &reply), SMTP_REPLY_BROKEN);
}

static void test_a_flood_ends(void **state)
{
	struct buf flood = BUF_INIT(1 << 20);
	struct smtp_reply reply;
	int lines = 0;

	while (smtp_reply_parse(buf_str(&flood), &reply) == SMTP_REPLY_MORE && lines++ < 10000)
		buf_append_c(&flood, "250-a\r\n");
	assert_int_equal(lines, SMTP_REPLY_LINES_MAX);
	buf_reset(&flood);
	buf_append_c(&flood, "250 ");
	while (smtp_reply_parse(buf_str(&flood), &reply) == SMTP_REPLY_MORE && flood.len < 100000)
		buf_append_char(&flood, 'a');
	assert_int_equal(flood.len, SMTP_REPLY_LINE_MAX + 1);
	buf_append_c(&flood, "\r\n");
	assert_int_equal(smtp_reply_parse(buf_str(&flood), &reply), SMTP_REPLY_BROKEN);
	buf_done(&flood);
}

static void test_enhanced_codes(void **state)
{
	static const struct {
		struct str input;
		const char *enhanced;
	} cases[] = {
		{STR_INIT("450 4.7.25 wait\r\n"), "4.7.25"}, {STR_INIT("450 4.7.\r\n"), ""},
		{STR_INIT("450 5.7.1 other\r\n"), ""},	     {STR_INIT("450 4.7\r\n"), ""},
		{STR_INIT("450 4..71\r\n"), ""},	     {STR_INIT("220 1.2.3.4 mx\r\n"), ""},
		{STR_INIT("250\r\n"), ""},		     {STR_INIT("550 5.1.1\r\n"), "5.1.1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(str_equals(whole(cases[i].input).enhanced,
				       str_from_c(cases[i].enhanced)));
}

static void test_what_ehlo_lists(void **state)
{
	struct smtp_reply reply = whole(STR("250-mx.example.test STARTTLS\r\n"
					    "250-pipelining\r\n"
					    "250-SIZE 10240000\r\n"
					    "250-AUTH PLAIN CRAM-MD5\r\n"
					    "250-AUTH=LOGIN\r\n"
					    "250-X-NEW thing\r\n"
					    "250 8BITMIME\r\n"));
	struct smtp_capabilities capabilities = smtp_capabilities_parse(&reply);

	assert_true(smtp_capabilities_has(&capabilities, SMTP_CAPABILITY_PIPELINING));
	assert_true(smtp_capabilities_has(&capabilities, SMTP_CAPABILITY_EIGHTBITMIME));
	assert_true(smtp_capabilities_has(&capabilities, SMTP_CAPABILITY_AUTH));
	/* It stands in the line with the server's name. */
	assert_false(smtp_capabilities_has(&capabilities, SMTP_CAPABILITY_STARTTLS));
	assert_int_equal(capabilities.size_limit, 10240000);
	assert_int_equal(capabilities.auth, SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN);
	reply = whole(STR("250-mx\r\n250-STARTTLS\r\n250 SIZE\r\n"));
	capabilities = smtp_capabilities_parse(&reply);
	assert_true(smtp_capabilities_has(&capabilities, SMTP_CAPABILITY_STARTTLS));
	assert_true(smtp_capabilities_has(&capabilities, SMTP_CAPABILITY_SIZE));
	assert_int_equal(capabilities.size_limit, 0);
	reply = whole(STR("250 mx\r\n"));
	assert_int_equal(smtp_capabilities_parse(&reply).set, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_line),	cmocka_unit_test(test_in_pieces),
		cmocka_unit_test(test_what_is_no_reply), cmocka_unit_test(test_a_flood_ends),
		cmocka_unit_test(test_enhanced_codes),	cmocka_unit_test(test_what_ehlo_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
