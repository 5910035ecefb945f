/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/sequence.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 2 };

void sequence_done(struct sequence *sequence)
{
	free(sequence->runs);
	*sequence = (struct sequence){0};
}

static uint32_t run_size(const struct sequence_run *run)
{
	return run->last_uid - run->first_uid + 1;
}

uint32_t sequence_size(const struct sequence *sequence)
{
	if (sequence->count == 0)
		return 0;
	const struct sequence_run *last = &sequence->runs[sequence->count - 1];
	return last->first_number + run_size(last) - 1;
}

uint32_t sequence_last_uid(const struct sequence *sequence)
{
	return sequence->count == 0 ? 0 : sequence->runs[sequence->count - 1].last_uid;
}

static void capacity_set(struct sequence *sequence, size_t capacity)
{
	sequence->runs = reallocarray(sequence->runs, capacity, sizeof(*sequence->runs));
	CHECK(sequence->runs != NULL);
	sequence->capacity = capacity;
}

void sequence_add(struct sequence *sequence, uint32_t first_uid, uint32_t last_uid)
{
	uint32_t number = sequence_size(sequence) + 1;

	CHECK(first_uid > sequence_last_uid(sequence) && first_uid <= last_uid);
	if (sequence->count > 0 && sequence_last_uid(sequence) + 1 == first_uid) {
		sequence->runs[sequence->count - 1].last_uid = last_uid;
		return;
	}
	if (sequence->count == sequence->capacity)
		capacity_set(sequence, sequence->capacity == 0 ? FIRST_CAPACITY
							       : sequence->capacity * 2);
	sequence->runs[sequence->count++] = (struct sequence_run){first_uid, last_uid, number};
}

/* The first run whose last UID is not below `uid`, or `count`. */
static size_t run_of_uid(const struct sequence *sequence, uint32_t uid)
{
	size_t low = 0, high = sequence->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (sequence->runs[middle].last_uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The run that holds a number from 1 to the size. */
static size_t run_of_number(const struct sequence *sequence, uint32_t number)
{
	size_t low = 0, high = sequence->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (sequence->runs[middle].first_number <= number)
			low = middle;
		else
			high = middle;
	}
	return low;
}

uint32_t sequence_number(const struct sequence *sequence, uint32_t uid)
{
	struct sequence_walk walk = {.run = run_of_uid(sequence, uid)};

	return sequence_walk_number(sequence, &walk, uid);
}

uint32_t sequence_walk_number(const struct sequence *sequence, struct sequence_walk *walk,
			      uint32_t uid)
{
	while (walk->run < sequence->count && sequence->runs[walk->run].last_uid < uid)
		walk->run++;
	if (walk->run == sequence->count)
		return 0;
	const struct sequence_run *run = &sequence->runs[walk->run];
	return uid < run->first_uid ? 0 : run->first_number + (uid - run->first_uid);
}

/*
 * Adds to `kept` what is left of a run without the set; `*at` is the first range that
 * may touch it.
 */
static void run_remove(struct sequence *kept, const struct sequence_run *run,
		       const struct uid_set *set, size_t *at)
{
	uint32_t uid = run->first_uid;

	while (*at < set->count && set->ranges[*at].last < uid)
		(*at)++;
	while (*at < set->count && set->ranges[*at].first <= run->last_uid) {
		const struct uid_range *range = &set->ranges[*at];
		if (range->first > uid)
			sequence_add(kept, uid, range->first - 1);
		if (range->last >= run->last_uid)
			return;
		uid = range->last + 1;
		(*at)++;
	}
	sequence_add(kept, uid, run->last_uid);
}

void sequence_remove(struct sequence *sequence, const struct uid_set *set)
{
	struct sequence kept = {0};
	size_t at = 0;

	if (set->count == 0)
		return;
	for (size_t i = 0; i < sequence->count; i++)
		run_remove(&kept, &sequence->runs[i], set, &at);
	sequence_done(sequence);
	*sequence = kept;
}

void sequence_trim(struct sequence *sequence)
{
	if (sequence->count > 0 && sequence->capacity > sequence->count)
		capacity_set(sequence, sequence->count);
}

static void select_numbers(const struct sequence *sequence, uint32_t first, uint32_t last,
			   struct uid_set *uids)
{
	uint32_t size = sequence_size(sequence);

	if (last > size)
		last = size;
	if (first > last)
		return;
	for (size_t i = run_of_number(sequence, first); first <= last; i++) {
		const struct sequence_run *run = &sequence->runs[i];
		uint32_t run_last = run->first_number + run_size(run) - 1;
		uint32_t end = last < run_last ? last : run_last;
		uid_set_add(uids, run->first_uid + (first - run->first_number),
			    run->first_uid + (end - run->first_number));
		if (end == last)
			return;
		first = end + 1;
	}
}

static void select_uids(const struct sequence *sequence, uint32_t first, uint32_t last,
			struct uid_set *uids)
{
	for (size_t i = run_of_uid(sequence, first); i < sequence->count; i++) {
		const struct sequence_run *run = &sequence->runs[i];
		if (run->first_uid > last)
			return;
		uid_set_add(uids, first > run->first_uid ? first : run->first_uid,
			    last < run->last_uid ? last : run->last_uid);
	}
}

void sequence_select(const struct sequence *sequence, const struct imap_set *set, bool is_uid,
		     struct uid_set *uids)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct imap_range *range = &set->ranges[i];
		if (is_uid)
			select_uids(sequence, range->first, range->last, uids);
		else
			select_numbers(sequence, range->first, range->last, uids);
	}
}

void sequence_intersect(const struct sequence *sequence, const struct uid_set *set,
			struct uid_set *common)
{
	for (size_t i = 0; i < set->count; i++)
		select_uids(sequence, set->ranges[i].first, set->ranges[i].last, common);
}
