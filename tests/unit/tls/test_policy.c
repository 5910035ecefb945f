/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the file to the wire: what a policy of mailserver.cfg says that it admits
 * is what a listener made of it negotiates, suite by suite and version by
 * version, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "config/config.h"
#include "fixture.h"
#include "tls/catalog.h"

static const struct suite_catalog *catalog;

static int all_make(void **state)
{
	catalog = tls_catalog_new();
	return world_make(state);
}

static int all_drop(void **state)
{
	tls_catalog_free(&catalog);
	return world_drop(state);
}

/* A configuration whose Security table holds these variables. */
static struct config *config_make(const char *variables)
{
	struct buf text = BUF_INIT(8192);
	struct findings findings;
	struct config *config = NULL;

	buf_printf(&text, "<config><table name=\"Security\">%s</table></config>", variables);
	findings_init(&findings);
	if (config_parse(buf_str(&text), "mailserver.cfg", catalog, &findings, &config) !=
	    FAULT_NONE)
		for (size_t i = 0; i < findings.count; i++)
			print_error("%.*s\n", STR_ARG(findings.items[i].text));
	assert_non_null(config);
	findings_done(&findings);
	buf_done(&text);
	return config;
}

static bool is_negotiable(const struct tls_policy *policy, const struct suite *suite,
			  enum tls_protocol protocol)
{
	const struct suite *admitted[SUITE_CATALOG_MAX];
	struct tls_certificates both = {.has_rsa = true, .has_ecdsa = true};
	size_t count = tls_policy_negotiable(policy, catalog, both, admitted);

	if (!tls_protocols_has(policy->protocols, protocol) || suite->min_protocol > protocol ||
	    (protocol == TLS_PROTOCOL_1_3) != (suite->kx == SUITE_KX_TLS13))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (admitted[i]->id == suite->id)
			return true;
	}
	return false;
}

/* What the listener really does with a client that offers one suite in one version. */
static bool is_accepted(struct tls_context *context, const struct suite *suite,
			enum tls_protocol protocol)
{
	int version = tls_protocol_wire(protocol);
	SSL_CTX *client = client_make(version, version);
	struct handshake shake;

	if (protocol == TLS_PROTOCOL_1_3)
		assert_int_equal(SSL_CTX_set_ciphersuites(client, suite->name.ptr), 1);
	else
		assert_int_equal(SSL_CTX_set_cipher_list(client, suite->name.ptr), 1);
	handshake_run(&shake, context, client, NULL, NULL);
	bool is_good = handshake_is_good(&shake);
	if (is_good)
		assert_int_equal(shake.facts.suite_id, suite->id);
	handshake_done(&shake);
	SSL_CTX_free(client);
	return is_good;
}

/* Suites that a client of these tests can offer: all but those that need a shared secret. */
static bool is_probed(const struct suite *suite, enum tls_protocol protocol)
{
	return suite->kx != SUITE_KX_PSK && suite->kx != SUITE_KX_SRP &&
	       (protocol == TLS_PROTOCOL_1_3) == (suite->kx == SUITE_KX_TLS13) &&
	       suite->min_protocol <= protocol;
}

static void assert_effective_is_intended(const char *variables)
{
	struct config *config = config_make(variables);
	const struct tls_policy *policy = &config->services[SERVICE_IMAPS].policy;
	struct tls_context *context = context_make(policy, WITH_BOTH, NULL);
	size_t accepted = 0;

	for (enum tls_protocol p = TLS_PROTOCOL_1_0; p < TLS_PROTOCOL_COUNT; p++) {
		for (size_t i = 0; i < catalog->suite_count; i++) {
			const struct suite *suite = &catalog->suites[i];
			if (!is_probed(suite, p))
				continue;
			bool is_good = is_accepted(context, suite, p);
			accepted += is_good;
			if (is_good != is_negotiable(policy, suite, p))
				fail_msg("%s: %s with %.*s is %s", variables, tls_protocol_name(p),
					 STR_ARG(suite->name), is_good ? "accepted" : "refused");
		}
	}
	assert_true(accepted > 0);
	tls_context_unref(&context);
	config_unref(&config);
}

#define VARIABLE(name, value) "<variable name=\"" name "\">" value "</variable>"

static void test_the_defaults(void **state)
{
	assert_effective_is_intended("");
}

static void test_a_strong_listener(void **state)
{
	assert_effective_is_intended(VARIABLE("ServerTlsProtocols", "TLSv1.2,TLSv1.3")
					     VARIABLE("ServerTlsCiphers", "ECDHE+AESGCM"));
}

static void test_only_a_cipher_string(void **state)
{
	assert_effective_is_intended(
		VARIABLE("ServerTlsCiphers", "ECDHE-RSA-AES256-GCM-SHA384:TLS_AES_128_GCM_SHA256"));
}

static void test_without_ecdhe(void **state)
{
	assert_effective_is_intended(VARIABLE("EnableEphemeralECDH", "0"));
}

static void test_without_dhe(void **state)
{
	assert_effective_is_intended(VARIABLE("EnableEphemeralDH", "0"));
}

static void test_without_anything_ephemeral(void **state)
{
	assert_effective_is_intended(VARIABLE("EnableEphemeralDH", "0")
					     VARIABLE("EnableEphemeralECDH", "0"));
}

static void test_a_small_dh_group(void **state)
{
	assert_effective_is_intended(VARIABLE("EphemeralDHKeySize", "1024"));
}

static void test_old_protocols_only(void **state)
{
	assert_effective_is_intended(VARIABLE("ServerTlsProtocols", "TLSv1,TLSv1.1"));
}

static void test_a_list_with_a_hole(void **state)
{
	assert_effective_is_intended(VARIABLE("ServerTlsProtocols", "TLSv1,TLSv1.1,TLSv1.3"));
}

static void test_static_rsa_only(void **state)
{
	assert_effective_is_intended(VARIABLE("ServerTlsCiphers", "kRSA"));
}

static void test_names_as_scanners_print_them(void **state)
{
	assert_effective_is_intended(VARIABLE("ServerTlsCiphers",
					      "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384:"
					      "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256:"
					      "!TLS_CHACHA20_POLY1305_SHA256"));
}

/* Rule 10: where the library has it, the hybrid group comes first. */
static void test_the_hybrid_group_is_taken_where_it_is(void **state)
{
	struct config *config = config_make("");
	struct tls_context *context =
		context_make(&config->services[SERVICE_IMAPS].policy, WITH_EC, NULL);
	bool is_known = (catalog->groups & 1) != 0;
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);
	struct handshake shake;

	assert_int_equal(tls_group_at(0)->kind, TLS_GROUP_HYBRID);
	assert_int_equal(
		SSL_CTX_set1_groups_list(client, is_known ? "X25519MLKEM768:X25519" : "X25519"), 1);
	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_is_good(&shake));
	assert_string_equal(shake.facts.group, is_known ? "X25519MLKEM768" : "x25519");
	handshake_done(&shake);
	SSL_CTX_free(client);
	tls_context_unref(&context);
	config_unref(&config);
}

/* A policy changes: its text does, and with it the context of sessions. */
static void test_each_variable_changes_the_text(void **state)
{
	static const char *const variants[] = {
		"",
		VARIABLE("ServerTlsProtocols", "TLSv1.2,TLSv1.3"),
		VARIABLE("ServerTlsCiphers", "HIGH"),
		VARIABLE("EnableEphemeralDH", "0"),
		VARIABLE("EnableEphemeralECDH", "0"),
		VARIABLE("EphemeralDHKeySize", "4096"),
		VARIABLE("DontInsertEmptyFragments", "0"),
		VARIABLE("ServerCipherPreference", "0"),
	};
	enum { VARIANTS = sizeof(variants) / sizeof(variants[0]) };
	struct config *configs[VARIANTS];

	for (size_t i = 0; i < VARIANTS; i++) {
		configs[i] = config_make(variants[i]);
		for (size_t j = 0; j < i; j++)
			assert_false(str_equals(configs[i]->services[SERVICE_IMAPS].policy.text,
						configs[j]->services[SERVICE_IMAPS].policy.text));
	}
	for (size_t i = 0; i < VARIANTS; i++)
		config_unref(&configs[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_defaults),
		cmocka_unit_test(test_a_strong_listener),
		cmocka_unit_test(test_only_a_cipher_string),
		cmocka_unit_test(test_without_ecdhe),
		cmocka_unit_test(test_without_dhe),
		cmocka_unit_test(test_without_anything_ephemeral),
		cmocka_unit_test(test_a_small_dh_group),
		cmocka_unit_test(test_old_protocols_only),
		cmocka_unit_test(test_a_list_with_a_hole),
		cmocka_unit_test(test_static_rsa_only),
		cmocka_unit_test(test_names_as_scanners_print_them),
		cmocka_unit_test(test_the_hybrid_group_is_taken_where_it_is),
		cmocka_unit_test(test_each_variable_changes_the_text),
	};

	return cmocka_run_group_tests(tests, all_make, all_drop);
}
