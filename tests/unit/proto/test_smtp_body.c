/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/smtp_body: each case in one piece and cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "proto/smtp_body.h"

static void feed(struct smtp_body *body, struct str piece, struct buf *message, struct buf *after)
{
	for (;;) {
		struct str run = smtp_body_step(body, &piece);
		if (str_is_empty(run))
			break;
		buf_append_str(message, run);
	}
	buf_append_str(after, piece);
}

struct outcome {
	struct smtp_body body;
	struct buf message;
	struct buf after;
};

/* Feeds `wire` in three pieces, cut at `first` and `second`. */
static void run(struct str wire, size_t first, size_t second, struct outcome *outcome)
{
	smtp_body_init(&outcome->body);
	smtp_body_data_begin(&outcome->body);
	buf_init(&outcome->message, 4096);
	buf_init(&outcome->after, 4096);
	feed(&outcome->body, str_sub(wire, 0, first), &outcome->message, &outcome->after);
	feed(&outcome->body, str_sub(wire, first, second - first), &outcome->message,
	     &outcome->after);
	feed(&outcome->body, str_from(wire, second), &outcome->message, &outcome->after);
	smtp_body_end(&outcome->body);
}

static void outcome_done(struct outcome *outcome)
{
	buf_done(&outcome->message);
	buf_done(&outcome->after);
}

/* `message` NULL: not looked at. `after` NULL: the end must not have come. */
static void expect(struct str wire, const char *message, const char *after, bool is_clean)
{
	for (size_t first = 0; first <= wire.len; first++) {
		for (size_t second = first; second <= wire.len; second++) {
			struct outcome outcome;
			run(wire, first, second, &outcome);
			assert_int_equal(outcome.body.is_done, after != NULL);
			assert_int_equal(smtp_body_is_clean(&outcome.body), is_clean);
			if (message != NULL)
				assert_true(
					str_equals(buf_str(&outcome.message), str_from_c(message)));
			if (after != NULL)
				assert_true(str_equals(buf_str(&outcome.after), str_from_c(after)));
			outcome_done(&outcome);
		}
	}
}

static void test_plain_messages(void **state)
{
	expect(STR("a: b\r\n\r\nc\r\n.\r\nRSET\r\n"), "a: b\r\n\r\nc\r\n", "RSET\r\n", true);
	expect(STR(".\r\nQUIT\r\n"), "", "QUIT\r\n", true);
	expect(STR("\r\n.\r\n"), "\r\n", "", true);
	expect(STR("a\r\nb\r\n"), "a\r\nb\r\n", NULL, true);
}

static void test_dots_are_unstuffed(void **state)
{
	expect(STR("..\r\n...a\r\n.b\r\na.\r\nc..d\r\n.\r\n"), ".\r\n..a\r\nb\r\na.\r\nc..d\r\n",
	       "", true);
}

static void test_false_ends_are_text(void **state)
{
	expect(STR("a\n.\nRSET\r\n"), "a\n.\nRSET\r\n", NULL, false);
	expect(STR("a\n.\r\nRSET\r\n"), "a\n.\r\nRSET\r\n", NULL, false);
	expect(STR("a\r\n.\nRSET\r\n"), "a\r\n\nRSET\r\n", NULL, false);
	expect(STR("a\r.\rRSET\r\n"), "a\r.\rRSET\r\n", NULL, false);
	expect(STR("a\r\n.\rRSET\r\n"), "a\r\n\rRSET\r\n", NULL, false);
	expect(STR("a\r\n.\r\r\nx"), NULL, NULL, false);
	expect(STR("a\r.\r\nx"), NULL, NULL, false);
	expect(STR("\n.\r\n"), NULL, NULL, false);
	expect(STR("\r.\r\n"), NULL, NULL, false);
}

static void test_refused_only_after_the_real_end(void **state)
{
	expect(STR("a\n.\r\nMAIL FROM:<x@y>\r\n.\r\nRSET\r\n"), "a\n.\r\nMAIL FROM:<x@y>\r\n",
	       "RSET\r\n", false);
	expect(STR("a\rb\r\n.\r\nRSET\r\n"), "a\rb\r\n", "RSET\r\n", false);
	expect(STR("a\r\r\n.\r\n"), "a\r\r\n", "", false);
	expect(STR("a\n\r\n.\r\n"), "a\n\r\n", "", false);
}

static void test_lines_are_counted(void **state)
{
	struct outcome outcome;
	struct str wire = STR("ab: c\r\nd: e\r\n\r\nlonger line\r\nx\0\r\n.\r\n");

	for (size_t cut = 0; cut <= wire.len; cut++) {
		run(wire, cut, cut, &outcome);
		const struct smtp_lines *lines = &outcome.body.lines;
		assert_int_equal(lines->bytes, wire.len - 3);
		assert_int_equal(lines->line_count, 5);
		assert_int_equal(lines->header_bytes, 15);
		assert_int_equal(lines->longest_line, 13);
		assert_true(lines->is_header_done);
		assert_true(lines->has_nul);
		outcome_done(&outcome);
	}
}

static void test_header_ends_at_a_strict_empty_line(void **state)
{
	struct outcome outcome;

	run(STR("a: b\n\nc\r\n.\r\n"), 0, 0, &outcome);
	assert_false(outcome.body.lines.is_header_done);
	outcome_done(&outcome);
}

static void test_chunks(void **state)
{
	struct outcome outcome = {.message = BUF_INIT(64), .after = BUF_INIT(64)};
	struct smtp_body *body = &outcome.body;

	smtp_body_init(body);
	smtp_body_chunk_begin(body, 4);
	feed(body, STR("a\r"), &outcome.message, &outcome.after);
	assert_false(body->is_done);
	feed(body, STR("\n.BDAT"), &outcome.message, &outcome.after);
	assert_true(body->is_done);
	assert_true(str_equals(buf_str(&outcome.after), STR("BDAT")));
	smtp_body_chunk_begin(body, 0);
	assert_true(body->is_done);
	smtp_body_chunk_begin(body, 2);
	feed(body, STR("\r\n"), &outcome.message, &outcome.after);
	smtp_body_end(body);
	assert_true(smtp_body_is_clean(body));
	assert_true(str_equals(buf_str(&outcome.message), STR("a\r\n.\r\n")));
	assert_int_equal(body->lines.line_count, 2);
	outcome_done(&outcome);
}

static void test_chunk_may_not_end_in_half_a_line_end(void **state)
{
	struct outcome outcome = {.message = BUF_INIT(64), .after = BUF_INIT(64)};

	smtp_body_init(&outcome.body);
	smtp_body_chunk_begin(&outcome.body, 2);
	feed(&outcome.body, STR("a\r"), &outcome.message, &outcome.after);
	assert_true(smtp_body_is_clean(&outcome.body));
	smtp_body_end(&outcome.body);
	assert_false(smtp_body_is_clean(&outcome.body));
	outcome_done(&outcome);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_messages),
		cmocka_unit_test(test_dots_are_unstuffed),
		cmocka_unit_test(test_false_ends_are_text),
		cmocka_unit_test(test_refused_only_after_the_real_end),
		cmocka_unit_test(test_lines_are_counted),
		cmocka_unit_test(test_header_ends_at_a_strict_empty_line),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_chunk_may_not_end_in_half_a_line_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
