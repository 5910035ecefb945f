/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/random.h"

static void test_bytes_differ(void **state)
{
	unsigned char one[32] = {0};
	unsigned char two[32] = {0};

	random_bytes(one, sizeof(one));
	random_bytes(two, sizeof(two));
	assert_memory_not_equal(one, two, sizeof(one));
	random_bytes(one, 0);
}

static void test_below_reaches_every_value_and_no_other(void **state)
{
	unsigned seen[5] = {0};

	for (int i = 0; i < 5000; i++) {
		uint32_t value = random_below(5);
		assert_true(value < 5);
		seen[value]++;
	}
	/* 1,000 each are expected; 800 is seven standard deviations away. */
	for (int i = 0; i < 5; i++)
		assert_true(seen[i] > 800);
	assert_int_equal(random_below(1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_differ),
		cmocka_unit_test(test_below_reaches_every_value_and_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
