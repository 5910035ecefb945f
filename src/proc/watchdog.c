/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/watchdog.h"

#include <signal.h>

/* One that was asked in this round may still be about to answer. */
enum { SILENT_ROUNDS = 2 };

static unsigned rounds_max(const struct child *child)
{
	return child->role == ROLE_STORE ? WATCHDOG_STORE_ROUNDS_MAX : WATCHDOG_ROUNDS_MAX;
}

static void child_look(struct child *child, const struct log *log)
{
	struct msg_status_wanted wanted = {};

	if (child->unanswered_rounds == 0 &&
	    child_send(child, MSG_status_wanted, 0, &wanted) == FAULT_UNAVAILABLE)
		return;
	if (++child->unanswered_rounds <= rounds_max(child))
		return;
	log_printf(log, LOG_ERROR,
		   "role %s (process %d) has not answered for %u s; it is killed and started again",
		   role_name(child->role), (int)child->pid,
		   rounds_max(child) * (WATCHDOG_ROUND_MS / 1000));
	child->unanswered_rounds = 0;
	kill(child->pid, SIGKILL);
}

void watchdog_round(struct child *children, size_t count, const struct log *log)
{
	for (size_t i = 0; i < count; i++)
		if (children[i].state == CHILD_READY && children[i].pid > 0)
			child_look(&children[i], log);
}

void watchdog_answered(struct child *child)
{
	child->unanswered_rounds = 0;
}

bool watchdog_is_silent(const struct child *child)
{
	return child->state == CHILD_READY && child->unanswered_rounds >= SILENT_ROUNDS;
}
