/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/attempts.h"

static struct peer_key key_of(const char *address)
{
	struct peer_key key;
	uint8_t whole[16];

	peer_key_parse(str_from_c(address), &key, whole);
	return key;
}

static void test_addresses(void **state)
{
	struct peer_key a = key_of("192.0.2.1"), b = key_of("192.0.2.2");
	struct peer_key mapped = key_of("::ffff:192.0.2.1");
	struct peer_key six = key_of("2001:db8:0:1::1"), neighbour = key_of("2001:db8:0:1:ffff::9");
	struct peer_key other = key_of("2001:db8:0:2::1"), nobody = key_of("mail.example");

	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_memory_equal(&a, &mapped, sizeof(a));
	assert_memory_equal(&six, &neighbour, sizeof(a));
	assert_memory_not_equal(&six, &other, sizeof(a));
	assert_memory_equal(&nobody, &(struct peer_key){0}, sizeof(a));
}

static void test_limit_and_window(void **state)
{
	struct attempts attempts;
	struct attempt_limits limits = attempt_limits_default;
	struct peer_key bad = key_of("192.0.2.1"), good = key_of("192.0.2.2");

	limits.failures_per_address = 3;
	attempts_init(&attempts);
	assert_int_equal(attempts_fail(&attempts, &limits, &bad, 1000), 500);
	assert_int_equal(attempts_fail(&attempts, &limits, &bad, 2000), 1000);
	assert_int_equal(attempts_blocked_s(&attempts, &limits, &bad, 2000), 0);
	assert_int_equal(attempts_fail(&attempts, &limits, &bad, 3000), 2000);
	assert_int_equal(attempts_blocked_s(&attempts, &limits, &bad, 3000), 598);
	assert_int_equal(attempts_blocked_s(&attempts, &limits, &good, 3000), 0);
	assert_int_equal(attempts_blocked_s(&attempts, &limits, &bad, 600999), 1);
	assert_int_equal(attempts_blocked_s(&attempts, &limits, &bad, 601000), 0);
	/* And the count begins again. */
	assert_int_equal(attempts_fail(&attempts, &limits, &bad, 601000), 500);
	attempts_done(&attempts);
}

static void test_delay_has_a_ceiling(void **state)
{
	struct attempts attempts;
	struct attempt_limits limits = attempt_limits_default;
	struct peer_key bad = key_of("192.0.2.1");
	uint32_t delay = 0;

	limits.failures_per_address = 0;
	attempts_init(&attempts);
	for (int i = 0; i < 100; i++)
		delay = attempts_fail(&attempts, &limits, &bad, i);
	assert_int_equal(delay, limits.delay_max_ms);
	assert_int_equal(attempts_blocked_s(&attempts, &limits, &bad, 200), 0);
	attempts_done(&attempts);
}

static void test_table_is_bounded(void **state)
{
	struct lru lru;
	struct lru_entry *first;

	lru_init(&lru, 3, sizeof(struct lru_entry));
	first = lru_add(&lru, 1);
	(void)lru_add(&lru, 2);
	(void)lru_add(&lru, 3);
	lru_touch(&lru, first);
	(void)lru_add(&lru, 4);
	assert_int_equal(lru.count, 3);
	assert_non_null(lru_find(&lru, 1));
	assert_null(lru_find(&lru, 2));
	lru_done(&lru);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_limit_and_window),
		cmocka_unit_test(test_delay_has_a_ceiling),
		cmocka_unit_test(test_table_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
