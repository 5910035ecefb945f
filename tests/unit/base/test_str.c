/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/str. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"

static void test_cut_walks_every_item(void **state)
{
	const char *const expected[] = {"a", "", "bc", ""};
	size_t count = 0;

	for (struct str rest = STR("a,,bc,"); rest.ptr != NULL; count++) {
		struct str item = str_cut(&rest, ',');
		assert_true(count < 4);
		assert_true(str_equals(item, str_from_c(expected[count])));
	}
	assert_int_equal(count, 4);
}

static void test_parse_u64_refuses_what_is_no_number(void **state)
{
	const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "101"};
	uint64_t value = 7;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(str_parse_u64(str_from_c(wrong[i]), i == 7 ? 100 : UINT64_MAX, &value));
	assert_int_equal(value, 7);
	assert_true(str_parse_u64(STR("18446744073709551615"), UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
}

static void test_copy_c_refuses_what_does_not_fit(void **state)
{
	char to[4];

	assert_true(str_copy_c(STR("abc"), to, sizeof(to)));
	assert_string_equal(to, "abc");
	assert_false(str_copy_c(STR("abcd"), to, sizeof(to)));
	assert_false(str_copy_c(STR("a\0c"), to, sizeof(to)));
	assert_string_equal(to, "");
}

static void test_find(void **state)
{
	assert_int_equal(str_find_nocase(STR("x-STARTTLS"), STR("starttls")), 2);
	assert_true(str_find_nocase(STR("STARTTL"), STR("starttls")) == STR_NONE);
	assert_int_equal(str_find_last_char(STR("a@b@c"), '@'), 3);
	assert_true(str_find_char(str_make(NULL, 0), 'a') == STR_NONE);
	assert_true(str_equals(str_trim(STR(" \t a b\r\n")), STR("a b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_walks_every_item),
		cmocka_unit_test(test_parse_u64_refuses_what_is_no_number),
		cmocka_unit_test(test_copy_c_refuses_what_does_not_fit),
		cmocka_unit_test(test_find),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
