/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/library.h"
#include "tls/provider.h"

enum {
	NAMES_MAX = 32 * 1024,
	/* What the certificate of a challenge is good for: the CA looks at once. */
	CHALLENGE_S = 24 * 3600,
	BACKDATE_S = 3600,
};

/* id-pe-acmeIdentifier (RFC 8737 section 6.1). */
static const char acme_identifier[] = "1.3.6.1.5.5.7.1.31";

/* Both parts of a key for OpenSSL: what it shows, and the handle that signs. */
struct key_pair {
	EVP_PKEY *public_key;
	EVP_PKEY *handle;
};

static bool pair_open(const struct acme_signer *signer, struct key_pair *pair)
{
	const unsigned char *at = (const unsigned char *)signer->public_key.ptr;

	*pair = (struct key_pair){
		.public_key = d2i_PUBKEY_ex(NULL, &at, (long)signer->public_key.len,
					    crypto_library(), NULL)};
	if (pair->public_key != NULL)
		pair->handle = tls_key_handle_new(pair->public_key, signer->source,
						  signer->number);
	return pair->handle != NULL;
}

static void pair_close(struct key_pair *pair)
{
	EVP_PKEY_free(pair->public_key);
	EVP_PKEY_free(pair->handle);
	ERR_clear_error();
}

/* A list of names must not hold the list's own marks. */
static bool names_append(const struct str *domains, size_t count, struct buf *to)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < domains[i].len; j++)
			if (!ascii_is_alnum(domains[i].ptr[j]) &&
			    strchr("-._*", domains[i].ptr[j]) == NULL)
				return false;
		buf_append_c(to, i == 0 ? "DNS:" : ",DNS:");
		buf_append_str(to, domains[i]);
	}
	buf_append_char(to, '\0');
	return count > 0 && !to->failed;
}

static X509_EXTENSION *names_extension(const struct str *domains, size_t count)
{
	struct buf names = BUF_INIT(NAMES_MAX);
	X509V3_CTX context;
	X509_EXTENSION *extension = NULL;

	X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	if (names_append(domains, count, &names))
		extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names.data);
	buf_done(&names);
	return extension;
}

/* Takes the extension over. */
static bool request_add(X509_REQ *request, X509_EXTENSION *extension)
{
	STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();

	bool is_good = extension != NULL && extensions != NULL &&
		       sk_X509_EXTENSION_push(extensions, extension) > 0;
	if (!is_good)
		X509_EXTENSION_free(extension);
	is_good = is_good && X509_REQ_add_extensions(request, extensions) == 1;
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return is_good;
}

/* Names stand in the extension alone: CAs ignore the subject (RFC 8555 section 7.4). */
static bool request_sign(X509_REQ *request, const struct key_pair *pair, const struct str *domains,
			 size_t count)
{
	return X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
	       X509_REQ_set_pubkey(request, pair->public_key) == 1 &&
	       request_add(request, names_extension(domains, count)) &&
	       X509_REQ_sign(request, pair->handle, EVP_sha256()) > 0;
}

static bool request_append(X509_REQ *request, struct buf *to)
{
	unsigned char *der = NULL;
	int len = i2d_X509_REQ(request, &der);

	if (len > 0)
		buf_append(to, der, (size_t)len);
	OPENSSL_free(der);
	return len > 0 && !to->failed;
}

enum fault acme_certificate_request(const struct acme_signer *signer, const struct str *domains,
				    size_t count, struct buf *der)
{
	struct key_pair pair;
	X509_REQ *request = X509_REQ_new_ex(crypto_library(), NULL);

	CHECK(request != NULL);
	bool is_good = pair_open(signer, &pair) && request_sign(request, &pair, domains, count) &&
		       request_append(request, der);
	X509_REQ_free(request);
	pair_close(&pair);
	return is_good ? FAULT_NONE : FAULT_INVALID;
}

/* ---- the certificate of a challenge ---- */

/* An OCTET STRING with the digest of the key authorization, critical (section 3). */
static X509_EXTENSION *identifier_extension(struct str authorization)
{
	unsigned char digest[SHA256_BYTES];
	struct buf value = BUF_INIT(256);

	sha256(authorization, digest);
	buf_append_c(&value, "critical,DER:0420");
	hex_encode(&value, str_make(digest, sizeof(digest)));
	buf_append_char(&value, '\0');
	X509_EXTENSION *extension = X509V3_EXT_conf(NULL, NULL, acme_identifier, value.data);
	buf_done(&value);
	return extension;
}

/* Takes the extension over. */
static bool certificate_add(X509 *certificate, X509_EXTENSION *extension)
{
	bool is_good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return is_good;
}

static bool subject_set(X509 *certificate)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"ACME challenge", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, name) == 1;
}

static bool certificate_sign(X509 *certificate, const struct key_pair *pair, struct str domain,
			     struct str authorization)
{
	return X509_set_version(certificate, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
	       subject_set(certificate) && X509_set_pubkey(certificate, pair->public_key) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -BACKDATE_S) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), CHALLENGE_S) != NULL &&
	       certificate_add(certificate, names_extension(&domain, 1)) &&
	       certificate_add(certificate, identifier_extension(authorization)) &&
	       X509_sign(certificate, pair->handle, EVP_sha256()) > 0;
}

static bool certificate_append(X509 *certificate, struct buf *to)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;

	CHECK(bio != NULL);
	bool is_good = PEM_write_bio_X509(bio, certificate) == 1;
	long len = is_good ? BIO_get_mem_data(bio, &pem) : 0;
	buf_append(to, pem, (size_t)len);
	BIO_free(bio);
	return is_good && !to->failed;
}

enum fault acme_challenge_certificate(const struct acme_signer *signer, struct str domain,
				      struct str authorization, struct buf *pem)
{
	struct key_pair pair;
	X509 *certificate = X509_new_ex(crypto_library(), NULL);

	CHECK(certificate != NULL);
	bool is_good = pair_open(signer, &pair) &&
		       certificate_sign(certificate, &pair, domain, authorization) &&
		       certificate_append(certificate, pem);
	X509_free(certificate);
	pair_close(&pair);
	return is_good ? FAULT_NONE : FAULT_INVALID;
}
