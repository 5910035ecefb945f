/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's care for HOME/evidence.head: after each entry of evidence.log the
 * keys role signs which one is the last; at the start the log is compared with it.
 */
#ifndef POSTERN_PROC_EVIDENCE_HEADS_H
#define POSTERN_PROC_EVIDENCE_HEADS_H

#include "ipc/message.h"

struct parent;

struct evidence_heads {
	uint64_t written; /* the entry that the file names, as far as this parent knows */
	uint64_t asked;	  /* keys is signing the head of this entry; 0: of none */
	struct buf statement;
};

/* What is wrong with the end of the log: a sentence a line, empty when nothing is. */
void evidence_heads_check(const struct parent *parent, struct buf *what);

/* Has keys sign when the log has grown; waits for nothing. */
void evidence_heads_tick(struct parent *parent);

/* Takes the signature and writes the file. Blocks on the disk. */
void evidence_heads_take(struct parent *parent, uint64_t id,
			 const struct msg_evidence_signed *answer);

void evidence_heads_done(struct evidence_heads *heads);

#endif
