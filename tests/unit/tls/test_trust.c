/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/trust and tls/certificate_facts: who vouches, and what is embedded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/library.h"
#include "tls/certificate_facts.h"
#include "tls/trust.h"

enum { DAY_S = 24 * 3600 };

static void extension_add(X509 *made, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, made, made, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(made, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* What it holds is the business of browsers; that it is there is ours. */
static void scts_add(X509 *made)
{
	ASN1_OCTET_STRING *list = ASN1_OCTET_STRING_new();

	assert_int_equal(ASN1_OCTET_STRING_set(list, (const unsigned char *)"\x04\x02\x00\x00", 4), 1);
	X509_EXTENSION *extension =
		X509_EXTENSION_create_by_NID(NULL, NID_ct_precert_scts, 0, list);
	assert_int_equal(X509_add_ext(made, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(list);
}

/* A certificate that is its own root, with the given extensions; PEM into `pem`. */
static struct tls_certificate *made_with(bool has_scts, const char *responders, bool must_staple,
					 struct buf *pem)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(crypto_library(), NULL, "EC", "P-256");
	X509 *made = X509_new_ex(crypto_library(), NULL);
	struct buf why = BUF_INIT(1024);
	struct tls_certificate *certificate = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;

	assert_int_equal(X509_set_version(made, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made), 1), 1);
	X509_gmtime_adj(X509_getm_notBefore(made), -DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(made), DAY_S);
	assert_int_equal(X509_set_pubkey(made, key), 1);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
				   (const unsigned char *)"public", -1, -1, 0);
	X509_set_issuer_name(made, X509_get_subject_name(made));
	extension_add(made, NID_basic_constraints, "CA:TRUE");
	if (has_scts)
		scts_add(made);
	if (responders != NULL)
		extension_add(made, NID_info_access, responders);
	if (must_staple)
		extension_add(made, NID_tlsfeature, "status_request");
	assert_true(X509_sign(made, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, made), 1);
	long len = BIO_get_mem_data(bio, &bytes);
	buf_append(pem, bytes, (size_t)len);
	assert_int_equal(tls_certificate_parse(buf_str(pem), &why, &certificate), FAULT_NONE);
	BIO_free(bio);
	X509_free(made);
	EVP_PKEY_free(key);
	return certificate;
}

/* ---- public or not ---- */

struct place {
	char folder[32];
	char *system; /* the file of the system's roots */
	char *own;    /* the folder of the house's */
};

static void place_make(struct place *place, struct str roots)
{
	(void)snprintf(place->folder, sizeof(place->folder), "/tmp/postern-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	place->system = path_join(place->folder, "system.pem");
	place->own = path_join(place->folder, "sslca");
	assert_int_equal(file_replace(place->system, roots, 0600), FAULT_NONE);
	assert_int_equal(folder_make(place->own, 0700), FAULT_NONE);
	assert_int_equal(setenv("SSL_CERT_FILE", place->system, 1), 0);
	assert_int_equal(setenv("SSL_CERT_DIR", place->own, 1), 0);
}

static void place_done(struct place *place)
{
	assert_int_equal(unlink(place->system), 0);
	assert_int_equal(rmdir(place->own), 0);
	assert_int_equal(rmdir(place->folder), 0);
	free(place->system);
	free(place->own);
}

/* How many warnings there are; tells in `is_public_out` what it was taken for. */
static size_t warnings_of(const struct place *place, const struct tls_certificate *certificate,
			  bool *is_public_out)
{
	struct tls_trust *trust = tls_trust_new(place->own);
	struct findings findings;

	findings_init(&findings);
	*is_public_out = tls_trust_check(trust, certificate, "server.crt", &findings);
	size_t warnings = findings.totals[FINDING_WARNING];
	if (warnings > 0)
		assert_true(str_find(findings.items[0].text, STR("Chrome may show \"Not secure\"")) !=
			    STR_NONE);
	findings_done(&findings);
	tls_trust_free(&trust);
	return warnings;
}

static void test_a_public_certificate_without_timestamps_is_a_warning(void **state)
{
	struct buf pem = BUF_INIT(TLS_PEM_MAX);
	struct tls_certificate *certificate = made_with(false, NULL, false, &pem);
	struct place place;
	bool is_public;

	place_make(&place, buf_str(&pem));
	assert_int_equal(warnings_of(&place, certificate, &is_public), 1);
	assert_true(is_public);
	/* The same root in sslca/ makes it the house's. */
	char *root = path_join(place.own, "root.crt");
	assert_int_equal(file_replace(root, buf_str(&pem), 0600), FAULT_NONE);
	assert_int_equal(warnings_of(&place, certificate, &is_public), 0);
	assert_false(is_public);
	assert_int_equal(unlink(root), 0);
	free(root);
	place_done(&place);
	tls_certificate_unref(&certificate);
	buf_done(&pem);
}

static void test_timestamps_satisfy(void **state)
{
	struct buf pem = BUF_INIT(TLS_PEM_MAX);
	struct tls_certificate *certificate = made_with(true, NULL, false, &pem);
	struct place place;
	bool is_public;

	place_make(&place, buf_str(&pem));
	assert_int_equal(warnings_of(&place, certificate, &is_public), 0);
	assert_true(is_public);
	place_done(&place);
	tls_certificate_unref(&certificate);
	buf_done(&pem);
}

static void test_a_local_root_needs_none(void **state)
{
	struct buf pem = BUF_INIT(TLS_PEM_MAX), other = BUF_INIT(TLS_PEM_MAX);
	struct tls_certificate *certificate = made_with(false, NULL, false, &pem);
	struct tls_certificate *stranger = made_with(false, NULL, false, &other);
	struct place place;
	bool is_public;

	place_make(&place, buf_str(&other));
	assert_int_equal(warnings_of(&place, certificate, &is_public), 0);
	assert_false(is_public);
	place_done(&place);
	tls_certificate_unref(&certificate);
	tls_certificate_unref(&stranger);
	buf_done(&pem);
	buf_done(&other);
}

/* ---- what is embedded ---- */

static void assert_responder(const char *responders, const char *expected)
{
	struct buf pem = BUF_INIT(TLS_PEM_MAX), url = BUF_INIT(2000);
	struct tls_certificate *certificate = made_with(false, responders, false, &pem);

	assert_int_equal(tls_certificate_append_responder(certificate, &url), expected != NULL);
	assert_true(str_equals(buf_str(&url), str_from_c(expected)));
	tls_certificate_unref(&certificate);
	buf_done(&url);
	buf_done(&pem);
}

static void test_the_responder_is_the_first_over_plain_http(void **state)
{
	assert_responder(NULL, NULL);
	assert_responder("OCSP;URI:http://ocsp.example/", "http://ocsp.example/");
	assert_responder("OCSP;URI:ldap://ocsp.example/,OCSP;URI:HTTP://b.example/q",
			 "HTTP://b.example/q");
	assert_responder("OCSP;URI:https://ocsp.example/", NULL);
	assert_responder("caIssuers;URI:http://ca.example/ca.crt", NULL);
}

static void test_must_staple(void **state)
{
	struct buf pem = BUF_INIT(TLS_PEM_MAX);
	struct tls_certificate *certificate = made_with(false, NULL, true, &pem);

	assert_true(tls_certificate_must_staple(certificate));
	tls_certificate_unref(&certificate);
	buf_reset(&pem);
	certificate = made_with(false, NULL, false, &pem);
	assert_false(tls_certificate_must_staple(certificate));
	tls_certificate_unref(&certificate);
	buf_done(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_public_certificate_without_timestamps_is_a_warning),
		cmocka_unit_test(test_timestamps_satisfy),
		cmocka_unit_test(test_a_local_root_needs_none),
		cmocka_unit_test(test_the_responder_is_the_first_over_plain_http),
		cmocka_unit_test(test_must_staple),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
