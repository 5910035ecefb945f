/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/imap_set.h"

#include <stdlib.h>

static uint32_t number_take(struct cursor *cursor)
{
	if (cursor_take_char(cursor, '*'))
		return IMAP_STAR;
	uint32_t number = (uint32_t)cursor_number(cursor, UINT32_MAX);
	if (number == 0)
		cursor_fail(cursor);
	return number;
}

/* How many ranges the set at the cursor can have: commas plus one. */
static size_t ranges_count(const struct cursor *cursor)
{
	struct str rest = cursor_rest(cursor);
	size_t count = 1;

	for (size_t i = 0; i < rest.len; i++) {
		char c = rest.ptr[i];
		if (c == ',')
			count++;
		else if (!ascii_is_digit(c) && c != ':' && c != '*')
			break;
	}
	return count;
}

void imap_set_take(struct cursor *cursor, struct arena *arena, struct imap_set *set_out)
{
	size_t count = ranges_count(cursor);
	struct imap_set set = {0};

	if (count <= IMAP_SET_RANGES_MAX)
		set.ranges = arena_array(arena, count, sizeof(*set.ranges));
	if (set.ranges == NULL) {
		cursor_fail(cursor);
		return;
	}
	do {
		struct imap_range *range = &set.ranges[set.count++];
		range->first = range->last = number_take(cursor);
		if (cursor_take_char(cursor, ':'))
			range->last = number_take(cursor);
	} while (set.count < count && cursor_take_char(cursor, ','));
	if (!cursor->failed)
		*set_out = set;
}

static int range_order(const void *a, const void *b)
{
	const struct imap_range *x = a;
	const struct imap_range *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* `*` in an empty mailbox names nothing: such ranges go. */
static size_t stars_replace(struct imap_set *set, uint32_t max)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct imap_range range = set->ranges[i];
		if (range.first == IMAP_STAR)
			range.first = max;
		if (range.last == IMAP_STAR)
			range.last = max;
		if (range.first == 0 || range.last == 0)
			continue;
		if (range.first > range.last)
			range = (struct imap_range){range.last, range.first};
		set->ranges[kept++] = range;
	}
	return kept;
}

void imap_set_resolve(struct imap_set *set, uint32_t max)
{
	set->count = stars_replace(set, max);
	if (set->count == 0)
		return;
	qsort(set->ranges, set->count, sizeof(*set->ranges), range_order);
	size_t last = 0;
	for (size_t i = 1; i < set->count; i++) {
		struct imap_range *before = &set->ranges[last];
		const struct imap_range *range = &set->ranges[i];
		if (before->last == UINT32_MAX || range->first <= before->last + 1) {
			if (range->last > before->last)
				before->last = range->last;
		} else {
			set->ranges[++last] = *range;
		}
	}
	set->count = last + 1;
}

/* The first range whose end is at least `number`, or `count`. */
static size_t range_find(const struct imap_set *set, uint32_t number)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (set->ranges[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool imap_set_has(const struct imap_set *set, uint32_t number)
{
	size_t i = range_find(set, number);

	return i < set->count && set->ranges[i].first <= number;
}

void imap_set_write(struct imap_set_writer *writer, struct buf *to, uint32_t number)
{
	CHECK(number > writer->last);
	if (writer->first != 0 && number == writer->last + 1) {
		writer->last = number;
		return;
	}
	imap_set_write_end(writer, to);
	writer->first = writer->last = number;
}

void imap_set_write_end(struct imap_set_writer *writer, struct buf *to)
{
	if (writer->first == 0)
		return;
	if (writer->has_written)
		buf_append_char(to, ',');
	buf_append_u64(to, writer->first);
	if (writer->last > writer->first) {
		buf_append_char(to, ':');
		buf_append_u64(to, writer->last);
	}
	writer->has_written = true;
	writer->first = 0;
}
