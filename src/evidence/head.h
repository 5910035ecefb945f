/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HOME/evidence.head: which entry is the last of evidence.log, signed with
 * evidence.key. A chain of hashes cannot know its end; this file does.
 *
 * The form is lines: a head, `entry NUMBER`, `hash HEX` (these three are what is
 * signed), `public-key BASE64` (of the PEM) and `signature BASE64` (DER).
 *
 * The head is written behind the entry, so a crash may leave it one behind: a log
 * that goes on after what the head names is good.
 */
#ifndef POSTERN_EVIDENCE_HEAD_H
#define POSTERN_EVIDENCE_HEAD_H

#include "evidence/record.h"

enum { EVIDENCE_HEAD_MAX = 16 * 1024, EVIDENCE_STATEMENT_MAX = 256 };

/* Appends what is signed. */
void evidence_head_statement(struct buf *to, const struct evidence *evidence);

/* Writes the file, durably. Faults of base/file.h. Blocks on the disk. */
must_check enum fault evidence_head_write(const char *home, struct str statement,
					  struct str signature, struct str public_key);

/*
 * Signs and writes it with HOME/evidence.key, for a command without a server;
 * does nothing where there is no key yet: then no server has ever run there.
 */
must_check enum fault evidence_head_sign(const char *home, const struct evidence *evidence);

/*
 * Compares a log with the home's head and calls `report` (which may be NULL) with a
 * sentence for whatever is wrong: entries cut off or written anew, a head that is
 * missing though a server has run there, or is not signed with the home's key (as far as
 * that can be read). Gives how many sentences. Blocks on the disk.
 */
size_t evidence_head_check(const char *home, struct str log,
			   void (*report)(void *context, struct str what), void *context);

#endif
