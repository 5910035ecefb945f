/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A progress bar on standard error, where that is a terminal; nothing elsewhere.
 */
#ifndef POSTERN_CTL_PROGRESS_H
#define POSTERN_CTL_PROGRESS_H

#include "base/buf.h"

struct progress {
	bool is_shown;
	const char *what; /* borrowed */
	uint64_t total;
	int64_t shown_ms;
};

/* Begins; a zeroed progress is one that shows nothing. */
void progress_begin(struct progress *progress, const char *what, uint64_t total);

/* Shows how far it is, at most some times a second. */
void progress_show(struct progress *progress, uint64_t done, uint64_t messages);

/* Takes the bar away. Safe twice. */
void progress_end(struct progress *progress);

/* Appends the bar as it is drawn, `width` columns wide. Pure. */
void progress_append(struct buf *to, const char *what, uint64_t done, uint64_t total,
		     uint64_t messages, size_t width);

#endif
