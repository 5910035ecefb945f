/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/catalog: what the catalog says must hold of the library it is made from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tls/catalog.h"

static const struct suite_catalog *catalog;

static int catalog_make(void **state)
{
	catalog = tls_catalog_new();
	return 0;
}

static int catalog_drop(void **state)
{
	tls_catalog_free(&catalog);
	return 0;
}

static void test_has_every_protocol_of_debian_but_sslv3(void **state)
{
	assert_int_equal(catalog->protocols, TLS_PROTOCOLS_DEFAULT);
}

static void test_knows_a_suite_by_both_names(void **state)
{
	const struct suite *suite = suite_catalog_by_name(catalog, STR("ECDHE-RSA-AES256-SHA384"));

	assert_non_null(suite);
	assert_int_equal(suite->id, 0xc028);
	assert_int_equal(suite->kx, SUITE_KX_ECDHE);
	assert_int_equal(suite->auth, SUITE_AUTH_RSA);
	assert_int_equal(suite->strength_bits, 256);
	assert_int_equal(suite->min_protocol, TLS_PROTOCOL_1_2);
	assert_false(suite->is_aead);
	assert_ptr_equal(suite, suite_catalog_by_iana_name(
					catalog, STR("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384")));
}

static void test_tells_anonymous_and_null_suites(void **state)
{
	const struct suite *anonymous =
		suite_catalog_by_name(catalog, STR("ADH-AES256-GCM-SHA384"));
	const struct suite *null = suite_catalog_by_name(catalog, STR("NULL-SHA256"));

	assert_non_null(anonymous);
	assert_int_equal(anonymous->auth, SUITE_AUTH_NONE);
	assert_non_null(null);
	assert_int_equal(null->strength_bits, 0);
}

static void test_tells_the_oldest_protocol_of_a_suite(void **state)
{
	const struct suite *old = suite_catalog_by_name(catalog, STR("AES128-SHA"));
	const struct suite *ecdhe = suite_catalog_by_name(catalog, STR("ECDHE-RSA-AES128-SHA"));

	assert_int_equal(old->min_protocol, TLS_PROTOCOL_SSLV3);
	assert_int_equal(ecdhe->min_protocol, TLS_PROTOCOL_1_0);
}

static void test_holds_the_five_suites_of_tls13(void **state)
{
	size_t count = 0;

	for (size_t i = 0; i < catalog->suite_count; i++)
		count += catalog->suites[i].kx == SUITE_KX_TLS13;
	assert_int_equal(count, 5);
	assert_int_equal(catalog->tls13_count, 3);
	assert_int_equal(catalog->tls13[0], 0x1302);
	assert_int_equal(suite_catalog_by_id(catalog, 0x1304)->min_protocol, TLS_PROTOCOL_1_3);
}

static void test_expands_in_order_and_without_tls13(void **state)
{
	uint16_t ids[SUITE_CATALOG_MAX];
	size_t count = 99;

	assert_true(
		catalog->expand(catalog, "AES128-SHA:ECDHE-RSA-AES256-GCM-SHA384", ids, &count));
	assert_int_equal(count, 2);
	assert_int_equal(ids[0], 0x002f);
	assert_int_equal(ids[1], 0xc030);
}

static void test_an_expansion_does_not_lean_on_the_one_before(void **state)
{
	uint16_t ids[SUITE_CATALOG_MAX];
	size_t first, second;

	assert_true(catalog->expand(catalog, "ALL", ids, &first));
	assert_true(catalog->expand(catalog, "ALL:@SECLEVEL=2", ids, &second));
	assert_true(catalog->expand(catalog, "ALL", ids, &second));
	assert_int_equal(first, second);
}

static void test_refuses_a_string_that_leaves_nothing(void **state)
{
	uint16_t ids[SUITE_CATALOG_MAX];
	size_t count = 99;

	assert_false(catalog->expand(catalog, "NOSUCHSUITE", ids, &count));
	assert_int_equal(count, 0);
	assert_false(catalog->expand(catalog, "AES128-SHA:!AES128", ids, &count));
	assert_int_equal(count, 0);
}

static void test_knows_groups_singly(void **state)
{
	for (size_t i = 0; i < tls_group_count(); i++) {
		bool is_present = (catalog->groups >> i & 1) != 0;
		if (tls_group_at(i)->kind != TLS_GROUP_HYBRID)
			assert_true(is_present);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_has_every_protocol_of_debian_but_sslv3),
		cmocka_unit_test(test_knows_a_suite_by_both_names),
		cmocka_unit_test(test_tells_anonymous_and_null_suites),
		cmocka_unit_test(test_tells_the_oldest_protocol_of_a_suite),
		cmocka_unit_test(test_holds_the_five_suites_of_tls13),
		cmocka_unit_test(test_expands_in_order_and_without_tls13),
		cmocka_unit_test(test_an_expansion_does_not_lean_on_the_one_before),
		cmocka_unit_test(test_refuses_a_string_that_leaves_nothing),
		cmocka_unit_test(test_knows_groups_singly),
	};

	return cmocka_run_group_tests(tests, catalog_make, catalog_drop);
}
