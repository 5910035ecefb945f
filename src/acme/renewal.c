/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/renewal.h"

enum { DAY_S = 24 * 3600 };

int64_t acme_due_s(int64_t not_before_s, int64_t not_after_s, uint32_t renew_days)
{
	int64_t wanted = (int64_t)renew_days * DAY_S;
	int64_t third = not_after_s > not_before_s ? (not_after_s - not_before_s) / 3 : 0;

	return not_after_s - (wanted < third ? wanted : third);
}

int64_t acme_retry_s(int64_t now_s, unsigned failures, int64_t retry_after_s, uint64_t random)
{
	int64_t pause = ACME_PAUSE_MIN_S;

	for (unsigned i = 1; i < failures && pause < ACME_PAUSE_MAX_S; i++)
		pause *= 2;
	if (pause > ACME_PAUSE_MAX_S)
		pause = ACME_PAUSE_MAX_S;
	pause += (int64_t)(random % (uint64_t)(pause / 4));
	if (retry_after_s > ACME_PAUSE_MAX_S)
		retry_after_s = ACME_PAUSE_MAX_S;
	return now_s + (pause > retry_after_s ? pause : retry_after_s);
}
