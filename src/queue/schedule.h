/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a recipient is tried again, when the sender hears of a delay, and when
 * it is given up (RFC 5321 section 4.5.4.1). Pure functions of times in seconds
 * since 1970.
 */
#ifndef POSTERN_QUEUE_SCHEDULE_H
#define POSTERN_QUEUE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct schedule {
	int64_t first_retry_s; /* after the first attempt; the pause doubles with each further one */
	int64_t longest_retry_s;
	int64_t delay_notice_s; /* in the queue for so long, the sender is told */
	int64_t tls_notice_s;	/* the same, when TLS is the reason */
	int64_t lifetime_s;
};

/*
 * The time of the next attempt after `attempts` (at least 1) have failed. Spread by
 * a fifth either way, so that what failed together does not come back together:
 * `random` is any number. The last attempt comes at the end of the life, not after it.
 */
int64_t schedule_next(const struct schedule *schedule, int64_t received_s, uint32_t attempts,
		      int64_t now_s, uint32_t random);

/* Tells whether a recipient that has just failed for now is given up. */
bool schedule_is_over(const struct schedule *schedule, int64_t received_s, int64_t now_s);

/* Tells whether the sender should hear of the delay, of which he has not heard yet. */
bool schedule_is_notice_due(const struct schedule *schedule, int64_t received_s, int64_t now_s,
			    bool is_tls_reason);

#endif
