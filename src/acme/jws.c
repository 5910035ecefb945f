/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/jws.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/library.h"

enum {
	SCHEME_ECDSA_P256_SHA256 = 0x0403,
	/* 4, then both coordinates (SEC 1 section 2.3.3). */
	POINT_BYTES = 1 + 2 * ACME_COORDINATE_BYTES,
	POINT_UNCOMPRESSED = 4,
	JWK_MAX = 256,
	PROTECTED_MAX = 8 * 1024,
};

static bool point_read(EVP_PKEY *public_key, struct acme_key *key)
{
	unsigned char point[POINT_BYTES];
	char group[32] = "";
	size_t len = 0;

	if (!EVP_PKEY_is_a(public_key, "EC") ||
	    EVP_PKEY_get_group_name(public_key, group, sizeof(group), NULL) != 1 ||
	    (strcmp(group, "prime256v1") != 0 && strcmp(group, "P-256") != 0) ||
	    EVP_PKEY_get_octet_string_param(public_key, OSSL_PKEY_PARAM_PUB_KEY, point,
					    sizeof(point), &len) != 1 ||
	    len != sizeof(point) || point[0] != POINT_UNCOMPRESSED)
		return false;
	memcpy(key->x, point + 1, sizeof(key->x));
	memcpy(key->y, point + 1 + sizeof(key->x), sizeof(key->y));
	return true;
}

enum fault acme_key_init(struct acme_key *key, struct key_source *source, uint32_t number,
			 struct str public_key_der)
{
	const unsigned char *at = (const unsigned char *)public_key_der.ptr;
	EVP_PKEY *public_key = d2i_PUBKEY_ex(NULL, &at, (long)public_key_der.len,
					     crypto_library(), NULL);

	*key = (struct acme_key){.source = source, .number = number};
	bool is_good = public_key != NULL && point_read(public_key, key);
	EVP_PKEY_free(public_key);
	ERR_clear_error();
	return is_good ? FAULT_NONE : FAULT_UNSUPPORTED;
}

/* Members in the order of their names and no blanks: so it can be hashed (RFC 7638 section 3). */
static void jwk_append(const struct acme_key *key, struct buf *to)
{
	buf_append_c(to, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	base64url_encode(to, str_make(key->x, sizeof(key->x)));
	buf_append_c(to, "\",\"y\":\"");
	base64url_encode(to, str_make(key->y, sizeof(key->y)));
	buf_append_c(to, "\"}");
}

void acme_thumbprint_append(const struct acme_key *key, struct buf *to)
{
	unsigned char digest[SHA256_BYTES];
	struct buf jwk = BUF_INIT(JWK_MAX);

	jwk_append(key, &jwk);
	sha256(buf_str(&jwk), digest);
	base64url_encode(to, str_make(digest, sizeof(digest)));
	buf_done(&jwk);
}

void acme_authorization_append(const struct acme_key *key, struct str token, struct buf *to)
{
	buf_append_str(to, token);
	buf_append_char(to, '.');
	acme_thumbprint_append(key, to);
}

static void member_append(struct buf *to, const char *name, struct str value)
{
	json_t *text = json_stringn(value.ptr == NULL ? "" : value.ptr, value.len);
	char *quoted = text == NULL ? NULL : json_dumps(text, JSON_ENCODE_ANY);

	/* The sender has seen to it that it is visible ASCII. */
	CHECK(quoted != NULL);
	buf_printf(to, ",\"%s\":%s", name, quoted);
	free(quoted);
	json_decref(text);
}

static void protected_append(const struct acme_key *key, const struct acme_request *request,
			     struct buf *to)
{
	struct buf header = BUF_INIT(PROTECTED_MAX);

	buf_append_c(&header, "{\"alg\":\"ES256\"");
	if (str_is_empty(request->account)) {
		buf_append_c(&header, ",\"jwk\":");
		jwk_append(key, &header);
	} else
		member_append(&header, "kid", request->account);
	member_append(&header, "nonce", request->nonce);
	member_append(&header, "url", request->url);
	buf_append_char(&header, '}');
	CHECK(!header.failed);
	base64url_encode(to, buf_str(&header));
	buf_done(&header);
}

/* OpenSSL's DER form as the two numbers of RFC 7518 section 3.4, each as long as the curve's. */
static bool signature_append(struct str der, struct buf *to)
{
	unsigned char numbers[2 * ACME_COORDINATE_BYTES];
	const unsigned char *at = (const unsigned char *)der.ptr;
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)der.len);

	bool is_good = signature != NULL &&
		       BN_bn2binpad(ECDSA_SIG_get0_r(signature), numbers,
				    ACME_COORDINATE_BYTES) == ACME_COORDINATE_BYTES &&
		       BN_bn2binpad(ECDSA_SIG_get0_s(signature), numbers + ACME_COORDINATE_BYTES,
				    ACME_COORDINATE_BYTES) == ACME_COORDINATE_BYTES;
	if (is_good)
		base64url_encode(to, str_make(numbers, sizeof(numbers)));
	ECDSA_SIG_free(signature);
	ERR_clear_error();
	return is_good;
}

static enum fault signed_append(const struct acme_key *key, struct str text, struct buf *to)
{
	unsigned char digest[SHA256_BYTES], signature[SIGN_SIGNATURE_MAX];
	size_t len = 0;

	sha256(text, digest);
	enum fault fault = key->source->sign(key->source, key->number, SCHEME_ECDSA_P256_SHA256,
					     str_make(digest, sizeof(digest)), signature, &len);
	if (fault != FAULT_NONE)
		return fault;
	return signature_append(str_make(signature, len), to) ? FAULT_NONE : FAULT_INVALID;
}

enum fault acme_jws_append(const struct acme_key *key, const struct acme_request *request,
			   struct buf *to)
{
	struct buf text = BUF_INIT(to->max), signature = BUF_INIT(256);

	protected_append(key, request, &text);
	size_t protected_len = text.len;
	buf_append_char(&text, '.');
	base64url_encode(&text, request->payload);
	CHECK(!text.failed);
	enum fault fault = signed_append(key, buf_str(&text), &signature);
	if (fault == FAULT_NONE)
		buf_printf(to, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"%.*s\"}",
			   (int)protected_len, text.data,
			   STR_ARG(str_from(buf_str(&text), protected_len + 1)),
			   STR_ARG(buf_str(&signature)));
	buf_done(&text);
	buf_done(&signature);
	return fault;
}
