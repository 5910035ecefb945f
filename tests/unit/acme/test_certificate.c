/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of acme/certificate: requests and challenge certificates that are
 * signed elsewhere, read and verified by OpenSSL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "acme/certificate.h"
#include "crypto/digest.h"
#include "crypto/library.h"
#include "tls/certificate.h"
#include "tls/key_ring.h"

static struct key_ring *ring;
static struct key_source_ring source;

static int ring_make(void **state)
{
	ring = key_ring_new();
	key_source_ring_init(&source, ring);
	return 0;
}

static int ring_drop(void **state)
{
	key_ring_free(&ring);
	return 0;
}

static struct acme_signer signer_make(uint32_t number, enum key_kind kind, struct buf *public_key)
{
	struct working_key working = {.number = number};
	struct buf pem = BUF_INIT(KEY_PEM_MAX), why = BUF_INIT(256);

	buf_init(public_key, KEY_PEM_MAX);
	assert_int_equal(key_ring_make(ring, &working, kind, &pem, public_key, &why), FAULT_NONE);
	buf_wipe(&pem);
	return (struct acme_signer){
		.source = &source.source, .number = number, .public_key = buf_str(public_key)};
}

static void assert_names(X509_REQ *request, const struct str *domains, size_t count)
{
	STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
	GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);

	assert_int_equal(sk_GENERAL_NAME_num(names), (int)count);
	for (size_t i = 0; i < count; i++) {
		const ASN1_STRING *name = sk_GENERAL_NAME_value(names, (int)i)->d.dNSName;
		assert_true(str_equals(str_make(ASN1_STRING_get0_data(name),
						(size_t)ASN1_STRING_length(name)),
				       domains[i]));
	}
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static void test_requests_of_both_kinds_verify(void **state)
{
	const struct str domains[] = {STR("mail.a.example"), STR("a.example")};

	for (int kind = KEY_KIND_ECDSA; kind <= KEY_KIND_RSA; kind++) {
		struct buf public_key, der = BUF_INIT(ACME_CERTIFICATE_MAX);
		struct acme_signer signer = signer_make(KEY_WORKING_FIRST + (uint32_t)kind,
							(enum key_kind)kind, &public_key);
		assert_int_equal(acme_certificate_request(&signer, domains, 2, &der), FAULT_NONE);
		const unsigned char *at = (const unsigned char *)der.data;
		X509_REQ *request = X509_REQ_new_ex(crypto_library(), NULL);
		assert_non_null(d2i_X509_REQ(&request, &at, (long)der.len));
		assert_int_equal(X509_REQ_verify_ex(request, X509_REQ_get0_pubkey(request),
						    crypto_library(), NULL),
				 1);
		assert_names(request, domains, 2);
		X509_REQ_free(request);
		buf_done(&der);
		buf_done(&public_key);
	}
}

static void test_names_that_are_none_are_refused(void **state)
{
	struct buf public_key, der = BUF_INIT(ACME_CERTIFICATE_MAX);
	struct acme_signer signer = signer_make(KEY_WORKING_FIRST + 5, KEY_KIND_ECDSA, &public_key);
	struct str marks = STR("a.example,IP:127.0.0.1");

	assert_int_equal(acme_certificate_request(&signer, &marks, 1, &der), FAULT_INVALID);
	assert_int_equal(acme_certificate_request(&signer, &marks, 0, &der), FAULT_INVALID);
	signer.number = KEY_WORKING_FIRST + 99;
	assert_int_equal(acme_certificate_request(&signer, &STR("a.example"), 1, &der),
			 FAULT_INVALID);
	assert_int_equal(der.len, 0);
	buf_done(&public_key);
}

/* RFC 8737 section 3: the digest in a critical extension. */
static void assert_answers(X509 *leaf, struct str authorization)
{
	unsigned char expected[2 + SHA256_BYTES] = {V_ASN1_OCTET_STRING, SHA256_BYTES};
	ASN1_OBJECT *identifier = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	int at = X509_get_ext_by_OBJ(leaf, identifier, -1);

	assert_true(at >= 0);
	X509_EXTENSION *extension = X509_get_ext(leaf, at);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
	sha256(authorization, expected + 2);
	assert_int_equal(X509_EXTENSION_get_critical(extension), 1);
	assert_int_equal(ASN1_STRING_length(value), sizeof(expected));
	assert_memory_equal(ASN1_STRING_get0_data(value), expected, sizeof(expected));
	ASN1_OBJECT_free(identifier);
}

static void test_a_challenge_certificate(void **state)
{
	struct buf public_key, pem = BUF_INIT(ACME_CERTIFICATE_MAX), why = BUF_INIT(256);
	struct acme_signer signer = signer_make(KEY_WORKING_FIRST + 9, KEY_KIND_ECDSA, &public_key);
	struct tls_certificate *certificate = NULL;

	assert_int_equal(acme_challenge_certificate(&signer, STR("a.example"), STR("token.print"),
						    &pem),
			 FAULT_NONE);
	assert_int_equal(tls_certificate_parse(buf_str(&pem), &why, &certificate), FAULT_NONE);
	assert_int_equal(tls_certificate_name_count(certificate), 1);
	assert_true(str_equals(tls_certificate_name(certificate, 0), STR("a.example")));
	X509 *leaf = tls_certificate_leaf(certificate);
	assert_int_equal(X509_verify(leaf, X509_get0_pubkey(leaf)), 1);
	assert_answers(leaf, STR("token.print"));
	tls_certificate_unref(&certificate);
	buf_done(&pem);
	buf_done(&public_key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_of_both_kinds_verify),
		cmocka_unit_test(test_names_that_are_none_are_refused),
		cmocka_unit_test(test_a_challenge_certificate),
	};

	return cmocka_run_group_tests(tests, ring_make, ring_drop);
}
