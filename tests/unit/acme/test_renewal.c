/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of acme/renewal: when a certificate is due, and the pauses between failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/renewal.h"

enum { DAY_S = 24 * 3600, NOW = 1800000000 };

static void test_due_by_days(void **state)
{
	assert_int_equal(acme_due_s(NOW, NOW + 90LL * DAY_S, 30), NOW + 60LL * DAY_S);
	assert_int_equal(acme_due_s(NOW, NOW + 398LL * DAY_S, 30), NOW + 368LL * DAY_S);
	assert_int_equal(acme_due_s(NOW, NOW + 90LL * DAY_S, 0), NOW + 90LL * DAY_S);
}

static void test_a_short_life_is_renewed_in_its_last_third(void **state)
{
	assert_int_equal(acme_due_s(NOW, NOW + 6LL * DAY_S, 30), NOW + 4LL * DAY_S);
	assert_int_equal(acme_due_s(NOW, NOW + 3 * 3600, 30), NOW + 2 * 3600);
	assert_int_equal(acme_due_s(NOW, NOW + 45LL * DAY_S, 30), NOW + 30LL * DAY_S);
	/* A certificate that makes no sense is due at its end. */
	assert_int_equal(acme_due_s(NOW, NOW - 5, 30), NOW - 5);
}

static void test_pauses_double_up_to_a_day(void **state)
{
	int64_t nominal = ACME_PAUSE_MIN_S;

	for (unsigned failures = 1; failures < 40; failures++) {
		assert_int_equal(acme_retry_s(NOW, failures, 0, 0), NOW + nominal);
		for (uint64_t random = 1; random < 100000; random = random * 7 + 3) {
			int64_t at = acme_retry_s(NOW, failures, 0, random);
			assert_in_range(at - NOW, nominal, nominal + nominal / 4);
		}
		nominal = nominal * 2 > ACME_PAUSE_MAX_S ? ACME_PAUSE_MAX_S : nominal * 2;
	}
	assert_int_equal(nominal, ACME_PAUSE_MAX_S);
	assert_int_equal(acme_retry_s(NOW, UINT32_MAX, 0, 0), NOW + ACME_PAUSE_MAX_S);
}

static void test_the_ca_may_want_a_longer_pause(void **state)
{
	assert_int_equal(acme_retry_s(NOW, 1, 3600, 0), NOW + 3600);
	assert_int_equal(acme_retry_s(NOW, 1, 10, 0), NOW + ACME_PAUSE_MIN_S);
	/* But not for ever. */
	assert_int_equal(acme_retry_s(NOW, 1, INT64_MAX, 0), NOW + ACME_PAUSE_MAX_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due_by_days),
		cmocka_unit_test(test_a_short_life_is_renewed_in_its_last_third),
		cmocka_unit_test(test_pauses_double_up_to_a_day),
		cmocka_unit_test(test_the_ca_may_want_a_longer_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
