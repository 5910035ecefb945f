/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a message, and of what is remembered of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetch/plan.h"

enum { DAY = 86400, LIMIT = 1000 };

static const struct fetch_message small = {.uidl = STR_INIT("u"), .bytes = LIMIT};
static const struct fetch_message large = {.uidl = STR_INIT("u"), .bytes = LIMIT + 1};

static struct fetch_rules rules_of(bool leaves, uint32_t days)
{
	return (struct fetch_rules){
		.leaves = leaves, .leave_days = days, .message_bytes = LIMIT, .now_s = 100 * DAY};
}

static void test_what_is_new(void **state)
{
	struct fetch_rules rules = rules_of(false, 0);
	struct fetch_message copy = small, unusable = {.bytes = 1};

	copy.is_copy = true;
	assert_int_equal(fetch_action_of(&rules, &small, NULL), FETCH_ACTION_RETRIEVE);
	assert_int_equal(fetch_action_of(&rules, &large, NULL), FETCH_ACTION_REFUSE);
	assert_int_equal(fetch_action_of(&rules, &copy, NULL), FETCH_ACTION_LEAVE);
	assert_int_equal(fetch_action_of(&rules, &unusable, NULL), FETCH_ACTION_LEAVE);
}

static void test_what_is_here(void **state)
{
	struct fetched known = {.state = FETCHED_STORED, .at_s = 98 * DAY};
	struct fetch_message copy = small;
	struct fetch_rules rules = rules_of(false, 0);

	assert_int_equal(fetch_action_of(&rules, &small, &known), FETCH_ACTION_DELETE);
	/* A copy that was not fetched is not deleted for its twin. */
	copy.is_copy = true;
	assert_int_equal(fetch_action_of(&rules, &copy, &known), FETCH_ACTION_LEAVE);
	rules = rules_of(true, 0);
	assert_int_equal(fetch_action_of(&rules, &small, &known), FETCH_ACTION_LEAVE);
	rules = rules_of(true, 3);
	assert_int_equal(fetch_action_of(&rules, &small, &known), FETCH_ACTION_LEAVE);
	rules = rules_of(true, 2);
	assert_int_equal(fetch_action_of(&rules, &small, &known), FETCH_ACTION_DELETE);
}

static void test_what_was_left(void **state)
{
	struct fetched known = {.state = FETCHED_LEFT, .bytes = LIMIT + 1};
	struct fetch_rules rules = rules_of(false, 0);

	assert_int_equal(fetch_action_of(&rules, &large, &known), FETCH_ACTION_LEAVE);
	/* It said to be small, and was not. */
	assert_int_equal(fetch_action_of(&rules, &small, &known), FETCH_ACTION_LEAVE);
	rules.message_bytes = LIMIT + 1;
	assert_int_equal(fetch_action_of(&rules, &large, &known), FETCH_ACTION_RETRIEVE);
	known.bytes = 0;
	assert_int_equal(fetch_action_of(&rules, &small, &known), FETCH_ACTION_LEAVE);
}

static void test_memory_where_messages_are_deleted(void **state)
{
	struct fetched known = {.uidl = STR("u"), .state = FETCHED_STORED}, changed;
	struct fetch_rules rules = rules_of(false, 0);

	assert_false(fetch_memory_changes(&rules, &known, true, &changed));
	assert_true(fetch_memory_changes(&rules, &known, false, &changed));
	assert_int_equal(changed.state, 0);
	assert_true(str_equals(changed.uidl, STR("u")));
}

static void test_memory_where_messages_are_left(void **state)
{
	struct fetched known = {.uidl = STR("u"), .state = FETCHED_STORED}, changed;
	struct fetch_rules rules = rules_of(true, 0);

	assert_true(fetch_memory_changes(&rules, &known, false, &changed));
	assert_int_equal(changed.state, FETCHED_STORED);
	assert_int_equal(changed.missing_s, 100 * DAY);
	known.missing_s = 71 * DAY;
	assert_false(fetch_memory_changes(&rules, &known, false, &changed));
	assert_true(fetch_memory_changes(&rules, &known, true, &changed));
	assert_int_equal(changed.missing_s, 0);
	known.missing_s = 70 * DAY;
	assert_true(fetch_memory_changes(&rules, &known, false, &changed));
	assert_int_equal(changed.state, 0);
	known = (struct fetched){.uidl = STR("u"), .state = FETCHED_LEFT};
	assert_true(fetch_memory_changes(&rules, &known, false, &changed));
	assert_int_equal(changed.state, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_new),
		cmocka_unit_test(test_what_is_here),
		cmocka_unit_test(test_what_was_left),
		cmocka_unit_test(test_memory_where_messages_are_deleted),
		cmocka_unit_test(test_memory_where_messages_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
