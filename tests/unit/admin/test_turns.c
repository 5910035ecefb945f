/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of admin/turns.h: however much some ask for, others find a place. */
#include "admin/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { ASKED = 1000 };

static struct turn running[ASKED];
static size_t running_count;

static bool begins(struct turn turn)
{
	struct turn_use use = {0};

	for (size_t i = 0; i < running_count; i++)
		turn_use_add(&use, &turn, &running[i]);
	if (!turn_may_begin(&turn, &use))
		return false;
	running[running_count++] = turn;
	return true;
}

static size_t begin_many(struct turn turn)
{
	size_t count = 0;

	while (count < ASKED && begins(turn))
		count++;
	return count;
}

static int nothing_runs(void **state)
{
	running_count = 0;
	return 0;
}

static struct turn administrator(enum turn_kind kind, const char *account)
{
	return (struct turn){.kind = kind, .account = str_from_c(account)};
}

static struct turn auditor(enum turn_kind kind, const char *account)
{
	return (struct turn){.kind = kind, .account = str_from_c(account), .is_auditor = true};
}

static void test_auditors_leave_half(void **state)
{
	assert_int_equal(begin_many(auditor(TURN_STREAM, "a")), TURNS_STREAM_MAX / 2);
	assert_false(begins(auditor(TURN_STREAM, "b")));
	assert_int_equal(begin_many(auditor(TURN_LONG, "a")), TURNS_LONG_MAX / 2);
	for (int i = 0; i < ASKED; i++)
		(void)begins(auditor(TURN_SHORT, i % 2 == 0 ? "a" : "b"));
	assert_int_equal(running_count, TURNS_MAX / 2);
	for (int kind = 0; kind < TURN_KINDS; kind++)
		assert_true(begins(administrator((enum turn_kind)kind, "root")));
}

static void test_an_account_leaves_a_quarter(void **state)
{
	for (int kind = TURN_KINDS - 1; kind >= 0; kind--)
		begin_many(administrator((enum turn_kind)kind, "one"));
	assert_int_equal(running_count, TURNS_MAX - TURNS_MAX / 4);
	for (int kind = 0; kind < TURN_KINDS; kind++)
		assert_true(begins(administrator((enum turn_kind)kind, "two")));
}

static void test_what_is_short_finds_a_place(void **state)
{
	static const char *const accounts[] = {"a", "b", "c", "d"};

	for (int i = 0; i < ASKED; i++) {
		(void)begins(administrator(TURN_STREAM, accounts[i % 4]));
		(void)begins(administrator(TURN_LONG, accounts[i % 4]));
	}
	assert_int_equal(running_count, TURNS_STREAM_MAX + TURNS_LONG_MAX);
	assert_true(begins(administrator(TURN_SHORT, "a")));
	for (int i = 0; i < ASKED; i++)
		(void)begins(administrator(TURN_SHORT, accounts[i % 4]));
	assert_int_equal(running_count, TURNS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_auditors_leave_half, nothing_runs),
		cmocka_unit_test_setup(test_an_account_leaves_a_quarter, nothing_runs),
		cmocka_unit_test_setup(test_what_is_short_finds_a_place, nothing_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
