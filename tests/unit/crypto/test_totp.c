/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of crypto/totp.h with the vectors of RFC 6238 appendix B, their last six digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/totp.h"

static const struct str SECRET = STR_INIT("12345678901234567890");

static void test_the_vectors(void **state)
{
	static const struct {
		uint64_t time_s;
		const char *code;
	} vectors[] = {{59, "287082"},		{1111111109, "081804"}, {1111111111, "050471"},
		       {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
	char code[TOTP_DIGITS];

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		totp_code(SECRET, vectors[i].time_s / TOTP_STEP_S, code);
		assert_memory_equal(code, vectors[i].code, TOTP_DIGITS);
	}
}

static void test_the_window_is_a_step_each_side(void **state)
{
	uint64_t step;

	for (int64_t now_s = 0; now_s < 90; now_s++) {
		assert_true(totp_find(SECRET, STR("287082"), now_s, 0, &step));
		assert_int_equal(step, 1);
	}
	assert_false(totp_find(SECRET, STR("287082"), 90, 0, &step));
	assert_false(totp_find(SECRET, STR("050471"), 1111111110 - 31, 0, &step));
	assert_true(totp_find(SECRET, STR("050471"), 1111111110 - 30, 0, &step));
}

static void test_a_code_that_served_is_not_found(void **state)
{
	uint64_t step;

	assert_true(totp_find(SECRET, STR("050471"), 1111111111, 37037036, &step));
	assert_int_equal(step, 37037037);
	assert_false(totp_find(SECRET, STR("050471"), 1111111111, 37037037, &step));
	assert_false(totp_find(SECRET, STR("081804"), 1111111111, 37037037, &step));
}

static void test_what_is_no_code(void **state)
{
	static const char *const texts[] = {"", "050470", "50471", "0504710", " 050471", "05047a"};
	uint64_t step;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(totp_find(SECRET, str_from_c(texts[i]), 1111111111, 0, &step));
	assert_false(totp_find(SECRET, str_make(NULL, 0), -1, 0, &step));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_vectors),
		cmocka_unit_test(test_the_window_is_a_step_each_side),
		cmocka_unit_test(test_a_code_that_served_is_not_found),
		cmocka_unit_test(test_what_is_no_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
