/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/queue.h"

static const struct peer_key FLOOD = {{1}};
static const struct peer_key GUEST = {{2}};
static const struct peer_key OTHER = {{3}};

static struct list_node *displaced;

static void test_addresses_take_turns(void **state)
{
	struct list_node flood[4] = {0}, guest = {0}, other = {0};
	struct queue queue;

	queue_init(&queue, 100, 10);
	for (int i = 0; i < 4; i++)
		assert_true(queue_put(&queue, &FLOOD, &flood[i], &displaced));
	assert_true(queue_put(&queue, &GUEST, &guest, &displaced));
	assert_true(queue_put(&queue, &OTHER, &other, &displaced));
	assert_ptr_equal(queue_take(&queue), &flood[0]);
	assert_ptr_equal(queue_take(&queue), &guest);
	assert_ptr_equal(queue_take(&queue), &other);
	for (int i = 1; i < 4; i++)
		assert_ptr_equal(queue_take(&queue), &flood[i]);
	assert_null(queue_take(&queue));
	assert_int_equal(queue.count, 0);
}

static void test_bounds(void **state)
{
	struct list_node jobs[5] = {0};
	struct queue queue;

	queue_init(&queue, 3, 2);
	assert_true(queue_put(&queue, &FLOOD, &jobs[0], &displaced));
	assert_true(queue_put(&queue, &FLOOD, &jobs[1], &displaced));
	assert_false(queue_put(&queue, &FLOOD, &jobs[2], &displaced));
	assert_true(queue_put(&queue, &GUEST, &jobs[3], &displaced));
	assert_false(queue_put(&queue, &GUEST, &jobs[4], &displaced));
	assert_null(displaced);
	assert_ptr_equal(queue_take(&queue), &jobs[0]);
	assert_true(queue_put(&queue, &OTHER, &jobs[4], &displaced));
	assert_null(displaced);
	while (queue_take(&queue) != NULL)
		;
}

/* Whoever has filled the queue gives way to whoever has little in it, and not to his like. */
static void test_full_queue_stays_fair(void **state)
{
	struct list_node flood[4] = {0}, guest[3] = {0}, other = {0};
	struct queue queue;

	queue_init(&queue, 4, 4);
	for (int i = 0; i < 4; i++)
		assert_true(queue_put(&queue, &FLOOD, &flood[i], &displaced));
	assert_true(queue_put(&queue, &GUEST, &guest[0], &displaced));
	assert_ptr_equal(displaced, &flood[3]);
	assert_true(queue_put(&queue, &GUEST, &guest[1], &displaced));
	assert_ptr_equal(displaced, &flood[2]);
	assert_false(queue_put(&queue, &GUEST, &guest[2], &displaced));
	assert_true(queue_put(&queue, &OTHER, &other, &displaced));
	assert_int_equal(queue.count, 4);
	assert_ptr_equal(queue_take(&queue), &flood[0]);
	assert_ptr_equal(queue_take(&queue), &guest[0]);
	assert_ptr_equal(queue_take(&queue), &other);
	assert_non_null(queue_take(&queue));
	assert_null(queue_take(&queue));
}

static void test_jobs_that_are_taken_out(void **state)
{
	struct list_node flood[3] = {0}, guest = {0};
	struct queue queue;

	queue_init(&queue, 4, 3);
	for (int i = 0; i < 3; i++)
		assert_true(queue_put(&queue, &FLOOD, &flood[i], &displaced));
	assert_true(queue_put(&queue, &GUEST, &guest, &displaced));
	queue_drop(&queue, &FLOOD, &flood[1]);
	queue_drop(&queue, &GUEST, &guest);
	assert_int_equal(queue.count, 2);
	assert_false(list_node_is_linked(&guest));
	assert_true(queue_put(&queue, &FLOOD, &flood[1], &displaced));
	assert_ptr_equal(queue_take(&queue), &flood[0]);
	assert_ptr_equal(queue_take(&queue), &flood[2]);
	queue_drop(&queue, &FLOOD, &flood[1]);
	assert_null(queue_take(&queue));
	assert_int_equal(queue.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_take_turns),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_full_queue_stays_fair),
		cmocka_unit_test(test_jobs_that_are_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
