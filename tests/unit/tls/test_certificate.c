/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/certificate, and of the choice by name in tls/context. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/library.h"
#include "fixture.h"

enum { DAY_S = 24 * 3600 };

static void test_init_makes_pairs_that_fit_and_verify(void **state)
{
	struct findings findings;

	findings_init(&findings);
	assert_true(tls_pair_check(buf_str(&world.rsa_pem.chain), buf_str(&world.rsa_pem.key),
				   "server", STR("mail.example.test"), clock_real_s(), &findings));
	assert_true(tls_pair_check(buf_str(&world.ec_pem.chain), buf_str(&world.ec_pem.key),
				   "server-ecdsa", STR("localhost"), clock_real_s(), &findings));
	assert_int_equal(findings.count, 0);
	assert_int_equal(tls_certificate_kind(world.rsa), TLS_KEY_RSA);
	assert_int_equal(tls_certificate_bits(world.rsa), 2048);
	assert_int_equal(tls_certificate_kind(world.ec), TLS_KEY_EC);
	assert_int_equal(tls_certificate_bits(world.ec), 256);
	findings_done(&findings);
}

/* A client that trusts server.crt accepts either, by name and by address. */
static void test_a_client_that_trusts_the_file_accepts_either(void **state)
{
	struct tls_policy policy = policy_make(ONLY(1_2) | ONLY(1_3));
	X509 *root = sk_X509_value(tls_certificate_chain(world.rsa), 0);

	for (int with = WITH_RSA; with <= WITH_EC; with++) {
		struct tls_context *context = context_make(&policy, with, NULL);
		SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_3_VERSION);
		struct handshake shake;
		SSL_CTX_set_security_level(client, 2);
		assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(client), root), 1);
		SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
		assert_int_equal(
			X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(client), "127.0.0.1"), 1);
		handshake_run(&shake, context, client, NULL, NULL);
		assert_true(handshake_is_good(&shake));
		assert_int_equal(SSL_get_verify_result(shake.client), X509_V_OK);
		handshake_done(&shake);
		SSL_CTX_free(client);
		tls_context_unref(&context);
	}
}

static bool has_finding(const struct findings *findings, enum finding_severity severity,
			const char *words)
{
	for (size_t i = 0; i < findings->count; i++) {
		if (findings->items[i].severity == severity &&
		    str_find(findings->items[i].text, str_from_c(words)) != STR_NONE)
			return true;
	}
	return false;
}

static void assert_pair_finding(struct str chain, struct str key, int64_t now_s,
				enum finding_severity severity, const char *words)
{
	struct findings findings;

	findings_init(&findings);
	bool is_good =
		tls_pair_check(chain, key, "server", STR("mail.example.test"), now_s, &findings);
	if (!has_finding(&findings, severity, words)) {
		for (size_t i = 0; i < findings.count; i++)
			print_error("%.*s\n", STR_ARG(findings.items[i].text));
		fail_msg("no finding with \"%s\"", words);
	}
	assert_int_equal(is_good, severity != FINDING_ERROR);
	findings_done(&findings);
}

static void test_findings_about_a_pair(void **state)
{
	struct str chain = buf_str(&world.rsa_pem.chain), key = buf_str(&world.rsa_pem.key);
	int64_t now = clock_real_s();
	int64_t until = tls_certificate_not_after(world.rsa);

	assert_pair_finding(chain, buf_str(&world.ec_pem.key), now, FINDING_ERROR,
			    "does not belong to the certificate");
	assert_pair_finding(chain, key, until + 1, FINDING_ERROR, "expired on");
	assert_pair_finding(chain, key, until - 3 * DAY_S, FINDING_WARNING, "in 3 days");
	assert_pair_finding(chain, key, now + 20 * 365 * (int64_t)DAY_S, FINDING_ERROR,
			    "expired on");
	assert_pair_finding(chain, key, now - 30 * DAY_S, FINDING_ERROR, "not good before");
	assert_pair_finding(STR("nothing"), key, now, FINDING_ERROR, "no certificate in PEM form");
	assert_pair_finding(chain, STR("nothing"), now, FINDING_ERROR, "no readable private key");
	assert_pair_finding(STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
			    key, now, FINDING_ERROR, "certificate number 1 in it is damaged");
}

static void test_an_expired_issuer_is_a_warning(void **state)
{
	struct findings findings;

	findings_init(&findings);
	tls_certificate_check(world.rsa, "server", STR("localhost"),
			      clock_real_s() + 11 * 365 * (int64_t)DAY_S, &findings);
	assert_true(has_finding(&findings, FINDING_WARNING, "an issuer in the chain, has expired"));
	findings_done(&findings);
}

static void test_a_chain_out_of_order_is_a_warning(void **state)
{
	struct buf both = BUF_INIT(64 * 1024), why = BUF_INIT(256);
	struct tls_certificate *chain = NULL;
	struct findings findings;

	buf_append_str(&both, buf_str(&world.ec_pem.chain));
	buf_append_str(&both, buf_str(&world.ec_pem.chain));
	assert_int_equal(tls_certificate_parse(buf_str(&both), &why, &chain), FAULT_NONE);
	findings_init(&findings);
	tls_certificate_check(chain, "server", STR("localhost"), clock_real_s(), &findings);
	assert_true(has_finding(&findings, FINDING_WARNING, "out of order"));
	findings_done(&findings);
	tls_certificate_unref(&chain);
	buf_done(&both);
}

static void test_a_chain_has_an_end(void **state)
{
	struct buf many = BUF_INIT(TLS_PEM_MAX), why = BUF_INIT(256);
	struct tls_certificate *chain = NULL;

	for (int i = 0; i < TLS_CHAIN_MAX; i++)
		buf_append_str(&many, buf_str(&world.ec_pem.chain));
	assert_false(many.failed);
	assert_int_equal(tls_certificate_parse(buf_str(&many), &why, &chain), FAULT_INVALID);
	assert_true(str_find(buf_str(&why), STR("more than 16")) != STR_NONE);
	assert_null(chain);
	buf_done(&many);
	buf_done(&why);
}

static void test_a_name_that_does_not_fit_is_a_warning(void **state)
{
	struct findings findings;

	findings_init(&findings);
	tls_certificate_check(world.rsa, "server", STR("other.example.test"), clock_real_s(),
			      &findings);
	assert_true(has_finding(&findings, FINDING_WARNING, "not made for other.example.test"));
	findings_done(&findings);
}

/* A certificate of its own signature, for any names and with any key. */
static struct tls_certificate *certificate_for(EVP_PKEY *key, const char *names)
{
	X509 *made = X509_new_ex(crypto_library(), NULL);
	BIO *bio = BIO_new(BIO_s_mem());
	struct buf why = BUF_INIT(256);
	struct tls_certificate *certificate = NULL;
	char *pem;

	assert_int_equal(X509_set_version(made, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made), 1), 1);
	X509_gmtime_adj(X509_getm_notBefore(made), -DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(made), 100 * DAY_S);
	assert_int_equal(X509_set_pubkey(made, key), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
						    (const unsigned char *)"common.example", -1, -1,
						    0),
			 1);
	assert_int_equal(X509_set_issuer_name(made, X509_get_subject_name(made)), 1);
	if (names != NULL) {
		X509_EXTENSION *extension =
			X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
		assert_non_null(extension);
		assert_int_equal(X509_add_ext(made, extension, -1), 1);
		X509_EXTENSION_free(extension);
	}
	assert_true(X509_sign(made, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, made), 1);
	long len = BIO_get_mem_data(bio, &pem);
	assert_int_equal(tls_certificate_parse(str_make(pem, (size_t)len), &why, &certificate),
			 FAULT_NONE);
	buf_done(&why);
	BIO_free(bio);
	X509_free(made);
	return certificate;
}

static EVP_PKEY *key_make(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(crypto_library(), NULL, "EC", "P-256");

	assert_non_null(key);
	return key;
}

static void test_names_match_exactly_and_by_wildcard(void **state)
{
	EVP_PKEY *key = key_make();
	struct tls_certificate *certificate =
		certificate_for(key, "DNS:Mail.Example.org,DNS:*.example.com,DNS:*.org,"
				     "DNS:m*.example.net,DNS:mail.*.example.net,DNS:*.*.example.net,"
				     "DNS:xn--mnchen-3ya.example,DNS:xn--*.example.net,"
				     "DNS:192.0.2.7,DNS:*.0.2.8,IP:192.0.2.9,DNS:*");
	static const struct {
		const char *host;
		int match;
	} cases[] = {
		{"mail.example.org", 2}, {"MAIL.example.ORG", 2},  {"mail.example.org.", 2},
		{"a.example.com", 1},	 {"a.b.example.com", 0},   {"example.com", 0},
		{".example.com", 0},	 {"xexample.com", 0},	   {"anything.org", 0},
		{"common.example", 0},	 {"mail.example.orgx", 0}, {"", 0},
		/* The leftmost label only, and a whole one (RFC 9525 section 6.3). */
		{"mail.example.net", 0}, {"mail.a.example.net", 0}, {"a.b.example.net", 0},
		{"m*.example.net", 0},	 {"*.example.com", 0},	   {"*.org", 0},
		{"*", 0},		 {"org", 0},
		/* A-labels are asked for, and stand under a wildcard like others. */
		{"XN--MNCHEN-3YA.example", 2}, {"m\xc3\xbcnchen.example", 0},
		{"xn--a.example.net", 0}, {"xn--a.example.com", 1},
		/* An address is no name, whatever the certificate says. */
		{"192.0.2.7", 0},	 {"192.0.2.8", 0},	   {"192.0.2.9", 0},
		{"::1", 0},		 {"2001:db8::1.example.com", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(tls_certificate_match(certificate, str_from_c(cases[i].host)),
				 cases[i].match);
	tls_certificate_unref(&certificate);
	/* The common name counts where nothing else stands. */
	certificate = certificate_for(key, NULL);
	assert_int_equal(tls_certificate_match(certificate, STR("common.example")), 2);
	tls_certificate_unref(&certificate);
	EVP_PKEY_free(key);
}

/* ---- choice by name ---- */

/* Two further pairs beside the defaults: one exact, one with a wildcard. */
struct named {
	struct key_ring *ring;
	struct key_source_ring source;
	struct tls_certificate *exact;
	struct tls_certificate *wildcard;
	struct tls_context *context;
};

static void ring_add(struct key_ring *ring, uint32_t number, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct buf why = BUF_INIT(256);
	unsigned char id[KEY_ID_BYTES];
	char *pem;

	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	long len = BIO_get_mem_data(bio, &pem);
	assert_int_equal(key_ring_add(ring, 1, number, str_make(pem, (size_t)len), id, &why),
			 FAULT_NONE);
	buf_done(&why);
	BIO_free(bio);
}

static void named_make(struct named *named)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	EVP_PKEY *exact_key = key_make(), *wildcard_key = key_make();
	struct buf why = BUF_INIT(256);
	unsigned char id[KEY_ID_BYTES];

	named->ring = key_ring_new();
	ring_add(named->ring, 3, exact_key);
	ring_add(named->ring, 4, wildcard_key);
	assert_int_equal(
		key_ring_add(named->ring, 1, KEY_RSA, buf_str(&world.rsa_pem.key), id, &why),
		FAULT_NONE);
	assert_int_equal(key_ring_add(named->ring, 1, KEY_EC, buf_str(&world.ec_pem.key), id, &why),
			 FAULT_NONE);
	key_source_ring_init(&named->source, named->ring);
	named->exact = certificate_for(exact_key, "DNS:mail.example.org");
	named->wildcard = certificate_for(wildcard_key, "DNS:*.example.org");
	struct tls_identity identities[] = {
		{world.rsa, KEY_RSA, true},
		{world.ec, KEY_EC, true},
		{named->exact, 3, false},
		{named->wildcard, 4, false},
	};
	struct tls_context_parts parts = {.policy = &policy,
					  .identities = identities,
					  .identity_count = 4,
					  .keys = &named->source.source,
					  .file_name = STR("mailserver.cfg")};
	assert_int_equal(tls_context_new(&parts, &why, &named->context), FAULT_NONE);
	buf_done(&why);
	EVP_PKEY_free(exact_key);
	EVP_PKEY_free(wildcard_key);
}

static void named_drop(struct named *named)
{
	tls_context_unref(&named->context);
	tls_certificate_unref(&named->exact);
	tls_certificate_unref(&named->wildcard);
	key_ring_free(&named->ring);
}

/* Whose certificate is served for that name; the handshake proves that its key signed. */
static void assert_served(struct named *named, const char *host, int version, const char *suites,
			  const struct tls_certificate *expected)
{
	SSL_CTX *client = client_make(version, version);
	struct handshake shake;

	assert_int_equal(SSL_CTX_set_cipher_list(client, suites), 1);
	handshake_run(&shake, named->context, client, host, NULL);
	assert_true(handshake_is_good(&shake));
	assert_int_equal(
		X509_cmp(SSL_get0_peer_certificate(shake.client), tls_certificate_leaf(expected)),
		0);
	handshake_done(&shake);
	SSL_CTX_free(client);
}

static void test_the_name_chooses_the_certificate(void **state)
{
	struct named named;

	named_make(&named);
	for (int version = TLS1_VERSION; version <= TLS1_3_VERSION; version++) {
		assert_served(&named, "mail.example.org", version, "aECDSA", named.exact);
		assert_served(&named, "MAIL.EXAMPLE.ORG", version, "aECDSA", named.exact);
		assert_served(&named, "www.example.org", version, "aECDSA", named.wildcard);
		assert_served(&named, "mail.example.test", version, "aECDSA", world.ec);
		assert_served(&named, "unknown.example", version, "aECDSA", world.ec);
		assert_served(&named, NULL, version, "aECDSA", world.ec);
	}
	assert_served(&named, NULL, TLS1_2_VERSION, "aRSA", world.rsa);
	assert_served(&named, "mail.example.test", TLS1_2_VERSION, "kRSA", world.rsa);
	named_drop(&named);
}

/* ---- what is refused ---- */

static void test_a_weak_key_is_refused_in_words(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	EVP_PKEY *key = EVP_PKEY_Q_keygen(crypto_library(), NULL, "RSA", (size_t)1024);
	struct tls_certificate *weak = certificate_for(key, "DNS:mail.example.test");
	struct tls_identity identity = {weak, 9, true};
	struct tls_context_parts parts = {.policy = &policy,
					  .identities = &identity,
					  .identity_count = 1,
					  .keys = &world.source.source};
	struct tls_context *context = NULL;
	struct buf why = BUF_INIT(256);
	struct findings findings;

	assert_int_equal(tls_context_new(&parts, &why, &context), FAULT_INVALID);
	assert_true(str_find(buf_str(&why), STR("2048 bits")) != STR_NONE);
	findings_init(&findings);
	tls_certificate_check(weak, "server", str_make(NULL, 0), clock_real_s(), &findings);
	assert_true(has_finding(&findings, FINDING_ERROR, "1024 bits"));
	findings_done(&findings);
	buf_done(&why);
	tls_certificate_unref(&weak);
	EVP_PKEY_free(key);
}

static void test_a_host_name_cannot_smuggle_names_in(void **state)
{
	struct tls_pair rsa, ec;
	struct buf why = BUF_INIT(256);

	assert_int_equal(tls_pairs_make(STR("a.example,DNS:bank.example"), &rsa, &ec, &why),
			 FAULT_INVALID);
	assert_int_equal(tls_pairs_make(STR(""), &rsa, &ec, &why), FAULT_INVALID);
	buf_done(&why);
}

static mode_t mode_of(const char *folder, const char *name)
{
	char *path = path_join(folder, name);
	struct stat facts;

	assert_int_equal(stat(path, &facts), 0);
	free(path);
	return facts.st_mode & 0777;
}

static void test_the_files_of_a_home(void **state)
{
	char folder[] = "/tmp/postern-test-XXXXXX";
	static const char *const names[] = {"server.crt", "server.key", "server-ecdsa.crt",
					    "server-ecdsa.key"};
	struct buf why = BUF_INIT(256);

	assert_non_null(mkdtemp(folder));
	assert_int_equal(tls_pairs_create(folder, STR("mail.example.test"), &why), FAULT_NONE);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(mode_of(folder, names[i]), i % 2 == 1 ? 0600 : 0644);
		char *path = path_join(folder, names[i]);
		assert_int_equal(unlink(path), 0);
		free(path);
	}
	assert_int_equal(rmdir(folder), 0);
	assert_int_not_equal(tls_pairs_create(folder, STR("mail.example.test"), &why), FAULT_NONE);
	assert_true(why.len > 0);
	buf_done(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_makes_pairs_that_fit_and_verify),
		cmocka_unit_test(test_a_client_that_trusts_the_file_accepts_either),
		cmocka_unit_test(test_findings_about_a_pair),
		cmocka_unit_test(test_an_expired_issuer_is_a_warning),
		cmocka_unit_test(test_a_chain_out_of_order_is_a_warning),
		cmocka_unit_test(test_a_chain_has_an_end),
		cmocka_unit_test(test_a_name_that_does_not_fit_is_a_warning),
		cmocka_unit_test(test_names_match_exactly_and_by_wildcard),
		cmocka_unit_test(test_the_name_chooses_the_certificate),
		cmocka_unit_test(test_a_weak_key_is_refused_in_words),
		cmocka_unit_test(test_a_host_name_cannot_smuggle_names_in),
		cmocka_unit_test(test_the_files_of_a_home),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
