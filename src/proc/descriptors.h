/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a front divides the descriptors that the system grants it.
 *
 * Connections take at most three quarters of them; the rest is for what sessions
 * need besides (bodies, channels, segments). The last few are for messages of the
 * parent alone: a certificate or a configuration that came without its
 * descriptor would be lost.
 */
#ifndef POSTERN_PROC_DESCRIPTORS_H
#define POSTERN_PROC_DESCRIPTORS_H

#include "base/log.h"

struct descriptors {
	uint64_t all;
	int64_t refused_log_ms; /* when a refusal was last told, monotonic; 0: never */
};

/* Takes the limit as it is and puts the parent's part aside. */
void descriptors_init(struct descriptors *descriptors);

/* Lets the parent's part be used, or puts it aside again. */
void descriptors_parent_begin(const struct descriptors *descriptors);
void descriptors_parent_end(const struct descriptors *descriptors);

/*
 * Tells whether a connection may be kept under this number, the lowest that was
 * free; that it may not is logged, once a minute.
 */
bool descriptors_may_connect(struct descriptors *descriptors, int fd, const struct log *log);

#endif
