/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking the messages of a command, in steps: FETCH, STORE and SEARCH.
 */
#ifndef POSTERN_IMAPD_ROWS_H
#define POSTERN_IMAPD_ROWS_H

#include "imapd/state.h"

/*
 * Calls `visit` with the row of each UID in job->uids, ascending, from
 * job->next_uid on, which it moves behind each row before the call. `visit`
 * returns false to end the step. True when all rows were visited.
 */
bool rows_visit(struct session *session, struct view *view,
		bool (*visit)(void *context, const struct mail *mail), void *context);

#endif
