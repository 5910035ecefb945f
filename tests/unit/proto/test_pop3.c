/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/pop3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/pop3.h"

static struct pop3_command good(const char *line, enum pop3_verb verb)
{
	struct pop3_command command;
	enum pop3_error error = pop3_command_parse(str_from_c(line), &command);

	if (error != POP3_ERROR_NONE || command.verb != verb)
		fail_msg("%s: error %d, verb %d", line, error, command.verb);
	return command;
}

static void bad(const char *line, enum pop3_error expected)
{
	struct pop3_command command;
	enum pop3_error error = pop3_command_parse(str_from_c(line), &command);

	if (error != expected)
		fail_msg("%s: error %d, not %d", line, error, expected);
}

static void test_commands(void **state)
{
	assert_true(str_equals(good("user a@b", POP3_USER).text, STR("a@b")));
	assert_true(str_equals(good("PASS two words ", POP3_PASS).text, STR("two words ")));
	assert_true(str_equals(good("PASS  x", POP3_PASS).text, STR(" x")));
	assert_int_equal(good("LIST", POP3_LIST).number, 0);
	assert_int_equal(good("LIST 7", POP3_LIST).number, 7);
	assert_int_equal(good("UIDL 2147483647", POP3_UIDL).number, POP3_NUMBER_MAX);
	assert_int_equal(good("TOP 1 10", POP3_TOP).lines, 10);
	good("CAPA ", POP3_CAPA);
	good("STLS", POP3_STLS);
	assert_true(str_is_empty(good("AUTH", POP3_AUTH).text));
	assert_true(good("AUTH PLAIN AGE=", POP3_AUTH).has_initial);
	assert_string_equal(pop3_verb_name(POP3_UIDL), "UIDL");
}

static void test_wrong_commands(void **state)
{
	bad("", POP3_ERROR_VERB);
	bad("APOP a b", POP3_ERROR_VERB);
	bad("USER", POP3_ERROR_ARGUMENT);
	bad("USER a b", POP3_ERROR_ARGUMENT);
	bad("PASS", POP3_ERROR_ARGUMENT);
	bad("RETR", POP3_ERROR_ARGUMENT);
	bad("RETR 0", POP3_ERROR_ARGUMENT);
	bad("RETR -1", POP3_ERROR_ARGUMENT);
	bad("RETR 2147483648", POP3_ERROR_ARGUMENT);
	bad("RETR 1 2", POP3_ERROR_ARGUMENT);
	bad("TOP 1", POP3_ERROR_ARGUMENT);
	bad("TOP 1 x", POP3_ERROR_ARGUMENT);
	bad("STAT x", POP3_ERROR_ARGUMENT);
	bad("AUTH PLAIN a b", POP3_ERROR_ARGUMENT);
	bad("STAT\nDELE 1", POP3_ERROR_BARE_LINE_END);
}

static void encode(struct pop3_encoder *encoder, struct str piece, struct buf *to)
{
	for (;;) {
		struct str run = pop3_encoder_step(encoder, &piece);
		if (str_is_empty(run))
			return;
		buf_append_str(to, run);
	}
}

/* Encodes `message` cut at every place; `lines` below 0 means RETR. */
static void expect(const char *message, int lines, const char *expected)
{
	struct str text = str_from_c(message);

	for (size_t cut = 0; cut <= text.len; cut++) {
		struct pop3_encoder encoder;
		struct buf out = BUF_INIT(4096);
		if (lines < 0)
			pop3_encoder_init(&encoder);
		else
			pop3_encoder_init_top(&encoder, (uint32_t)lines);
		encode(&encoder, str_sub(text, 0, cut), &out);
		encode(&encoder, str_from(text, cut), &out);
		buf_append_str(&out, pop3_encoder_end(&encoder));
		if (!str_equals(buf_str(&out), str_from_c(expected)))
			fail_msg("cut at %zu: %.*s", cut, STR_ARG(buf_str(&out)));
		buf_done(&out);
	}
}

static void test_encoder_stuffs_dots(void **state)
{
	expect("a: b\r\n\r\n.\r\n..c\r\nd.\r\n", -1, "a: b\r\n\r\n..\r\n...c\r\nd.\r\n.\r\n");
	expect("", -1, ".\r\n");
	expect("a", -1, "a\r\n.\r\n");
	expect(".", -1, "..\r\n.\r\n");
	expect("\r\n.", -1, "\r\n..\r\n.\r\n");
}

static void test_encoder_mends_line_ends(void **state)
{
	expect("a\n.\nb\n", -1, "a\r\n..\r\nb\r\n.\r\n");
	expect("\n\n", -1, "\r\n\r\n.\r\n");
	expect("a\r.\r\n", -1, "a\r.\r\n.\r\n");
}

static void test_encoder_top(void **state)
{
	const char *message = "a: b\r\nc: d\r\n\r\n1\r\n.2\r\n3\r\n";

	expect(message, 0, "a: b\r\nc: d\r\n\r\n.\r\n");
	expect(message, 2, "a: b\r\nc: d\r\n\r\n1\r\n..2\r\n.\r\n");
	expect(message, 9, "a: b\r\nc: d\r\n\r\n1\r\n..2\r\n3\r\n.\r\n");
	expect("a: b\n\n1\n2\n", 1, "a: b\r\n\r\n1\r\n.\r\n");
	expect("a: b\r\n", 5, "a: b\r\n.\r\n");
	expect("a: b\r\n\r\n\r\n\r\nx\r\n", 2, "a: b\r\n\r\n\r\n\r\n.\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_wrong_commands),
		cmocka_unit_test(test_encoder_stuffs_dots),
		cmocka_unit_test(test_encoder_mends_line_ends),
		cmocka_unit_test(test_encoder_top),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
