/* SPDX-License-Identifier: Apache-2.0 */
#include "store/index.h"

#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdlib.h>

enum { FILE_MODE = 0600, FLUSHES_A_COMMIT = 2 };

struct index_read {
	struct map map; /* first: the map's functions find the transaction by it */
	struct index *index;
	MDB_txn *txn;
	MDB_cursor *cursor;
	struct index_read *next;
};

struct index {
	struct map map; /* of the write transaction */
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *txn; /* the write transaction, or NULL */
	bool is_full; /* the map was too small */
	uint64_t flushes;
	pthread_mutex_t lock; /* over the rest */
	pthread_cond_t all_ended;
	struct index_read *idle;
	size_t active;
	bool is_resizing;
};

static enum fault fault_from_lmdb(int error)
{
	switch (error) {
	case MDB_SUCCESS:
		return FAULT_NONE;
	case MDB_NOTFOUND:
		return FAULT_NOT_FOUND;
	case MDB_READERS_FULL:
		return FAULT_BUSY;
	case MDB_VERSION_MISMATCH:
		return FAULT_VERSION;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_BAD_VALSIZE:
		return FAULT_CORRUPT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return FAULT_TOO_LARGE;
	default:
		return error > 0 ? fault_from_errno(error) : FAULT_IO;
	}
}

static MDB_val val_from(struct str text)
{
	return (MDB_val){.mv_size = text.len, .mv_data = (void *)(uintptr_t)text.ptr};
}

static struct str val_str(MDB_val val)
{
	return str_make(val.mv_data, val.mv_size);
}

/* A look-up's outcome; a fault sticks to the map. */
static bool is_found(struct map *map, int error)
{
	if (error != MDB_SUCCESS && error != MDB_NOTFOUND)
		map->fault = fault_from_lmdb(error);
	return error == MDB_SUCCESS;
}

static bool cursor_seek(struct map *map, MDB_cursor *cursor, struct str wanted, MDB_cursor_op op,
			struct str *key_out, struct str *value_out)
{
	MDB_val key = val_from(wanted);
	MDB_val value;

	if (!is_found(map, mdb_cursor_get(cursor, &key, &value, op)))
		return false;
	*key_out = val_str(key);
	*value_out = val_str(value);
	return true;
}

/* A cursor that stays near the last key finds one on the same page without a descent. */
static bool read_get(struct map *map, struct str key, struct str *value_out)
{
	struct index_read *read = (struct index_read *)map;

	return cursor_seek(map, read->cursor, key, MDB_SET_KEY, &key, value_out);
}

static bool read_seek(struct map *map, struct str key, struct str *key_out, struct str *value_out)
{
	struct index_read *read = (struct index_read *)map;

	return cursor_seek(map, read->cursor, key, MDB_SET_RANGE, key_out, value_out);
}

static bool write_get(struct map *map, struct str key, struct str *value_out)
{
	struct index *index = (struct index *)map;
	MDB_val wanted = val_from(key);
	MDB_val value;

	if (!is_found(map, mdb_get(index->txn, index->dbi, &wanted, &value)))
		return false;
	*value_out = val_str(value);
	return true;
}

/* A cursor for each look-up: none is open while the pages under it change. */
static bool write_seek(struct map *map, struct str key, struct str *key_out, struct str *value_out)
{
	struct index *index = (struct index *)map;
	MDB_cursor *cursor;
	int error = mdb_cursor_open(index->txn, index->dbi, &cursor);

	if (!is_found(map, error))
		return false;
	bool found = cursor_seek(map, cursor, key, MDB_SET_RANGE, key_out, value_out);
	mdb_cursor_close(cursor);
	return found;
}

/* ---- opening ---- */

static int environment_open(struct index *index, const struct index_options *options)
{
	unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD;
	int error = mdb_env_create(&index->env);

	if (error != 0)
		return error;
	if (options->is_writer) {
		error = mdb_env_set_mapsize(index->env, options->map_bytes);
		if (error == 0)
			error = mdb_env_set_maxreaders(index->env, options->readers);
	} else
		flags |= MDB_RDONLY;
	if (error == 0)
		error = mdb_env_open(index->env, options->path, flags, FILE_MODE);
	return error;
}

static int database_open(struct index *index, bool is_writer)
{
	MDB_txn *txn;
	int error = mdb_txn_begin(index->env, NULL, is_writer ? 0 : MDB_RDONLY, &txn);

	if (error != 0)
		return error;
	error = mdb_dbi_open(txn, NULL, 0, &index->dbi);
	if (error == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return error;
}

enum fault index_open(const struct index_options *options, struct index **index_out)
{
	struct index *index = calloc(1, sizeof(*index));

	CHECK(index != NULL);
	CHECK(pthread_mutex_init(&index->lock, NULL) == 0);
	CHECK(pthread_cond_init(&index->all_ended, NULL) == 0);
	index->map = (struct map){.get = write_get, .seek = write_seek};
	int error = environment_open(index, options);
	if (error == 0)
		error = database_open(index, options->is_writer);
	if (error != 0) {
		index_close(&index);
		return fault_from_lmdb(error);
	}
	*index_out = index;
	return FAULT_NONE;
}

static void read_free(struct index_read *read)
{
	mdb_cursor_close(read->cursor);
	mdb_txn_abort(read->txn);
	free(read);
}

void index_close(struct index **index)
{
	struct index *open = *index;

	*index = NULL;
	if (open == NULL)
		return;
	CHECK(open->active == 0 && open->txn == NULL);
	while (open->idle != NULL) {
		struct index_read *read = open->idle;
		open->idle = read->next;
		read_free(read);
	}
	if (open->env != NULL)
		mdb_env_close(open->env);
	pthread_cond_destroy(&open->all_ended);
	pthread_mutex_destroy(&open->lock);
	free(open);
}

/* ---- reading ---- */

/* Takes an idle transaction, or NULL when there is none; the caller counts as active. */
static struct index_read *idle_take(struct index *index)
{
	pthread_mutex_lock(&index->lock);
	while (index->is_resizing)
		pthread_cond_wait(&index->all_ended, &index->lock);
	struct index_read *read = index->idle;
	if (read != NULL)
		index->idle = read->next;
	index->active++;
	pthread_mutex_unlock(&index->lock);
	return read;
}

static void active_end(struct index *index, struct index_read *read)
{
	pthread_mutex_lock(&index->lock);
	if (read != NULL) {
		read->next = index->idle;
		index->idle = read;
	}
	if (--index->active == 0 && index->is_resizing)
		pthread_cond_broadcast(&index->all_ended);
	pthread_mutex_unlock(&index->lock);
}

/*
 * Gives a map of `bytes` (0: of the size the writer made it) when no transaction of this process
 * is open.
 */
static int map_resize(struct index *index, size_t bytes)
{
	pthread_mutex_lock(&index->lock);
	while (index->is_resizing)
		pthread_cond_wait(&index->all_ended, &index->lock);
	index->is_resizing = true;
	while (index->active > 0)
		pthread_cond_wait(&index->all_ended, &index->lock);
	int error = mdb_env_set_mapsize(index->env, bytes);
	index->is_resizing = false;
	pthread_cond_broadcast(&index->all_ended);
	pthread_mutex_unlock(&index->lock);
	return error;
}

static int read_start(struct index *index, struct index_read **read)
{
	int error;

	if (*read != NULL) {
		error = mdb_txn_renew((*read)->txn);
		if (error == 0)
			error = mdb_cursor_renew((*read)->txn, (*read)->cursor);
		return error;
	}
	struct index_read *made = calloc(1, sizeof(*made));
	CHECK(made != NULL);
	made->map = (struct map){.get = read_get, .seek = read_seek};
	made->index = index;
	error = mdb_txn_begin(index->env, NULL, MDB_RDONLY, &made->txn);
	if (error == 0 && (error = mdb_cursor_open(made->txn, index->dbi, &made->cursor)) != 0)
		mdb_txn_abort(made->txn);
	if (error == 0)
		*read = made;
	else
		free(made);
	return error;
}

enum fault index_read_begin(struct index *index, struct index_read **read_out)
{
	for (;;) {
		struct index_read *read = idle_take(index);
		int error = read_start(index, &read);
		if (error == 0) {
			read->map.fault = FAULT_NONE;
			*read_out = read;
			return FAULT_NONE;
		}
		active_end(index, read);
		if (error == MDB_MAP_RESIZED)
			error = map_resize(index, 0);
		if (error != 0)
			return fault_from_lmdb(error);
	}
}

void index_read_end(struct index_read **read)
{
	struct index_read *open = *read;

	*read = NULL;
	if (open == NULL)
		return;
	mdb_txn_reset(open->txn);
	active_end(open->index, open);
}

struct map *index_read_map(struct index_read *read)
{
	return &read->map;
}

void *index_cursor_open(struct index_read *read)
{
	MDB_cursor *cursor;

	CHECK(mdb_cursor_open(read->txn, read->index->dbi, &cursor) == 0);
	return cursor;
}

void index_cursor_close(void *cursor)
{
	mdb_cursor_close(cursor);
}

bool index_cursor_next(struct index_read *read, void *cursor, const struct key *from,
		       struct str *key_out, struct str *value_out)
{
	MDB_val key = from == NULL ? (MDB_val){0} : val_from(key_str(from));
	MDB_val value;
	int error = mdb_cursor_get(cursor, &key, &value, from == NULL ? MDB_NEXT : MDB_SET_RANGE);

	if (!is_found(&read->map, error))
		return false;
	*key_out = val_str(key);
	*value_out = val_str(value);
	return true;
}

void index_readers_check(struct index *index)
{
	int dead;

	/* It tells only whether the table could be locked; the next check comes within a minute. */
	(void)mdb_reader_check(index->env, &dead);
}

/* ---- writing ---- */

enum fault index_write_begin(struct index *index)
{
	CHECK(index->txn == NULL);
	index->map.fault = FAULT_NONE;
	index->is_full = false;
	int error = mdb_txn_begin(index->env, NULL, 0, &index->txn);
	if (error != 0)
		index->txn = NULL;
	/*
	 * A failed write of the meta page left the environment unusable: only opening anew helps.
	 */
	CHECK(error != MDB_PANIC);
	return fault_from_lmdb(error);
}

struct map *index_write_map(struct index *index)
{
	return &index->map;
}

enum fault index_put(struct index *index, struct str key, struct str value)
{
	MDB_val key_val = val_from(key);
	MDB_val value_val = val_from(value);
	int error = mdb_put(index->txn, index->dbi, &key_val, &value_val, 0);

	index->is_full |= error == MDB_MAP_FULL;
	return fault_from_lmdb(error);
}

enum fault index_delete(struct index *index, struct str key)
{
	MDB_val key_val = val_from(key);
	int error = mdb_del(index->txn, index->dbi, &key_val, NULL);

	index->is_full |= error == MDB_MAP_FULL;
	return error == MDB_NOTFOUND ? FAULT_NONE : fault_from_lmdb(error);
}

enum fault index_write_commit(struct index *index)
{
	MDB_txn *txn = index->txn;

	CHECK(txn != NULL);
	index->txn = NULL;
	int error = mdb_txn_commit(txn);
	index->is_full |= error == MDB_MAP_FULL;
	index->flushes += FLUSHES_A_COMMIT;
	return fault_from_lmdb(error);
}

void index_write_abort(struct index *index)
{
	if (index->txn == NULL)
		return;
	mdb_txn_abort(index->txn);
	index->txn = NULL;
}

bool index_grow(struct index *index)
{
	MDB_envinfo info;

	if (!index->is_full)
		return false;
	index->is_full = false;
	CHECK(mdb_env_info(index->env, &info) == 0);
	return map_resize(index, info.me_mapsize * 2) == 0;
}

uint64_t index_flushes(const struct index *index)
{
	return index->flushes;
}
