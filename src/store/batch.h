/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operation wants changed: puts and deletions of keys, holds on blobs,
 * and the accounts concerned with the sequence they had.
 *
 * A batch lies over the map it was made from: batch_get sees what was put into
 * it, batch_seek sees only the map, so an operation walks a range before it
 * changes it. Memory is bounded; past the bound the batch has failed, and
 * everything put into it is ignored.
 */
#ifndef POSTERN_STORE_BATCH_H
#define POSTERN_STORE_BATCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "store/layout.h"
#include "store/map.h"

struct batch_entry {
	struct str key;
	struct str value;
	bool is_deletion;
};

struct batch_hold {
	uint64_t blob;
	int64_t delta;
};

struct batch_account {
	uint64_t account;
	uint64_t expected_sequence; /* before the batch */
	uint64_t sequence;	    /* after it */
};

struct batch {
	struct map *map;
	struct arena memory;
	struct batch_entry *entries;
	size_t entry_count;
	size_t entry_capacity;
	uint32_t *
		table; /* entry numbers + 1 by hash of the key; a power of two, at most half full */
	size_t table_size;
	struct batch_hold *holds;
	size_t hold_count;
	size_t hold_capacity;
	struct batch_account *accounts;
	size_t account_count;
	size_t account_capacity;
	struct buf scratch; /* for records on their way in */
	bool failed;
};

void batch_init(struct batch *batch, struct map *map);
void batch_done(struct batch *batch);

bool batch_get(struct batch *batch, const struct key *key, struct str *value_out);
bool batch_seek(struct batch *batch, struct str key, struct str *key_out, struct str *value_out);

/* Copies key and value. */
void batch_put(struct batch *batch, const struct key *key, struct str value);
void batch_delete(struct batch *batch, struct str key);

/* Adds to (or takes from) the number of messages that need the blob. */
void batch_hold(struct batch *batch, uint64_t blob, int64_t delta);

/* Notes that an account goes from one sequence to another; several steps of one account join. */
void batch_account_step(struct batch *batch, uint64_t account, uint64_t expected_sequence,
			uint64_t sequence);

/* True when nothing is to be changed. */
bool batch_is_empty(const struct batch *batch);

#endif
