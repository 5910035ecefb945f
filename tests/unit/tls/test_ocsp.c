/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/ocsp and tls/staples: answers judged, and stapled to handshakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "crypto/library.h"
#include "fixture.h"
#include "tls/certificate_facts.h"
#include "tls/ocsp.h"

enum { DAY_S = 24 * 3600, HOUR_S = 3600 };

/* ---- an authority ---- */

struct signer {
	X509 *certificate;
	EVP_PKEY *key;
};

static void extension_add(X509 *made, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(made, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Signed by `issuer`, or by itself when that is NULL. */
static struct signer signer_make(const char *name, long serial, const struct signer *issuer,
				 const char *purpose)
{
	struct signer signer = {.certificate = X509_new_ex(crypto_library(), NULL),
				.key = EVP_PKEY_Q_keygen(crypto_library(), NULL, "EC", "P-256")};
	X509 *made = signer.certificate;

	assert_int_equal(X509_set_version(made, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made), serial), 1);
	X509_gmtime_adj(X509_getm_notBefore(made), -30 * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(made), 300 * DAY_S);
	assert_int_equal(X509_set_pubkey(made, signer.key), 1);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(made, issuer == NULL ? X509_get_subject_name(made)
						  : X509_get_subject_name(issuer->certificate));
	extension_add(made, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
	if (purpose != NULL)
		extension_add(made, NID_ext_key_usage, purpose);
	assert_true(X509_sign(made, issuer == NULL ? signer.key : issuer->key, EVP_sha256()) > 0);
	return signer;
}

static void signer_free(struct signer *signer)
{
	X509_free(signer->certificate);
	EVP_PKEY_free(signer->key);
}

struct scene {
	struct signer root;
	struct signer leaf;
	struct signer responder; /* charged by the root */
	struct signer impostor;	 /* issued by the root for something else */
	struct signer stranger;
	struct tls_certificate *certificate;
};

static struct scene scene;

static struct tls_certificate *chain_make(X509 *leaf, X509 *issuer)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct buf why = BUF_INIT(1024);
	struct tls_certificate *certificate = NULL;
	char *pem;

	assert_int_equal(PEM_write_bio_X509(bio, leaf), 1);
	if (issuer != NULL)
		assert_int_equal(PEM_write_bio_X509(bio, issuer), 1);
	long len = BIO_get_mem_data(bio, &pem);
	assert_int_equal(tls_certificate_parse(str_make(pem, (size_t)len), &why, &certificate),
			 FAULT_NONE);
	BIO_free(bio);
	return certificate;
}

static int scene_make(void **state)
{
	scene.root = signer_make("root", 1, NULL, NULL);
	scene.leaf = signer_make("leaf", 2, &scene.root, NULL);
	scene.responder = signer_make("responder", 3, &scene.root, "OCSPSigning");
	scene.impostor = signer_make("impostor", 4, &scene.root, "serverAuth");
	scene.stranger = signer_make("root", 1, NULL, NULL);
	scene.certificate = chain_make(scene.leaf.certificate, scene.root.certificate);
	return world_make(state);
}

static int scene_drop(void **state)
{
	signer_free(&scene.root);
	signer_free(&scene.leaf);
	signer_free(&scene.responder);
	signer_free(&scene.impostor);
	signer_free(&scene.stranger);
	tls_certificate_unref(&scene.certificate);
	return world_drop(state);
}

/* ---- answers ---- */

struct said {
	const struct signer *signer;
	int status;
	long from_s;  /* seconds from now */
	long until_s; /* 0: it does not say */
	long serial;  /* 0: that of the leaf */
};

static OCSP_CERTID *id_of(const struct said *said)
{
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	assert_int_equal(ASN1_INTEGER_set(serial, said->serial == 0 ? 2 : said->serial), 1);
	OCSP_CERTID *id = OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(scene.root.certificate),
					   X509_get0_pubkey_bitstr(scene.root.certificate), serial);
	ASN1_INTEGER_free(serial);
	return id;
}

static struct buf answer_make(const struct said *said)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = id_of(said);
	ASN1_TIME *from = X509_gmtime_adj(NULL, said->from_s);
	ASN1_TIME *until = said->until_s == 0 ? NULL : X509_gmtime_adj(NULL, said->until_s);
	ASN1_TIME *revoked = said->status == V_OCSP_CERTSTATUS_REVOKED ? X509_gmtime_adj(NULL, -DAY_S)
								       : NULL;
	struct buf der = BUF_INIT(TLS_OCSP_RESPONSE_MAX);
	unsigned char *bytes = NULL;

	assert_non_null(OCSP_basic_add1_status(basic, id, said->status, 0, revoked, from, until));
	assert_int_equal(OCSP_basic_sign(basic, said->signer->certificate, said->signer->key,
					 EVP_sha256(), NULL, 0),
			 1);
	OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	int len = i2d_OCSP_RESPONSE(response, &bytes);
	buf_append(&der, bytes, (size_t)len);
	OPENSSL_free(bytes);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	ASN1_TIME_free(revoked);
	return der;
}

static void assert_judged(const struct said *said, enum tls_ocsp_state expected, const char *words)
{
	struct buf der = answer_make(said), why = BUF_INIT(1024);
	struct tls_ocsp_answer answer = {.state = TLS_OCSP_NONE};
	enum fault fault = tls_ocsp_check(scene.certificate, buf_str(&der), clock_real_s(), &answer,
					  &why);

	if (words != NULL && str_find(buf_str(&why), str_from_c(words)) == STR_NONE)
		fail_msg("\"%s\" is not in \"%.*s\"", words, STR_ARG(buf_str(&why)));
	assert_int_equal(fault, words == NULL ? FAULT_NONE : FAULT_INVALID);
	assert_int_equal(answer.state, expected);
	buf_done(&der);
	buf_done(&why);
}

static void test_answers_are_judged(void **state)
{
	const struct signer *root = &scene.root;
	const struct {
		struct said said;
		enum tls_ocsp_state state;
		const char *words;
	} rows[] = {
		{{root, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S, 0}, TLS_OCSP_GOOD, NULL},
		{{&scene.responder, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S, 0}, TLS_OCSP_GOOD, NULL},
		{{root, V_OCSP_CERTSTATUS_REVOKED, -HOUR_S, DAY_S, 0}, TLS_OCSP_REVOKED, NULL},
		{{root, V_OCSP_CERTSTATUS_UNKNOWN, -HOUR_S, DAY_S, 0}, TLS_OCSP_UNKNOWN, NULL},
		/* Without an end it holds an hour. */
		{{root, V_OCSP_CERTSTATUS_GOOD, -60, 0, 0}, TLS_OCSP_GOOD, NULL},
		{{root, V_OCSP_CERTSTATUS_GOOD, -2 * HOUR_S, 0, 0}, TLS_OCSP_NONE, "has run out"},
		{{root, V_OCSP_CERTSTATUS_GOOD, -DAY_S, -60, 0}, TLS_OCSP_NONE, "has run out"},
		{{root, V_OCSP_CERTSTATUS_GOOD, HOUR_S, DAY_S, 0}, TLS_OCSP_NONE, "of the future"},
		{{root, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S, 99}, TLS_OCSP_NONE,
		 "about another certificate"},
		{{&scene.impostor, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S, 0}, TLS_OCSP_NONE,
		 "not signed by the certificate's issuer"},
		{{&scene.stranger, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S, 0}, TLS_OCSP_NONE,
		 "not signed by the certificate's issuer"},
		{{&scene.leaf, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S, 0}, TLS_OCSP_NONE,
		 "not signed by the certificate's issuer"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_judged(&rows[i].said, rows[i].state, rows[i].words);
}

static void assert_refused(struct str der, const char *words)
{
	struct tls_ocsp_answer answer = {.state = TLS_OCSP_NONE};
	struct buf why = BUF_INIT(1024);

	assert_int_equal(tls_ocsp_check(scene.certificate, der, clock_real_s(), &answer, &why),
			 FAULT_INVALID);
	assert_true(str_find(buf_str(&why), str_from_c(words)) != STR_NONE);
	assert_int_equal(answer.state, TLS_OCSP_NONE);
	buf_done(&why);
}

static void test_what_is_no_answer(void **state)
{
	OCSP_RESPONSE *later = OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL);
	unsigned char *bytes = NULL;
	int len = i2d_OCSP_RESPONSE(later, &bytes);

	assert_refused(str_make(bytes, (size_t)len), "the responder says: trylater");
	assert_refused(STR(""), "not one of OCSP");
	assert_refused(STR("<html>not found</html>"), "not one of OCSP");
	OPENSSL_free(bytes);
	OCSP_RESPONSE_free(later);
}

static void test_a_request_needs_the_issuer(void **state)
{
	struct tls_certificate *alone = chain_make(scene.leaf.certificate, NULL);
	struct buf der = BUF_INIT(TLS_OCSP_REQUEST_MAX);

	assert_int_equal(tls_ocsp_request(alone, &der), FAULT_NOT_FOUND);
	assert_int_equal(der.len, 0);
	assert_int_equal(tls_ocsp_request(scene.certificate, &der), FAULT_NONE);
	const unsigned char *at = (const unsigned char *)der.data;
	OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &at, (long)der.len);
	assert_int_equal(OCSP_request_onereq_count(request), 1);
	OCSP_REQUEST_free(request);
	buf_done(&der);
	tls_certificate_unref(&alone);
}

static void test_when_it_is_asked_again(void **state)
{
	assert_int_equal(tls_ocsp_next_s(1000, 1000 + DAY_S, 0), 1000 + DAY_S / 2);
	assert_int_equal(tls_ocsp_next_s(1000, 1010, 0), 1060);
	assert_int_equal(tls_ocsp_next_s(1000, 0, 1), 1060);
	assert_int_equal(tls_ocsp_next_s(1000, 0, 3), 1240);
	assert_int_equal(tls_ocsp_next_s(1000, 0, 7), 1000 + HOUR_S);
	assert_int_equal(tls_ocsp_next_s(1000, 0, 4000000000U), 1000 + HOUR_S);
}

/* ---- stapled ---- */

/* What a client is told of the certificate; empty when nothing is stapled. */
static struct buf stapled(struct tls_staples *staples, int version, int with)
{
	struct tls_policy policy = policy_make(ONLY(1_2) | ONLY(1_3));
	struct tls_context *context = context_make(&policy, with, NULL);
	SSL_CTX *client = client_make(version, version);
	struct buf response = BUF_INIT(TLS_OCSP_RESPONSE_MAX);
	const unsigned char *bytes;
	struct handshake shake;

	tls_staples_attach(staples, tls_context_openssl(context));
	assert_int_equal(SSL_CTX_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp), 1);
	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_is_good(&shake));
	long len = SSL_get_tlsext_status_ocsp_resp(shake.client, &bytes);
	if (len > 0)
		buf_append(&response, bytes, (size_t)len);
	handshake_done(&shake);
	SSL_CTX_free(client);
	tls_context_unref(&context);
	return response;
}

static void assert_stapled(struct tls_staples *staples, int with, const char *expected)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct buf response = stapled(staples, version, with);
		assert_true(str_equals(buf_str(&response), str_from_c(expected)));
		buf_done(&response);
	}
}

static void test_each_certificate_gets_its_own_until_its_time(void **state)
{
	struct tls_staples *staples = tls_staples_new();
	unsigned char ec[TLS_STAPLE_ID_BYTES], rsa[TLS_STAPLE_ID_BYTES];
	int64_t now = clock_real_s();

	assert_true(tls_certificate_fingerprint(world.ec, ec));
	assert_true(tls_certificate_fingerprint(world.rsa, rsa));
	assert_stapled(staples, WITH_EC, "");
	tls_staples_set(staples, ec, STR("the answer for EC"), now + DAY_S, now);
	assert_stapled(staples, WITH_EC, "the answer for EC");
	assert_stapled(staples, WITH_BOTH, "the answer for EC");
	assert_stapled(staples, WITH_RSA, "");
	tls_staples_set(staples, rsa, STR("the answer for RSA"), now + DAY_S, now);
	assert_stapled(staples, WITH_RSA, "the answer for RSA");
	tls_staples_set(staples, ec, STR("a later one"), now + DAY_S, now);
	assert_stapled(staples, WITH_EC, "a later one");
	/* What has run out is not stapled, and what is taken away neither. */
	tls_staples_set(staples, ec, STR("an old one"), now - 1, now - 2);
	assert_stapled(staples, WITH_EC, "");
	tls_staples_set(staples, rsa, STR(""), now + DAY_S, now);
	assert_stapled(staples, WITH_RSA, "");
	tls_staples_free(&staples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_are_judged),
		cmocka_unit_test(test_what_is_no_answer),
		cmocka_unit_test(test_a_request_needs_the_issuer),
		cmocka_unit_test(test_when_it_is_asked_again),
		cmocka_unit_test(test_each_certificate_gets_its_own_until_its_time),
	};

	return cmocka_run_group_tests(tests, scene_make, scene_drop);
}
