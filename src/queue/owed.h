/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of which something is owed that may fail for now: each is tried again by
 * itself until it is paid. One thread's; no clock, no I/O.
 */
#ifndef POSTERN_QUEUE_OWED_H
#define POSTERN_QUEUE_OWED_H

#include <stdint.h>

#include "base/list.h"

/* After one that failed nothing is tried for so long. */
enum { OWED_REST_MS = 60 * 1000 };

struct owed {
	struct list entries;
	int64_t not_before_ms;
};

void owed_init(struct owed *owed);
void owed_done(struct owed *owed);

/* Adds an entry that is not in it. */
void owed_add(struct owed *owed, uint64_t entry);

/* An entry, whether it is in it or not, is to be tried without a pause. Looks at every entry. */
void owed_again(struct owed *owed, uint64_t entry);

/*
 * Has each paid by `pay`, the oldest first, unless there is a pause. One that `pay`
 * returns false for goes behind the others, and the pause begins.
 */
void owed_take(struct owed *owed, int64_t now_ms, bool (*pay)(void *context, uint64_t entry),
	       void *context);

#endif
