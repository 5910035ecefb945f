/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/request.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "crypto/library.h"
#include "tls/certificate_names.h"
#include "tls/private_key.h"

enum { NAMES_LEN_MAX = 1 << 20, RSA_BITS = 2048 };

/* ---- making ---- */

static bool request_add_names(X509_REQ *request, const char *names)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, NULL, NULL, request, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	X509_EXTENSION *extension =
		X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names);
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	bool is_good = extension != NULL && list != NULL &&
		       sk_X509_EXTENSION_push(list, extension) > 0 &&
		       X509_REQ_add_extensions(request, list) == 1;

	sk_X509_EXTENSION_free(list);
	X509_EXTENSION_free(extension);
	return is_good;
}

static bool request_append(X509_REQ *request, struct buf *to)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes = NULL;
	bool is_good = bio != NULL && PEM_write_bio_X509_REQ(bio, request) == 1;
	long len = is_good ? BIO_get_mem_data(bio, &bytes) : 0;

	buf_append(to, bytes, len > 0 ? (size_t)len : 0);
	BIO_free(bio);
	return is_good;
}

static bool request_fill(X509_REQ *request, EVP_PKEY *key, const struct str *names, size_t count)
{
	struct buf list = BUF_INIT(NAMES_LEN_MAX);

	tls_names_append(&list, names, count);
	buf_append_char(&list, '\0');
	bool is_good = !list.failed && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
		       tls_subject_set(X509_REQ_get_subject_name(request), names[0]) &&
		       X509_REQ_set_pubkey(request, key) == 1 &&
		       request_add_names(request, list.data) &&
		       X509_REQ_sign(request, key, EVP_sha256()) > 0;
	buf_done(&list);
	return is_good;
}

enum fault tls_request_make(struct str key_pem, const struct str *names, size_t count,
			    struct buf *pem, struct buf *why)
{
	if (!tls_names_check(names, count, why))
		return FAULT_INVALID;
	EVP_PKEY *key = tls_private_key_read(key_pem, why);
	if (key == NULL)
		return FAULT_INVALID;
	X509_REQ *request = X509_REQ_new_ex(crypto_library(), NULL);
	bool is_good = request != NULL && request_fill(request, key, names, count) &&
		       request_append(request, pem);
	if (!is_good)
		buf_append_c(why, "no request can be made with this key");
	X509_REQ_free(request);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return is_good ? FAULT_NONE : FAULT_INVALID;
}

enum fault tls_request_key_make(bool is_rsa, struct buf *pem)
{
	EVP_PKEY *key = is_rsa ? EVP_PKEY_Q_keygen(crypto_library(), NULL, "RSA", (size_t)RSA_BITS)
			       : EVP_PKEY_Q_keygen(crypto_library(), NULL, "EC", "P-256");
	bool is_good = key != NULL && tls_private_key_append(key, pem);

	EVP_PKEY_free(key);
	ERR_clear_error();
	return is_good ? FAULT_NONE : FAULT_MEMORY;
}

/* ---- reading ---- */

static X509_REQ *request_parse(struct str pem)
{
	BIO *bio = pem.len > INT32_MAX ? NULL : BIO_new_mem_buf(pem.len == 0 ? "" : pem.ptr, (int)pem.len);
	X509_REQ *request = X509_REQ_new_ex(crypto_library(), NULL);

	CHECK(request != NULL);
	if (bio == NULL || PEM_read_bio_X509_REQ(bio, &request, NULL, NULL) == NULL) {
		X509_REQ_free(request);
		request = NULL;
	}
	BIO_free(bio);
	ERR_clear_error();
	return request;
}

static void names_append(const X509_REQ *request, struct buf *to)
{
	STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions((X509_REQ *)request);
	GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS)
			continue;
		buf_append(to, ASN1_STRING_get0_data(name->d.dNSName),
			   (size_t)ASN1_STRING_length(name->d.dNSName));
		buf_append_char(to, '\n');
	}
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

bool tls_request_read(struct str pem, struct tls_request_facts *facts_out, struct buf *names)
{
	X509_REQ *request = request_parse(pem);
	EVP_PKEY *key = request == NULL ? NULL : X509_REQ_get0_pubkey(request);

	if (key != NULL) {
		tls_key_id(key, facts_out->key_id);
		facts_out->kind = EVP_PKEY_is_a(key, "RSA") ? TLS_KEY_RSA : TLS_KEY_EC;
		facts_out->bits = EVP_PKEY_get_bits(key);
		names_append(request, names);
	}
	X509_REQ_free(request);
	ERR_clear_error();
	return key != NULL;
}
