/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/list.h"
#include "store/segment.h"

enum {
	/* Mapped beyond the file's end, so that a growing segment stays in its mapping. */
	MAP_AHEAD = 64 * 1024 * 1024,
	IDLE_MAX = 32, /* mappings that nobody holds */
	VERIFIED_SLOTS = 4096,
};

struct segment_mapping {
	struct list_node node; /* in the cache, while it may be found; most recently used last */
	struct segment_cache *cache;
	uint32_t segment;
	int references;
	char *base;
	size_t len;
};

struct segment_cache {
	char *folder;
	pthread_mutex_t lock;
	struct list mappings;
	size_t count;
	uint64_t verified[VERIFIED_SLOTS]; /* atomic: blobs whose checksum was right */
};

struct segment_cache *segment_cache_new(const char *folder)
{
	struct segment_cache *cache = calloc(1, sizeof(*cache));

	CHECK(cache != NULL);
	cache->folder = str_dup_c(str_from_c(folder));
	list_init(&cache->mappings);
	CHECK(pthread_mutex_init(&cache->lock, NULL) == 0);
	return cache;
}

static void mapping_free(struct segment_mapping *mapping)
{
	CHECK(munmap(mapping->base, mapping->len) == 0);
	free(mapping);
}

/* Out of the cache: the last holder frees it. Under the lock. */
static void mapping_forget(struct segment_cache *cache, struct segment_mapping *mapping)
{
	list_remove(&mapping->node);
	cache->count--;
	if (mapping->references == 0)
		mapping_free(mapping);
}

void segment_cache_free(struct segment_cache **cache)
{
	struct segment_cache *old = *cache;

	*cache = NULL;
	if (old == NULL)
		return;
	list_each(node, next, &old->mappings)
	{
		struct segment_mapping *mapping = list_entry(node, struct segment_mapping, node);
		CHECK(mapping->references == 0);
		mapping_forget(old, mapping);
	}
	pthread_mutex_destroy(&old->lock);
	free(old->folder);
	free(old);
}

static bool file_is_gone(const struct segment_cache *cache, uint32_t segment)
{
	char *path = segment_path(cache->folder, segment);
	bool is_gone = access(path, F_OK) != 0;

	free(path);
	return is_gone;
}

/* Makes room: drops what nobody holds if its file was removed or it was not used for long. */
static void cache_tidy(struct segment_cache *cache)
{
	list_each(node, next, &cache->mappings)
	{
		struct segment_mapping *mapping = list_entry(node, struct segment_mapping, node);
		if (mapping->references == 0 &&
		    (cache->count > IDLE_MAX || file_is_gone(cache, mapping->segment)))
			mapping_forget(cache, mapping);
	}
}

static enum fault mapping_make(struct segment_cache *cache, uint32_t segment, uint64_t end,
			       struct segment_mapping **mapping_out)
{
	char *path = segment_path(cache->folder, segment);
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum fault fault = fd < 0 ? fault_from_errno(errno) : FAULT_NONE;
	struct stat status;

	free(path);
	if (fault != FAULT_NONE)
		return fault;
	if (fstat(fd, &status) != 0)
		return fault_from_errno(errno);
	/* Touching a page behind the end would be a signal, not an error. */
	if ((uint64_t)status.st_size < end)
		return FAULT_CORRUPT;
	size_t len = ((size_t)status.st_size / MAP_AHEAD + 1) * MAP_AHEAD;
	void *base = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return fault_from_errno(errno);
	struct segment_mapping *mapping = calloc(1, sizeof(*mapping));
	CHECK(mapping != NULL);
	*mapping = (struct segment_mapping){
		.cache = cache, .segment = segment, .base = base, .len = len};
	*mapping_out = mapping;
	return FAULT_NONE;
}

/* Finds a mapping that reaches to `end`, and forgets one that is too short. */
static struct segment_mapping *mapping_find(struct segment_cache *cache, uint32_t segment,
					    uint64_t end)
{
	list_each(node, next, &cache->mappings)
	{
		struct segment_mapping *mapping = list_entry(node, struct segment_mapping, node);
		if (mapping->segment != segment)
			continue;
		if (mapping->len >= end)
			return mapping;
		mapping_forget(cache, mapping);
	}
	return NULL;
}

static enum fault mapping_hold(struct segment_cache *cache, uint32_t segment, uint64_t end,
			       struct segment_mapping **mapping_out)
{
	enum fault fault = FAULT_NONE;

	pthread_mutex_lock(&cache->lock);
	struct segment_mapping *mapping = mapping_find(cache, segment, end);
	if (mapping == NULL) {
		cache_tidy(cache);
		fault = mapping_make(cache, segment, end, &mapping);
	} else {
		list_remove(&mapping->node);
		cache->count--;
	}
	if (fault == FAULT_NONE) {
		list_append(&cache->mappings, &mapping->node);
		cache->count++;
		mapping->references++;
		*mapping_out = mapping;
	}
	pthread_mutex_unlock(&cache->lock);
	return fault;
}

void segment_unmap(struct segment_mapping **mapping)
{
	struct segment_mapping *held = *mapping;

	*mapping = NULL;
	if (held == NULL)
		return;
	struct segment_cache *cache = held->cache;
	pthread_mutex_lock(&cache->lock);
	if (--held->references == 0 && !list_node_is_linked(&held->node))
		mapping_free(held);
	pthread_mutex_unlock(&cache->lock);
}

/* A blob's bytes never change, so one look at them is enough. Blob 0 is none. */
static bool bytes_verify(struct segment_cache *cache, uint64_t blob, struct str bytes, uint32_t crc)
{
	uint64_t *slot = &cache->verified[blob % VERIFIED_SLOTS];

	if (__atomic_load_n(slot, __ATOMIC_RELAXED) == blob)
		return true;
	if (crc32c(0, bytes) != crc)
		return false;
	__atomic_store_n(slot, blob, __ATOMIC_RELAXED);
	return true;
}

enum fault segment_map(struct segment_cache *cache, uint64_t blob, const struct blob_place *place,
		       struct str *bytes_out, struct segment_mapping **mapping_out)
{
	struct segment_mapping *mapping;
	uint64_t end;

	if (__builtin_add_overflow(place->offset, place->length, &end) || end > SIZE_MAX / 2)
		return FAULT_CORRUPT;
	enum fault fault = mapping_hold(cache, place->segment, end, &mapping);
	if (fault != FAULT_NONE)
		return fault;
	struct str bytes = str_make(mapping->base + place->offset, (size_t)place->length);
	if (!bytes_verify(cache, blob, bytes, place->crc)) {
		segment_unmap(&mapping);
		return FAULT_CORRUPT;
	}
	*bytes_out = bytes;
	*mapping_out = mapping;
	return FAULT_NONE;
}
