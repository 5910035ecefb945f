/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariants:
 *  1. Bytes of a segment are synced before the index commits a place in them.
 *  2. A segment's file is removed after the commit in which its record went.
 *  3. Numbers of blobs and segments are never used again once committed.
 *  4. A blob's record stands as long as its references, the sum over all messages
 *     of all accounts, are above 0; the segment's live bytes are the sum of the
 *     records of its blobs.
 */
#include "store/embedded.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ipc/message.h"
#include "store/wire.h"

enum {
	FOLDER_MODE = 0700,
	FILE_MODE = 0600,
	READERS_CHECK_MS = 60 * 1000,
	PRUNE_MS = 10 * 60 * 1000,
	TRANSACTION_KEPT_S = 60 * 60,
	PRUNE_STEP = 4096,	      /* transactions looked at in one step */
	REWRITE_STEP = 4 * 1024 * 1024, /* bytes copied in one step */
	REWRITE_RECORDS = 4096,	      /* records looked at in one step */
};

struct embedded {
	struct backend backend; /* first */
	struct index *index;
	struct segment_writer writer;
	char *segments; /* folder */
	uint64_t segment_bytes;
	int lock_fd;
	uint64_t next_blob; /* with those of the group */
	uint32_t next_segment;
	uint64_t committed_next_blob;
	struct batch_account *changed; /* accounts of the group */
	size_t changed_count;
	size_t changed_capacity;
	/* housekeeping */
	int64_t readers_checked_ms;
	int64_t pruned_ms;
	uint64_t prune_from;
	uint32_t rewriting;	  /* the segment, or 0 */
	uint64_t rewrite_offset; /* of the next record in it */
	uint32_t unreadable;	  /* the last segment that could not be walked: none up to it is tried */
	uint32_t gone;		  /* to be removed after the commit, or 0 */
	uint64_t folder_flushes;
};

static struct embedded *embedded_of(struct backend *backend)
{
	return (struct embedded *)backend;
}

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

/* ---- records ---- */

struct blob_record {
	struct blob_place place;
	uint32_t references;
};

struct segment_record {
	uint64_t committed;
	uint64_t live;
};

static void key_of(struct key *key, char kind, uint64_t number)
{
	key_begin(key, ACCOUNT_BACKEND, kind);
	key_add_u64(key, number);
}

enum { BLOB_RECORD_BYTES = 28, SEGMENT_RECORD_BYTES = 16 };

static enum fault blob_load(struct map *map, uint64_t blob, struct blob_record *record_out)
{
	struct key key;
	struct str value;

	key_of(&key, 'b', blob);
	if (!map_get(map, key_str(&key), &value))
		return map->fault != FAULT_NONE ? map->fault : FAULT_NOT_FOUND;
	struct cursor from = cursor_make(value);
	record_out->place.segment = cursor_u32(&from);
	record_out->place.offset = cursor_u64(&from);
	record_out->place.length = cursor_u64(&from);
	record_out->place.crc = cursor_u32(&from);
	record_out->references = cursor_u32(&from);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_CORRUPT;
}

static enum fault blob_keep(struct embedded *store, uint64_t blob, const struct blob_record *record)
{
	struct key key;
	unsigned char raw[BLOB_RECORD_BYTES];

	wire_store_u32(raw, record->place.segment);
	wire_store_u64(raw + 4, record->place.offset);
	wire_store_u64(raw + 12, record->place.length);
	wire_store_u32(raw + 20, record->place.crc);
	wire_store_u32(raw + 24, record->references);
	key_of(&key, 'b', blob);
	return index_put(store->index, key_str(&key), str_make(raw, sizeof(raw)));
}

enum fault embedded_blob_find(struct map *map, uint64_t blob, struct blob_place *place_out)
{
	struct blob_record record;
	enum fault fault = blob_load(map, blob, &record);

	if (fault == FAULT_NONE)
		*place_out = record.place;
	return fault;
}

static enum fault segment_decode(struct str value, struct segment_record *record_out)
{
	struct cursor from = cursor_make(value);

	record_out->committed = cursor_u64(&from);
	record_out->live = cursor_u64(&from);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_CORRUPT;
}

/* A segment without a record is new. */
static enum fault segment_load(struct map *map, uint32_t segment, struct segment_record *record_out)
{
	struct key key;
	struct str value;

	key_of(&key, 's', segment);
	*record_out = (struct segment_record){0};
	if (!map_get(map, key_str(&key), &value))
		return map->fault;
	return segment_decode(value, record_out);
}

static enum fault segment_keep(struct embedded *store, uint32_t segment,
			       const struct segment_record *record)
{
	struct key key;
	unsigned char raw[SEGMENT_RECORD_BYTES];

	wire_store_u64(raw, record->committed);
	wire_store_u64(raw + 8, record->live);
	key_of(&key, 's', segment);
	return index_put(store->index, key_str(&key), str_make(raw, sizeof(raw)));
}

static enum fault segment_live_add(struct embedded *store, const struct blob_place *place, int sign)
{
	struct segment_record record;
	enum fault fault = segment_load(index_write_map(store->index), place->segment, &record);

	if (fault != FAULT_NONE)
		return fault;
	record.live += (uint64_t)sign * segment_record_bytes(place->length);
	return segment_keep(store, place->segment, &record);
}

/* ---- blobs of a group ---- */

/* Begins a new segment when there is none, or the last is full; never amid a group's bytes in one. */
static enum fault segment_prepare(struct embedded *store)
{
	struct segment_writer *writer = &store->writer;
	uint64_t end = segment_writer_end(writer);

	if (writer->fd >= 0 && (end < store->segment_bytes || end != writer->committed))
		return FAULT_NONE;
	enum fault fault = segment_writer_open(writer, store->next_segment, 0, true);
	if (fault == FAULT_NONE) {
		store->next_segment++;
		store->folder_flushes++;
	}
	return fault;
}

static enum fault blob_write(struct embedded *store, const struct backend_blob *blob)
{
	struct blob_record record = {0};

	CHECK(blob->number == store->next_blob);
	enum fault fault = segment_prepare(store);
	if (fault == FAULT_NONE)
		fault = blob->fd >= 0 ? segment_append_file(&store->writer, blob->number, blob->fd, 0,
							    blob->length, &record.place)
				      : segment_append(&store->writer, blob->number, blob->bytes,
						       &record.place);
	if (fault == FAULT_NONE)
		fault = segment_live_add(store, &record.place, 1);
	if (fault == FAULT_NONE)
		fault = blob_keep(store, blob->number, &record);
	if (fault == FAULT_NONE)
		store->next_blob++;
	return fault;
}

static enum fault hold_apply(struct embedded *store, const struct batch_hold *hold)
{
	struct blob_record record;
	struct key key;
	enum fault fault = blob_load(index_write_map(store->index), hold->blob, &record);

	if (fault != FAULT_NONE)
		return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
	if ((int64_t)record.references + hold->delta < 0)
		return FAULT_CORRUPT;
	record.references = (uint32_t)((int64_t)record.references + hold->delta);
	if (record.references > 0)
		return blob_keep(store, hold->blob, &record);
	key_of(&key, 'b', hold->blob);
	fault = index_delete(store->index, key_str(&key));
	return fault == FAULT_NONE ? segment_live_add(store, &record.place, -1) : fault;
}

/* ---- groups ---- */

static enum fault group_begin(struct backend *backend)
{
	struct embedded *store = embedded_of(backend);

	store->changed_count = 0;
	store->gone = 0;
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

enum { TRANSACTION_HEADER_BYTES = 16 }; /* serial, time */

static void transaction_key(struct key *key, uint64_t transaction)
{
	key_of(key, 't', transaction >> TRANSACTION_SERIAL_BITS);
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

/* The counters, and how far the active segment is committed with this group. */
static enum fault counters_keep(struct embedded *store)
{
	struct segment_record record;
	struct key key;
	unsigned char raw[12];

	if (store->writer.fd < 0 || segment_writer_end(&store->writer) == store->writer.committed)
		return FAULT_NONE;
	enum fault fault =
		segment_load(index_write_map(store->index), store->writer.number, &record);
	if (fault != FAULT_NONE)
		return fault;
	record.committed = segment_writer_end(&store->writer);
	fault = segment_keep(store, store->writer.number, &record);
	if (fault != FAULT_NONE)
		return fault;
	wire_store_u64(raw, store->next_blob);
	wire_store_u32(raw + 8, store->next_segment);
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

/* ---- housekeeping: segments ---- */

/* Finds a segment of which less than half is alive; 0 when there is none. */
static uint32_t segment_find_half_dead(struct embedded *store, struct map *map)
{
	struct key at;
	struct str key;
	struct str value;

	key_of(&at, 's', (uint64_t)store->unreadable + 1);
	while (map_seek(map, key_str(&at), &key, &value) &&
	       key_is_beside(key, &at, KIND_PREFIX_BYTES)) {
		struct segment_record record;
		uint32_t segment = (uint32_t)wire_load_u64(key.ptr + KIND_PREFIX_BYTES);
		bool is_active = store->writer.fd >= 0 && segment == store->writer.number;
		if (!is_active && segment_decode(value, &record) == FAULT_NONE &&
		    record.live * 2 < record.committed)
			return segment;
		key_of(&at, 's', (uint64_t)segment + 1);
	}
	return 0;
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
	fault = blob_load(index_write_map(store->index), blob, &record);
	if (fault == FAULT_NOT_FOUND || record.place.segment != store->rewriting ||
	    record.place.offset != offset + SEGMENT_HEADER_BYTES)
		return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
	fault = segment_prepare(store);
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
	return fault == FAULT_NONE ? blob_keep(store, blob, &moved) : fault;
}

/* The end of a segment was reached: nothing in it is alive, so it goes. */
static enum fault segment_drop(struct embedded *store, const struct segment_record *record)
{
	struct key key;

	if (record->live != 0)
		return FAULT_CORRUPT;
	key_of(&key, 's', store->rewriting);
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
	enum fault fault = segment_load(map, store->rewriting, &record);
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
		fault = segment_load(map, store->rewriting, &record);
		if (fault == FAULT_NONE)
			fault = segment_drop(store, &record);
	}
	return fault;
}

static void segment_unlink(struct embedded *store, uint32_t segment)
{
	char *path = segment_path(store->segments, segment);

	/* If that fails, the next opening removes it. */
	(void)unlink(path);
	free(path);
}

/* A step of rewriting; true when there is more to do. */
static bool segments_tidy(struct embedded *store)
{
	uint64_t began_at = store->rewrite_offset;

	enum fault fault = group_begin(&store->backend);
	if (fault != FAULT_NONE)
		return false;
	if (store->rewriting == 0) {
		store->rewriting =
			segment_find_half_dead(store, index_write_map(store->index));
		store->rewrite_offset = began_at = 0;
	}
	if (store->rewriting == 0) {
		group_abort(&store->backend);
		return false;
	}
	fault = segment_rewrite_step(store);
	if (fault == FAULT_NONE)
		fault = group_commit(&store->backend);
	if (fault != FAULT_NONE) {
		bool may_retry = group_abort(&store->backend);
		store->rewrite_offset = began_at;
		if (!may_retry) {
			if (fault == FAULT_CORRUPT)
				store->unreadable = store->rewriting;
			store->rewriting = 0;
		}
		return may_retry;
	}
	if (store->gone != 0) {
		segment_unlink(store, store->gone);
		store->rewriting = 0;
	}
	return true;
}

/* ---- housekeeping: the rest ---- */

/* Deletes results that nobody can ask for any more; true when there are more to look at. */
static bool transactions_prune(struct embedded *store)
{
	uint64_t oldest = (uint64_t)clock_real_s() - TRANSACTION_KEPT_S;
	struct key at;
	struct str key;
	struct str value;
	size_t looked_at = 0;

	enum fault fault = group_begin(&store->backend);
	if (fault != FAULT_NONE)
		return false;
	key_of(&at, 't', store->prune_from);
	bool more = false;
	while (fault == FAULT_NONE &&
	       (more = map_seek(group_map(&store->backend), key_str(&at), &key, &value) &&
		       key_is_beside(key, &at, KIND_PREFIX_BYTES)) &&
	       looked_at++ < PRUNE_STEP) {
		uint64_t number = wire_load_u64(key.ptr + KIND_PREFIX_BYTES);
		if (value.len < TRANSACTION_HEADER_BYTES || wire_load_u64(value.ptr + 8) < oldest)
			fault = index_delete(store->index, key);
		store->prune_from = number + 1;
		key_of(&at, 't', store->prune_from);
	}
	if (fault == FAULT_NONE)
		fault = group_commit(&store->backend);
	if (fault != FAULT_NONE)
		group_abort(&store->backend);
	if (fault != FAULT_NONE || !more)
		store->prune_from = 0;
	return fault == FAULT_NONE && more;
}

static bool maintain(struct backend *backend)
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

static void reader_died(struct backend *backend)
{
	struct embedded *store = embedded_of(backend);

	index_readers_check(store->index);
	store->readers_checked_ms = clock_mono_ms();
}

static uint64_t flushes(struct backend *backend)
{
	struct embedded *store = embedded_of(backend);

	return index_flushes(store->index) + store->writer.flushes + store->folder_flushes;
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

static const struct backend_ops embedded_ops = {
	.group_begin = group_begin,
	.group_map = group_map,
	.blob_next = blob_next,
	.transaction_find = transaction_find,
	.apply = apply,
	.group_commit = group_commit,
	.group_abort = group_abort,
	.maintain = maintain,
	.reader_died = reader_died,
	.flushes = flushes,
	.close = embedded_close,
};

/* ---- opening ---- */

static enum fault lock_take(const char *folder, int *fd_out)
{
	char *path = path_join(folder, "lock");
	CLEANUP_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);

	free(path);
	if (fd < 0)
		return fault_from_errno(errno);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? FAULT_BUSY : fault_from_errno(errno);
	*fd_out = fd;
	fd = -1;
	return FAULT_NONE;
}

enum fault embedded_version_check(struct map *map)
{
	struct key key;
	struct str value;

	key_begin(&key, ACCOUNT_BACKEND, 'v');
	if (!map_get(map, key_str(&key), &value))
		return map->fault != FAULT_NONE ? map->fault : FAULT_NOT_FOUND;
	if (value.len != sizeof(uint32_t))
		return FAULT_CORRUPT;
	return wire_load_u32(value.ptr) > STORE_VERSION ? FAULT_VERSION : FAULT_NONE;
}

static enum fault counters_load(struct embedded *store, struct map *map)
{
	struct key key;
	struct str value;

	store->next_blob = store->next_segment = 1;
	key_begin(&key, ACCOUNT_BACKEND, 'c');
	if (map_get(map, key_str(&key), &value)) {
		struct cursor from = cursor_make(value);
		store->next_blob = cursor_u64(&from);
		store->next_segment = cursor_u32(&from);
		if (!cursor_is_done(&from))
			return FAULT_CORRUPT;
	}
	store->committed_next_blob = store->next_blob;
	return map->fault;
}

/* Cuts a file to what is committed of it, or removes one that never was. */
static enum fault file_recover(struct embedded *store, struct map *map, uint32_t segment)
{
	struct segment_record record;
	struct stat status;
	struct key key;
	struct str value;

	key_of(&key, 's', segment);
	if (!map_get(map, key_str(&key), &value)) {
		if (map->fault == FAULT_NONE)
			segment_unlink(store, segment);
		return map->fault;
	}
	enum fault fault = segment_decode(value, &record);
	char *path = segment_path(store->segments, segment);
	/* A file that is too short is damage beyond a crash: its messages say so when they are read. */
	if (fault == FAULT_NONE && stat(path, &status) == 0 &&
	    (uint64_t)status.st_size > record.committed &&
	    truncate(path, (off_t)record.committed) != 0)
		fault = fault_from_errno(errno);
	free(path);
	return fault;
}

static enum fault files_recover(struct embedded *store, struct map *map)
{
	DIR *folder = opendir(store->segments);
	enum fault fault = folder == NULL ? fault_from_errno(errno) : FAULT_NONE;

	while (fault == FAULT_NONE) {
		struct dirent *entry = readdir(folder);
		if (entry == NULL)
			break;
		struct str name = str_from_c(entry->d_name);
		char *end;
		unsigned long segment = strtoul(entry->d_name, &end, 16);
		if (name.len == 12 && end == entry->d_name + 8 && strcmp(end, ".seg") == 0)
			fault = file_recover(store, map, (uint32_t)segment);
	}
	if (folder != NULL)
		closedir(folder);
	return fault;
}

/* Goes on with the newest segment if there is room in it. */
static enum fault writer_recover(struct embedded *store, struct map *map)
{
	struct segment_record record;
	uint32_t newest = store->next_segment - 1;

	if (newest == 0)
		return FAULT_NONE;
	enum fault fault = segment_load(map, newest, &record);
	if (fault != FAULT_NONE || record.committed == 0 || record.committed >= store->segment_bytes)
		return fault;
	fault = segment_writer_open(&store->writer, newest, record.committed, false);
	return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
}

static enum fault recover(struct embedded *store)
{
	struct map *map = group_map(&store->backend);
	enum fault fault = embedded_version_check(map);

	if (fault == FAULT_NONE)
		fault = counters_load(store, map);
	if (fault == FAULT_NONE)
		fault = files_recover(store, map);
	if (fault == FAULT_NONE)
		fault = writer_recover(store, map);
	/* An index has had its version from the first moment. */
	return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
}

static enum fault folders_make(struct embedded *store, const char *path)
{
	enum fault fault = folder_make(path, FOLDER_MODE);

	if (fault == FAULT_NONE)
		fault = lock_take(path, &store->lock_fd);
	if (fault == FAULT_NONE)
		fault = folder_make(store->segments, FOLDER_MODE);
	/* The folder's own name is for whoever made the home to sync; to try costs nothing. */
	char *home = path_join(path, "..");
	if (folder_sync(home) != FAULT_NONE)
		errno = 0;
	free(home);
	return fault;
}

static enum fault version_keep(struct index *index)
{
	struct key key;
	unsigned char raw[4];

	key_begin(&key, ACCOUNT_BACKEND, 'v');
	wire_store_u32(raw, STORE_VERSION);
	return index_put(index, key_str(&key), str_make(raw, sizeof(raw)));
}

/* Makes an index with nothing but its version. */
static enum fault index_make_at(const struct index_options *options)
{
	struct index *index;

	enum fault fault = index_open(options, &index);
	if (fault != FAULT_NONE)
		return fault;
	fault = index_write_begin(index);
	if (fault == FAULT_NONE)
		fault = version_keep(index);
	if (fault == FAULT_NONE)
		fault = index_write_commit(index);
	index_write_abort(index);
	index_close(&index);
	return fault;
}

static bool folder_is_empty(const char *path)
{
	DIR *folder = opendir(path);
	size_t count = 0;

	if (folder == NULL)
		return false;
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count == 0;
}

/* Makes the index under another name first: under its own it is never seen half made. */
static enum fault index_make(struct embedded *store, const char *folder,
			     const struct index_options *options)
{
	struct index_options other = *options;

	/* A store that lost its index is no new store: its segments are all that is left of it. */
	if (!folder_is_empty(store->segments))
		return FAULT_CORRUPT;
	char *path = path_join(folder, "index.new");
	char *lock = path_join(folder, "index.new-lock");

	/* Left-overs of a crash; mostly there are none. */
	(void)unlink(path);
	(void)unlink(lock);
	other.path = path;
	enum fault fault = index_make_at(&other);
	if (fault == FAULT_NONE && rename(path, options->path) != 0)
		fault = fault_from_errno(errno);
	if (fault == FAULT_NONE)
		fault = folder_sync(folder);
	(void)unlink(lock);
	free(path);
	free(lock);
	return fault;
}

static enum fault files_open(struct embedded *store, const struct embedded_options *options)
{
	char *path = embedded_index_path(options->path);
	struct index_options index_options = {.path = path,
					      .is_writer = true,
					      .map_bytes = options->map_bytes,
					      .readers = options->readers};

	enum fault fault = FAULT_NONE;
	if (access(path, F_OK) != 0)
		fault = errno != ENOENT ? fault_from_errno(errno)
					: index_make(store, options->path, &index_options);
	if (fault == FAULT_NONE)
		fault = index_open(&index_options, &store->index);
	free(path);
	if (fault == FAULT_NONE)
		index_readers_check(store->index);
	return fault;
}

enum fault embedded_open(const struct embedded_options *options, struct backend **backend_out)
{
	struct embedded *store = calloc(1, sizeof(*store));
	struct backend *backend = &store->backend;

	CHECK(store != NULL);
	store->backend.ops = &embedded_ops;
	store->lock_fd = -1;
	store->segment_bytes = options->segment_bytes;
	store->segments = embedded_segments_path(options->path);
	store->pruned_ms = store->readers_checked_ms = clock_mono_ms();
	segment_writer_init(&store->writer, store->segments);
	enum fault fault = folders_make(store, options->path);
	if (fault == FAULT_NONE)
		fault = files_open(store, options);
	if (fault == FAULT_NONE)
		fault = group_begin(backend);
	if (fault == FAULT_NONE)
		fault = recover(store);
	if (store->index != NULL)
		index_write_abort(store->index);
	if (fault != FAULT_NONE) {
		embedded_close(&backend);
		return fault;
	}
	*backend_out = backend;
	return FAULT_NONE;
}
