/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's side of a role's process: starting it, talking to it, starting
 * it again after it died.
 */
#ifndef POSTERN_PROC_CHILD_H
#define POSTERN_PROC_CHILD_H

#include <sys/types.h>

#include "base/log.h"
#include "ipc/channel.h"

enum child_state {
	CHILD_DOWN,	/* not started, or died and waits for `start_at_ms` */
	CHILD_STARTING, /* runs, not ready yet */
	CHILD_READY
};

struct child {
	enum role role;
	unsigned index;
	enum child_state state;
	pid_t pid;
	struct channel channel; /* non-blocking */
	struct channel broker;	/* requests for channels, of those who ask others; else closed */
	int64_t started_ms;
	int64_t start_at_ms;
	unsigned crashes; /* in a row; the pause before the next start grows with them */
	unsigned restarts;
	unsigned unanswered_rounds; /* watchdog.h */
	char sandbox[256];
};

struct child_start {
	const char *home;
	const char *user;
	const struct log *log;
	int metrics_fd;
};

void child_init(struct child *child, enum role role, unsigned index);

/* Starts the process. FAULT_IO when fork or the sockets fail. */
must_check enum fault child_start(struct child *child, const struct child_start *start);

/* Forgets the process after it was reaped; sets when it may start again. */
void child_died(struct child *child);

/*
 * Asks it to end. Until it has ended it may still ask for channels to others,
 * which it needs to finish what was begun.
 */
void child_ask_to_end(struct child *child);

/* Closes both its channels, which asks it to end at once. */
void child_stop(struct child *child);

/*
 * Sends without waiting long: a role that takes nothing for CHILD_STUCK_MS is
 * FAULT_BUSY, and the caller counts it as broken.
 */
enum { CHILD_STUCK_MS = 2000 };
must_check enum fault child_send(struct child *child, enum message_kind kind, uint64_t id,
				 const void *message);

#endif
