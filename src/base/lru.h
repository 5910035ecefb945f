/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded table of entries under 64-bit keys, which forgets its oldest entry
 * when it is full.
 *
 * The keys come from hash_keyed: nobody can choose two that collide. Entries
 * embed a struct lru_entry as their first member. Not thread safe.
 */
#ifndef POSTERN_BASE_LRU_H
#define POSTERN_BASE_LRU_H

#include "base/list.h"
#include "base/str.h"

struct lru_entry {
	struct list_node in_bucket;
	struct list_node by_age;
	uint64_t key;
};

struct lru {
	struct list *buckets;
	size_t bucket_count; /* a power of two */
	struct list by_age;  /* oldest first */
	size_t count;
	size_t max;
	size_t entry_size;
};

/* A table of at most `max` entries of `entry_size` bytes. */
void lru_init(struct lru *lru, size_t max, size_t entry_size);

/* Wipes and frees every entry. */
void lru_done(struct lru *lru);

/* The entry, or NULL. Does not make it younger. */
void *lru_find(struct lru *lru, uint64_t key);

/* Adds a zeroed entry, the youngest; the key must not be in the table. */
void *lru_add(struct lru *lru, uint64_t key);

/* Makes an entry the youngest. */
void lru_touch(struct lru *lru, struct lru_entry *entry);

/* Wipes and frees an entry. */
void lru_remove(struct lru *lru, struct lru_entry *entry);

/* The oldest entry, or NULL. */
void *lru_oldest(struct lru *lru);

#endif
