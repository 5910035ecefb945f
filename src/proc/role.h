/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role's process as the parent starts it: the same binary, run as
 * `postern role NAME HOME USER INDEX`, with descriptors at fixed numbers.
 */
#ifndef POSTERN_PROC_ROLE_H
#define POSTERN_PROC_ROLE_H

#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/client.h"

/* Where a role finds what it inherits. */
enum {
	ROLE_FD_PARENT = 3,  /* messages from and to the parent */
	ROLE_FD_BROKER = 4,  /* whoever asks other roles asks for channels here, from any thread */
	ROLE_FD_METRICS = 5, /* shared counters (proc/shared.h): of fronts, mailq and admin */
	ROLE_FD_LOG = 10,    /* + enum log_file */
	ROLE_FD_END = ROLE_FD_LOG + LOG_FILE_COUNT,
};

/* Exit codes of the product, which a role passes up through the parent. */
enum { EXIT_DONE = 0, EXIT_FINDING = 1, EXIT_USAGE = 2, EXIT_NOT_RUNNING = 3 };

struct role_process {
	enum role role;
	const char *home;
	const char *store; /* HOME/store */
	const char *user;
	unsigned index; /* of the front */
	struct log log;
};

/* The entry of `postern role ...`; returns the exit code. */
int role_main(int argc, char **argv);

/* Tells the parent that the role serves, and what sandbox holds (may be empty). */
void role_ready(const struct role_process *process, const char *sandbox);

/* Says one line on standard error and in error.log; returns EXIT_USAGE, for `return role_fail(...)`. */
int role_fail(const struct role_process *process, const char *format, ...) format_printf(2, 3);

/* Each runs until the parent closes its channel. */
int role_keys(struct role_process *process);
int role_auth(struct role_process *process);
int role_store(struct role_process *process);
int role_front(struct role_process *process);
int role_mailq(struct role_process *process);
int role_admin(struct role_process *process);

#endif
