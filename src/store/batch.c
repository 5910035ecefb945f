/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch.h"

#include <stdlib.h>

enum {
	FIRST_CAPACITY = 64,
	RECORD_MAX = 64 * 1024,
	MEMORY_MAX = 1024 * 1024 * 1024,
};

void batch_init(struct batch *batch, struct map *map)
{
	*batch = (struct batch){.map = map, .scratch = BUF_INIT(RECORD_MAX)};
	arena_init(&batch->memory, MEMORY_MAX);
}

void batch_done(struct batch *batch)
{
	arena_rewind(&batch->memory);
	buf_done(&batch->scratch);
	free(batch->entries);
	free(batch->table);
	free(batch->holds);
	free(batch->accounts);
	*batch = (struct batch){0};
}

/* Doubles an array that is full. */
static void array_grow(void *array_at, size_t count, size_t *capacity, size_t size)
{
	void **array = array_at;

	if (count < *capacity)
		return;
	*capacity = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
	*array = reallocarray(*array, *capacity, size);
	CHECK(*array != NULL);
}

/* FNV-1a. The keys are numbers of ours; a peer who makes names collide slows his own request. */
static size_t key_hash(struct str key)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ (unsigned char)key.ptr[i]) * 0x100000001b3;
	return (size_t)(hash ^ hash >> 32);
}

/* The place in the table of the key's entry, or of the free place for it. */
static uint32_t *table_slot(const struct batch *batch, struct str key)
{
	for (size_t at = key_hash(key);; at++) {
		uint32_t *slot = &batch->table[at & (batch->table_size - 1)];
		if (*slot == 0 || str_equals(batch->entries[*slot - 1].key, key))
			return slot;
	}
}

static void table_grow(struct batch *batch)
{
	if (batch->entry_count * 2 < batch->table_size)
		return;
	batch->table_size = batch->table_size == 0 ? 2 * FIRST_CAPACITY : batch->table_size * 2;
	free(batch->table);
	batch->table = calloc(batch->table_size, sizeof(*batch->table));
	CHECK(batch->table != NULL);
	for (size_t i = 0; i < batch->entry_count; i++)
		*table_slot(batch, batch->entries[i].key) = (uint32_t)i + 1;
}

static struct batch_entry *entry_find(const struct batch *batch, struct str key)
{
	if (batch->table_size == 0)
		return NULL;
	uint32_t *slot = table_slot(batch, key);
	return *slot == 0 ? NULL : &batch->entries[*slot - 1];
}

static void entry_set(struct batch *batch, struct str key, struct str value, bool is_deletion)
{
	struct batch_entry *entry = entry_find(batch, key);
	struct str kept_value = arena_dup(&batch->memory, value);

	if (kept_value.ptr == NULL)
		batch->failed = true;
	if (batch->failed)
		return;
	if (entry != NULL) {
		entry->value = kept_value;
		entry->is_deletion = is_deletion;
		return;
	}
	struct str kept_key = arena_dup(&batch->memory, key);
	if (kept_key.ptr == NULL) {
		batch->failed = true;
		return;
	}
	table_grow(batch);
	array_grow(&batch->entries, batch->entry_count, &batch->entry_capacity,
		   sizeof(*batch->entries));
	batch->entries[batch->entry_count++] =
		(struct batch_entry){kept_key, kept_value, is_deletion};
	*table_slot(batch, kept_key) = (uint32_t)batch->entry_count;
}

bool batch_get(struct batch *batch, const struct key *key, struct str *value_out)
{
	struct batch_entry *entry = entry_find(batch, key_str(key));

	if (entry == NULL)
		return map_get(batch->map, key_str(key), value_out);
	if (entry->is_deletion)
		return false;
	*value_out = entry->value;
	return true;
}

bool batch_seek(struct batch *batch, struct str key, struct str *key_out, struct str *value_out)
{
	return map_seek(batch->map, key, key_out, value_out);
}

void batch_put(struct batch *batch, const struct key *key, struct str value)
{
	entry_set(batch, key_str(key), value, false);
}

void batch_delete(struct batch *batch, struct str key)
{
	entry_set(batch, key, str_make(NULL, 0), true);
}

void batch_hold(struct batch *batch, uint64_t blob, int64_t delta)
{
	/* A request names few blobs in a row many times: one message to many recipients. */
	if (batch->hold_count > 0 && batch->holds[batch->hold_count - 1].blob == blob) {
		batch->holds[batch->hold_count - 1].delta += delta;
		return;
	}
	array_grow(&batch->holds, batch->hold_count, &batch->hold_capacity, sizeof(*batch->holds));
	batch->holds[batch->hold_count++] = (struct batch_hold){blob, delta};
}

void batch_account_step(struct batch *batch, uint64_t account, uint64_t expected_sequence,
			uint64_t sequence)
{
	for (size_t i = 0; i < batch->account_count; i++) {
		if (batch->accounts[i].account == account) {
			batch->accounts[i].sequence = sequence;
			return;
		}
	}
	array_grow(&batch->accounts, batch->account_count, &batch->account_capacity,
		   sizeof(*batch->accounts));
	batch->accounts[batch->account_count++] =
		(struct batch_account){account, expected_sequence, sequence};
}

bool batch_is_empty(const struct batch *batch)
{
	return batch->entry_count == 0;
}
