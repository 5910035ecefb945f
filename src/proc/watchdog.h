/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds roles that hang: the parent asks each one now and then, and one that
 * answers nothing for too long is killed, to be started again like one that
 * died.
 *
 * What is counted is rounds and not time, so that a machine that slept does not
 * wake up to a massacre.
 */
#ifndef POSTERN_PROC_WATCHDOG_H
#define POSTERN_PROC_WATCHDOG_H

#include "proc/child.h"

enum {
	WATCHDOG_ROUND_MS = 5 * 1000,
	/* A minute; a disk that stalls may hold the store for longer. */
	WATCHDOG_ROUNDS_MAX = 12,
	WATCHDOG_STORE_ROUNDS_MAX = 60
};

/* A round: asks whoever serves and owes no answer, kills whoever owes one for too long. */
void watchdog_round(struct child *children, size_t count, const struct log *log);

/* The child has answered. */
void watchdog_answered(struct child *child);

/* Tells whether the child has let rounds pass without an answer. */
bool watchdog_is_silent(const struct child *child);

#endif
