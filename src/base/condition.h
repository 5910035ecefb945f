/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A condition that threads wait for, for a limited time.
 *
 * The time is that of the monotonic clock: whoever sets the clock of the machine neither ends a
 * wait nor prolongs one. A condition without such waits may as well be a pthread_cond_t.
 */
#ifndef POSTERN_BASE_CONDITION_H
#define POSTERN_BASE_CONDITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

struct condition {
	pthread_cond_t cond;
};

void condition_init(struct condition *condition);
void condition_done(struct condition *condition);

/* Wakes one who waits, or all. */
void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

/* Waits, with the lock held, which is free meanwhile. May return without a signal. */
void condition_wait(struct condition *condition, pthread_mutex_t *lock);

/* The same until a time of clock_mono_ms at the latest; false when it has come. */
bool condition_wait_until(struct condition *condition, pthread_mutex_t *lock, int64_t until_ms);

/* The same in microseconds, for waits that are shorter than a millisecond. */
bool condition_wait_until_us(struct condition *condition, pthread_mutex_t *lock, int64_t until_us);

#endif
