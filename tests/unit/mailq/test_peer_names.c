/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of mailq/peer_names: its bounds, and that everybody who asks is told once. What
 * real zones say is tested by tests/system/test_dns.py; here DNS does not answer yet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mailq/peer_names.h"

static struct waiter *waiter;
static struct resolver *resolver;
static struct peer_names *names;

static int begin(void **state)
{
	waiter = waiter_new((struct waiter_limits){.workers = 1, .share_workers = 1});
	resolver = resolver_new(waiter);
	names = peer_names_new(resolver);
	return 0;
}

static int end(void **state)
{
	peer_names_free(&names);
	waiter_free(&waiter);
	resolver_free(&resolver);
	return 0;
}

struct hearing {
	unsigned count;
	enum fault fault;
	size_t names_len;
};

static void told(void *context, enum fault fault, struct str text)
{
	struct hearing *hearing = context;

	hearing->count++;
	hearing->fault = fault;
	hearing->names_len = text.len;
}

static void ask(uint16_t number, struct hearing *hearing)
{
	uint8_t address[16] = {[10] = 0xff, 0xff, 192, 0, (uint8_t)(number >> 8), (uint8_t)number};

	peer_names_ask(names, address, (struct peer_names_asker){told, hearing});
}

static void test_an_address_is_looked_up_once_at_a_time(void **state)
{
	struct hearing first = {0}, second = {0}, other = {0};

	ask(1, &first);
	ask(1, &second);
	ask(2, &other);
	assert_int_equal(resolver_counts(resolver).waiting, 2);
	assert_int_equal(first.count + second.count + other.count, 0);
	/* Whoever still waits at the end is told. */
	peer_names_free(&names);
	assert_int_equal(resolver_counts(resolver).waiting, 0);
	assert_true(first.count == 1 && second.count == 1 && other.count == 1);
	assert_int_equal(second.fault, FAULT_UNAVAILABLE);
	assert_int_equal(second.names_len, 0);
}

static void test_so_many_at_a_time_and_no_more(void **state)
{
	struct hearing waits[PEER_NAMES_LOOKUPS_MAX] = {0}, late = {0}, same = {0};

	for (uint16_t i = 0; i < PEER_NAMES_LOOKUPS_MAX; i++)
		ask(i, &waits[i]);
	ask(PEER_NAMES_LOOKUPS_MAX, &late);
	assert_int_equal(late.count, 1);
	assert_int_equal(late.fault, FAULT_BUSY);
	/* One that is looked up already costs nothing more. */
	ask(7, &same);
	assert_int_equal(same.count, 0);
	assert_int_equal(resolver_counts(resolver).waiting, PEER_NAMES_LOOKUPS_MAX);
	peer_names_free(&names);
	assert_true(same.count == 1 && waits[7].count == 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_an_address_is_looked_up_once_at_a_time),
		TEST(test_so_many_at_a_time_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
