/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.log on the disk: entries are only ever appended, and each is durable
 * before the function returns.
 *
 * One writer at a time: the parent, or an offline command that holds the
 * server's lock. All functions block on the disk.
 */
#ifndef POSTERN_EVIDENCE_RECORD_H
#define POSTERN_EVIDENCE_RECORD_H

#include "base/fault.h"
#include "evidence/entry.h"

/* The largest file that is read; at some hundred bytes an entry it holds a lifetime. */
enum { EVIDENCE_FILE_MAX = 256 << 20 };

struct evidence {
	int fd; /* -1: closed */
	uint64_t sequence; /* of the last entry */
	struct evidence_hash hash;
};

/*
 * Opens, making the file where there is none (mode 0600). What a crash left of
 * an unfinished entry is cut off; that, and what evidence_verify finds wrong, is
 * put into `note`, a line each, and the record goes on behind what stands there.
 * Faults: those of base/file.h.
 */
must_check enum fault evidence_open(struct evidence *evidence, const char *path,
				    struct buf *note);
void evidence_close(struct evidence *evidence);

/*
 * Appends an entry, its sequence number and time set here, and makes it durable.
 * After a fault (NO_SPACE, IO; UNAVAILABLE when it is not open) nothing of it is
 * in the file.
 */
must_check enum fault evidence_add(struct evidence *evidence, const struct evidence_entry *entry);

#endif
