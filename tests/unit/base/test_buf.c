/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/buf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"

static void test_maximum_is_sticky_and_changes_nothing(void **state)
{
	struct buf buf = BUF_INIT(5);

	buf_append_c(&buf, "abc");
	assert_false(buf.failed);
	buf_append_c(&buf, "def");
	assert_true(buf.failed);
	buf_append_char(&buf, 'x');
	assert_true(str_equals(buf_str(&buf), STR("abc")));
	buf_reset(&buf);
	buf_append_c(&buf, "12345");
	assert_false(buf.failed);
	assert_true(str_equals(buf_str(&buf), STR("12345")));
	buf_done(&buf);
}

static void test_zeroed_buf_takes_nothing(void **state)
{
	struct buf buf = {0};

	buf_append(&buf, "", 0);
	assert_false(buf.failed);
	buf_append_char(&buf, 'a');
	assert_true(buf.failed);
	buf_done(&buf);
}

static void test_reserve_refuses_a_length_that_overflows(void **state)
{
	struct buf buf = BUF_INIT(100);

	buf_append_c(&buf, "abc");
	assert_null(buf_reserve(&buf, SIZE_MAX));
	assert_true(buf.failed);
	assert_int_equal(buf.len, 3);
	buf_done(&buf);
}

static void test_numbers_and_formats(void **state)
{
	struct buf buf = BUF_INIT(1000);

	buf_append_u64(&buf, 0);
	buf_append_char(&buf, ' ');
	buf_append_u64(&buf, UINT64_MAX);
	buf_printf(&buf, " %s-%04d", "text", 42);
	assert_true(str_equals(buf_str(&buf), STR("0 18446744073709551615 text-0042")));
	buf_done(&buf);
}

static void test_consume_and_truncate(void **state)
{
	struct buf buf = BUF_INIT(100);

	buf_append_c(&buf, "abcdef");
	buf_consume(&buf, 2);
	buf_truncate(&buf, 3);
	assert_true(str_equals(buf_str(&buf), STR("cde")));
	buf_consume(&buf, 3);
	assert_int_equal(buf.len, 0);
	buf_done(&buf);
}

static void test_grows_through_many_appends(void **state)
{
	struct buf buf = BUF_INIT(100000);

	for (int i = 0; i < 100000; i++)
		buf_append_char(&buf, (char)('a' + i % 26));
	assert_false(buf.failed);
	assert_int_equal(buf.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf.data[i], 'a' + i % 26);
	buf_wipe(&buf);
	assert_null(buf.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maximum_is_sticky_and_changes_nothing),
		cmocka_unit_test(test_zeroed_buf_takes_nothing),
		cmocka_unit_test(test_reserve_refuses_a_length_that_overflows),
		cmocka_unit_test(test_numbers_and_formats),
		cmocka_unit_test(test_consume_and_truncate),
		cmocka_unit_test(test_grows_through_many_appends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
