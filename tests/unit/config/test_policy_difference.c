/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of config/policy_difference: what goes and what comes, and whether the minimum falls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/policy_difference.h"

static const uint16_t three[] = {1, 2, 3}, other[] = {3, 2, 4};

static struct tls_policy policy_make(tls_protocols protocols, const uint16_t *suites, size_t count,
				     const char *text)
{
	return (struct tls_policy){.protocols = protocols,
				   .suites = suites,
				   .suite_count = count,
				   .suites13 = {0x1301, 0x1302},
				   .suite13_count = count == 3 ? 2 : 1,
				   .text = str_from_c(text)};
}

static void test_difference(void **state)
{
	const tls_protocols old = TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_0) |
				  TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_2);
	const tls_protocols strong = TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_2) |
				     TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_3);
	struct tls_policy before = policy_make(old, three, 3, "a");
	struct tls_policy after = policy_make(strong, other, 2, "b");
	struct policy_difference difference;

	tls_policy_compare(&before, &after, &difference);
	assert_true(difference.is_any);
	assert_int_equal(difference.gone, TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_0));
	assert_int_equal(difference.come, TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_3));
	assert_int_equal(difference.suites_gone_count, 2);
	assert_int_equal(difference.suites_gone[0], 0x1302);
	assert_int_equal(difference.suites_gone[1], 1);
	assert_int_equal(difference.suites_come_count, 0);
	assert_false(difference.minimum_falls);
	tls_policy_compare(&after, &before, &difference);
	assert_true(difference.minimum_falls);
	assert_int_equal(difference.suites_come_count, 2);
}

/* The same suites in another order are a difference, though none goes and none comes. */
static void test_order_alone(void **state)
{
	struct tls_policy a = policy_make(1, three, 3, "a"), b = policy_make(1, three, 3, "b");
	struct policy_difference difference;

	tls_policy_compare(&a, &b, &difference);
	assert_true(difference.is_any);
	assert_int_equal(difference.suites_gone_count + difference.suites_come_count, 0);
	tls_policy_compare(&a, &a, &difference);
	assert_false(difference.is_any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_difference),
		cmocka_unit_test(test_order_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
