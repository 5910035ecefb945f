/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "crypto/library.h"
#include "tls/certificate_facts.h"
#include "tls/certificate_names.h"
#include "tls/private_key.h"

enum { PARTS_MAX = 3 * TLS_CHAIN_MAX, FILE_MAX = 1 << 20 };

/* Certificates of several files, borrowed from what was parsed. */
struct heap {
	X509 *items[PARTS_MAX];
	size_t count;
	size_t leaves; /* so many of the first may be the leaf; the others are issuers */
};

static void heap_add(struct heap *heap, const struct tls_certificate *certificate)
{
	const STACK_OF(X509) *chain = tls_certificate_chain(certificate);

	heap->items[heap->count++] = tls_certificate_leaf(certificate);
	for (int i = 0; i < sk_X509_num(chain); i++)
		heap->items[heap->count++] = sk_X509_value(chain, i);
}

static X509 *heap_find_key(const struct heap *heap, EVP_PKEY *key)
{
	for (size_t i = 0; i < heap->leaves; i++) {
		EVP_PKEY *public_key = X509_get0_pubkey(heap->items[i]);
		if (public_key != NULL && EVP_PKEY_eq(public_key, key) == 1)
			return heap->items[i];
	}
	return NULL;
}

static bool is_self_issued(X509 *certificate)
{
	return X509_NAME_cmp(X509_get_subject_name(certificate),
			     X509_get_issuer_name(certificate)) == 0;
}

/* Who issued it; of several (a root that was renewed) the one that is good the longest. */
static X509 *heap_find_issuer(const struct heap *heap, X509 *below)
{
	X509 *best = NULL;

	for (size_t i = 0; i < heap->count; i++) {
		X509 *one = heap->items[i];
		if (X509_cmp(one, below) == 0 || X509_check_issued(one, below) != X509_V_OK ||
		    X509_verify(below, X509_get0_pubkey(one)) != 1)
			continue;
		if (best == NULL || ASN1_TIME_compare(X509_get0_notAfter(best),
						      X509_get0_notAfter(one)) < 0)
			best = one;
	}
	return best;
}

static void certificate_append(X509 *certificate, struct buf *to)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes = NULL;

	CHECK(bio != NULL && PEM_write_bio_X509(bio, certificate) == 1);
	long len = BIO_get_mem_data(bio, &bytes);
	buf_append(to, bytes, len > 0 ? (size_t)len : 0);
	BIO_free(bio);
}

/* Leaf first, each behind what it issued. A circle ends with the count. */
static void path_append(const struct heap *heap, X509 *leaf, struct buf *to)
{
	X509 *at = leaf;

	for (size_t i = 0; at != NULL && i < TLS_CHAIN_MAX; i++) {
		certificate_append(at, to);
		at = is_self_issued(at) ? NULL : heap_find_issuer(heap, at);
	}
	ERR_clear_error();
}

static enum fault pair_make(const struct heap *heap, EVP_PKEY *key, struct tls_pair *pair,
			    struct buf *why)
{
	X509 *leaf = heap_find_key(heap, key);

	if (leaf == NULL) {
		buf_append_c(why, "the private key belongs to none of the certificates; one of the "
				  "files is of another time or name");
		return FAULT_INVALID;
	}
	buf_init(&pair->chain, FILE_MAX);
	buf_init(&pair->key, FILE_MAX);
	path_append(heap, leaf, &pair->chain);
	if (tls_private_key_append(key, &pair->key))
		return FAULT_NONE;
	buf_append_c(why, "the private key cannot be written in PEM form");
	tls_pair_done(pair);
	return FAULT_INVALID;
}

/* Adds what is in a file; an empty one adds nothing. */
static enum fault heap_read(struct heap *heap, struct str pem, struct tls_certificate **out,
			    struct buf *why)
{
	if (str_is_empty(pem))
		return FAULT_NONE;
	enum fault fault = tls_chain_parse(pem, why, out);
	if (fault == FAULT_NONE)
		heap_add(heap, *out);
	return fault;
}

enum fault tls_pair_assemble(const struct tls_pair_parts *parts, struct tls_pair *pair_out,
			     struct buf *why)
{
	struct tls_certificate *certificates = NULL, *more = NULL, *spare = NULL;
	EVP_PKEY *key = tls_private_key_read(parts->key, why);
	struct heap heap = {.count = 0};
	struct buf unsaid = BUF_INIT(4096);
	enum fault fault = key == NULL ? FAULT_INVALID : FAULT_NONE;

	if (fault == FAULT_NONE)
		fault = heap_read(&heap, parts->certificates, &certificates, why);
	heap.leaves = heap.count;
	if (fault == FAULT_NONE)
		fault = heap_read(&heap, parts->more, &more, why);
	if (fault == FAULT_NONE) {
		/* What was there before may be as broken as it likes. */
		(void)!heap_read(&heap, parts->spare, &spare, &unsaid);
		fault = pair_make(&heap, key, pair_out, why);
	}
	tls_certificate_unref(&certificates);
	tls_certificate_unref(&more);
	tls_certificate_unref(&spare);
	buf_done(&unsaid);
	EVP_PKEY_free(key);
	return fault;
}

/* ---- PKCS#12 ---- */

static enum fault pkcs12_fail(struct buf *why)
{
	unsigned long error = ERR_peek_last_error();
	bool is_password = ERR_GET_LIB(error) == ERR_LIB_PKCS12 &&
			   ERR_GET_REASON(error) == PKCS12_R_MAC_VERIFY_FAILURE;

	ERR_clear_error();
	if (is_password)
		buf_append_c(why, "the password does not open it");
	else
		buf_append_c(why, "it cannot be opened: it is damaged, or protected with RC2 or another "
				  "cipher of old (openssl pkcs12 -legacy -nodes -in FILE gives PEM)");
	return is_password ? FAULT_DENIED : FAULT_INVALID;
}

enum fault tls_pair_from_pkcs12(struct str file, const char *password, struct tls_pair *pair_out,
				struct buf *why)
{
	const unsigned char *at = (const unsigned char *)file.ptr;
	PKCS12 *opened = PKCS12_init_ex(NID_pkcs7_data, crypto_library(), NULL);
	STACK_OF(X509) *others = NULL;
	X509 *leaf = NULL;
	EVP_PKEY *key = NULL;
	struct heap heap = {.count = 0};
	enum fault fault;

	CHECK(opened != NULL);
	if (d2i_PKCS12(&opened, &at, (long)file.len) == NULL ||
	    PKCS12_parse(opened, password, &key, &leaf, &others) != 1)
		fault = pkcs12_fail(why);
	else if (key == NULL || leaf == NULL) {
		buf_append_c(why, "it holds no private key with a certificate");
		fault = FAULT_INVALID;
	} else {
		heap.items[heap.count++] = leaf;
		heap.leaves = heap.count;
		for (int i = 0; i < sk_X509_num(others) && heap.count < PARTS_MAX; i++)
			heap.items[heap.count++] = sk_X509_value(others, i);
		fault = pair_make(&heap, key, pair_out, why);
	}
	PKCS12_free(opened);
	X509_free(leaf);
	EVP_PKEY_free(key);
	sk_X509_pop_free(others, X509_free);
	return fault;
}

/* ---- requests ---- */

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
	struct buf list = BUF_INIT(FILE_MAX);

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
