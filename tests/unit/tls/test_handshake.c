/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/context and tls/transport: real handshakes with OpenSSL as the client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

static const int wire_versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};

static void assert_shakes(struct tls_context *context, SSL_CTX *client, const char *suite)
{
	struct handshake shake;

	handshake_run(&shake, context, client, "mail.example.test", NULL);
	if (!handshake_is_good(&shake)) {
		struct buf words = handshake_words(&shake);
		print_error("%s (client got alert %d)\n", words.data, shake.client_alert);
		buf_done(&words);
	}
	assert_true(handshake_is_good(&shake));
	assert_true(handshake_talk(&shake));
	assert_string_equal(shake.facts.version_name, SSL_get_version(shake.client));
	if (suite != NULL)
		assert_string_equal(shake.facts.suite, suite);
	handshake_done(&shake);
}

/* The peer is refused with this alert; -1 for none in particular. */
static void assert_refused(struct tls_context *context, SSL_CTX *client, int alert)
{
	struct handshake shake;

	handshake_run(&shake, context, client, NULL, NULL);
	assert_false(handshake_is_good(&shake));
	if (alert >= 0)
		assert_int_equal(shake.client_alert, alert);
	handshake_done(&shake);
}

static void test_every_version_with_each_certificate(void **state)
{
	for (int with = WITH_RSA; with <= WITH_BOTH; with++) {
		struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
		struct tls_context *context = context_make(&policy, with, NULL);
		for (size_t i = 0; i < 4; i++) {
			SSL_CTX *client = client_make(wire_versions[i], wire_versions[i]);
			assert_shakes(context, client, NULL);
			SSL_CTX_free(client);
		}
		tls_context_unref(&context);
	}
}

static void shake_with_suite(struct tls_context *context, int version, const char *openssl_name,
			     const char *iana_name)
{
	SSL_CTX *client = client_make(version, version);

	assert_int_equal(SSL_CTX_set_cipher_list(client, openssl_name), 1);
	assert_shakes(context, client, iana_name);
	SSL_CTX_free(client);
}

static void test_each_way_to_exchange_keys(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);

	for (size_t i = 0; i < 3; i++) {
		int version = wire_versions[i];
		shake_with_suite(context, version, "AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA");
		shake_with_suite(context, version, "DHE-RSA-AES128-SHA",
				 "TLS_DHE_RSA_WITH_AES_128_CBC_SHA");
		shake_with_suite(context, version, "ECDHE-RSA-AES128-SHA",
				 "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA");
		shake_with_suite(context, version, "ECDHE-ECDSA-AES128-SHA",
				 "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA");
	}
	tls_context_unref(&context);
}

/* The client admits one signature scheme: the server has to sign so. */
static void shake_with_signature(struct tls_context *context, int version, const char *scheme,
				 int kind)
{
	SSL_CTX *client = client_make(version, version);
	struct handshake shake;
	int digest = NID_undef, type = NID_undef;

	assert_int_equal(SSL_CTX_set1_sigalgs_list(client, scheme), 1);
	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_is_good(&shake));
	assert_int_equal(SSL_get_peer_signature_nid(shake.client, &digest), 1);
	assert_int_equal(SSL_get_peer_signature_type_nid(shake.client, &type), 1);
	assert_int_equal(type, kind);
	handshake_done(&shake);
	SSL_CTX_free(client);
}

static void test_each_signature_scheme(void **state)
{
	static const char *const sizes[] = {"SHA256", "SHA384", "SHA512"};
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);
	char scheme[64];

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(scheme, sizeof(scheme), "RSA+%s", sizes[i]);
		shake_with_signature(context, TLS1_2_VERSION, scheme, EVP_PKEY_RSA);
		(void)snprintf(scheme, sizeof(scheme), "RSA-PSS+%s", sizes[i]);
		shake_with_signature(context, TLS1_2_VERSION, scheme, EVP_PKEY_RSA_PSS);
		shake_with_signature(context, TLS1_3_VERSION, scheme, EVP_PKEY_RSA_PSS);
		(void)snprintf(scheme, sizeof(scheme), "ECDSA+%s", sizes[i]);
		shake_with_signature(context, TLS1_2_VERSION, scheme, EVP_PKEY_EC);
	}
	shake_with_signature(context, TLS1_2_VERSION, "RSA+SHA224", EVP_PKEY_RSA);
	shake_with_signature(context, TLS1_2_VERSION, "ECDSA+SHA224", EVP_PKEY_EC);
	shake_with_signature(context, TLS1_3_VERSION, "ECDSA+SHA256", EVP_PKEY_EC);
	tls_context_unref(&context);
}

static void test_facts_of_a_handshake(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_EC, NULL);
	SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_3_VERSION);
	struct handshake shake;
	struct buf text = BUF_INIT(256);

	handshake_run(&shake, context, client, "mail.example.test", NULL);
	assert_true(handshake_is_good(&shake));
	assert_true(shake.facts.is_active);
	assert_false(shake.facts.is_resumed);
	assert_int_equal(shake.facts.version, TLS_PROTOCOL_1_3);
	assert_int_equal(shake.facts.suite_id, 0x1302);
	assert_string_equal(shake.facts.server_name, "mail.example.test");
	assert_int_equal(shake.facts.peer_highest, TLS_PROTOCOL_1_3);
	assert_true(shake.facts.peer_listed_versions);
	tls_facts_append(&shake.facts, &text);
	buf_append_char(&text, '\0');
	assert_string_equal(text.data, "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519");
	buf_done(&text);
	handshake_done(&shake);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

static void test_groups_are_named(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_RSA, NULL);
	static const struct {
		int version;
		const char *suite;
		const char *group;
		const char *expected;
	} cases[] = {
		{TLS1_3_VERSION, "ALL", "P-256", "P-256"},
		{TLS1_3_VERSION, "ALL", "ffdhe2048", "ffdhe2048"},
		{TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "P-384", "P-384"},
		{TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", "P-256", "ffdhe2048"},
		{TLS1_2_VERSION, "AES128-GCM-SHA256", "P-256", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		SSL_CTX *client = client_make(cases[i].version, cases[i].version);
		struct handshake shake;
		assert_int_equal(SSL_CTX_set_cipher_list(client, cases[i].suite), 1);
		assert_int_equal(SSL_CTX_set1_groups_list(client, cases[i].group), 1);
		handshake_run(&shake, context, client, NULL, NULL);
		assert_true(handshake_is_good(&shake));
		assert_string_equal(shake.facts.group, cases[i].expected);
		handshake_done(&shake);
		SSL_CTX_free(client);
	}
	tls_context_unref(&context);
}

static void test_a_peer_below_the_floor_gets_protocol_version(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_2) | ONLY(1_3));
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);

	for (size_t i = 0; i < 2; i++) {
		SSL_CTX *client = client_make(wire_versions[i], wire_versions[i]);
		assert_refused(context, client, SSL_AD_PROTOCOL_VERSION);
		SSL_CTX_free(client);
	}
	tls_context_unref(&context);
}

static void test_holes_are_honoured(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_0) | ONLY(1_2));
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);
	SSL_CTX *old = client_make(TLS1_VERSION, TLS1_VERSION);
	SSL_CTX *in_the_hole = client_make(TLS1_1_VERSION, TLS1_1_VERSION);
	SSL_CTX *new = client_make(TLS1_VERSION, TLS1_3_VERSION);
	struct handshake shake;

	assert_shakes(context, old, NULL);
	/* OpenSSL answers with TLSv1, and such a client turns away by itself. */
	assert_refused(context, in_the_hole, -1);
	handshake_run(&shake, context, new, NULL, NULL);
	assert_true(handshake_is_good(&shake));
	assert_int_equal(shake.facts.version, TLS_PROTOCOL_1_2);
	handshake_done(&shake);
	SSL_CTX_free(old);
	SSL_CTX_free(in_the_hole);
	SSL_CTX_free(new);
	tls_context_unref(&context);
}

/* Rule 5: the callback relaxes digests for TLS 1.0 and 1.1, and nothing for TLS 1.2. */
static void test_sha1_stays_refused_in_tls12(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);
	SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_2_VERSION);
	SSL_CTX *old = client_make(TLS1_1_VERSION, TLS1_1_VERSION);

	assert_int_equal(SSL_CTX_set1_sigalgs_list(client, "RSA+SHA1:ECDSA+SHA1"), 1);
	assert_refused(context, client, SSL_AD_HANDSHAKE_FAILURE);
	assert_shakes(context, old, NULL);
	SSL_CTX_free(client);
	SSL_CTX_free(old);
	tls_context_unref(&context);
}

static void test_without_relaxation_tls11_does_not_sign(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	policy.relaxed[TLS_RELAXED_SIGNATURES] = false;
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);
	SSL_CTX *client = client_make(TLS1_1_VERSION, TLS1_1_VERSION);

	assert_refused(context, client, -1);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

/* Even where the string itself names them: the level of the library is kept. */
static void test_anonymous_suites_are_refused_though_relaxed(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_0) | ONLY(1_1) | ONLY(1_2));
	policy.cipher_string = STR("ALL:COMPLEMENTOFALL");
	policy.relaxed[TLS_RELAXED_DH_1024] = true;
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);

	for (size_t i = 0; i < 3; i++) {
		SSL_CTX *client = client_make(wire_versions[i], wire_versions[i]);
		assert_int_equal(SSL_CTX_set_cipher_list(client, "aNULL:eNULL"), 1);
		assert_refused(context, client, SSL_AD_HANDSHAKE_FAILURE);
		SSL_CTX_free(client);
	}
	tls_context_unref(&context);
}

static int client_dh_bits(struct tls_context *context)
{
	SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_2_VERSION);
	struct handshake shake;
	EVP_PKEY *key = NULL;

	assert_int_equal(SSL_CTX_set_cipher_list(client, "DHE-RSA-AES128-GCM-SHA256"), 1);
	handshake_run(&shake, context, client, NULL, NULL);
	int bits = 0;
	if (handshake_is_good(&shake) && SSL_get_peer_tmp_key(shake.client, &key) == 1)
		bits = EVP_PKEY_get_bits(key);
	EVP_PKEY_free(key);
	handshake_done(&shake);
	SSL_CTX_free(client);
	return bits;
}

static void test_dh_groups_have_the_size_that_was_asked_for(void **state)
{
	static const int sizes[] = {0, 1024, 2048, 4096};

	for (size_t i = 0; i < 4; i++) {
		struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
		policy.dhe_bits = sizes[i];
		policy.relaxed[TLS_RELAXED_DH_1024] = sizes[i] == 1024;
		struct tls_context *context = context_make(&policy, WITH_RSA, NULL);
		assert_int_equal(client_dh_bits(context), sizes[i]);
		tls_context_unref(&context);
	}
}

static void test_1024_bits_only_when_asked_for(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_identity identity = {world.rsa, KEY_RSA, true};
	struct tls_context_parts parts = {.policy = &policy,
					  .identities = &identity,
					  .identity_count = 1,
					  .keys = &world.source.source};
	struct tls_context *context = NULL;
	struct buf why = BUF_INIT(256);

	policy.dhe_bits = 1024;
	assert_int_equal(tls_context_new(&parts, &why, &context), FAULT_INVALID);
	assert_true(why.len > 0);
	assert_null(context);
	buf_done(&why);
}

/* Rule 6 of openssl-facts: an empty list with 1.3 still on would kill TLS 1.2 as well. */
static void test_no_tls13_suite_means_no_tls13(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_2) | ONLY(1_3));
	policy.suite13_count = 0;
	policy.suites13_string = STR("");
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);
	SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_3_VERSION);
	SSL_CTX *newest = client_make(TLS1_3_VERSION, TLS1_3_VERSION);
	struct handshake shake;

	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_is_good(&shake));
	assert_int_equal(shake.facts.version, TLS_PROTOCOL_1_2);
	handshake_done(&shake);
	assert_refused(context, newest, SSL_AD_PROTOCOL_VERSION);
	SSL_CTX_free(client);
	SSL_CTX_free(newest);
	tls_context_unref(&context);
}

static void test_tls13_alone_needs_no_cipher_string(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_3));
	policy.cipher_string = STR("");
	policy.suite13_count = 1;
	policy.suites13_string = STR("TLS_CHACHA20_POLY1305_SHA256");
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);

	assert_shakes(context, client, "TLS_CHACHA20_POLY1305_SHA256");
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

static void test_preference_is_the_servers_or_the_clients(void **state)
{
	for (int is_server = 0; is_server < 2; is_server++) {
		struct tls_policy policy = policy_make(ONLY(1_2));
		policy.server_preference = is_server;
		policy.cipher_string =
			STR("ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256");
		struct tls_context *context = context_make(&policy, WITH_RSA, NULL);
		SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_2_VERSION);
		assert_int_equal(SSL_CTX_set_cipher_list(client, "ECDHE-RSA-AES128-GCM-SHA256:"
								 "ECDHE-RSA-AES256-GCM-SHA384"),
				 1);
		assert_shakes(context, client,
			      is_server ? "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
					: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
		SSL_CTX_free(client);
		tls_context_unref(&context);
	}
}

static void test_groups_are_those_of_the_policy(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_3));
	policy.groups_string = STR("ffdhe2048:P-384");
	struct tls_context *context = context_make(&policy, WITH_EC, NULL);
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);

	assert_int_equal(SSL_CTX_set1_groups_list(client, "X25519:P-256"), 1);
	assert_refused(context, client, SSL_AD_HANDSHAKE_FAILURE);
	assert_int_equal(SSL_CTX_set1_groups_list(client, "X25519:P-384"), 1);
	assert_shakes(context, client, NULL);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

/* TLS 1.0 with CBC: one write makes two records with the countermeasure, one without. */
static void test_empty_fragments_follow_the_policy(void **state)
{
	for (int is_on = 0; is_on < 2; is_on++) {
		struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
		policy.empty_fragments = is_on;
		struct tls_context *context = context_make(&policy, WITH_RSA, NULL);
		uint64_t options = SSL_CTX_get_options(tls_context_openssl(context));
		assert_int_equal((options & SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS) != 0, !is_on);
		tls_context_unref(&context);
	}
}

static void test_renegotiation_is_refused(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_2));
	struct tls_context *context = context_make(&policy, WITH_RSA, NULL);
	SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_2_VERSION);
	struct handshake shake;
	char byte;
	size_t got;

	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_is_good(&shake));
	/* OpenSSL 3 refuses by itself what a client begins; the option is said all the same. */
	assert_true((SSL_CTX_get_options(tls_context_openssl(context)) & SSL_OP_NO_RENEGOTIATION) !=
		    0);
	assert_int_equal(SSL_renegotiate(shake.client), 1);
	(void)SSL_do_handshake(shake.client);
	(void)transport_tls.read(shake.server, shake.fds[0], &byte, 1, &got);
	assert_int_not_equal(SSL_do_handshake(shake.client), 1);
	handshake_done(&shake);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

static void assert_words(struct tls_context *context, SSL_CTX *client, const char *expected)
{
	struct handshake shake;

	handshake_run(&shake, context, client, NULL, NULL);
	assert_false(handshake_is_good(&shake));
	struct buf words = handshake_words(&shake);
	if (!str_has_prefix(str_from_c(words.data), str_from_c(expected)))
		assert_string_equal(words.data, expected);
	buf_done(&words);
	handshake_done(&shake);
}

static void test_failures_in_words(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_2) | ONLY(1_3));
	policy.cipher_string = STR("ECDHE+AESGCM");
	struct tls_context *context = context_make(&policy, WITH_RSA, NULL);
	SSL_CTX *old = client_make(TLS1_VERSION, TLS1_1_VERSION);
	SSL_CTX *weak = client_make(TLS1_2_VERSION, TLS1_2_VERSION);
	SSL_CTX *wary = client_make(TLS1_2_VERSION, TLS1_3_VERSION);

	assert_words(context, old,
		     "TLS: 192.0.2.26 (mx.old.example) offered at most TLSv1.1; "
		     "SmtpSecurity/ServerTlsProtocols (mailserver.cfg:31) admits TLSv1.2, TLSv1.3; "
		     "answered with alert 70, protocol_version");
	assert_int_equal(SSL_CTX_set_cipher_list(weak, "AES128-SHA:AES256-SHA"), 1);
	assert_words(
		context, weak,
		"TLS: 192.0.2.26 (mx.old.example) offered no usable suite, only "
		"TLS_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_256_CBC_SHA; "
		"SmtpSecurity/ServerTlsCiphers (the default) admits none of these; answered with "
		"alert 40, handshake_failure");
	SSL_CTX_set_verify(wary, SSL_VERIFY_PEER, NULL);
	assert_words(
		context, wary,
		"TLS: 192.0.2.26 (mx.old.example) refused: it does not trust whoever issued the "
		"certificate (alert 48, unknown_ca); give it the root, or install a certificate of a "
		"public CA with its whole chain");
	SSL_CTX_free(old);
	SSL_CTX_free(weak);
	SSL_CTX_free(wary);
	tls_context_unref(&context);
}

static enum fault sign_never(struct key_source *source, uint32_t key, uint32_t scheme,
			     struct str digest, unsigned char *signature_out, size_t *len_out)
{
	return FAULT_UNAVAILABLE;
}

static enum fault premaster_never(struct key_source *source, uint32_t key, uint32_t version,
				  struct str ciphertext,
				  unsigned char premaster_out[PREMASTER_BYTES])
{
	return FAULT_UNAVAILABLE;
}

static void test_a_keys_role_that_is_down_is_named_so(void **state)
{
	struct key_source source = {.sign = sign_never, .premaster = premaster_never};
	struct tls_policy policy = policy_make(ONLY(1_2) | ONLY(1_3));
	struct tls_context *context = context_make_with(&policy, WITH_RSA, NULL, &source);

	for (int i = 0; i < 2; i++) {
		SSL_CTX *client =
			client_make(TLS1_2_VERSION, i == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
		assert_int_equal(SSL_CTX_set_cipher_list(client, "kRSA"), 1);
		assert_words(context, client,
			     "TLS: 192.0.2.26 (mx.old.example) came while the private key could "
			     "not be used: a part of the server does not answer; error.log "
			     "says more");
		SSL_CTX_free(client);
	}
	tls_context_unref(&context);
}

/* The last flight is held for the greeting, but a peer that waits for it gets it. */
static void test_what_is_held_is_sent_before_waiting(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_2) | ONLY(1_3));
	struct tls_context *context = context_make(&policy, WITH_EC, NULL);
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);
	struct handshake shake;
	char byte, peek[1];
	size_t got;

	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_is_good(&shake));
	assert_true(transport_tls.has_pending(shake.server));
	assert_int_equal(recv(shake.fds[1], peek, 1, MSG_PEEK), -1);
	assert_int_equal(transport_tls.read(shake.server, shake.fds[0], &byte, 1, &got),
			 IO_WANT_INPUT);
	assert_int_equal(recv(shake.fds[1], peek, 1, MSG_PEEK), 1);
	assert_false(transport_tls.has_pending(shake.server));
	handshake_done(&shake);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

/* All that the client can read now. */
static size_t client_drain(struct handshake *shake)
{
	static char to[16 * 1024];
	size_t whole = 0;
	size_t got;

	while (SSL_read_ex(shake->client, to, sizeof(to), &got) == 1)
		whole += got;
	return whole;
}

/* A long text goes in records that wait for each other; with the last byte taken, all are on their way. */
static void test_nothing_is_held_behind_the_last_byte(void **state)
{
	static const char text[64 * 1024];
	/* Shorter than a record, than two, and than what is sent in one call. */
	static const size_t rests[] = {17000, 20000, 32768, 40000, sizeof(text)};
	struct tls_policy policy = policy_make(ONLY(1_2) | ONLY(1_3));
	struct tls_context *context = context_make(&policy, WITH_EC, NULL);
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);
	struct handshake shake;

	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_is_good(&shake) && handshake_talk(&shake));
	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		size_t taken = 0;
		size_t done = 0;
		while (transport_tls.write(shake.server, shake.fds[0], text, sizeof(text), &done) ==
		       IO_DONE)
			taken += done;
		size_t got = client_drain(&shake);
		for (size_t at = 0; at < rests[i]; at += done)
			assert_int_equal(transport_tls.write(shake.server, shake.fds[0], text + at,
							     rests[i] - at, &done),
					 IO_DONE);
		assert_int_equal(got + client_drain(&shake), taken + rests[i]);
	}
	handshake_done(&shake);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

/* A reload drops the front's own reference while sessions go on. */
static int waiting_bytes(int fd)
{
	int bytes;

	assert_int_equal(ioctl(fd, FIONREAD, &bytes), 0);
	return bytes;
}

/* The client's flood of key updates, in one piece in the server's socket. */
static int key_updates_send(struct handshake *shake, int count)
{
	BIO *records = BIO_new(BIO_s_mem());
	BIO *to_server = SSL_get_wbio(shake->client);
	int size = 1 << 20;
	char *bytes;

	assert_int_equal(BIO_up_ref(to_server), 1);
	SSL_set0_wbio(shake->client, records);
	for (int i = 0; i < count; i++) {
		assert_int_equal(SSL_key_update(shake->client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		assert_int_equal(SSL_do_handshake(shake->client), 1);
	}
	long len = BIO_get_mem_data(records, &bytes);
	assert_int_equal(setsockopt(shake->fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	assert_int_equal(send(shake->fds[1], bytes, (size_t)len, MSG_DONTWAIT), len);
	SSL_set0_wbio(shake->client, to_server);
	return (int)len;
}

/* A peer that sends records without data gets no more of a thread at a time than others. */
static void test_key_updates_do_not_hold_the_reader(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_EC, NULL);
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);
	struct handshake shake;
	char text[16];
	size_t got;

	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_talk(&shake));
	int sent = key_updates_send(&shake, 6000);
	assert_int_equal(transport_tls.read(shake.server, shake.fds[0], text, sizeof(text), &got),
			 IO_WANT_INPUT);
	int left = waiting_bytes(shake.fds[0]);
	assert_in_range(left, sent / 2, sent - 1);
	while (waiting_bytes(shake.fds[0]) > 0)
		assert_int_equal(transport_tls.read(shake.server, shake.fds[0], text, sizeof(text), &got),
				 IO_WANT_INPUT);
	assert_true(handshake_talk(&shake));
	handshake_done(&shake);
	SSL_CTX_free(client);
	tls_context_unref(&context);
}

static void test_a_connection_keeps_its_context(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);
	SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_2_VERSION);
	struct handshake shake;

	handshake_run(&shake, context, client, NULL, NULL);
	tls_context_unref(&context);
	assert_null(context);
	assert_true(handshake_is_good(&shake));
	assert_true(handshake_talk(&shake));
	handshake_done(&shake);
	SSL_CTX_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_version_with_each_certificate),
		cmocka_unit_test(test_each_way_to_exchange_keys),
		cmocka_unit_test(test_each_signature_scheme),
		cmocka_unit_test(test_facts_of_a_handshake),
		cmocka_unit_test(test_groups_are_named),
		cmocka_unit_test(test_a_peer_below_the_floor_gets_protocol_version),
		cmocka_unit_test(test_holes_are_honoured),
		cmocka_unit_test(test_sha1_stays_refused_in_tls12),
		cmocka_unit_test(test_without_relaxation_tls11_does_not_sign),
		cmocka_unit_test(test_anonymous_suites_are_refused_though_relaxed),
		cmocka_unit_test(test_dh_groups_have_the_size_that_was_asked_for),
		cmocka_unit_test(test_1024_bits_only_when_asked_for),
		cmocka_unit_test(test_no_tls13_suite_means_no_tls13),
		cmocka_unit_test(test_tls13_alone_needs_no_cipher_string),
		cmocka_unit_test(test_preference_is_the_servers_or_the_clients),
		cmocka_unit_test(test_groups_are_those_of_the_policy),
		cmocka_unit_test(test_empty_fragments_follow_the_policy),
		cmocka_unit_test(test_renegotiation_is_refused),
		cmocka_unit_test(test_failures_in_words),
		cmocka_unit_test(test_a_keys_role_that_is_down_is_named_so),
		cmocka_unit_test(test_what_is_held_is_sent_before_waiting),
		cmocka_unit_test(test_nothing_is_held_behind_the_last_byte),
		cmocka_unit_test(test_key_updates_do_not_hold_the_reader),
		cmocka_unit_test(test_a_connection_keeps_its_context),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
