/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map in memory, so that operations are tested as the pure functions they
 * are: without disk, role or clock.
 */
#ifndef POSTERN_TESTS_STORE_MEMORY_MAP_H
#define POSTERN_TESTS_STORE_MEMORY_MAP_H

#include "store/batch.h"
#include "store/operation.h"

struct memory_entry {
	struct str key;
	struct str value;
};

struct memory_map {
	struct map map; /* first */
	struct arena memory;
	struct memory_entry *entries; /* ascending */
	size_t count;
	size_t capacity;
	int64_t blob_holds; /* sum of all batches */
};

void memory_map_init(struct memory_map *memory);
void memory_map_done(struct memory_map *memory);

/* What a batch wants. */
void memory_map_apply(struct memory_map *memory, const struct batch *batch);

/*
 * Executes the operation on the map, with a body of `body_bytes` as blob 1, and on
 * success applies its batch. `result` (may be NULL) is overwritten.
 */
enum fault memory_map_do(struct memory_map *memory, const struct operation *operation,
			 uint64_t body_bytes, struct buf *result);

#endif
