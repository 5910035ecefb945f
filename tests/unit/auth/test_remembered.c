/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/remembered.h"

static const struct str ANNA = STR_INIT("anna@example.com");
static const struct str BERT = STR_INIT("bert@example.com");
static const struct str RIGHT = STR_INIT("correct horse");

static void test_only_the_same_pair(void **state)
{
	struct remembered remembered;
	uint32_t flags = 0;

	remembered_init(&remembered);
	remembered_add(&remembered, ANNA, RIGHT, 7, 1000);
	assert_true(remembered_check(&remembered, ANNA, RIGHT, 2000, &flags));
	assert_int_equal(flags, 7);
	assert_false(remembered_check(&remembered, ANNA, STR("correct hors"), 2000, &flags));
	assert_false(remembered_check(&remembered, BERT, RIGHT, 2000, &flags));
	remembered_forget(&remembered, ANNA);
	assert_false(remembered_check(&remembered, ANNA, RIGHT, 2000, &flags));
	remembered_done(&remembered);
}

static void test_five_minutes(void **state)
{
	struct remembered remembered;
	uint32_t flags = 0;

	remembered_init(&remembered);
	remembered_add(&remembered, ANNA, RIGHT, 0, 0);
	remembered_add(&remembered, BERT, RIGHT, 0, 1000);
	assert_true(remembered_check(&remembered, ANNA, RIGHT, REMEMBERED_MS - 1, &flags));
	assert_false(remembered_check(&remembered, ANNA, RIGHT, REMEMBERED_MS, &flags));
	remembered_expire(&remembered, REMEMBERED_MS);
	assert_int_equal(remembered.table.count, 1);
	remembered_done(&remembered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_the_same_pair),
		cmocka_unit_test(test_five_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
