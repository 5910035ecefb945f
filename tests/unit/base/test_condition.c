/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/condition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/condition.h"

enum { SHORT_MS = 20, LONG_MS = 60 * 1000 };

struct waited {
	pthread_mutex_t lock;
	struct condition condition;
	bool is_waiting;
	bool is_over;
};

static int setup(void **state)
{
	static struct waited waited;

	waited = (struct waited){.lock = PTHREAD_MUTEX_INITIALIZER};
	condition_init(&waited.condition);
	*state = &waited;
	return 0;
}

static int teardown(void **state)
{
	struct waited *waited = *state;

	condition_done(&waited->condition);
	return 0;
}

/* In the times of the monotonic clock: those of the other lie decades ahead. */
static void test_a_time_comes(void **state)
{
	struct waited *waited = *state;
	int64_t now_ms = clock_mono_ms();

	pthread_mutex_lock(&waited->lock);
	assert_false(condition_wait_until(&waited->condition, &waited->lock, now_ms - 1));
	while (condition_wait_until(&waited->condition, &waited->lock, now_ms + SHORT_MS))
		continue;
	assert_true(clock_mono_ms() >= now_ms + SHORT_MS);
	int64_t until_us = (now_ms + 2 * SHORT_MS) * 1000 + 500;
	while (condition_wait_until_us(&waited->condition, &waited->lock, until_us))
		continue;
	assert_true(clock_mono_ms() >= now_ms + 2 * SHORT_MS);
	pthread_mutex_unlock(&waited->lock);
}

static void *wait_in_thread(void *argument)
{
	struct waited *waited = argument;
	bool was_signalled = true;

	pthread_mutex_lock(&waited->lock);
	waited->is_waiting = true;
	condition_broadcast(&waited->condition);
	while (!waited->is_over && was_signalled)
		was_signalled = condition_wait_until(&waited->condition, &waited->lock,
						     clock_mono_ms() + LONG_MS);
	pthread_mutex_unlock(&waited->lock);
	return (void *)(uintptr_t)was_signalled;
}

static void test_a_signal_comes(void **state)
{
	struct waited *waited = *state;
	pthread_t thread;
	void *was_signalled;

	assert_int_equal(pthread_create(&thread, NULL, wait_in_thread, waited), 0);
	pthread_mutex_lock(&waited->lock);
	while (!waited->is_waiting)
		condition_wait(&waited->condition, &waited->lock);
	waited->is_over = true;
	condition_signal(&waited->condition);
	pthread_mutex_unlock(&waited->lock);
	assert_int_equal(pthread_join(thread, &was_signalled), 0);
	assert_true((bool)(uintptr_t)was_signalled);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_time_comes),
		TEST(test_a_signal_comes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
