/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/binding: what the server computes is what OpenSSL's client sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/x509.h>

#include "fixture.h"
#include "tls/binding.h"

static const struct str EXPORTER = STR_INIT("tls-exporter");
static const struct str UNIQUE = STR_INIT("tls-unique");
static const struct str END_POINT = STR_INIT("tls-server-end-point");

/* Fails unless the server's data for the binding is this; of length 0: there is none. */
static void expect(const struct handshake *shake, struct str name, const void *data, size_t len)
{
	struct buf given = BUF_INIT(TLS_BINDING_MAX);

	assert_int_equal(tls_connection_binding(shake->server, name, &given), len > 0);
	assert_true(str_equals(buf_str(&given), str_make(data, len)));
	buf_done(&given);
}

static void expect_end_point(const struct handshake *shake)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;

	assert_int_equal(X509_digest(SSL_get0_peer_certificate(shake->client), EVP_sha256(), digest,
				     &len),
			 1);
	expect(shake, END_POINT, digest, len);
}

static void expect_unique(const struct handshake *shake)
{
	unsigned char finished[64];
	size_t len = SSL_session_reused(shake->client) == 1
			     ? SSL_get_peer_finished(shake->client, finished, sizeof(finished))
			     : SSL_get_finished(shake->client, finished, sizeof(finished));

	assert_true(len > 0);
	expect(shake, UNIQUE, finished, len);
}

static void expect_exporter(const struct handshake *shake)
{
	unsigned char bytes[32];

	assert_int_equal(SSL_export_keying_material(shake->client, bytes, sizeof(bytes),
						    "EXPORTER-Channel-Binding", 24,
						    (const unsigned char *)"", 0, 1),
			 1);
	expect(shake, EXPORTER, bytes, sizeof(bytes));
}

static void test_tls_1_3(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);
	struct handshake shake;

	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(shake.facts.has_binding);
	expect_exporter(&shake);
	expect_end_point(&shake);
	expect(&shake, UNIQUE, NULL, 0);
	expect(&shake, STR("tls-moon"), NULL, 0);
	expect(&shake, STR(""), NULL, 0);
	handshake_done(&shake);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

static void test_tls_1_2_and_older(void **state)
{
	static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_RSA, NULL);

	for (size_t i = 0; i < 3; i++) {
		SSL_CTX *client = client_make(versions[i], versions[i]);
		struct handshake shake;
		handshake_run(&shake, context, client, NULL, NULL);
		assert_true(handshake_is_good(&shake));
		expect_unique(&shake);
		expect_end_point(&shake);
		expect(&shake, EXPORTER, NULL, 0);
		handshake_done(&shake);
		SSL_CTX_free(client);
	}
	tls_context_unref(&context);
}

/* RFC 7627: without it somebody between can make both sides' tls-unique the same. */
static void test_no_extended_master_secret(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_RSA, NULL);
	SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_2_VERSION);
	struct handshake shake;

	SSL_CTX_set_options(client, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_is_good(&shake));
	expect(&shake, UNIQUE, NULL, 0);
	expect_end_point(&shake);
	handshake_done(&shake);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

/* Of several certificates the first handshake may have shown another than this one would. */
static void resumed_check(int version, int with)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, with, NULL);
	SSL_CTX *client = client_make(version, version);
	struct handshake shake;

	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_talk(&shake));
	SSL_SESSION *session = handshake_session(&shake);
	handshake_done(&shake);
	handshake_run(&shake, context, client, NULL, session);
	assert_true(shake.facts.is_resumed && shake.facts.has_binding);
	if (with == WITH_BOTH)
		expect(&shake, END_POINT, NULL, 0);
	else
		expect_end_point(&shake);
	if (version == TLS1_3_VERSION)
		expect_exporter(&shake);
	else
		expect_unique(&shake);
	handshake_done(&shake);
	SSL_SESSION_free(session);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

static void test_resumed(void **state)
{
	resumed_check(TLS1_2_VERSION, WITH_EC);
	resumed_check(TLS1_2_VERSION, WITH_BOTH);
	resumed_check(TLS1_3_VERSION, WITH_EC);
	resumed_check(TLS1_3_VERSION, WITH_BOTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls_1_3),
		cmocka_unit_test(test_tls_1_2_and_older),
		cmocka_unit_test(test_no_extended_master_secret),
		cmocka_unit_test(test_resumed),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
