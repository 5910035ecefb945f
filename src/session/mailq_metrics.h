/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of role mailq, for /metrics: asked for when they are wanted.
 */
#ifndef POSTERN_SESSION_MAILQ_METRICS_H
#define POSTERN_SESSION_MAILQ_METRICS_H

#include "session/front.h"

/*
 * Appends what mailq says of itself, and whether it said something: a role that is down
 * is not waited for, one that hangs a moment only. Blocks on it so long.
 */
void mailq_metrics_append(struct front *front, struct buf *to);

#endif
