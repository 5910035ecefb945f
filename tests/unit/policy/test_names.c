/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of policy/protocol, policy/nearest, policy/suite_names and policy/finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/finding.h"
#include "policy/protocol.h"
#include "policy/suite_names.h"
#include "tls/catalog.h"

static void test_protocol_sets(void **state)
{
	tls_protocols set = TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_1) | TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_3);
	enum tls_protocol protocol;

	assert_int_equal(tls_protocols_min(set), TLS_PROTOCOL_1_1);
	assert_int_equal(tls_protocols_max(set), TLS_PROTOCOL_1_3);
	assert_int_equal(tls_protocols_min(0), TLS_PROTOCOL_COUNT);
	assert_int_equal(tls_protocols_max(0), TLS_PROTOCOL_COUNT);
	assert_int_equal(tls_protocol_wire(TLS_PROTOCOL_1_2), 0x0303);
	assert_true(tls_protocol_from_name(STR("tlsv1.0"), &protocol));
	assert_int_equal(protocol, TLS_PROTOCOL_1_0);
	assert_false(tls_protocol_from_name(STR("TLSv1.4"), &protocol));
	assert_false(tls_protocol_from_name(STR(""), &protocol));
}

static void test_distance(void **state)
{
	assert_int_equal(text_distance(STR("kitten"), STR("sitting"), 9), 3);
	assert_int_equal(text_distance(STR("kitten"), STR("sitting"), 1), 2);
	assert_int_equal(text_distance(STR(""), STR("abc"), 9), 3);
	assert_int_equal(text_distance(STR("abc"), STR(""), 9), 3);
	assert_int_equal(text_distance(STR("ABC"), STR("abc"), 9), 0);
}

static void test_nearest_is_the_nearest(void **state)
{
	struct nearest nearest;

	nearest_init(&nearest, STR("HIHG"));
	nearest_offer(&nearest, STR("MEDIUM"));
	assert_true(str_is_empty(nearest.best));
	nearest_offer(&nearest, STR("HIHGX"));
	nearest_offer(&nearest, STR("HIHG2"));
	assert_true(str_equals(nearest.best, STR("HIHGX")));
	nearest_offer(&nearest, STR("HIHG"));
	assert_true(str_equals(nearest.best, STR("HIHG")));
}

static void test_iana_numbers(void **state)
{
	assert_string_equal(suite_name_from_number(0x0005), "TLS_RSA_WITH_RC4_128_SHA");
	assert_string_equal(suite_name_from_number(0x000a), "TLS_RSA_WITH_3DES_EDE_CBC_SHA");
	assert_string_equal(suite_name_from_number(0x1301), "TLS_AES_128_GCM_SHA256");
	assert_null(suite_name_from_number(0x00ff));
	assert_null(suite_name_from_number(0x0a0a));
}

static void test_iana_names(void **state)
{
	static const char *const known[] = {
		"TLS_RSA_WITH_RC4_128_MD5",	    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
		"TLS_RSA_EXPORT_WITH_RC4_40_MD5",   "TLS_KRB5_WITH_DES_CBC_SHA",
		"tls_rsa_with_aes_128_cbc_sha",	    "TLS_DH_anon_WITH_AES_128_GCM_SHA256",
		"TLS_AES_128_GCM_SHA256",	    "TLS_SM4_GCM_SM3",
		"TLS_ECDH_ECDSA_WITH_NULL_SHA",	    "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
		"TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "TLS_NULL_WITH_NULL_NULL",
		"TLS_RSA_WITH_SEED_CBC_SHA",	    "TLS_RSA_WITH_IDEA_CBC_SHA",
	};
	static const char *const unknown[] = {
		"",
		"TLS_",
		"TLS__WITH_",
		"TLS_RSA_WITH_",
		"TLS_RSA_WITH_AES_129_CBC_SHA",
		"_WITH_",
		"TLS_ECDHE_RSA_WITH_DES_CBC_SHA",
		"TLS_RSAX_WITH_RC4_128_MD5",
		"TLS_AES_128_GCM_SHA1",
		"TLS_RSA_WITH_AES_128_CBC_SHA ",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(suite_name_is_iana(str_from_c(known[i])));
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_false(suite_name_is_iana(str_from_c(unknown[i])));
}

/* The page of names knows whatever the library at hand has: else a newer one would outgrow it
 * unseen. */
static void test_every_suite_of_the_library_is_known(void **state)
{
	const struct suite_catalog *catalog = tls_catalog_new();

	for (size_t i = 0; i < catalog->suite_count; i++) {
		const struct suite *suite = &catalog->suites[i];
		if (!suite_name_is_iana(suite->iana_name))
			fail_msg("%.*s is missing", STR_ARG(suite->iana_name));
		bool anonymous = suite->auth == SUITE_AUTH_NONE || suite->strength_bits == 0;
		assert_int_equal(cipher_name_is_anonymous(suite->iana_name), anonymous);
		const char *by_number = suite_name_from_number(suite->id);
		assert_non_null(by_number);
		assert_true(str_equals(suite->iana_name, str_from_c(by_number)));
	}
	tls_catalog_free(&catalog);
}

static void test_anonymous_names(void **state)
{
	assert_true(cipher_name_is_anonymous(STR("aNULL")));
	assert_true(cipher_name_is_anonymous(STR("ADH-RC4-MD5")));
	assert_true(cipher_name_is_anonymous(STR("ECDHE-RSA-NULL-SHA")));
	assert_true(cipher_name_is_anonymous(STR("TLS_DH_anon_EXPORT_WITH_RC4_40_MD5")));
	assert_false(cipher_name_is_anonymous(STR("HIGH")));
	assert_false(cipher_name_is_anonymous(STR("DES-CBC3-SHA")));
	assert_false(cipher_name_is_anonymous(STR("")));
}

static void test_findings_are_sorted_and_bounded(void **state)
{
	struct findings findings;
	struct buf text = BUF_INIT(4096);

	findings_init(&findings);
	finding_add(&findings, FINDING_NOTE, (struct finding_place){.line = 0}, "whole");
	finding_add(&findings, FINDING_WARNING, (struct finding_place){.line = 7}, "b");
	finding_add(&findings, FINDING_ERROR,
		    (struct finding_place){.line = 3, .table = STR("T"), .variable = STR("V")},
		    "a %d", 1);
	finding_add(&findings, FINDING_WARNING, (struct finding_place){.line = 7}, "c");
	findings_sort(&findings);
	for (size_t i = 0; i < findings.count; i++)
		finding_append(&text, STR("m.cfg"), &findings.items[i]);
	assert_true(str_equals(buf_str(&text), STR("m.cfg:3: error: T/V: a 1\nm.cfg:7: warning: b\n"
						   "m.cfg:7: warning: c\nm.cfg: note: whole\n")));
	for (int i = 0; i < FINDINGS_MAX * 2; i++)
		finding_add(&findings, FINDING_NOTE, (struct finding_place){.line = 1}, "more");
	assert_int_equal(findings.count, FINDINGS_MAX);
	assert_int_equal(findings.totals[FINDING_NOTE], FINDINGS_MAX * 2 + 1);
	assert_true(findings_has_errors(&findings));
	buf_done(&text);
	findings_done(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protocol_sets),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_nearest_is_the_nearest),
		cmocka_unit_test(test_iana_names),
		cmocka_unit_test(test_iana_numbers),
		cmocka_unit_test(test_every_suite_of_the_library_is_known),
		cmocka_unit_test(test_anonymous_names),
		cmocka_unit_test(test_findings_are_sorted_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
