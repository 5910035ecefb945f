/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Demands on outbound TLS: joined, the strictest wins in every respect, whoever
 * comes first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/demand.h"

enum { ARENA_MAX = 64 * 1024 };

static const struct finding_place row = {
	.line = 41, .table = STR_INIT("TlsPolicy"), .variable = STR_INIT("Level")};
static const struct finding_place other = {.table = STR_INIT("MTA-STS"),
					   .variable = STR_INIT("mode")};

static struct tls_proof named(const char *name, struct finding_place source)
{
	return (struct tls_proof){.kind = TLS_LEVEL_VERIFY,
				  .names = {str_from_c(name)},
				  .name_count = 1,
				  .source = source};
}

static struct tls_proof pinned(unsigned char first)
{
	return (struct tls_proof){
		.kind = TLS_LEVEL_PIN, .pins = {{first}}, .pin_count = 1, .source = row};
}

static struct tls_demand at_level(enum tls_level level)
{
	return (struct tls_demand){.level = level, .level_source = row};
}

static void test_levels_have_names(void **state)
{
	enum tls_level level;

	for (int i = 0; i < TLS_LEVEL_COUNT; i++) {
		assert_true(tls_level_from_name(str_from_c(tls_level_name((enum tls_level)i)),
						&level));
		assert_int_equal(level, i);
	}
	assert_true(tls_level_from_name(STR("Encrypt"), &level));
	assert_int_equal(level, TLS_LEVEL_ENCRYPT);
	assert_false(tls_level_from_name(STR("secure"), &level));
}

static void test_the_higher_level_wins(void **state)
{
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	for (int a = 0; a < TLS_LEVEL_COUNT; a++) {
		for (int b = 0; b < TLS_LEVEL_COUNT; b++) {
			struct tls_demand first = at_level((enum tls_level)a);
			struct tls_demand second = at_level((enum tls_level)b);
			struct tls_demand joined = demand_join(&first, &second, &arena);
			assert_int_equal(joined.level, a > b ? a : b);
		}
	}
	arena_rewind(&arena);
}

static void test_the_source_is_that_of_the_stricter(void **state)
{
	struct tls_demand may = demand_may(), strict = at_level(TLS_LEVEL_ENCRYPT);
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	assert_int_equal(demand_join(&may, &strict, &arena).level_source.line, 41);
	assert_int_equal(demand_join(&strict, &may, &arena).level_source.line, 41);
	arena_rewind(&arena);
}

static void test_the_newer_minimum_wins(void **state)
{
	struct tls_demand old = demand_may(), newer = demand_may();
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	old.min = TLS_PROTOCOL_1_1;
	newer.min = TLS_PROTOCOL_1_3;
	newer.min_source = row;
	struct tls_demand joined = demand_join(&old, &newer, &arena);
	assert_int_equal(joined.min, TLS_PROTOCOL_1_3);
	assert_int_equal(joined.min_source.line, 41);
	joined = demand_join(&newer, &old, &arena);
	assert_int_equal(joined.min, TLS_PROTOCOL_1_3);
	assert_int_equal(joined.min_source.line, 41);
	arena_rewind(&arena);
}

static void test_suites_of_both_are_left(void **state)
{
	static const uint16_t two[] = {0x1301, 0xc02f}, three[] = {0xc030, 0xc02f, 0x1302};
	struct tls_demand first = demand_may(), second = demand_may(), any = demand_may();
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	first.suites = two;
	first.suite_count = 2;
	second.suites = three;
	second.suite_count = 3;
	struct tls_demand joined = demand_join(&first, &second, &arena);
	assert_int_equal(joined.suite_count, 1);
	assert_true(demand_admits_suite(&joined, 0xc02f));
	assert_false(demand_admits_suite(&joined, 0x1301));
	/* Who says nothing of suites takes any. */
	joined = demand_join(&any, &first, &arena);
	assert_int_equal(joined.suite_count, 2);
	assert_int_equal(demand_join(&first, &any, &arena).suite_count, 2);
	assert_true(demand_admits_suite(&any, 0x1301));
	/* What excludes each other admits nothing; it does not come to mean everything. */
	second.suites = three;
	second.suite_count = 1;
	joined = demand_join(&first, &second, &arena);
	assert_non_null(joined.suites);
	assert_false(demand_admits_suite(&joined, 0x1301));
	assert_false(demand_admits_suite(&joined, 0xc030));
	arena_rewind(&arena);
}

static void test_every_proof_counts(void **state)
{
	struct tls_demand by_row = demand_may(), by_other = demand_may();
	struct tls_proof name = named("mx.example.net", other), pin = pinned(7);
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	demand_prove(&by_row, &pin);
	demand_prove(&by_other, &name);
	assert_int_equal(by_row.level, TLS_LEVEL_PIN);
	assert_int_equal(by_other.level, TLS_LEVEL_VERIFY);
	assert_true(str_equals(by_other.level_source.table, STR("MTA-STS")));
	for (int turn = 0; turn < 2; turn++) {
		struct tls_demand joined = turn == 0 ? demand_join(&by_row, &by_other, &arena)
						     : demand_join(&by_other, &by_row, &arena);
		assert_int_equal(joined.level, TLS_LEVEL_PIN);
		assert_int_equal(joined.proof_count, 2);
		assert_non_null(demand_proof(&joined, TLS_LEVEL_VERIFY));
		assert_int_equal(demand_proof(&joined, TLS_LEVEL_PIN)->pins[0][0], 7);
	}
	assert_null(demand_proof(&by_row, TLS_LEVEL_VERIFY));
	arena_rewind(&arena);
}

static void test_a_proof_that_says_nothing_new_is_left_out(void **state)
{
	struct tls_demand demand = demand_may();
	struct tls_proof one = named("mx.example.net", row), two = named("MX.example.net", other);
	struct tls_proof elsewhere = named("example.net", other);

	two.names[two.name_count++] = STR("example.net");
	demand_prove(&demand, &one);
	/* Either of two names will do, and the one of them is proven already. */
	demand_prove(&demand, &two);
	assert_int_equal(demand.proof_count, 1);
	demand_prove(&demand, &elsewhere);
	assert_int_equal(demand.proof_count, 2);
}

static void test_exceptions_add_up(void **state)
{
	struct tls_demand first = demand_may(), second = demand_may();
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	first.without_hybrid = true;
	second.without_dhe = true;
	second.legacy_renegotiation = true;
	struct tls_demand joined = demand_join(&first, &second, &arena);
	assert_true(joined.without_hybrid && joined.without_dhe && joined.legacy_renegotiation);
	arena_rewind(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels_have_names),
		cmocka_unit_test(test_the_higher_level_wins),
		cmocka_unit_test(test_the_source_is_that_of_the_stricter),
		cmocka_unit_test(test_the_newer_minimum_wins),
		cmocka_unit_test(test_suites_of_both_are_left),
		cmocka_unit_test(test_every_proof_counts),
		cmocka_unit_test(test_a_proof_that_says_nothing_new_is_left_out),
		cmocka_unit_test(test_exceptions_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
