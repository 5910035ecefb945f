/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/list.h"

struct member {
	int number;
	struct list_node node;
};

static struct member members[4];

static int members_prepare(void **state)
{
	for (int i = 0; i < 4; i++)
		members[i] = (struct member){.number = i};
	return 0;
}

static void test_append_walk_take(void **state)
{
	struct list list;
	int expected = 0;

	list_init(&list);
	assert_true(list_is_empty(&list));
	assert_null(list_take_first(&list));
	for (int i = 0; i < 4; i++)
		list_append(&list, &members[i].node);
	list_each(node, following, &list)
		assert_int_equal(list_entry(node, struct member, node)->number, expected++);
	assert_int_equal(expected, 4);
	assert_ptr_equal(list_take_first(&list), &members[0].node);
	assert_false(list_node_is_linked(&members[0].node));
}

static void test_the_walk_survives_removal(void **state)
{
	struct list list;
	int left = 0;

	list_init(&list);
	for (int i = 0; i < 4; i++)
		list_append(&list, &members[i].node);
	list_each(node, following, &list)
		if (list_entry(node, struct member, node)->number % 2 == 0)
			list_remove(node);
	list_each(node, following, &list)
		left = left * 10 + list_entry(node, struct member, node)->number;
	assert_int_equal(left, 13);
	list_append(&list, &members[0].node);
	assert_ptr_equal(list.anchor.previous, &members[0].node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_append_walk_take, members_prepare),
		cmocka_unit_test_setup(test_the_walk_survives_removal, members_prepare),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
