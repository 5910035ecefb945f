/* SPDX-License-Identifier: Apache-2.0 */
/* The key provider's signatures: see provider.h. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "crypto/library.h"
#include "tls/provider.h"

enum { SCHEMES_MAX = 16 };

/* The digest of each scheme, fetched once. */
static EVP_MD *scheme_digests[SCHEMES_MAX];

void provider_signature_start(void)
{
	CHECK(sign_scheme_count() <= SCHEMES_MAX);
	for (size_t i = 0; i < sign_scheme_count(); i++)
		scheme_digests[i] = EVP_MD_fetch(crypto_library(), sign_scheme_at(i)->digest, NULL);
}

/* A signature under way. */
struct signing {
	const struct key_handle *handle; /* outlived by the EVP_PKEY that OpenSSL holds */
	const struct sign_scheme *scheme;
};

static void *signing_new(void *provider, const char *properties)
{
	return calloc(1, sizeof(struct signing));
}

static void signing_free(void *data)
{
	free(data);
}

static void *signing_dup(void *data)
{
	struct signing *copy = malloc(sizeof(*copy));

	if (copy != NULL)
		*copy = *(const struct signing *)data;
	return copy;
}

/* The padding's name or OpenSSL's number for it. */
static bool param_is_padding(const OSSL_PARAM *param, const char *name, int number)
{
	const char *text = NULL;
	int value = 0;

	if (param->data_type == OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_utf8_string_ptr(param, &text) == 1 && strcmp(text, name) == 0;
	return OSSL_PARAM_get_int(param, &value) == 1 && value == number;
}

static bool signing_set_padding(struct signing *signing, const OSSL_PARAM *param)
{
	enum sign_padding padding;

	if (param_is_padding(param, OSSL_PKEY_RSA_PAD_MODE_PSS, RSA_PKCS1_PSS_PADDING))
		padding = SIGN_RSA_PSS;
	else if (param_is_padding(param, OSSL_PKEY_RSA_PAD_MODE_PKCSV15, RSA_PKCS1_PADDING))
		padding = SIGN_RSA_PKCS1;
	else
		return false;
	signing->scheme = sign_scheme_by_digest(padding, signing->scheme->digest);
	return signing->scheme != NULL;
}

/* TLS knows salts of the digest's length only. */
static bool salt_is_usual(const struct signing *signing, const OSSL_PARAM *param)
{
	const char *text = NULL;
	int value = 0;

	if (param->data_type == OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_utf8_string_ptr(param, &text) == 1 &&
		       (strcmp(text, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0 ||
			strtol(text, NULL, 10) == (long)signing->scheme->digest_len);
	return OSSL_PARAM_get_int(param, &value) == 1 &&
	       (value == RSA_PSS_SALTLEN_DIGEST || value == (int)signing->scheme->digest_len);
}

static int signing_set_params(void *data, const OSSL_PARAM params[])
{
	struct signing *signing = data;

	if (params == NULL)
		return 1;
	if (signing->scheme == NULL)
		return 0;
	const OSSL_PARAM *padding = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	const OSSL_PARAM *salt = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);

	if (padding != NULL && !signing_set_padding(signing, padding))
		return 0;
	return salt == NULL || salt_is_usual(signing, salt);
}

static const OSSL_PARAM *signing_settable(void *data, void *provider)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END,
	};

	return settable;
}

/* Gives the DER form of what signs a certificate or a request for one; NULL where it is not used so. */
static int algorithm_encode(const struct signing *signing, unsigned char **der_out)
{
	bool is_rsa = signing->handle->is_rsa;
	const EVP_MD *md = scheme_digests[signing->scheme - sign_scheme_at(0)];
	int digest = md == NULL ? NID_undef : EVP_MD_get_type(md), algorithm = NID_undef;
	X509_ALGOR *encoded = X509_ALGOR_new();
	int len = 0;

	CHECK(encoded != NULL);
	if (signing->scheme->padding != SIGN_RSA_PSS &&
	    OBJ_find_sigid_by_algs(&algorithm, digest,
				   is_rsa ? NID_rsaEncryption : NID_X9_62_id_ecPublicKey) == 1 &&
	    X509_ALGOR_set0(encoded, OBJ_nid2obj(algorithm), is_rsa ? V_ASN1_NULL : V_ASN1_UNDEF,
			    NULL) == 1)
		len = i2d_X509_ALGOR(encoded, der_out);
	X509_ALGOR_free(encoded);
	return len;
}

static int signing_get_params(void *data, OSSL_PARAM params[])
{
	const struct signing *signing = data;
	OSSL_PARAM *algorithm = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
	unsigned char *der = NULL;

	if (algorithm == NULL)
		return 1;
	if (signing->handle == NULL || signing->scheme == NULL)
		return 0;
	int len = algorithm_encode(signing, &der);
	bool is_good = len > 0 && OSSL_PARAM_set_octet_string(algorithm, der, (size_t)len) == 1;
	OPENSSL_free(der);
	return is_good;
}

static const OSSL_PARAM *signing_gettable(void *data, void *provider)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
		OSSL_PARAM_END,
	};

	return gettable;
}

/* libssl calls this for every scheme that it considers, so nothing is fetched or allocated here. */
static int signing_init(void *data, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signing *signing = data;

	if (key != NULL)
		signing->handle = key;
	if (signing->handle == NULL || signing->handle->source == NULL || digest == NULL)
		return 0;
	signing->scheme = sign_scheme_by_digest(
		signing->handle->is_rsa ? SIGN_RSA_PKCS1 : SIGN_ECDSA, digest);
	return signing->scheme != NULL && signing_set_params(signing, params);
}

static bool message_digest(const struct sign_scheme *scheme, struct str message,
			   unsigned char digest_out[SIGN_DIGEST_MAX])
{
	const EVP_MD *digest = scheme_digests[scheme - sign_scheme_at(0)];
	unsigned len = 0;

	return digest != NULL &&
	       EVP_Digest(message.ptr, message.len, digest_out, &len, digest, NULL) == 1 &&
	       len == scheme->digest_len;
}

/* Blocks on the keys role. */
static int signing_sign(void *data, unsigned char *signature, size_t *len_out, size_t size,
			const unsigned char *message, size_t message_len)
{
	struct signing *signing = data;
	const struct key_handle *handle = signing->handle;
	unsigned char digest[SIGN_DIGEST_MAX], made[SIGN_SIGNATURE_MAX];
	size_t len = 0;

	if (handle == NULL || signing->scheme == NULL)
		return 0;
	if (signature == NULL) {
		*len_out = (size_t)handle->max_size;
		return 1;
	}
	if (!message_digest(signing->scheme, str_make(message, message_len), digest))
		return 0;
	enum fault fault =
		handle->source->sign(handle->source, handle->key, signing->scheme->number,
				     str_make(digest, signing->scheme->digest_len), made, &len);
	if (fault != FAULT_NONE || len > size) {
		provider_fault_raise(fault);
		return 0;
	}
	memcpy(signature, made, len);
	*len_out = len;
	return 1;
}

#define SIGNING_FUNCTION(id, function)                               \
	{                                                            \
		OSSL_FUNC_SIGNATURE_##id, (void (*)(void))(function) \
	}

#define SIGNING_FUNCTIONS                                                               \
	SIGNING_FUNCTION(NEWCTX, signing_new), SIGNING_FUNCTION(FREECTX, signing_free), \
		SIGNING_FUNCTION(DUPCTX, signing_dup),                                  \
		SIGNING_FUNCTION(DIGEST_SIGN_INIT, signing_init),                       \
		SIGNING_FUNCTION(DIGEST_SIGN, signing_sign),                            \
		SIGNING_FUNCTION(GET_CTX_PARAMS, signing_get_params),                   \
		SIGNING_FUNCTION(GETTABLE_CTX_PARAMS, signing_gettable),                \
		SIGNING_FUNCTION(SET_CTX_PARAMS, signing_set_params),                   \
		SIGNING_FUNCTION(SETTABLE_CTX_PARAMS, signing_settable),                \
	{                                                                               \
		0, NULL                                                                 \
	}

const OSSL_DISPATCH provider_signature_rsa[] = {SIGNING_FUNCTIONS};
const OSSL_DISPATCH provider_signature_ec[] = {SIGNING_FUNCTIONS};
