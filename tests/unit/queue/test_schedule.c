/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of queue/schedule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue/schedule.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR };

static const struct schedule schedule = {.first_retry_s = 10 * MINUTE,
					 .longest_retry_s = 4 * HOUR,
					 .delay_notice_s = 4 * HOUR,
					 .tls_notice_s = HOUR,
					 .lifetime_s = 5 * DAY};

/* The pause with the spread in its middle. */
static int64_t pause_after(uint32_t attempts)
{
	int64_t earliest = schedule_next(&schedule, 0, attempts, 1000, 0) - 1000;

	return earliest / 4 * 5;
}

static void test_pauses_double_up_to_the_longest(void **state)
{
	assert_int_equal(pause_after(1), 10 * MINUTE);
	assert_int_equal(pause_after(2), 20 * MINUTE);
	assert_int_equal(pause_after(5), 160 * MINUTE);
	assert_int_equal(pause_after(6), 4 * HOUR);
	assert_int_equal(pause_after(UINT32_MAX), 4 * HOUR);
}

static void test_the_spread_is_a_fifth_either_way(void **state)
{
	int64_t lowest = INT64_MAX;
	int64_t highest = 0;

	for (uint32_t random = 0; random < 1000; random++) {
		int64_t next = schedule_next(&schedule, 0, 1, 0, random);
		lowest = next < lowest ? next : lowest;
		highest = next > highest ? next : highest;
	}
	assert_int_equal(lowest, 8 * MINUTE);
	assert_int_equal(highest, 12 * MINUTE);
}

static void test_the_last_attempt_is_at_the_end_of_the_life(void **state)
{
	int64_t received = 1000;
	int64_t end = received + schedule.lifetime_s;

	assert_int_equal(schedule_next(&schedule, received, 20, end - 5, 7), end);
	assert_false(schedule_is_over(&schedule, received, end - 1));
	assert_true(schedule_is_over(&schedule, received, end));
	/* Released after its end, it gets another attempt, not one in the past. */
	assert_true(schedule_next(&schedule, received, 1, end + 10, 0) > end + 10);
}

static void test_tls_reasons_are_told_earlier(void **state)
{
	assert_false(schedule_is_notice_due(&schedule, 0, HOUR, false));
	assert_true(schedule_is_notice_due(&schedule, 0, HOUR, true));
	assert_false(schedule_is_notice_due(&schedule, 0, HOUR - 1, true));
	assert_true(schedule_is_notice_due(&schedule, 0, 4 * HOUR, false));
}

static void test_tls_reasons_are_never_told_later(void **state)
{
	struct schedule quick = schedule;

	quick.delay_notice_s = 10 * MINUTE;
	assert_true(schedule_is_notice_due(&quick, 0, 10 * MINUTE, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses_double_up_to_the_longest),
		cmocka_unit_test(test_the_spread_is_a_fifth_either_way),
		cmocka_unit_test(test_the_last_attempt_is_at_the_end_of_the_life),
		cmocka_unit_test(test_tls_reasons_are_told_earlier),
		cmocka_unit_test(test_tls_reasons_are_never_told_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
