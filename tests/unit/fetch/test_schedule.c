/* SPDX-License-Identifier: Apache-2.0 */
/* When a mailbox elsewhere is visited next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetch/schedule.h"

static int64_t next(uint32_t interval_s, uint32_t jitter_s, uint32_t failures, uint32_t chance)
{
	struct pop3_account account = {.interval_s = interval_s, .jitter_s = jitter_s};

	return fetch_schedule_next(&account, 1000000, failures, chance);
}

static void test_the_pause_and_its_jitter(void **state)
{
	assert_int_equal(next(900, 60, 0, 0), 1000900);
	assert_int_equal(next(900, 60, 0, 60), 1000960);
	assert_int_equal(next(900, 60, 0, 61), 1000900);
	assert_int_equal(next(900, 0, 0, 12345), 1000900);
	assert_int_equal(next(0, 60, 0, 1), 0);
}

static void test_failures_make_it_longer(void **state)
{
	assert_int_equal(next(900, 0, 1, 0), 1000900);
	assert_int_equal(next(900, 0, 2, 0), 1001800);
	assert_int_equal(next(900, 0, 3, 0), 1003600);
	assert_int_equal(next(900, 0, 1000000, 0), 1000000 + FETCH_LONGEST_PAUSE_S);
	/* Who looks once a day does not look more often for it. */
	assert_int_equal(next(86400, 0, 9, 0), 1086400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_pause_and_its_jitter),
		cmocka_unit_test(test_failures_make_it_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
