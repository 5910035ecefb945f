/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of queue/outbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "queue/outbox.h"

static struct outbox *outbox;

static int setup(void **state)
{
	outbox = outbox_new((struct outbox_limits){.connections = 10, .destination_connections = 4});
	return 0;
}

static int teardown(void **state)
{
	outbox_free(&outbox);
	assert_null(outbox);
	return 0;
}

static void add(uint64_t entry, const char *destination, const char *sender, int64_t due_s)
{
	static const uint32_t recipients[] = {0, 1};

	outbox_add(outbox, entry, str_from_c(destination), str_from_c(sender), recipients, 2,
		   due_s);
}

static uint64_t take(struct outbox_job **job_out)
{
	*job_out = outbox_take(outbox);
	return *job_out == NULL ? 0 : (*job_out)->entry;
}

static void finish(struct outbox_job *job)
{
	struct outbox_destination *destination = job->destination;

	outbox_done(outbox, job);
	outbox_closed(outbox, destination);
}

static void test_jobs_wait_for_their_time(void **state)
{
	struct outbox_job *job;

	add(1, "a", "s", 30);
	add(2, "b", "s", 10);
	add(3, "c", "s", 20);
	assert_int_equal(take(&job), 0);
	assert_int_equal(outbox_advance(outbox, 9), 10);
	assert_int_equal(take(&job), 0);
	assert_int_equal(outbox_advance(outbox, 20), 30);
	assert_int_equal(take(&job), 2);
	assert_int_equal(take(&job), 3);
	assert_int_equal(take(&job), 0);
	assert_int_equal(outbox_advance(outbox, 30), INT64_MAX);
	assert_int_equal(take(&job), 1);
	assert_int_equal(job->recipient_count, 2);
	assert_int_equal(job->recipients[1], 1);
}

static void test_the_heap_keeps_its_order(void **state)
{
	enum { COUNT = 1000 };
	struct outbox_job *job;
	uint64_t random = 1;

	for (uint64_t i = 1; i <= COUNT; i++) {
		char name[32];
		random = random * 6364136223846793005U + 1;
		snprintf(name, sizeof(name), "d%lu", (unsigned long)i);
		add(1 + (random >> 33) % 500, name, "s", (int64_t)(1 + (random >> 33) % 500));
	}
	for (int64_t now = 1; now <= 500; now++) {
		assert_true(outbox_advance(outbox, now) > now);
		while (take(&job) != 0) {
			assert_int_equal(job->entry, now);
			finish(job);
		}
	}
	assert_int_equal(outbox_counts(outbox).waiting, 0);
	assert_int_equal(outbox_counts(outbox).destinations, 0);
}

static void test_senders_take_turns(void **state)
{
	static const uint64_t wanted[] = {1, 11, 2, 12, 3, 4};
	struct outbox_job *job;

	add(1, "a", "many", 0);
	add(2, "a", "many", 0);
	add(3, "a", "many", 0);
	add(4, "a", "many", 0);
	add(11, "A", "few", 0);
	add(12, "a", "FEW", 0);
	outbox_advance(outbox, 0);
	assert_int_equal(take(&job), wanted[0]);
	for (size_t i = 1; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct outbox_job *next = outbox_take_next(outbox, job->destination);
		assert_non_null(next);
		assert_int_equal(next->entry, wanted[i]);
	}
	assert_null(outbox_take_next(outbox, job->destination));
}

static void test_destinations_take_turns(void **state)
{
	struct outbox_job *first, *second, *third;

	for (uint64_t i = 1; i <= 3; i++) {
		add(i, "a", "s", 0);
		add(i + 10, "b", "s", 0);
	}
	outbox_advance(outbox, 0);
	assert_int_equal(take(&first), 1);
	assert_int_equal(take(&second), 11);
	/* Nothing has succeeded yet: one connection at a time to each. */
	assert_int_equal(take(&third), 0);
	outbox_succeeded(outbox, first->destination);
	assert_int_equal(take(&third), 2);
	assert_int_equal(take(&third), 0);
}

static void test_connections_grow_with_success_and_halve_with_failure(void **state)
{
	struct outbox_job *first, *job;
	unsigned taken = 1;

	for (uint64_t i = 1; i <= 20; i++)
		add(i, "a", "s", 0);
	outbox_advance(outbox, 0);
	take(&first);
	for (int i = 0; i < 10; i++)
		outbox_succeeded(outbox, first->destination);
	while (take(&job) != 0)
		taken++;
	assert_int_equal(taken, 4);
	outbox_failed(outbox, first->destination, &(struct outbox_failure){STR("refused"), false},
		      100);
	for (int i = 0; i < 3; i++)
		outbox_closed(outbox, first->destination);
	assert_int_not_equal(take(&job), 0);
	assert_int_equal(take(&job), 0);
	assert_int_equal(outbox_counts(outbox).connections, 2);
}

static void test_all_connections_are_limited(void **state)
{
	struct outbox_job *job;
	int taken = 0;

	for (uint64_t i = 1; i <= 12; i++) {
		char name[8] = {(char)('a' + i)};
		add(i, name, "s", 0);
	}
	outbox_advance(outbox, 0);
	while (take(&job) != 0)
		taken++;
	assert_int_equal(taken, 10);
}

static void test_a_destination_that_failed_rests(void **state)
{
	struct outbox_job *job;

	add(1, "a", "s", 0);
	outbox_advance(outbox, 0);
	take(&job);
	assert_true(str_is_empty(outbox_rest(job->destination, 50).reason));
	outbox_failed(outbox, job->destination, &(struct outbox_failure){STR("refused"), true}, 100);
	assert_true(str_equals(outbox_rest(job->destination, 99).reason, STR("refused")));
	assert_true(outbox_rest(job->destination, 99).is_tls);
	assert_true(str_is_empty(outbox_rest(job->destination, 100).reason));
	assert_false(outbox_rest(job->destination, 100).is_tls);
	outbox_failed(outbox, job->destination, &(struct outbox_failure){STR("again"), false}, 200);
	assert_false(outbox_rest(job->destination, 150).is_tls);
	outbox_succeeded(outbox, job->destination);
	assert_true(str_is_empty(outbox_rest(job->destination, 150).reason));
}

static void test_what_failed_for_now_comes_again_with_who_is_left(void **state)
{
	struct outbox_job *job;
	uint32_t left = 1;

	add(1, "a", "s", 0);
	outbox_advance(outbox, 0);
	take(&job);
	struct outbox_destination *destination = job->destination;
	outbox_again(outbox, job, &left, 1, 60);
	outbox_closed(outbox, destination);
	assert_int_equal(outbox_counts(outbox).taken, 0);
	assert_int_equal(outbox_advance(outbox, 0), 60);
	outbox_advance(outbox, 60);
	assert_int_equal(take(&job), 1);
	assert_int_equal(job->recipient_count, 1);
	assert_int_equal(job->recipients[0], 1);
}

static void test_an_entry_is_forgotten(void **state)
{
	struct outbox_job *job;

	add(1, "a", "s", 0);
	add(2, "a", "s", 0);
	add(1, "a", "s", 0);
	add(1, "b", "s", 500);
	add(2, "b", "s", 400);
	outbox_advance(outbox, 0);
	assert_true(outbox_forget(outbox, 1));
	assert_int_equal(outbox_counts(outbox).ready, 1);
	assert_int_equal(outbox_counts(outbox).waiting, 1);
	assert_int_equal(take(&job), 2);
	assert_false(outbox_forget(outbox, 2));
	assert_int_equal(outbox_advance(outbox, 1000), INT64_MAX);
	assert_int_equal(outbox_counts(outbox).ready, 0);
	finish(job);
	assert_int_equal(outbox_counts(outbox).destinations, 0);
}

/* Of entries whose numbers lie far apart, and of each state, only those of one go. */
static void test_only_one_entry_is_forgotten(void **state)
{
	enum { ENTRIES = 8, APART = 16384 };
	struct outbox_destination *a;
	struct outbox_job *job;

	for (uint64_t i = 1; i <= ENTRIES; i++) {
		add(i * APART, "a", "s", 0);
		add(i * APART, "b", "t", 500 + (int64_t)i);
	}
	outbox_advance(outbox, 0);
	assert_int_equal(take(&job), APART);
	a = job->destination;
	for (uint64_t i = 2; i <= ENTRIES; i += 2)
		assert_true(outbox_forget(outbox, i * APART));
	assert_int_equal(outbox_counts(outbox).ready, ENTRIES / 2 - 1);
	assert_int_equal(outbox_counts(outbox).waiting, ENTRIES / 2);
	outbox_again(outbox, job, job->recipients, 1, 600);
	assert_true(outbox_forget(outbox, APART));
	for (uint64_t i = 3; i <= ENTRIES; i += 2) {
		job = outbox_take_next(outbox, a);
		assert_int_equal(job->entry, i * APART);
		outbox_done(outbox, job);
	}
	outbox_closed(outbox, a);
	assert_int_equal(outbox_counts(outbox).taken, 0);
	assert_int_equal(outbox_counts(outbox).waiting, ENTRIES / 2 - 1);
	assert_int_equal(outbox_counts(outbox).destinations, 1);
}

static void test_the_last_places_are_for_others(void **state)
{
	struct outbox_job *jobs[5];

	outbox_limits_set(outbox, (struct outbox_limits){4, 4});
	for (uint64_t i = 1; i <= 4; i++)
		add(i, "a", "s", 0);
	add(5, "b", "s", 0);
	outbox_advance(outbox, 0);
	take(&jobs[0]);
	for (int i = 0; i < 3; i++)
		outbox_succeeded(outbox, jobs[0]->destination);
	assert_int_equal(take(&jobs[1]), 5);
	assert_int_equal(take(&jobs[2]), 2);
	assert_int_equal(take(&jobs[3]), 0);
	add(6, "c", "s", 0);
	outbox_advance(outbox, 0);
	assert_int_equal(take(&jobs[3]), 6);
	for (int i = 0; i < 4; i++)
		finish(jobs[i]);
}

static void test_an_idle_connection_gets_the_next_job(void **state)
{
	struct outbox_idle idle[2] = {0};
	struct outbox_job *job;

	outbox_limits_set(outbox, (struct outbox_limits){2, 2});
	add(1, "a", "s", 0);
	add(2, "b", "s", 0);
	outbox_advance(outbox, 0);
	for (int i = 0; i < 2; i++) {
		take(&job);
		outbox_idle_begin(outbox, &idle[i], job->destination);
		outbox_done(outbox, job);
	}
	assert_null(outbox_idle_give(outbox));
	add(3, "b", "s", 0);
	outbox_advance(outbox, 0);
	assert_ptr_equal(outbox_idle_give(outbox), &idle[1]);
	assert_null(outbox_idle_give(outbox));
	assert_int_equal(outbox_counts(outbox).taken, 1);
	job = outbox_idle_end(outbox, &idle[1]);
	assert_int_equal(job->entry, 3);
	assert_null(outbox_idle_end(outbox, &idle[1]));
	finish(job);

	/* Where there is no room for another, the one that is idle goes. */
	add(4, "c", "s", 0);
	add(5, "d", "s", 0);
	outbox_advance(outbox, 0);
	assert_false(outbox_is_full(outbox));
	assert_int_equal(take(&job), 4);
	assert_true(outbox_is_full(outbox));
	add(6, "c", "s", 0);
	assert_true(outbox_forget(outbox, 5));
	outbox_advance(outbox, 0);
	assert_false(outbox_is_full(outbox));
	assert_true(outbox_forget(outbox, 6));
	add(5, "d", "s", 0);
	outbox_advance(outbox, 0);
	assert_true(outbox_is_full(outbox));
	assert_ptr_equal(outbox_idle_dismiss(outbox), &idle[0]);
	assert_null(outbox_idle_dismiss(outbox));
	assert_null(outbox_idle_end(outbox, &idle[0]));
	outbox_closed(outbox, idle[0].destination);
	finish(job);
	assert_int_equal(take(&job), 5);
	finish(job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_jobs_wait_for_their_time),
		TEST(test_the_heap_keeps_its_order),
		TEST(test_senders_take_turns),
		TEST(test_destinations_take_turns),
		TEST(test_connections_grow_with_success_and_halve_with_failure),
		TEST(test_all_connections_are_limited),
		TEST(test_a_destination_that_failed_rests),
		TEST(test_what_failed_for_now_comes_again_with_who_is_left),
		TEST(test_an_entry_is_forgotten),
		TEST(test_only_one_entry_is_forgotten),
		TEST(test_the_last_places_are_for_others),
		TEST(test_an_idle_connection_gets_the_next_job),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
