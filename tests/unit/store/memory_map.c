/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_map.h"

#include <stdlib.h>

enum { MEMORY_MAX = 256 * 1024 * 1024, RESULT_MAX = 256 * 1024 };

/* The first entry whose key is not below. */
static size_t place_find(const struct memory_map *memory, struct str key)
{
	size_t low = 0;
	size_t high = memory->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (str_compare(memory->entries[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool memory_seek(struct map *map, struct str key, struct str *key_out, struct str *value_out)
{
	struct memory_map *memory = (struct memory_map *)map;
	size_t at = place_find(memory, key);

	if (at == memory->count)
		return false;
	*key_out = memory->entries[at].key;
	*value_out = memory->entries[at].value;
	return true;
}

static bool memory_get(struct map *map, struct str key, struct str *value_out)
{
	struct str found;
	struct str value;

	if (!memory_seek(map, key, &found, &value) || !str_equals(found, key))
		return false;
	*value_out = value;
	return true;
}

void memory_map_init(struct memory_map *memory)
{
	*memory = (struct memory_map){.map = {.get = memory_get, .seek = memory_seek}};
	arena_init(&memory->memory, MEMORY_MAX);
}

void memory_map_done(struct memory_map *memory)
{
	arena_rewind(&memory->memory);
	free(memory->entries);
}

static void entry_remove(struct memory_map *memory, size_t at)
{
	memmove(&memory->entries[at], &memory->entries[at + 1],
		(memory->count - at - 1) * sizeof(memory->entries[0]));
	memory->count--;
}

static void entry_insert(struct memory_map *memory, size_t at, struct memory_entry entry)
{
	if (memory->count == memory->capacity) {
		memory->capacity = memory->capacity * 2 + 64;
		memory->entries =
			reallocarray(memory->entries, memory->capacity, sizeof(*memory->entries));
		CHECK(memory->entries != NULL);
	}
	memmove(&memory->entries[at + 1], &memory->entries[at],
		(memory->count - at) * sizeof(memory->entries[0]));
	memory->entries[at] = entry;
	memory->count++;
}

void memory_map_apply(struct memory_map *memory, const struct batch *batch)
{
	for (size_t i = 0; i < batch->entry_count; i++) {
		const struct batch_entry *entry = &batch->entries[i];
		size_t at = place_find(memory, entry->key);
		if (at < memory->count && str_equals(memory->entries[at].key, entry->key))
			entry_remove(memory, at);
		if (!entry->is_deletion)
			entry_insert(
				memory, at,
				(struct memory_entry){arena_dup(&memory->memory, entry->key),
						      arena_dup(&memory->memory, entry->value)});
	}
	for (size_t i = 0; i < batch->hold_count; i++)
		memory->blob_holds += batch->holds[i].delta;
}

enum fault memory_map_do(struct memory_map *memory, const struct operation *operation,
			 uint64_t body_bytes, struct buf *result)
{
	struct batch batch;
	struct buf own = BUF_INIT(RESULT_MAX);

	if (result == NULL)
		result = &own;
	buf_reset(result);
	batch_init(&batch, &memory->map);
	struct execution run = {
		.batch = &batch, .result = result, .blob = 1, .body_bytes = body_bytes};
	enum fault fault = operation_execute(&run, operation);
	if (fault == FAULT_NONE)
		memory_map_apply(memory, &batch);
	batch_done(&batch);
	buf_done(&own);
	return fault;
}
