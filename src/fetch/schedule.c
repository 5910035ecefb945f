/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/schedule.h"

enum { DOUBLINGS_MAX = 16 };

/* The pause doubles from the second failure on; one that is long already stays. */
static int64_t pause_of(const struct pop3_account *account, uint32_t failures)
{
	int64_t pause = account->interval_s;

	for (uint32_t i = 1; i < failures && i <= DOUBLINGS_MAX; i++)
		pause = pause * 2 <= FETCH_LONGEST_PAUSE_S ? pause * 2
			: pause > FETCH_LONGEST_PAUSE_S	  ? pause
							  : FETCH_LONGEST_PAUSE_S;
	return pause;
}

int64_t fetch_schedule_next(const struct pop3_account *account, int64_t ended_s,
			    uint32_t failures, uint32_t chance)
{
	if (account->interval_s == 0)
		return 0;
	return ended_s + pause_of(account, failures) + chance % (account->jitter_s + 1);
}
