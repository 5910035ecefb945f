/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/schedule.h"

/* The pause before it is spread. */
static int64_t pause_of(const struct schedule *schedule, uint32_t attempts)
{
	int64_t pause = schedule->first_retry_s;

	for (uint32_t i = 1; i < attempts && pause < schedule->longest_retry_s; i++)
		pause *= 2;
	return pause < schedule->longest_retry_s ? pause : schedule->longest_retry_s;
}

int64_t schedule_next(const struct schedule *schedule, int64_t received_s, uint32_t attempts,
		      int64_t now_s, uint32_t random)
{
	int64_t pause = pause_of(schedule, attempts);
	int64_t spread = pause / 5;
	int64_t next_s = now_s + pause - spread + (int64_t)(random % (uint64_t)(2 * spread + 1));
	int64_t end_s = received_s + schedule->lifetime_s;

	return next_s > end_s && now_s < end_s ? end_s : next_s;
}

bool schedule_is_over(const struct schedule *schedule, int64_t received_s, int64_t now_s)
{
	return now_s >= received_s + schedule->lifetime_s;
}

bool schedule_is_notice_due(const struct schedule *schedule, int64_t received_s, int64_t now_s,
			    bool is_tls_reason)
{
	int64_t after_s = is_tls_reason && schedule->tls_notice_s < schedule->delay_notice_s
				  ? schedule->tls_notice_s
				  : schedule->delay_notice_s;

	return now_s >= received_s + after_s;
}
