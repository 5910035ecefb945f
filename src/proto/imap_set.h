/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequence sets (RFC 3501 section 9, sequence-set), kept as ranges: no peer
 * can make them expand.
 */
#ifndef POSTERN_PROTO_IMAP_SET_H
#define POSTERN_PROTO_IMAP_SET_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"

enum { IMAP_SET_RANGES_MAX = 16384, IMAP_STAR = 0 };

/* As parsed an end may be IMAP_STAR and the ends stand in any order. */
struct imap_range {
	uint32_t first;
	uint32_t last;
};

struct imap_set {
	struct imap_range *ranges;
	size_t count;
};

/*
 * Takes a set; the cursor fails on none, on a number 0, and on more than
 * IMAP_SET_RANGES_MAX ranges.
 */
void imap_set_take(struct cursor *cursor, struct arena *arena, struct imap_set *set_out);

/*
 * Brings the set into the one form that the functions below want: `*` is
 * `max`, ranges ascending, none touching another. With `max` 0 (an empty
 * mailbox) the set is empty, unless it names numbers: those stay.
 */
void imap_set_resolve(struct imap_set *set, uint32_t max);

/* True if the resolved set holds the number. */
bool imap_set_has(const struct imap_set *set, uint32_t number);

/* Writes ascending numbers as ranges: 1,2,3,7 becomes "1:3,7". Zeroed, it is ready. */
struct imap_set_writer {
	uint32_t first;
	uint32_t last;
	bool has_written;
};

/* Counts in the next number, which must be above the last; appends a range when one ended. */
void imap_set_write(struct imap_set_writer *writer, struct buf *to, uint32_t number);

/* Appends the last range. */
void imap_set_write_end(struct imap_set_writer *writer, struct buf *to);

#endif
