/* SPDX-License-Identifier: Apache-2.0 */
/* When a mailbox elsewhere is visited next. Pure: chance is an argument. */
#ifndef POSTERN_FETCH_SCHEDULE_H
#define POSTERN_FETCH_SCHEDULE_H

#include "config/pop3_account.h"

enum { FETCH_LONGEST_PAUSE_S = 6 * 60 * 60 };

/*
 * When to visit again after a visit that ended at `ended_s`, the `failures`th in a row that
 * failed; 0: not by itself. `chance` is below UINT32_MAX, uniform.
 */
int64_t fetch_schedule_next(const struct pop3_account *account, int64_t ended_s,
			    uint32_t failures, uint32_t chance);

#endif
