/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of queue/owed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue/owed.h"

enum { CALLS_MAX = 8 };

static struct owed owed;
static uint64_t asked[CALLS_MAX];
static size_t asked_count;
static uint64_t failing; /* this entry cannot be paid */

static int setup(void **state)
{
	owed_init(&owed);
	asked_count = 0;
	failing = 0;
	return 0;
}

static int teardown(void **state)
{
	owed_done(&owed);
	return 0;
}

static bool pay(void *context, uint64_t entry)
{
	assert_ptr_equal(context, &asked_count);
	assert_true(asked_count < CALLS_MAX);
	asked[asked_count++] = entry;
	return entry != failing;
}

static void take(int64_t now_ms)
{
	asked_count = 0;
	owed_take(&owed, now_ms, pay, &asked_count);
}

static void test_each_is_paid_once_in_order(void **state)
{
	owed_add(&owed, 4);
	owed_add(&owed, 2);
	take(1000);
	assert_int_equal(asked_count, 2);
	assert_int_equal(asked[0], 4);
	assert_int_equal(asked[1], 2);
	take(1000);
	assert_int_equal(asked_count, 0);
}

static void test_what_fails_is_tried_again_behind_the_others(void **state)
{
	owed_add(&owed, 4);
	owed_add(&owed, 2);
	failing = 4;
	take(1000);
	assert_int_equal(asked_count, 1);
	take(1000 + OWED_REST_MS - 1);
	assert_int_equal(asked_count, 0);
	take(1000 + OWED_REST_MS);
	assert_int_equal(asked_count, 2);
	assert_int_equal(asked[0], 2);
	failing = 0;
	take(1000 + 2 * OWED_REST_MS);
	assert_int_equal(asked_count, 1);
	assert_int_equal(asked[0], 4);
}

static void test_an_order_ends_the_pause(void **state)
{
	owed_add(&owed, 4);
	failing = 4;
	take(1000);
	owed_again(&owed, 4);
	take(1001);
	/* It stands in it once. */
	assert_int_equal(asked_count, 1);
	owed_again(&owed, 5);
	failing = 0;
	take(1002);
	assert_int_equal(asked_count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_is_paid_once_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_fails_is_tried_again_behind_the_others,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_order_ends_the_pause, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
