/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of imapd/sequence: numbers and UIDs, against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "imapd/sequence.h"

enum { UIDS = 200 };

/* The same as a list that anybody believes. */
struct plain {
	uint32_t uids[UIDS];
	uint32_t count;
};

static void check_same(const struct sequence *sequence, const struct plain *plain)
{
	struct sequence_walk walk = {0};

	assert_int_equal(sequence_size(sequence), plain->count);
	assert_int_equal(sequence_last_uid(sequence),
			 plain->count == 0 ? 0 : plain->uids[plain->count - 1]);
	for (uint32_t i = 0; i < plain->count; i++) {
		assert_int_equal(sequence_number(sequence, plain->uids[i]), i + 1);
		assert_int_equal(sequence_walk_number(sequence, &walk, plain->uids[i]), i + 1);
	}
}

static bool plain_has(const struct plain *plain, uint32_t uid)
{
	for (uint32_t i = 0; i < plain->count; i++)
		if (plain->uids[i] == uid)
			return true;
	return false;
}

static void both_add(struct sequence *sequence, struct plain *plain, uint32_t first, uint32_t last)
{
	sequence_add(sequence, first, last);
	for (uint32_t uid = first; uid <= last; uid++)
		plain->uids[plain->count++] = uid;
}

static void both_remove(struct sequence *sequence, struct plain *plain, const struct uid_set *set)
{
	uint32_t kept = 0;

	sequence_remove(sequence, set);
	for (uint32_t i = 0; i < plain->count; i++)
		if (!uid_set_has(set, plain->uids[i]))
			plain->uids[kept++] = plain->uids[i];
	plain->count = kept;
}

static void test_adding_and_removing(void **state)
{
	struct sequence sequence = {0};
	struct plain plain = {.count = 0};
	struct uid_set gone = {0};

	check_same(&sequence, &plain);
	both_add(&sequence, &plain, 3, 10);
	both_add(&sequence, &plain, 11, 12);
	assert_int_equal(sequence.count, 1);
	both_add(&sequence, &plain, 20, 20);
	check_same(&sequence, &plain);
	assert_int_equal(sequence_number(&sequence, 15), 0);
	assert_int_equal(sequence_number(&sequence, 2), 0);
	assert_int_equal(sequence_number(&sequence, 21), 0);

	uid_set_add(&gone, 1, 3);
	uid_set_add(&gone, 5, 6);
	uid_set_add(&gone, 12, 19);
	both_remove(&sequence, &plain, &gone);
	check_same(&sequence, &plain);
	uid_set_done(&gone);
	uid_set_add(&gone, 1, UINT32_MAX);
	both_remove(&sequence, &plain, &gone);
	check_same(&sequence, &plain);
	uid_set_done(&gone);
	sequence_done(&sequence);
}

static void test_random_removals(void **state)
{
	srandom(7);
	for (int round = 0; round < 200; round++) {
		struct sequence sequence = {0};
		struct plain plain = {.count = 0};
		uint32_t uid = 0;
		while (uid < UIDS - 20) {
			uint32_t first = uid + 1 + (uint32_t)random() % 3;
			uid = first + (uint32_t)random() % 10;
			both_add(&sequence, &plain, first, uid);
		}
		for (int step = 0; step < 5; step++) {
			struct uid_set gone = {0};
			uint32_t at = 1;
			while (at < UIDS) {
				uint32_t first = at + (uint32_t)random() % 20;
				uint32_t last = first + (uint32_t)random() % 5;
				uid_set_add(&gone, first, last);
				at = last + 2;
			}
			both_remove(&sequence, &plain, &gone);
			check_same(&sequence, &plain);
			uid_set_done(&gone);
		}
		sequence_done(&sequence);
	}
}

static void select_check(const struct sequence *sequence, const struct plain *plain,
			 struct imap_range *ranges, size_t count, bool is_uid)
{
	struct imap_set set = {ranges, count};
	struct uid_set uids = {0};

	imap_set_resolve(&set, is_uid ? sequence_last_uid(sequence) : sequence_size(sequence));
	sequence_select(sequence, &set, is_uid, &uids);
	for (uint32_t i = 0; i < plain->count; i++) {
		uint32_t asked = is_uid ? plain->uids[i] : i + 1;
		assert_int_equal(uid_set_has(&uids, plain->uids[i]), imap_set_has(&set, asked));
	}
	for (size_t i = 0; i < uids.count; i++)
		for (uint32_t uid = uids.ranges[i].first; uid <= uids.ranges[i].last; uid++)
			assert_true(plain_has(plain, uid));
	uid_set_done(&uids);
}

static void test_selecting(void **state)
{
	struct sequence sequence = {0};
	struct plain plain = {.count = 0};

	both_add(&sequence, &plain, 2, 5);
	both_add(&sequence, &plain, 9, 9);
	both_add(&sequence, &plain, 20, 40);
	for (uint32_t first = 1; first < 45; first++)
		for (uint32_t last = first; last < 45; last++) {
			struct imap_range one[] = {{first, last}};
			struct imap_range two[] = {{first, first}, {last, IMAP_STAR}};
			select_check(&sequence, &plain, one, 1, true);
			select_check(&sequence, &plain, one, 1, false);
			select_check(&sequence, &plain, two, 2, true);
			select_check(&sequence, &plain, two, 2, false);
		}
	sequence_done(&sequence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adding_and_removing),
		cmocka_unit_test(test_random_removals),
		cmocka_unit_test(test_selecting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
