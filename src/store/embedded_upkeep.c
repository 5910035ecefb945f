/* SPDX-License-Identifier: Apache-2.0 */
/* Rewriting of segments, forgetting of old transactions, and of readers that died. */
#include "store/embedded_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/wire.h"

enum {
	READERS_CHECK_MS = 60 * 1000,
	PRUNE_MS = 10 * 60 * 1000,
	TRANSACTION_KEPT_S = 60 * 60,
	PRUNE_STEP = 4096,		/* transactions looked at in one step */
	REWRITE_STEP = 4 * 1024 * 1024, /* bytes copied in one step */
	REWRITE_RECORDS = 4096,		/* records looked at in one step */
};

/* ---- segments ---- */

/*
 * Finds the segment with the fewest live bytes of those that are less than half
 * alive; 0 when there is none. One without any first: on a full disk it is the
 * only one that can go.
 */
static uint32_t segment_find_half_dead(struct embedded *store, struct map *map)
{
	struct key at;
	struct str key;
	struct str value;
	uint32_t found = 0;
	uint64_t least = UINT64_MAX;

	embedded_key(&at, 's', (uint64_t)store->unreadable + 1);
	while (map_seek(map, key_str(&at), &key, &value) &&
	       key_is_beside(key, &at, KIND_PREFIX_BYTES)) {
		struct segment_record record;
		uint32_t segment = (uint32_t)wire_load_u64(key.ptr + KIND_PREFIX_BYTES);
		bool is_active = store->writer.fd >= 0 && segment == store->writer.number;
		if (!is_active && segment_record_decode(value, &record) == FAULT_NONE &&
		    record.live * 2 < record.committed && record.live < least) {
			found = segment;
			least = record.live;
		}
		embedded_key(&at, 's', (uint64_t)segment + 1);
	}
	return found;
}

/* Copies the record at the offset if it is alive; gives its size. */
static enum fault record_rewrite(struct embedded *store, int fd, uint64_t offset,
				 uint64_t *record_bytes_out, uint64_t *copied)
{
	struct blob_record record;
	struct blob_record moved;
	uint64_t blob;
	uint64_t length;

	enum fault fault = segment_header_read(fd, offset, &blob, &length);
	if (fault != FAULT_NONE)
		return fault;
	*record_bytes_out = segment_record_bytes(length);
	fault = blob_record_load(index_write_map(store->index), blob, &record);
	if (fault != FAULT_NONE)
		return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
	if (record.place.segment != store->rewriting ||
	    record.place.offset != offset + SEGMENT_HEADER_BYTES)
		return FAULT_NONE;
	fault = embedded_segment_prepare(store);
	if (fault == FAULT_NONE)
		fault = segment_append_file(&store->writer, blob, fd, record.place.offset, length,
					    &moved.place);
	if (fault != FAULT_NONE)
		return fault;
	*copied += length;
	/* Damaged: it stays where it is, for whoever can repair it. */
	if (moved.place.crc != record.place.crc)
		return FAULT_CORRUPT;
	moved.references = record.references;
	fault = segment_live_add(store, &record.place, -1);
	if (fault == FAULT_NONE)
		fault = segment_live_add(store, &moved.place, 1);
	return fault == FAULT_NONE ? blob_record_keep(store, blob, &moved) : fault;
}

/* The end of a segment was reached: nothing in it is alive, so it goes. */
static enum fault segment_drop(struct embedded *store, const struct segment_record *record)
{
	struct key key;

	if (record->live != 0)
		return FAULT_CORRUPT;
	embedded_key(&key, 's', store->rewriting);
	store->gone = store->rewriting;
	return index_delete(store->index, key_str(&key));
}

static enum fault segment_rewrite_step(struct embedded *store)
{
	struct map *map = index_write_map(store->index);
	struct segment_record record;
	uint64_t copied = 0;

	char *path = segment_path(store->segments, store->rewriting);
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	enum fault fault = segment_record_load(map, store->rewriting, &record);
	if (fault == FAULT_NONE && fd < 0 && record.live > 0)
		fault = FAULT_CORRUPT;
	if (record.live == 0)
		store->rewrite_offset = record.committed;
	for (size_t i = 0; fault == FAULT_NONE && i < REWRITE_RECORDS && copied < REWRITE_STEP &&
			   store->rewrite_offset < record.committed;
	     i++) {
		uint64_t record_bytes = 0;
		fault = record_rewrite(store, fd, store->rewrite_offset, &record_bytes, &copied);
		store->rewrite_offset += record_bytes;
	}
	if (fault == FAULT_NONE && store->rewrite_offset >= record.committed) {
		fault = segment_record_load(map, store->rewriting, &record);
		if (fault == FAULT_NONE)
			fault = segment_drop(store, &record);
	}
	return fault;
}

/* A step of rewriting; true when there is more to do. */
static bool segments_tidy(struct embedded *store)
{
	uint64_t began_at = store->rewrite_offset;

	if (store->rewriting == 0 && !store->may_be_half_dead)
		return false;
	enum fault fault = embedded_ops.group_begin(&store->backend);
	if (fault != FAULT_NONE)
		return false;
	if (store->rewriting == 0) {
		store->rewriting = segment_find_half_dead(store, index_write_map(store->index));
		store->rewrite_offset = began_at = 0;
	}
	if (store->rewriting == 0) {
		store->may_be_half_dead = false;
		embedded_ops.group_abort(&store->backend);
		return false;
	}
	fault = segment_rewrite_step(store);
	if (fault == FAULT_NONE)
		fault = embedded_ops.group_commit(&store->backend);
	if (fault != FAULT_NONE) {
		bool may_retry = embedded_ops.group_abort(&store->backend);
		store->rewrite_offset = began_at;
		if (!may_retry) {
			if (fault == FAULT_CORRUPT)
				store->unreadable = store->rewriting;
			store->rewriting = 0;
		}
		return may_retry;
	}
	if (store->gone != 0) {
		embedded_segment_unlink(store, store->gone);
		store->rewriting = 0;
	}
	return true;
}

void embedded_segment_unlink(struct embedded *store, uint32_t segment)
{
	char *path = segment_path(store->segments, segment);

	(void)unlink(path);
	free(path);
}

/* ---- the rest ---- */

/* Deletes results that nobody can ask for any more; true when there are more to look at. */
static bool transactions_prune(struct embedded *store)
{
	uint64_t oldest = (uint64_t)clock_real_s() - TRANSACTION_KEPT_S;
	struct key at;
	struct str key;
	struct str value;
	size_t looked_at = 0;

	enum fault fault = embedded_ops.group_begin(&store->backend);
	if (fault != FAULT_NONE)
		return false;
	embedded_key(&at, 't', store->prune_from);
	bool more = false;
	while (fault == FAULT_NONE &&
	       (more = map_seek(index_write_map(store->index), key_str(&at), &key, &value) &&
		       key_is_beside(key, &at, KIND_PREFIX_BYTES)) &&
	       looked_at++ < PRUNE_STEP) {
		uint64_t number = wire_load_u64(key.ptr + KIND_PREFIX_BYTES);
		if (value.len < TRANSACTION_HEADER_BYTES || wire_load_u64(value.ptr + 8) < oldest)
			fault = index_delete(store->index, key);
		store->prune_from = number + 1;
		embedded_key(&at, 't', store->prune_from);
	}
	if (fault == FAULT_NONE)
		fault = embedded_ops.group_commit(&store->backend);
	if (fault != FAULT_NONE)
		embedded_ops.group_abort(&store->backend);
	if (fault != FAULT_NONE || !more)
		store->prune_from = 0;
	return fault == FAULT_NONE && more;
}

bool embedded_maintain(struct backend *backend)
{
	struct embedded *store = embedded_of(backend);
	int64_t now_ms = clock_mono_ms();

	if (now_ms - store->readers_checked_ms >= READERS_CHECK_MS) {
		index_readers_check(store->index);
		store->readers_checked_ms = now_ms;
	}
	if (now_ms - store->pruned_ms >= PRUNE_MS || store->prune_from > 0) {
		store->pruned_ms = now_ms;
		if (transactions_prune(store))
			return true;
	}
	return segments_tidy(store);
}

void embedded_reader_died(struct backend *backend)
{
	struct embedded *store = embedded_of(backend);

	index_readers_check(store->index);
	store->readers_checked_ms = clock_mono_ms();
}
