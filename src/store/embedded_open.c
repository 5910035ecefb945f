/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: the lock, a new index, and recovery after a crash. */
#include "store/embedded_internal.h"

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
#include "store/wire.h"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };

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

	embedded_key(&key, 's', segment);
	if (!map_get(map, key_str(&key), &value)) {
		if (map->fault == FAULT_NONE)
			embedded_segment_unlink(store, segment);
		return map->fault;
	}
	enum fault fault = segment_record_decode(value, &record);
	char *path = segment_path(store->segments, segment);
	/*
	 * A file that is too short is damage beyond a crash: its messages say so when they are
	 * read.
	 */
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
	uint64_t blob;
	uint64_t length;

	if (newest == 0)
		return FAULT_NONE;
	enum fault fault = segment_record_load(map, newest, &record);
	if (fault != FAULT_NONE || record.committed == 0 ||
	    record.committed >= store->segment_bytes)
		return fault;
	fault = segment_writer_open(&store->writer, newest, record.committed, false);
	if (fault != FAULT_NONE)
		return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
	/* A staged blob stays alone. */
	if (segment_header_read(store->writer.fd, 0, &blob, &length) != FAULT_NONE || blob == 0) {
		segment_writer_done(&store->writer);
		segment_writer_init(&store->writer, store->segments);
	}
	return FAULT_NONE;
}

static enum fault recover(struct embedded *store)
{
	struct map *map = index_write_map(store->index);
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
	store->may_be_half_dead = true;
	store->segment_bytes = options->segment_bytes;
	store->segments = embedded_segments_path(options->path);
	store->pruned_ms = store->readers_checked_ms = clock_mono_ms();
	segment_writer_init(&store->writer, store->segments);
	enum fault fault = folders_make(store, options->path);
	if (fault == FAULT_NONE)
		fault = files_open(store, options);
	if (fault == FAULT_NONE)
		fault = embedded_ops.group_begin(backend);
	if (fault == FAULT_NONE)
		fault = recover(store);
	if (store->index != NULL)
		index_write_abort(store->index);
	if (fault != FAULT_NONE) {
		embedded_ops.close(&backend);
		return fault;
	}
	*backend_out = backend;
	return FAULT_NONE;
}
