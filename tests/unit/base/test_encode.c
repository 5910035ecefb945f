/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/encode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/encode.h"

struct pair {
	struct str plain;
	struct str coded;
};

/* RFC 4648 section 10. */
static const struct pair rfc4648[] = {
	{STR_INIT(""), STR_INIT("")},
	{STR_INIT("f"), STR_INIT("Zg==")},
	{STR_INIT("fo"), STR_INIT("Zm8=")},
	{STR_INIT("foo"), STR_INIT("Zm9v")},
	{STR_INIT("foob"), STR_INIT("Zm9vYg==")},
	{STR_INIT("fooba"), STR_INIT("Zm9vYmE=")},
	{STR_INIT("foobar"), STR_INIT("Zm9vYmFy")},
	{STR_INIT("\0\xff\xfe"), STR_INIT("AP/+")},
};

static void test_base64_both_ways(void **state)
{
	struct buf to = BUF_INIT(100);

	for (size_t i = 0; i < sizeof(rfc4648) / sizeof(rfc4648[0]); i++) {
		buf_reset(&to);
		base64_encode(&to, rfc4648[i].plain);
		assert_true(str_equals(buf_str(&to), rfc4648[i].coded));
		buf_reset(&to);
		assert_true(base64_decode(&to, rfc4648[i].coded));
		assert_true(str_equals(buf_str(&to), rfc4648[i].plain));
	}
	buf_done(&to);
}

static void test_base64_is_strict(void **state)
{
	const char *const wrong[] = {"Z",    "Zg",    "Zg=",   "Zg===", "=Zg=",     "Z===",
				     "Zh==", "Zm9=",  "Zg==Zg==", "Zm9v\n", "Zm 9v", "Zm9-",
				     "====", "Zm9vZ=g="};
	struct buf to = BUF_INIT(100);

	buf_append_c(&to, "kept");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(base64_decode(&to, str_from_c(wrong[i])));
		assert_true(str_equals(buf_str(&to), STR("kept")));
	}
	buf_done(&to);
}

/* The vectors of RFC 4648 section 10, without their padding. */
static void test_base32(void **state)
{
	static const char *const vectors[][2] = {{"", ""},	    {"f", "MY"},
						 {"fo", "MZXQ"},    {"foo", "MZXW6"},
						 {"foob", "MZXW6YQ"}, {"fooba", "MZXW6YTB"},
						 {"foobar", "MZXW6YTBOI"}};
	struct buf to = BUF_INIT(100);

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_reset(&to);
		base32_encode(&to, str_from_c(vectors[i][0]));
		assert_true(str_equals(buf_str(&to), str_from_c(vectors[i][1])));
	}
	buf_done(&to);
}

static void test_hex_both_ways(void **state)
{
	struct buf to = BUF_INIT(100);

	hex_encode(&to, STR("\0\x7f\xff"));
	assert_true(str_equals(buf_str(&to), STR("007fff")));
	buf_reset(&to);
	assert_true(hex_decode(&to, STR("00aAFf")));
	assert_true(str_equals(buf_str(&to), STR("\0\xaa\xff")));
	assert_false(hex_decode(&to, STR("0")));
	assert_false(hex_decode(&to, STR("00g0")));
	assert_true(str_equals(buf_str(&to), STR("\0\xaa\xff")));
	assert_int_equal(hex_digit_value('/'), -1);
	assert_int_equal(hex_digit_value(':'), -1);
	buf_done(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64_both_ways),
		cmocka_unit_test(test_base64_is_strict),
		cmocka_unit_test(test_base32),
		cmocka_unit_test(test_hex_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
