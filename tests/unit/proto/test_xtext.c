/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/xtext. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/xtext.h"

static void test_what_is_xtext(void **state)
{
	static const char *const good[] = {"", "abc", "a+2Bb", "~!", "+00+FF"};
	static const char *const bad[] = {"a b", "a=b", "+2b", "+2", "+", "a+G0", "\x7f", "\xc3"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(xtext_check(str_from_c(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(xtext_check(str_from_c(bad[i])));
}

static void test_decoding(void **state)
{
	struct buf to = BUF_INIT(64);

	assert_true(xtext_decode(&to, STR("a+2Bb+3D+20c")));
	assert_true(str_equals(buf_str(&to), STR("a+b= c")));
	assert_false(xtext_decode(&to, STR("x+2b")));
	assert_true(str_equals(buf_str(&to), STR("a+b= c")));
	buf_done(&to);
}

static void test_every_byte_comes_back(void **state)
{
	struct buf text = BUF_INIT(1024);
	struct buf back = BUF_INIT(1024);
	char bytes[256];

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	xtext_encode(&text, str_make(bytes, sizeof(bytes)));
	assert_true(xtext_check(buf_str(&text)));
	assert_true(xtext_decode(&back, buf_str(&text)));
	assert_int_equal(back.len, sizeof(bytes));
	assert_memory_equal(back.data, bytes, sizeof(bytes));
	buf_done(&text);
	buf_done(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_xtext),
		cmocka_unit_test(test_decoding),
		cmocka_unit_test(test_every_byte_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
