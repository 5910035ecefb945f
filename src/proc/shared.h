/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a server share in memory: numbers for people, each written atomically by one
 * and read by others, on which nothing that the server does depends.
 */
#ifndef POSTERN_PROC_SHARED_H
#define POSTERN_PROC_SHARED_H

#include "mailq/counts.h"
#include "session/metrics.h"

struct proc_shared {
	struct metrics_shared metrics; /* the first, for the fronts */
	struct counts sent;	       /* mailq's */
};

/* Maps ROLE_FD_METRICS; NULL when it cannot be had. */
struct proc_shared *proc_shared_map(bool is_writer);

#endif
