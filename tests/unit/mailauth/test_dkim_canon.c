/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of mailauth/dkim_canon: the examples of RFC 6376 section 3.4.5, and what lies between its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mailauth/dkim_canon.h"

static void field_is(struct str name, struct str value, const char *expected)
{
	struct buf text = BUF_INIT(4096);

	dkim_field_append(&text, name, value);
	assert_true(str_equals(buf_str(&text), str_from_c(expected)));
	buf_done(&text);
}

static void test_fields(void **state)
{
	field_is(STR("A"), STR(" X"), "a:X");
	field_is(STR("B"), STR(" Y\t\r\n\tZ  "), "b:Y Z");
	field_is(STR("Subject"), STR(""), "subject:");
	field_is(STR("Subject"), STR(" \r\n \t"), "subject:");
	field_is(STR("SUBJECT"), STR("a  b \t c"), "subject:a b c");
	field_is(STR("X"), STR(" a\rb"), "x:a\rb");
}

/* The hash of a body that is given in pieces of every length is that of the expected form. */
static void body_is(struct str body, struct str expected)
{
	unsigned char digest[SHA256_BYTES], wanted[SHA256_BYTES];

	sha256(expected, wanted);
	for (size_t piece = 1; piece <= body.len + 1; piece++) {
		struct dkim_body hash;
		dkim_body_init(&hash);
		for (size_t at = 0; at < body.len; at += piece)
			dkim_body_update(&hash, str_sub(body, at, piece));
		dkim_body_final(&hash, digest);
		assert_memory_equal(digest, wanted, SHA256_BYTES);
	}
}

static void test_bodies(void **state)
{
	body_is(STR(" C \r\nD \t E\r\n\r\n\r\n"), STR(" C\r\nD E\r\n"));
	body_is(STR(""), STR(""));
	body_is(STR("\r\n"), STR(""));
	body_is(STR(" \t \r\n\r\n  \r\n"), STR(""));
	body_is(STR("a"), STR("a\r\n"));
	body_is(STR("a\r\n"), STR("a\r\n"));
	body_is(STR("a \t"), STR("a\r\n"));
	body_is(STR("a\r\n \r\n\r\nb"), STR("a\r\n\r\n\r\nb\r\n"));
	body_is(STR("\t\ta\t\t \tb"), STR(" a b\r\n"));
}

/* A CR or LF alone ends no line, wherever it stands. */
static void test_bare_line_ends(void **state)
{
	body_is(STR("a\nb\r\n"), STR("a\nb\r\n"));
	body_is(STR("a\rb\r\n"), STR("a\rb\r\n"));
	body_is(STR("a\r\r\n"), STR("a\r\r\n"));
	body_is(STR("a \r b"), STR("a \r b\r\n"));
	body_is(STR("a\r"), STR("a\r\r\n"));
	body_is(STR("\n"), STR("\n\r\n"));
	body_is(STR("a\r\n\n\r\n"), STR("a\r\n\n\r\n"));
}

/* More than the buffer holds, in one piece and in many. */
static void test_long_body(void **state)
{
	enum { LINES = 3 * DKIM_BODY_BUFFER / 20 };
	struct buf body = BUF_INIT(1 << 20), expected = BUF_INIT(1 << 20);
	unsigned char digest[SHA256_BYTES], wanted[SHA256_BYTES];
	struct dkim_body hash;

	for (int i = 0; i < LINES; i++) {
		buf_printf(&body, "line \t %d of many \r\n", i);
		buf_printf(&expected, "line %d of many\r\n", i);
	}
	sha256(buf_str(&expected), wanted);
	dkim_body_init(&hash);
	dkim_body_update(&hash, buf_str(&body));
	dkim_body_final(&hash, digest);
	assert_memory_equal(digest, wanted, SHA256_BYTES);
	dkim_body_init(&hash);
	dkim_body_update(&hash, STR("given up"));
	dkim_body_done(&hash);
	buf_done(&body);
	buf_done(&expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_bare_line_ends),
		cmocka_unit_test(test_long_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
