/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/cursor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cursor.h"

static void test_integers_are_big_endian(void **state)
{
	struct cursor at = cursor_make(STR("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a"
					   "\x0b\x0c\x0d\x0e\x0f\x10\xff\xfe"));

	assert_int_equal(cursor_u8(&at), 0x01);
	assert_int_equal(cursor_u16(&at), 0x0203);
	assert_int_equal(cursor_u24(&at), 0x040506);
	assert_int_equal(cursor_u32(&at), 0x0708090a);
	assert_true(cursor_u64(&at) == 0x0b0c0d0e0f10fffe);
	assert_true(cursor_is_done(&at));
}

static void test_reading_past_the_end_is_sticky(void **state)
{
	struct cursor at = cursor_make(STR("\x01\x02"));

	assert_int_equal(cursor_u32(&at), 0);
	assert_true(at.failed);
	assert_int_equal(cursor_u8(&at), 0);
	assert_int_equal(cursor_left(&at), 0);
	assert_int_equal(cursor_peek(&at), -1);
	assert_false(cursor_is_done(&at));
	assert_int_equal(cursor_bytes(&at, 0).len, 0);
}

static void test_empty_view_is_done(void **state)
{
	struct cursor at = cursor_make(str_make(NULL, 0));

	assert_true(cursor_is_done(&at));
	assert_int_equal(cursor_peek(&at), -1);
	assert_false(cursor_take_char(&at, 'a'));
	assert_false(at.failed);
}

static void test_take_takes_all_or_nothing(void **state)
{
	struct cursor at = cursor_make(STR("BODY.PEEK\xff"));

	assert_false(cursor_take_str(&at, STR("body")));
	assert_true(cursor_take_nocase(&at, STR("body")));
	assert_false(cursor_take_char(&at, ','));
	assert_true(cursor_take_char(&at, '.'));
	assert_true(str_equals(cursor_take_while(&at, ascii_is_alpha), STR("PEEK")));
	assert_int_equal(cursor_take_while(&at, ascii_is_alpha).len, 0);
	/* A byte above 127 is not the end, and not negative. */
	assert_int_equal(cursor_peek(&at), 0xff);
	assert_true(cursor_take_char(&at, '\xff'));
	assert_true(cursor_is_done(&at));
}

static void test_number_has_digits_and_a_limit(void **state)
{
	struct cursor at = cursor_make(STR("4294967295,"));
	struct cursor none = cursor_make(STR(",1"));
	struct cursor large = cursor_make(STR("4294967296"));

	assert_true(cursor_number(&at, UINT32_MAX) == UINT32_MAX);
	assert_int_equal(cursor_peek(&at), ',');
	assert_int_equal(cursor_number(&none, 10), 0);
	assert_true(none.failed);
	assert_int_equal(cursor_number(&large, UINT32_MAX), 0);
	assert_true(large.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_are_big_endian),
		cmocka_unit_test(test_reading_past_the_end_is_sticky),
		cmocka_unit_test(test_empty_view_is_done),
		cmocka_unit_test(test_take_takes_all_or_nothing),
		cmocka_unit_test(test_number_has_digits_and_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
