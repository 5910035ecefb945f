/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading evidence.log: is it the chain that was written?
 *
 * Found and named are entries that were changed, removed, put elsewhere, or
 * written by somebody who did not know the hash before; and entries that tell of
 * such a fault found earlier. A chain cannot tell that its last entries are missing:
 * for that there is evidence/head.h. Pure.
 */
#ifndef POSTERN_EVIDENCE_CHAIN_H
#define POSTERN_EVIDENCE_CHAIN_H

#include "evidence/entry.h"

/* What the form of a line tells, true or not. */
struct evidence_line {
	uint64_t sequence;
	struct evidence_hash before;
	struct evidence_hash hash;
	bool is_own; /* the hash is that of the bytes */
};

/* Reads a line without its end; false when it has not the form of an entry. */
must_check bool evidence_line_read(struct str line, struct evidence_line *out);

struct evidence_verdict {
	uint64_t entries;    /* lines that have the form of one */
	uint64_t sequence;   /* of the last; 0 without one */
	struct evidence_hash hash;
	size_t fault_count;
	size_t unfinished_bytes; /* behind the last line end: the writing was cut short */
};

/*
 * Goes through a whole file and calls `report` for whatever is wrong, with a
 * sentence that names entry and line. `report` may be NULL.
 */
struct evidence_verdict evidence_verify(struct str text,
					void (*report)(void *context, struct str what),
					void *context);

#endif
