/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/store.h"

enum { FIRST_CAPACITY = 8 };

void uid_set_collect(struct uid_set *set, uint32_t first, uint32_t last)
{
	CHECK(first <= last);
	if (set->count == set->capacity) {
		set->capacity = set->capacity == 0 ? FIRST_CAPACITY : set->capacity * 2;
		set->ranges = reallocarray(set->ranges, set->capacity, sizeof(*set->ranges));
		CHECK(set->ranges != NULL);
	}
	set->ranges[set->count++] = (struct uid_range){first, last};
}

void uid_set_add(struct uid_set *set, uint32_t first, uint32_t last)
{
	struct uid_range *before = set->count == 0 ? NULL : &set->ranges[set->count - 1];

	CHECK(before == NULL || first > before->last);
	if (before != NULL && before->last + 1 == first)
		before->last = last;
	else
		uid_set_collect(set, first, last);
}

static int compare_first(const void *left, const void *right)
{
	const struct uid_range *a = left;
	const struct uid_range *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

void uid_set_sort(struct uid_set *set)
{
	size_t kept = 0;

	if (set->count == 0)
		return;
	qsort(set->ranges, set->count, sizeof(*set->ranges), compare_first);
	for (size_t i = 1; i < set->count; i++) {
		struct uid_range *last = &set->ranges[kept];
		struct uid_range range = set->ranges[i];
		if ((uint64_t)range.first > (uint64_t)last->last + 1)
			set->ranges[++kept] = range;
		else if (range.last > last->last)
			last->last = range.last;
	}
	set->count = kept + 1;
}

void uid_set_done(struct uid_set *set)
{
	free(set->ranges);
	*set = (struct uid_set){0};
}

uint64_t uid_set_size(const struct uid_set *set)
{
	uint64_t size = 0;

	for (size_t i = 0; i < set->count; i++)
		size += (uint64_t)set->ranges[i].last - set->ranges[i].first + 1;
	return size;
}

size_t uid_set_find(const struct uid_set *set, uint32_t uid)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (set->ranges[middle].last < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool uid_set_has(const struct uid_set *set, uint32_t uid)
{
	size_t at = uid_set_find(set, uid);

	return at < set->count && set->ranges[at].first <= uid;
}
