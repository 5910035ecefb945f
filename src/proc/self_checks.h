/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fronts found when they shook hands with themselves, as the parent
 * keeps and shows it.
 */
#ifndef POSTERN_PROC_SELF_CHECKS_H
#define POSTERN_PROC_SELF_CHECKS_H

#include "ipc/message.h"

struct parent;

enum { SELF_CHECKS_MAX = 16 };

/* The last answer of each front. */
struct self_checks {
	struct {
		uint64_t generation; /* 0: none yet */
		int64_t time_s;
		uint32_t handshakes;
		char *differences; /* a sentence a line; NULL: none */
	} fronts[SELF_CHECKS_MAX];
};

void self_checks_done(struct self_checks *checks);

/* Takes a front's answer; differences go to error.log and into evidence.log. */
void self_checks_take(struct parent *parent, unsigned front, const struct msg_self_checked *answer);

/* Appends the member `self_check` of `status`, led by a comma. */
void self_checks_append_status(const struct parent *parent, struct buf *json);

#endif
