/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of POP3 servers: short ones, lists, in pieces, broken, endless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "proto/pop3_reply.h"

static void test_short_answers(void **state)
{
	struct pop3_reply reply;

	assert_int_equal(pop3_reply_parse(STR("+OK ready <1@x>\r\n+OK"), false, &reply),
			 POP3_REPLY_WHOLE);
	assert_true(reply.is_ok);
	assert_true(str_equals(reply.text, STR("ready <1@x>")));
	assert_int_equal(reply.len, strlen("+OK ready <1@x>\r\n"));
	assert_int_equal(pop3_reply_parse(STR("-ERR [AUTH] no\n"), true, &reply), POP3_REPLY_WHOLE);
	assert_false(reply.is_ok);
	assert_true(str_equals(reply.text, STR("[AUTH] no")));
	assert_int_equal(pop3_reply_parse(STR("+OK\r\n"), false, &reply), POP3_REPLY_WHOLE);
	assert_true(str_is_empty(reply.text));
}

static void test_a_list(void **state)
{
	struct str input = STR("+OK list\r\nSTLS\r\nsasl PLAIN\r\nX-NEW\r\n.\r\n+OK next\r\n");
	struct str whole = str_sub(input, 0, input.len - strlen("+OK next\r\n"));
	struct pop3_reply reply;

	for (size_t len = 0; len < whole.len; len++)
		assert_int_equal(pop3_reply_parse(str_sub(whole, 0, len), true, &reply),
				 POP3_REPLY_MORE);
	assert_int_equal(pop3_reply_parse(input, true, &reply), POP3_REPLY_WHOLE);
	assert_int_equal(reply.len, whole.len);
	unsigned capabilities = pop3_capabilities_parse(&reply);
	assert_int_equal(capabilities, 1u << POP3_CAPABILITY_STLS | 1u << POP3_CAPABILITY_SASL);
	assert_true(pop3_capabilities_has(capabilities, POP3_CAPABILITY_STLS));
	assert_int_equal(pop3_reply_parse(STR("+OK\r\n.\r\n"), true, &reply), POP3_REPLY_WHOLE);
	assert_int_equal(pop3_capabilities_parse(&reply), 0);
}

static void test_what_is_no_answer(void **state)
{
	static const struct str broken[] = {STR_INIT("220 mx\r\n"), STR_INIT("+OKAY\r\n"),
					    STR_INIT("+NO\r\n"),    STR_INIT("\r\n"),
					    STR_INIT("S"),	    STR_INIT("+OK a\0b\r\n"),
					    STR_INIT("-ERROR\r\n")};
	struct pop3_reply reply;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_int_equal(pop3_reply_parse(broken[i], false, &reply), POP3_REPLY_BROKEN);
}

static void test_a_flood_ends(void **state)
{
	struct buf flood = BUF_INIT(1 << 20);
	struct pop3_reply reply;

	buf_append_c(&flood, "+OK ");
	while (pop3_reply_parse(buf_str(&flood), false, &reply) == POP3_REPLY_MORE &&
	       flood.len < 100000)
		buf_append_char(&flood, 'a');
	assert_int_equal(flood.len, POP3_REPLY_LINE_MAX + 1);
	buf_reset(&flood);
	buf_append_c(&flood, "+OK\r\n");
	while (pop3_reply_parse(buf_str(&flood), true, &reply) == POP3_REPLY_MORE &&
	       flood.len < 100000)
		buf_append_c(&flood, "more\r\n");
	assert_true(flood.len < POP3_REPLY_MAX + 100);
	buf_done(&flood);
}

static void test_lines_of_lists(void **state)
{
	static const char *const none[] = {"",	   "1",	    "0 1",  "x 1",   "-1 1", "1  ",
					   "1 1x", "1 -1", "4294967296 1", " 1 1", "1 99999999999999999999"};
	uint32_t number;
	uint64_t bytes;
	struct str uidl;

	assert_true(pop3_list_line_parse(STR("7 1200"), &number, &bytes));
	assert_int_equal(number, 7);
	assert_int_equal(bytes, 1200);
	assert_true(pop3_list_line_parse(STR("7 18446744073709551615 more"), &number, &bytes));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(pop3_list_line_parse(str_from_c(none[i]), &number, &bytes));
	assert_true(pop3_uidl_line_parse(STR("2 QhdPYR:00WBw1Ph7x7 "), &number, &uidl));
	assert_int_equal(number, 2);
	assert_true(str_equals(uidl, STR("QhdPYR:00WBw1Ph7x7")));
	assert_false(pop3_uidl_line_parse(STR("2"), &number, &uidl));
	assert_false(pop3_uidl_line_parse(STR("two x"), &number, &uidl));
	/* The message is there, though nobody could tell it from others. */
	assert_true(pop3_uidl_line_parse(STR("3 a\tb"), &number, &uidl));
	assert_int_equal(uidl.len, 0);
	assert_true(pop3_uidl_line_parse(STR("3 \xc3\xa4"), &number, &uidl));
	assert_int_equal(uidl.len, 0);
}

static void test_a_long_identifier_is_unusable(void **state)
{
	struct buf line = BUF_INIT(1000);
	uint32_t number;
	struct str uidl;

	buf_append_c(&line, "1 ");
	while (line.len < 2 + POP3_UIDL_MAX)
		buf_append_char(&line, 'u');
	assert_true(pop3_uidl_line_parse(buf_str(&line), &number, &uidl));
	assert_int_equal(uidl.len, POP3_UIDL_MAX);
	buf_append_char(&line, 'u');
	assert_true(pop3_uidl_line_parse(buf_str(&line), &number, &uidl));
	assert_int_equal(uidl.len, 0);
	buf_done(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_answers),
		cmocka_unit_test(test_a_list),
		cmocka_unit_test(test_what_is_no_answer),
		cmocka_unit_test(test_a_flood_ends),
		cmocka_unit_test(test_lines_of_lists),
		cmocka_unit_test(test_a_long_identifier_is_unusable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
