/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/secret.h"

static void test_wipe_leaves_nothing(void **state)
{
	static const char zeroes[SECRET_MAX];
	struct secret secret = {0};

	assert_true(secret_set(&secret, STR("hunter2")));
	assert_true(str_equals(secret_reveal(&secret), STR("hunter2")));
	secret_wipe(&secret);
	assert_int_equal(secret.secret_len, 0);
	assert_memory_equal(secret.secret_bytes, zeroes, SECRET_MAX);
}

static void test_a_shorter_one_leaves_no_rest_of_the_longer(void **state)
{
	struct secret secret = {0};

	assert_true(secret_set(&secret, STR("long password")));
	assert_true(secret_set(&secret, STR("x")));
	assert_int_equal(secret.secret_bytes[1], '\0');
	secret_wipe(&secret);
}

static void test_too_long_is_refused_and_empties(void **state)
{
	char longer[SECRET_MAX + 1] = {'a'};
	struct secret secret = {0};

	assert_true(secret_set(&secret, str_make(longer, SECRET_MAX)));
	assert_false(secret_set(&secret, str_make(longer, SECRET_MAX + 1)));
	assert_int_equal(secret_reveal(&secret).len, 0);
}

static void test_equals(void **state)
{
	assert_true(secret_equals(STR("a\0b"), STR("a\0b")));
	assert_false(secret_equals(STR("a\0b"), STR("a\0f")));
	assert_false(secret_equals(STR("ab"), STR("abc")));
	assert_true(secret_equals(str_make(NULL, 0), STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wipe_leaves_nothing),
		cmocka_unit_test(test_a_shorter_one_leaves_no_rest_of_the_longer),
		cmocka_unit_test(test_too_long_is_refused_and_empties),
		cmocka_unit_test(test_equals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
