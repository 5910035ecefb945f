/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/pop3_body: each case in one piece and cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "proto/pop3_body.h"

enum { OUTCOME_MAX = 4096 };

static void feed(struct pop3_body *body, struct str piece, struct buf *message, struct buf *after)
{
	struct str run;

	while ((run = pop3_body_step(body, &piece)).len > 0)
		buf_append_str(message, run);
	buf_append_str(after, piece);
}

/* What comes out of `wire`, and what is left behind the end, wherever it is cut. */
static void expect(struct str wire, struct str message, bool is_done, struct str after)
{
	for (size_t cut = 0; cut <= wire.len; cut++) {
		struct buf got = BUF_INIT(OUTCOME_MAX), left = BUF_INIT(OUTCOME_MAX);
		struct pop3_body body;
		pop3_body_init(&body);
		feed(&body, str_sub(wire, 0, cut), &got, &left);
		feed(&body, str_from(wire, cut), &got, &left);
		assert_int_equal(body.is_done, is_done);
		assert_int_equal(got.len, message.len);
		assert_memory_equal(got.data == NULL ? "" : got.data, message.ptr, message.len);
		assert_int_equal(left.len, after.len);
		buf_done(&got);
		buf_done(&left);
	}
}

static void test_a_message_and_its_end(void **state)
{
	expect(STR("A: b\r\n\r\nc\r\n.\r\n+OK\r\n"), STR("A: b\r\n\r\nc\r\n"), true,
	       STR("+OK\r\n"));
	expect(STR(".\r\n"), STR(""), true, STR(""));
	expect(STR("a\r\n"), STR("a\r\n"), false, STR(""));
}

static void test_dots_go(void **state)
{
	expect(STR("..\r\n...\r\n.x\r\na.\r\n.\r\n"), STR(".\r\n..\r\nx\r\na.\r\n"), true, STR(""));
	expect(STR("a\n..\n.\n"), STR("a\r\n.\r\n"), true, STR(""));
}

static void test_other_line_ends(void **state)
{
	expect(STR("a\nb\n\n.\n"), STR("a\r\nb\r\n\r\n"), true, STR(""));
	expect(STR("a\r\r\nb\r\n.\r\n"), STR("a\r\nb\r\n"), true, STR(""));
	expect(STR("\n\r\n.\r\r\n"), STR("\r\n\r\n"), true, STR(""));
}

/* Nothing but LF ends a line: no CR smuggles an end in, nor a line of the header. */
static void test_a_bare_cr_is_a_blank(void **state)
{
	expect(STR("a\rX: y\r\n.\r\n"), STR("a X: y\r\n"), true, STR(""));
	expect(STR("a\r.\r\n.\r\n"), STR("a .\r\n"), true, STR(""));
	expect(STR(".\rx\r\n.\r\n"), STR(" x\r\n"), true, STR(""));
	expect(STR("\r\r.\r\r\rb\n.\n"), STR(" . b\r\n"), true, STR(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_and_its_end),
		cmocka_unit_test(test_dots_go),
		cmocka_unit_test(test_other_line_ends),
		cmocka_unit_test(test_a_bare_cr_is_a_blank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
