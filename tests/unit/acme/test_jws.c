/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of acme/jws: the thumbprint of a known key, and requests that
 * OpenSSL itself verifies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "acme/jws.h"
#include "base/encode.h"
#include "crypto/library.h"
#include "tls/key_ring.h"

static struct key_ring *ring;
static struct key_source_ring source;
static struct buf public_key = {.max = 4096};
static struct acme_key key;

static int key_make(void **state)
{
	struct working_key working = {.number = KEY_WORKING_FIRST, .users = 1u << ROLE_MAILQ};
	struct buf pem = BUF_INIT(KEY_PEM_MAX), why = BUF_INIT(256);

	ring = key_ring_new();
	key_source_ring_init(&source, ring);
	if (key_ring_make(ring, &working, KEY_KIND_ECDSA, &pem, &public_key, &why) != FAULT_NONE)
		return -1;
	buf_wipe(&pem);
	return acme_key_init(&key, &source.source, KEY_WORKING_FIRST, buf_str(&public_key)) ==
			       FAULT_NONE
		       ? 0
		       : -1;
}

static int key_drop(void **state)
{
	key_ring_free(&ring);
	buf_done(&public_key);
	return 0;
}

/* The product only encodes; the standard decoder is fed with the standard's letters. */
static void unbase64url(struct str text, struct buf *to)
{
	struct buf padded = BUF_INIT(64 * 1024);

	for (size_t i = 0; i < text.len; i++)
		buf_append_char(&padded, text.ptr[i] == '-'   ? '+'
					 : text.ptr[i] == '_' ? '/'
							      : text.ptr[i]);
	while (padded.len % 4 != 0)
		buf_append_char(&padded, '=');
	assert_true(base64_decode(to, buf_str(&padded)));
	buf_done(&padded);
}

/* The public point of RFC 7515 appendix A.3.1; its thumbprint by `openssl dgst`. */
static void test_a_thumbprint(void **state)
{
	static const char *const coordinates[] = {"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
						  "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"};
	struct acme_key known = {0};
	struct buf bytes = BUF_INIT(256), text = BUF_INIT(256);

	unbase64url(str_from_c(coordinates[0]), &bytes);
	unbase64url(str_from_c(coordinates[1]), &bytes);
	assert_int_equal(bytes.len, 2 * ACME_COORDINATE_BYTES);
	memcpy(known.x, bytes.data, sizeof(known.x));
	memcpy(known.y, bytes.data + sizeof(known.x), sizeof(known.y));
	acme_authorization_append(&known, STR("token"), &text);
	assert_true(str_equals(buf_str(&text),
			       STR("token.oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U")));
	buf_done(&bytes);
	buf_done(&text);
}

static const char *text_of(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	assert_non_null(text);
	return text;
}

static EVP_PKEY *verifier_make(void)
{
	const unsigned char *at = (const unsigned char *)public_key.data;

	return d2i_PUBKEY_ex(NULL, &at, (long)public_key.len, crypto_library(), NULL);
}

/* The two numbers of RFC 7518 section 3.4 as OpenSSL wants them. */
static int signature_der(json_t *jws, unsigned char **der_out)
{
	struct buf numbers = BUF_INIT(256);
	ECDSA_SIG *signature = ECDSA_SIG_new();

	unbase64url(str_from_c(text_of(jws, "signature")), &numbers);
	assert_int_equal(numbers.len, 64);
	const unsigned char *bytes = (const unsigned char *)numbers.data;
	assert_int_equal(ECDSA_SIG_set0(signature, BN_bin2bn(bytes, 32, NULL),
					BN_bin2bn(bytes + 32, 32, NULL)),
			 1);
	int len = i2d_ECDSA_SIG(signature, der_out);
	ECDSA_SIG_free(signature);
	buf_done(&numbers);
	return len;
}

static bool verifies(json_t *jws)
{
	EVP_PKEY *verifier = verifier_make();
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct buf text = BUF_INIT(64 * 1024);
	unsigned char *der = NULL;
	int len = signature_der(jws, &der);

	buf_printf(&text, "%s.%s", text_of(jws, "protected"), text_of(jws, "payload"));
	assert_int_equal(EVP_DigestVerifyInit_ex(context, NULL, "SHA256", crypto_library(), NULL,
						 verifier, NULL),
			 1);
	bool is_good = EVP_DigestVerify(context, der, (size_t)len,
					(const unsigned char *)text.data, text.len) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(verifier);
	buf_done(&text);
	return is_good;
}

/* The signed request, and its protected header. */
static json_t *request_make(const struct acme_request *request, json_t **header_out)
{
	struct buf text = BUF_INIT(64 * 1024), header = BUF_INIT(64 * 1024);

	assert_int_equal(acme_jws_append(&key, request, &text), FAULT_NONE);
	json_t *jws = json_loadb(text.data, text.len, 0, NULL);
	assert_non_null(jws);
	unbase64url(str_from_c(text_of(jws, "protected")), &header);
	*header_out = json_loadb(header.data, header.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(*header_out);
	buf_done(&text);
	buf_done(&header);
	return jws;
}

/* Numbers that begin with a zero byte come one time in 128; each must keep its length. */
static void test_requests_verify(void **state)
{
	const struct acme_request request = {.url = STR("https://ca/order"),
					     .nonce = STR("nonce"),
					     .account = STR("https://ca/a/1"),
					     .payload = STR("{\"a\":1}")};

	for (int i = 0; i < 300; i++) {
		json_t *header;
		json_t *jws = request_make(&request, &header);
		assert_true(verifies(jws));
		assert_string_equal(text_of(header, "alg"), "ES256");
		assert_string_equal(text_of(header, "kid"), "https://ca/a/1");
		assert_string_equal(text_of(header, "nonce"), "nonce");
		assert_string_equal(text_of(header, "url"), "https://ca/order");
		assert_null(json_object_get(header, "jwk"));
		assert_string_equal(text_of(jws, "payload"), "eyJhIjoxfQ");
		json_decref(header);
		json_decref(jws);
	}
}

static void test_a_first_request_holds_the_key(void **state)
{
	json_t *header;
	json_t *jws = request_make(
		&(struct acme_request){.url = STR("https://ca/account"), .nonce = STR("n\"\\")},
		&header);

	assert_true(verifies(jws));
	assert_null(json_object_get(header, "kid"));
	json_t *jwk = json_object_get(header, "jwk");
	assert_string_equal(text_of(jwk, "kty"), "EC");
	assert_string_equal(text_of(jwk, "crv"), "P-256");
	assert_string_equal(text_of(header, "nonce"), "n\"\\");
	/* A GET in the form of a POST. */
	assert_string_equal(text_of(jws, "payload"), "");
	json_decref(header);
	json_decref(jws);
}

static void test_another_kind_of_key_is_refused(void **state)
{
	struct acme_key other;
	struct working_key working = {.number = KEY_WORKING_FIRST + 1};
	struct buf pem = BUF_INIT(KEY_PEM_MAX), der = BUF_INIT(4096), why = BUF_INIT(256);

	assert_int_equal(key_ring_make(ring, &working, KEY_KIND_RSA, &pem, &der, &why), FAULT_NONE);
	assert_int_equal(acme_key_init(&other, &source.source, working.number, buf_str(&der)),
			 FAULT_UNSUPPORTED);
	assert_int_equal(acme_key_init(&other, &source.source, 1, STR("nonsense")),
			 FAULT_UNSUPPORTED);
	buf_wipe(&pem);
	buf_done(&der);
}

static void test_a_key_that_is_gone_is_told(void **state)
{
	struct acme_key gone = key;
	struct buf text = BUF_INIT(4096);

	gone.number = KEY_WORKING_FIRST + 7;
	assert_int_equal(acme_jws_append(&gone, &(struct acme_request){.url = STR("https://ca/")},
					 &text),
			 FAULT_NOT_FOUND);
	assert_int_equal(text.len, 0);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_thumbprint),
		cmocka_unit_test(test_requests_verify),
		cmocka_unit_test(test_a_first_request_holds_the_key),
		cmocka_unit_test(test_another_kind_of_key_is_refused),
		cmocka_unit_test(test_a_key_that_is_gone_is_told),
	};

	return cmocka_run_group_tests(tests, key_make, key_drop);
}
