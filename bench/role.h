/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role on its own, in a process of its own, for measures without a whole
 * server: this program, started once more as `PROGRAM --role ARGUMENT`, whose
 * parent is BENCH_PARENT_FD.
 */
#ifndef POSTERN_BENCH_ROLE_H
#define POSTERN_BENCH_ROLE_H

#include <sys/types.h>
#include <time.h>

#include "ipc/client.h"

enum { BENCH_PARENT_FD = 3 };

struct bench_role {
	struct connector connector; /* first: gives channels of a front to the role */
	struct channel parent;
	pid_t pid;
};

/* Starts it; `argument` is passed on. Fails by aborting, as all here. */
void bench_role_start(struct bench_role *role, enum role kind, const char *argument);

/* Lets it end, and waits for that. Clients must be done before. */
void bench_role_end(struct bench_role *role);

/* User and system time of the role so far. */
double bench_role_cpu_s(const struct bench_role *role);

double bench_seconds(clockid_t clock);

#endif
