/* SPDX-License-Identifier: Apache-2.0 */
#include "store/embedded_internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "ipc/message.h"
#include "store/wire.h"

struct index *embedded_index(struct backend *backend)
{
	return embedded_of(backend)->index;
}

char *embedded_index_path(const char *folder)
{
	return path_join(folder, "index.mdb");
}

char *embedded_segments_path(const char *folder)
{
	return path_join(folder, "segments");
}

/* ---- blobs of a group ---- */

/*
 * Begins a new segment when there is none, or the last is full; never amid a group's bytes in one.
 */
uint32_t embedded_segment_number(struct embedded *store)
{
	return __atomic_fetch_add(&store->next_segment, 1, __ATOMIC_RELAXED);
}

enum fault embedded_segment_prepare(struct embedded *store)
{
	struct segment_writer *writer = &store->writer;
	uint64_t end = segment_writer_end(writer);

	if (writer->fd >= 0 && (end < store->segment_bytes || end != writer->committed))
		return FAULT_NONE;
	store->folder_flushes++;
	return segment_writer_open(writer, embedded_segment_number(store), 0, true);
}

static enum fault blob_append(struct embedded *store, const struct backend_blob *blob,
			      struct blob_place *place_out)
{
	enum fault fault = embedded_segment_prepare(store);

	if (fault != FAULT_NONE)
		return fault;
	return blob->fd >= 0 ? segment_append_file(&store->writer, blob->number, blob->fd, 0,
						   blob->length, place_out)
			     : segment_append(&store->writer, blob->number, blob->bytes, place_out);
}

/* ---- staged blobs: each a segment of its own, which goes as a whole ---- */

struct staged {
	struct backend_staged staged; /* first */
	struct blob_place place;
};

/* The blob's number is not known yet; 0 in the header says that the record is alone. */
static enum fault stage(struct backend *backend, int fd, uint64_t length,
			struct backend_staged **staged_out)
{
	struct embedded *store = embedded_of(backend);
	struct segment_writer writer;
	struct blob_place place;
	uint32_t number = embedded_segment_number(store);

	segment_writer_init(&writer, store->segments);
	enum fault fault = segment_writer_open(&writer, number, 0, true);
	if (fault == FAULT_NONE)
		fault = segment_append_file(&writer, 0, fd, 0, length, &place);
	if (fault == FAULT_NONE)
		fault = segment_sync(&writer);
	segment_writer_done(&writer);
	/* One for the file, one for its name. */
	__atomic_fetch_add(&store->staging_flushes, 2, __ATOMIC_RELAXED);
	if (fault != FAULT_NONE) {
		embedded_segment_unlink(store, number);
		return fault;
	}
	struct staged *staged = calloc(1, sizeof(*staged));
	CHECK(staged != NULL);
	*staged = (struct staged){.staged.length = length, .place = place};
	*staged_out = &staged->staged;
	return FAULT_NONE;
}

static void unstage(struct backend *backend, struct backend_staged **staged, bool is_named)
{
	struct staged *old = (struct staged *)*staged;

	*staged = NULL;
	if (old == NULL)
		return;
	if (!is_named)
		embedded_segment_unlink(embedded_of(backend), old->place.segment);
	free(old);
}

static enum fault staged_name(struct embedded *store, const struct backend_blob *blob,
			      struct blob_place *place_out)
{
	const struct staged *staged = (const struct staged *)blob->staged;
	struct segment_record record = {.committed = segment_record_bytes(staged->place.length)};

	store->has_staged = true;
	*place_out = staged->place;
	return segment_record_keep(store, staged->place.segment, &record);
}

static enum fault blob_write(struct embedded *store, const struct backend_blob *blob)
{
	struct blob_record record = {0};

	CHECK(blob->number == store->next_blob);
	enum fault fault = blob->staged != NULL ? staged_name(store, blob, &record.place)
						: blob_append(store, blob, &record.place);
	if (fault == FAULT_NONE)
		fault = segment_live_add(store, &record.place, 1);
	if (fault == FAULT_NONE)
		fault = blob_record_keep(store, blob->number, &record);
	if (fault == FAULT_NONE)
		store->next_blob++;
	return fault;
}

static enum fault hold_apply(struct embedded *store, const struct batch_hold *hold)
{
	struct blob_record record;
	struct key key;
	enum fault fault = blob_record_load(index_write_map(store->index), hold->blob, &record);

	if (fault != FAULT_NONE)
		return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
	if ((int64_t)record.references + hold->delta < 0)
		return FAULT_CORRUPT;
	record.references = (uint32_t)((int64_t)record.references + hold->delta);
	if (record.references > 0)
		return blob_record_keep(store, hold->blob, &record);
	embedded_key(&key, 'b', hold->blob);
	fault = index_delete(store->index, key_str(&key));
	return fault == FAULT_NONE ? segment_live_add(store, &record.place, -1) : fault;
}

/* ---- groups ---- */

static enum fault group_begin(struct backend *backend)
{
	struct embedded *store = embedded_of(backend);

	store->changed_count = 0;
	store->gone = 0;
	store->has_staged = false;
	return index_write_begin(store->index);
}

static struct map *group_map(struct backend *backend)
{
	return index_write_map(embedded_of(backend)->index);
}

static uint64_t blob_next(struct backend *backend)
{
	return embedded_of(backend)->next_blob;
}

static void transaction_key(struct key *key, uint64_t transaction)
{
	embedded_key(key, 't', transaction >> TRANSACTION_SERIAL_BITS);
}

static uint64_t transaction_serial(uint64_t transaction)
{
	return transaction & ((UINT64_C(1) << TRANSACTION_SERIAL_BITS) - 1);
}

static bool transaction_find(struct backend *backend, uint64_t transaction, struct str *result_out)
{
	struct key key;
	struct str value;

	transaction_key(&key, transaction);
	if (!map_get(group_map(backend), key_str(&key), &value) ||
	    value.len < TRANSACTION_HEADER_BYTES)
		return false;
	if (wire_load_u64(value.ptr) != transaction_serial(transaction))
		return false;
	*result_out = str_from(value, TRANSACTION_HEADER_BYTES);
	return true;
}

static enum fault transaction_keep(struct embedded *store, uint64_t transaction, struct str result)
{
	struct buf value = BUF_INIT(MESSAGE_MAX + TRANSACTION_HEADER_BYTES);
	struct key key;

	wire_put_u64(&value, transaction_serial(transaction));
	wire_put_u64(&value, (uint64_t)clock_real_s());
	buf_append_str(&value, result);
	transaction_key(&key, transaction);
	enum fault fault = value.failed ? FAULT_TOO_LARGE
					: index_put(store->index, key_str(&key), buf_str(&value));
	buf_done(&value);
	return fault;
}

/* Only one process writes, so a conflict is our own mistake; to look costs little. */
static enum fault sequence_check(struct embedded *store, const struct batch_account *account)
{
	struct account_record record = {0};
	struct key key;
	struct str value;

	key_account_record(&key, account->account);
	if (map_get(index_write_map(store->index), key_str(&key), &value)) {
		enum fault fault = account_record_take(value, &record);
		if (fault != FAULT_NONE)
			return fault;
	}
	return record.sequence == account->expected_sequence ? FAULT_NONE : FAULT_CONFLICT;
}

static void changed_note(struct embedded *store, const struct batch_account *account)
{
	if (store->changed_count == store->changed_capacity) {
		store->changed_capacity = store->changed_capacity * 2 + 64;
		store->changed = reallocarray(store->changed, store->changed_capacity,
					      sizeof(*store->changed));
		CHECK(store->changed != NULL);
	}
	store->changed[store->changed_count++] = *account;
}

static enum fault entries_apply(struct embedded *store, const struct batch *batch)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; fault == FAULT_NONE && i < batch->entry_count; i++) {
		const struct batch_entry *entry = &batch->entries[i];
		fault = entry->is_deletion ? index_delete(store->index, entry->key)
					   : index_put(store->index, entry->key, entry->value);
	}
	return fault;
}

static enum fault apply(struct backend *backend, const struct batch *batch,
			const struct backend_blob *blob, uint64_t transaction, struct str result)
{
	struct embedded *store = embedded_of(backend);
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; fault == FAULT_NONE && i < batch->account_count; i++)
		fault = sequence_check(store, &batch->accounts[i]);
	if (fault == FAULT_NONE && blob != NULL)
		fault = blob_write(store, blob);
	for (size_t i = 0; fault == FAULT_NONE && i < batch->hold_count; i++)
		fault = hold_apply(store, &batch->holds[i]);
	if (fault == FAULT_NONE)
		fault = entries_apply(store, batch);
	if (fault == FAULT_NONE)
		fault = transaction_keep(store, transaction, result);
	if (fault != FAULT_NONE)
		return fault;
	for (size_t i = 0; i < batch->account_count; i++)
		changed_note(store, &batch->accounts[i]);
	return FAULT_NONE;
}

/* How far the active segment is committed with this group. */
static enum fault active_keep(struct embedded *store)
{
	struct segment_record record;

	enum fault fault =
		segment_record_load(index_write_map(store->index), store->writer.number, &record);
	if (fault != FAULT_NONE)
		return fault;
	record.committed = segment_writer_end(&store->writer);
	return segment_record_keep(store, store->writer.number, &record);
}

/* The counters, when the group has brought new blobs. */
static enum fault counters_keep(struct embedded *store)
{
	struct key key;
	unsigned char raw[12];
	bool has_appended = store->writer.fd >= 0 &&
			    segment_writer_end(&store->writer) != store->writer.committed;

	enum fault fault = has_appended ? active_keep(store) : FAULT_NONE;
	if (fault != FAULT_NONE || (!has_appended && !store->has_staged))
		return fault;
	wire_store_u64(raw, store->next_blob);
	wire_store_u32(raw + 8, __atomic_load_n(&store->next_segment, __ATOMIC_RELAXED));
	key_begin(&key, ACCOUNT_BACKEND, 'c');
	return index_put(store->index, key_str(&key), str_make(raw, sizeof(raw)));
}

static enum fault group_commit(struct backend *backend)
{
	struct embedded *store = embedded_of(backend);

	enum fault fault = counters_keep(store);
	if (fault == FAULT_NONE)
		fault = segment_sync(&store->writer);
	if (fault == FAULT_NONE)
		fault = index_write_commit(store->index);
	if (fault != FAULT_NONE)
		return fault;
	segment_commit(&store->writer);
	store->committed_next_blob = store->next_blob;
	if (backend->changed != NULL)
		for (size_t i = 0; i < store->changed_count; i++)
			backend->changed(backend->changed_context, store->changed[i].account,
					 store->changed[i].sequence);
	return FAULT_NONE;
}

static bool group_abort(struct backend *backend)
{
	struct embedded *store = embedded_of(backend);

	index_write_abort(store->index);
	segment_rollback(&store->writer);
	store->next_blob = store->committed_next_blob;
	return index_grow(store->index);
}

/* ---- the rest ---- */

static uint64_t flushes(struct backend *backend)
{
	struct embedded *store = embedded_of(backend);

	return index_flushes(store->index) + store->writer.flushes + store->folder_flushes +
	       __atomic_load_n(&store->staging_flushes, __ATOMIC_RELAXED);
}

static void embedded_close(struct backend **backend)
{
	struct embedded *store = embedded_of(*backend);

	*backend = NULL;
	segment_writer_done(&store->writer);
	index_close(&store->index);
	free(store->changed);
	free(store->segments);
	/* Last: whoever gets the lock now finds everything at rest. */
	fd_close(&store->lock_fd);
	free(store);
}

const struct backend_ops embedded_ops = {
	.group_begin = group_begin,
	.group_map = group_map,
	.blob_next = blob_next,
	.transaction_find = transaction_find,
	.apply = apply,
	.stage = stage,
	.unstage = unstage,
	.group_commit = group_commit,
	.group_abort = group_abort,
	.maintain = embedded_maintain,
	.reader_died = embedded_reader_died,
	.flushes = flushes,
	.close = embedded_close,
};
