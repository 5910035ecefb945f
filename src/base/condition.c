/* SPDX-License-Identifier: Apache-2.0 */
#include "base/condition.h"

#include <errno.h>
#include <time.h>

void condition_init(struct condition *condition)
{
	pthread_condattr_t monotonic;

	CHECK(pthread_condattr_init(&monotonic) == 0);
	CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&condition->cond, &monotonic) == 0);
	pthread_condattr_destroy(&monotonic);
}

void condition_done(struct condition *condition)
{
	pthread_cond_destroy(&condition->cond);
}

void condition_signal(struct condition *condition)
{
	pthread_cond_signal(&condition->cond);
}

void condition_broadcast(struct condition *condition)
{
	pthread_cond_broadcast(&condition->cond);
}

void condition_wait(struct condition *condition, pthread_mutex_t *lock)
{
	CHECK(pthread_cond_wait(&condition->cond, lock) == 0);
}

bool condition_wait_until(struct condition *condition, pthread_mutex_t *lock, int64_t until_ms)
{
	return condition_wait_until_us(condition, lock, until_ms * 1000);
}

bool condition_wait_until_us(struct condition *condition, pthread_mutex_t *lock, int64_t until_us)
{
	struct timespec until = {.tv_sec = until_us / 1000000,
				 .tv_nsec = until_us % 1000000 * 1000};
	int result = pthread_cond_timedwait(&condition->cond, lock, &until);

	CHECK(result == 0 || result == ETIMEDOUT);
	return result == 0;
}
