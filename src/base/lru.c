/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lru.h"

#include <stdlib.h>

static size_t power_of_two_above(size_t count)
{
	size_t power = 16;

	while (power < count)
		power *= 2;
	return power;
}

void lru_init(struct lru *lru, size_t max, size_t entry_size)
{
	CHECK(max > 0 && entry_size >= sizeof(struct lru_entry));
	*lru = (struct lru){
		.bucket_count = power_of_two_above(max), .max = max, .entry_size = entry_size};
	lru->buckets = calloc(lru->bucket_count, sizeof(*lru->buckets));
	CHECK(lru->buckets != NULL);
	for (size_t i = 0; i < lru->bucket_count; i++)
		list_init(&lru->buckets[i]);
	list_init(&lru->by_age);
}

void lru_done(struct lru *lru)
{
	struct lru_entry *oldest;

	while ((oldest = lru_oldest(lru)) != NULL)
		lru_remove(lru, oldest);
	free(lru->buckets);
	lru->buckets = NULL;
}

static struct list *bucket_of(struct lru *lru, uint64_t key)
{
	return &lru->buckets[key & (lru->bucket_count - 1)];
}

void *lru_find(struct lru *lru, uint64_t key)
{
	list_each(node, next, bucket_of(lru, key)) {
		struct lru_entry *entry = list_entry(node, struct lru_entry, in_bucket);
		if (entry->key == key)
			return entry;
	}
	return NULL;
}

void *lru_add(struct lru *lru, uint64_t key)
{
	if (lru->count == lru->max)
		lru_remove(lru, lru_oldest(lru));
	struct lru_entry *entry = calloc(1, lru->entry_size);
	CHECK(entry != NULL);
	entry->key = key;
	list_append(bucket_of(lru, key), &entry->in_bucket);
	list_append(&lru->by_age, &entry->by_age);
	lru->count++;
	return entry;
}

void lru_touch(struct lru *lru, struct lru_entry *entry)
{
	list_remove(&entry->by_age);
	list_append(&lru->by_age, &entry->by_age);
}

void lru_remove(struct lru *lru, struct lru_entry *entry)
{
	list_remove(&entry->in_bucket);
	list_remove(&entry->by_age);
	lru->count--;
	explicit_bzero(entry, lru->entry_size);
	free(entry);
}

void *lru_oldest(struct lru *lru)
{
	return list_is_empty(&lru->by_age)
		       ? NULL
		       : list_entry(lru->by_age.anchor.next, struct lru_entry, by_age);
}
