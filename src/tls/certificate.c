/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of certificates: see certificate.h. */
#include "tls/certificate.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "crypto/digest.h"
#include "crypto/library.h"
#include "tls/certificate_facts.h"
#include "tls/connection.h"
#include "tls/key_kind.h"
#include "tls/pem.h"

struct tls_certificate {
	int references; /* atomic */
	X509 *leaf;
	STACK_OF(X509) *chain; /* without the leaf; NULL if it is alone */
	enum tls_key_kind kind;
	int bits;
	int64_t not_before;
	int64_t not_after;
	unsigned char key_id[TLS_KEY_ID_BYTES];
	unsigned char digest[SHA256_BYTES];
	size_t name_count;
	char **names; /* lower case */
};

/* ---- reading ---- */

int64_t tls_time_seconds(const ASN1_TIME *when)
{
	struct tm civil;

	memset(&civil, 0, sizeof(civil));
	return ASN1_TIME_to_tm(when, &civil) == 1 ? (int64_t)timegm(&civil) : 0;
}

static void certificate_name_add(struct tls_certificate *self, const ASN1_STRING *text)
{
	const char *bytes = (const char *)ASN1_STRING_get0_data(text);
	size_t len = (size_t)ASN1_STRING_length(text);

	/* A name with a NUL inside is a trick that once fooled validators: it names nobody. */
	if (len == 0 || len > 253 || memchr(bytes, '\0', len) != NULL ||
	    self->name_count == TLS_CERTIFICATE_NAMES_MAX)
		return;
	char *name = str_dup_c(str_make(bytes, len));
	for (char *c = name; *c != '\0'; c++)
		*c = ascii_lower(*c);
	self->names[self->name_count++] = name;
}

/* The common name counts only where there is no subjectAltName (RFC 6125 section 6.4.4). */
static void certificate_read_common_name(struct tls_certificate *self)
{
	const X509_NAME *subject = X509_get_subject_name(self->leaf);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (at >= 0)
		certificate_name_add(self,
				     X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

static void certificate_read_names(struct tls_certificate *self)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(self->leaf, NID_subject_alt_name, NULL, NULL);

	self->names = calloc(TLS_CERTIFICATE_NAMES_MAX, sizeof(*self->names));
	CHECK(self->names != NULL);
	if (names == NULL) {
		certificate_read_common_name(self);
		return;
	}
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS)
			certificate_name_add(self, name->d.dNSName);
	}
	GENERAL_NAMES_free(names);
}

void tls_key_id(EVP_PKEY *key, unsigned char id_out[TLS_KEY_ID_BYTES])
{
	unsigned char *der = NULL;
	int len = key == NULL ? 0 : i2d_PUBKEY(key, &der);

	sha256(str_make(der, len > 0 ? (size_t)len : 0), id_out);
	OPENSSL_free(der);
}

static bool certificate_read_key(struct tls_certificate *self, struct buf *why)
{
	EVP_PKEY *key = X509_get0_pubkey(self->leaf);

	if (key == NULL) {
		buf_append_c(why, "its public key cannot be read; have it issued anew");
		return false;
	}
	if (!tls_key_kind_check(key, "its key", why))
		return false;
	self->kind = EVP_PKEY_is_a(key, "RSA") ? TLS_KEY_RSA : TLS_KEY_EC;
	self->bits = EVP_PKEY_get_bits(key);
	tls_key_id(key, self->key_id);
	return true;
}

static void digest_certificate(struct sha256 *sha, X509 *certificate)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);

	CHECK(len > 0);
	sha256_update_framed(sha, str_make(der, (size_t)len));
	OPENSSL_free(der);
}

static void certificate_read_digest(struct tls_certificate *self)
{
	struct sha256 sha;

	sha256_init(&sha);
	digest_certificate(&sha, self->leaf);
	for (int i = 0; i < sk_X509_num(self->chain); i++)
		digest_certificate(&sha, sk_X509_value(self->chain, i));
	sha256_final(&sha, self->digest);
}

/* Reads into our own library context, so that later use fetches nothing from another. */
static X509 *pem_read_next(BIO *bio)
{
	X509 *certificate = X509_new_ex(crypto_library(), NULL);

	CHECK(certificate != NULL);
	if (PEM_read_bio_X509(bio, &certificate, NULL, NULL) == NULL) {
		X509_free(certificate);
		return NULL;
	}
	return certificate;
}

static bool chain_add(struct tls_certificate *self, X509 *next, struct buf *why)
{
	if (self->leaf == NULL) {
		self->leaf = next;
		return true;
	}
	if (sk_X509_num(self->chain) == TLS_CHAIN_MAX - 1) {
		X509_free(next);
		buf_printf(why,
			   "it holds more than %d certificates; leave the leaf and its issuers",
			   TLS_CHAIN_MAX);
		return false;
	}
	if (self->chain == NULL)
		CHECK((self->chain = sk_X509_new_null()) != NULL);
	CHECK(sk_X509_push(self->chain, next) > 0);
	return true;
}

/* False when there is something in the text that begins like a certificate and is none. */
static bool chain_read(struct tls_certificate *self, BIO *bio, struct str pem, struct buf *why)
{
	X509 *next;
	size_t count = 0;

	ERR_clear_error();
	for (; (next = pem_read_next(bio)) != NULL; count++)
		if (!chain_add(self, next, why))
			return false;
	unsigned long error = ERR_peek_last_error();
	ERR_clear_error();
	bool is_end = ERR_GET_LIB(error) == ERR_LIB_PEM &&
		      ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
	if (is_end && count > 0)
		return true;
	if (is_end)
		pem_explain(pem, PEM_WANTS_CERTIFICATE, why);
	else if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_BAD_END_LINE)
		buf_printf(why, "certificate number %zu in it is cut off; copy the file anew",
			   count + 1);
	else
		buf_printf(why, "certificate number %zu in it is damaged; copy the file anew",
			   count + 1);
	return false;
}

static void certificate_free(struct tls_certificate *self)
{
	X509_free(self->leaf);
	sk_X509_pop_free(self->chain, X509_free);
	for (size_t i = 0; i < self->name_count; i++)
		free(self->names[i]);
	free(self->names);
	free(self);
}

enum fault tls_chain_parse(struct str pem, struct buf *why, struct tls_certificate **out)
{
	if (pem.len > TLS_PEM_MAX) {
		buf_printf(why, "it has more than %d KiB, too much for a chain of certificates",
			   TLS_PEM_MAX / 1024);
		return FAULT_TOO_LARGE;
	}
	struct tls_certificate *self = calloc(1, sizeof(*self));
	BIO *bio = BIO_new_mem_buf(pem.len == 0 ? "" : pem.ptr, (int)pem.len);

	CHECK(self != NULL && bio != NULL);
	self->references = 1;
	bool is_good = chain_read(self, bio, pem, why);
	BIO_free(bio);
	if (is_good)
		*out = self;
	else
		certificate_free(self);
	return is_good ? FAULT_NONE : FAULT_INVALID;
}

enum fault tls_certificate_parse(struct str pem, struct buf *why, struct tls_certificate **out)
{
	struct tls_certificate *self = NULL;
	enum fault fault = tls_chain_parse(pem, why, &self);

	if (fault != FAULT_NONE)
		return fault;
	if (!certificate_read_key(self, why)) {
		certificate_free(self);
		return FAULT_UNSUPPORTED;
	}
	self->not_before = tls_time_seconds(X509_get0_notBefore(self->leaf));
	self->not_after = tls_time_seconds(X509_get0_notAfter(self->leaf));
	certificate_read_names(self);
	certificate_read_digest(self);
	*out = self;
	return FAULT_NONE;
}

struct tls_certificate *tls_certificate_ref(struct tls_certificate *certificate)
{
	__atomic_add_fetch(&certificate->references, 1, __ATOMIC_RELAXED);
	return certificate;
}

void tls_certificate_unref(struct tls_certificate **certificate)
{
	struct tls_certificate *self = *certificate;

	*certificate = NULL;
	if (self != NULL && __atomic_sub_fetch(&self->references, 1, __ATOMIC_ACQ_REL) == 0)
		certificate_free(self);
}

/* ---- what is known of it ---- */

enum tls_key_kind tls_certificate_kind(const struct tls_certificate *certificate)
{
	return certificate->kind;
}

int tls_certificate_bits(const struct tls_certificate *certificate)
{
	return certificate->bits;
}

int64_t tls_certificate_not_before(const struct tls_certificate *certificate)
{
	return certificate->not_before;
}

int64_t tls_certificate_not_after(const struct tls_certificate *certificate)
{
	return certificate->not_after;
}

const unsigned char *tls_certificate_key_id(const struct tls_certificate *certificate)
{
	return certificate->key_id;
}

const unsigned char *tls_certificate_digest(const struct tls_certificate *certificate)
{
	return certificate->digest;
}

size_t tls_certificate_name_count(const struct tls_certificate *certificate)
{
	return certificate->name_count;
}

struct str tls_certificate_name(const struct tls_certificate *certificate, size_t index)
{
	CHECK(index < certificate->name_count);
	return str_from_c(certificate->names[index]);
}

X509 *tls_certificate_leaf(const struct tls_certificate *certificate)
{
	return certificate->leaf;
}

STACK_OF(X509) * tls_certificate_chain(const struct tls_certificate *certificate)
{
	return certificate->chain;
}

/*
 * `*.example.org` stands for exactly one label, the leftmost, whole; and not for one
 * above `org` (RFC 9525 section 6.3).
 */
static bool wildcard_matches(struct str pattern, struct str host)
{
	if (!str_has_prefix(pattern, STR("*.")))
		return false;
	struct str base = str_from(pattern, 1);
	size_t dot = str_find_char(host, '.');

	return dot != STR_NONE && dot > 0 && str_find_char(str_from(base, 1), '.') != STR_NONE &&
	       str_equals_nocase(base, str_from(host, dot));
}

/*
 * An address is matched by iPAddress alone (RFC 9525 section 6.4), and SNI has none
 * (RFC 6066 section 3): a DNS name of that look would be a trick.
 */
static bool is_address(struct str host)
{
	size_t dot = str_find_last_char(host, '.');
	struct str last = dot == STR_NONE ? host : str_from(host, dot + 1);
	uint64_t number;

	return str_find_char(host, ':') != STR_NONE || str_parse_u64(last, UINT64_MAX, &number);
}

int tls_certificate_match(const struct tls_certificate *certificate, struct str host)
{
	int best = 0;

	/* A final dot is the root's and says nothing. */
	if (host.len > 0 && host.ptr[host.len - 1] == '.')
		host.len--;
	/* Who asks for a pattern itself is answered as if it named nobody. */
	if (is_address(host) || str_find_char(host, '*') != STR_NONE)
		return 0;
	for (size_t i = 0; i < certificate->name_count && best < 2; i++) {
		struct str name = str_from_c(certificate->names[i]);
		if (str_equals_nocase(name, host))
			best = 2;
		else if (wildcard_matches(name, host))
			best = 1;
	}
	return best;
}

void tls_certificate_describe(const struct tls_certificate *certificate, struct buf *to)
{
	buf_append_c(to, "CN=");
	tls_certificate_append_subject(certificate, to);
	buf_append_c(to, ", from ");
	tls_certificate_append_issuer(certificate, to);
	buf_append_c(to, ", good until ");
	clock_append_iso_date(to, certificate->not_after);
}
