/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a long command is, told to whoever waits for it.
 *
 * A person sees a line on standard error that is written over again, where that is a terminal and
 * no --json was asked for. A program that started the command, the administration page
 * (admin/errand.h), gets records: CTL_PROGRESS_VARIABLE names a descriptor that does not block, and
 * each record is a line there: {"done":3,"total":10,"text":"..."}, `total` null where nobody knows it.
 * Whoever reads too slowly misses some; the command never waits.
 */
#ifndef POSTERN_CTL_PROGRESS_H
#define POSTERN_CTL_PROGRESS_H

#include "base/buf.h"
#include "ctl/ctl.h"

/* The variable of the environment that holds the number of that descriptor. */
#define CTL_PROGRESS_VARIABLE "POSTERN_PROGRESS"

struct progress {
	bool is_shown;	/* to a person */
	bool has_line;	/* one stands on the terminal */
	bool is_told;	/* to a program */
	int record_fd;	/* with is_told; not owned */
	const char *what; /* borrowed */
	int64_t told_ms;
};

/* Begins; `what` is said before the bar. A zeroed progress is one that tells nobody. */
void progress_begin(struct progress *progress, const struct ctl *ctl, const char *what);

/*
 * Tells that `done` of `total` is behind us, in words that go with it; `total` 0: nobody knows. At
 * most some times a second, but the end of it always.
 */
void progress_tell(struct progress *progress, uint64_t done, uint64_t total, const char *format, ...)
	format_printf(4, 5);

/* Tells a program alone what is done now: a step, each of which counts, and which people read elsewhere. */
void progress_step(struct progress *progress, struct str text);

/* Takes the line off the terminal. Safe twice. */
void progress_end(struct progress *progress);

/* Appends the line as it is drawn, `width` columns wide: with a bar where `total` is known. Pure. */
void progress_append(struct buf *to, const char *what, uint64_t done, uint64_t total,
		     struct str words, size_t width);

#endif
