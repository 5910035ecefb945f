/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: the ordered map of all accounts in one LMDB environment.
 *
 * Many readers in many processes, one writer: the thread that holds the write
 * transaction. Full synchronization always: a commit that returned survives a
 * power cut. A process opens an index once and never uses it across fork.
 */
#ifndef POSTERN_STORE_INDEX_H
#define POSTERN_STORE_INDEX_H

#include "base/fault.h"
#include "store/layout.h"
#include "store/map.h"

struct index;

struct index_options {
	const char *path; /* of the file */
	bool is_writer;	  /* makes the file if it is not there */
	size_t map_bytes; /* writer: the first size of the map */
	unsigned readers; /* writer: slots for read transactions of all processes */
};

/* FAULT_NOT_FOUND: a reader finds no file. FAULT_CORRUPT, FAULT_VERSION, FAULT_IO, ... */
must_check enum fault index_open(const struct index_options *options, struct index **index_out);
/* All transactions must have ended. */
void index_close(struct index **index);

/* ---- reading: thread safe ---- */

/* A read transaction with a cursor; pooled. Belongs to one thread at a time. */
struct index_read;

/*
 * FAULT_BUSY: all slots are taken. May block for as long as other transactions of this process
 * live, when the map grew.
 */
must_check enum fault index_read_begin(struct index *index, struct index_read **read_out);
void index_read_end(struct index_read **read);

/* The transaction as a map; valid until index_read_end. */
struct map *index_read_map(struct index_read *read);

/* A second cursor, for a walk beside look-ups. */
void *index_cursor_open(struct index_read *read);
void index_cursor_close(void *cursor);
/* With `from` the first key at or behind it, else the key that follows; false at the end. */
bool index_cursor_next(struct index_read *read, void *cursor, const struct key *from,
		       struct str *key_out, struct str *value_out);

/* Gives back the slots of readers that died. Called by the writer. */
void index_readers_check(struct index *index);

/* ---- writing: one thread ---- */

must_check enum fault index_write_begin(struct index *index);
/* The write transaction as a map: sees its own changes. Values live until the next change. */
struct map *index_write_map(struct index *index);
must_check enum fault index_put(struct index *index, struct str key, struct str value);
/* Deleting what is not there is fine. */
must_check enum fault index_delete(struct index *index, struct str key);
/*
 * Commits durably, or changes nothing. After FAULT_IO that is not known, and
 * the process has to open the index anew. FAULT_TOO_LARGE: the map was too small;
 * it has grown, so try again.
 */
must_check enum fault index_write_commit(struct index *index);
/* Drops the changes; safe when no write transaction is open. */
void index_write_abort(struct index *index);

/*
 * True when a fault of put or commit came from a map that was too small, and it could be made
 * larger.
 */
bool index_grow(struct index *index);

/* How many flushes commits have cost. */
uint64_t index_flushes(const struct index *index);

#endif
