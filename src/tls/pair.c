/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "crypto/library.h"
#include "tls/certificate_facts.h"
#include "tls/private_key.h"

enum { PARTS_MAX = 3 * TLS_CHAIN_MAX, FILE_MAX = 1 << 20, ROUNDS_MAX = 10 * 1000 * 1000 };

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

static X509 *heap_find_key(const struct heap *heap, const unsigned char id[TLS_KEY_ID_BYTES])
{
	unsigned char other[TLS_KEY_ID_BYTES];

	for (size_t i = 0; i < heap->leaves; i++) {
		tls_key_id(X509_get0_pubkey(heap->items[i]), other);
		if (memcmp(id, other, TLS_KEY_ID_BYTES) == 0)
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

static enum fault chain_make(const struct heap *heap, const unsigned char id[TLS_KEY_ID_BYTES],
			     struct tls_pair *pair, struct buf *why)
{
	X509 *leaf = heap_find_key(heap, id);

	if (leaf == NULL) {
		buf_append_c(why, "the private key belongs to none of the certificates; one of the "
				  "files is of another time or name");
		return FAULT_INVALID;
	}
	buf_init(&pair->chain, FILE_MAX);
	buf_init(&pair->key, FILE_MAX);
	path_append(heap, leaf, &pair->chain);
	return FAULT_NONE;
}

static enum fault pair_make(const struct heap *heap, EVP_PKEY *key, struct tls_pair *pair,
			    struct buf *why)
{
	unsigned char id[TLS_KEY_ID_BYTES];

	tls_key_id(key, id);
	enum fault fault = chain_make(heap, id, pair, why);
	if (fault != FAULT_NONE || tls_private_key_append(key, &pair->key))
		return fault;
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

/* Certificates of all parts, and what was parsed for them. */
struct pile {
	struct heap heap;
	struct tls_certificate *certificates, *more, *spare;
};

static enum fault pile_read(struct pile *pile, const struct tls_pair_parts *parts, struct buf *why)
{
	struct buf unsaid = BUF_INIT(4096);
	enum fault fault = heap_read(&pile->heap, parts->certificates, &pile->certificates, why);

	pile->heap.leaves = pile->heap.count;
	if (fault == FAULT_NONE)
		fault = heap_read(&pile->heap, parts->more, &pile->more, why);
	/* What was there before may be as broken as it likes. */
	if (fault == FAULT_NONE)
		(void)!heap_read(&pile->heap, parts->spare, &pile->spare, &unsaid);
	buf_done(&unsaid);
	return fault;
}

static void pile_done(struct pile *pile)
{
	tls_certificate_unref(&pile->certificates);
	tls_certificate_unref(&pile->more);
	tls_certificate_unref(&pile->spare);
}

enum fault tls_pair_assemble(const struct tls_pair_parts *parts, struct tls_pair *pair_out,
			     struct buf *why)
{
	struct pile pile = {0};
	EVP_PKEY *key = NULL;
	enum fault fault = tls_private_key_open(parts->key, parts->password, &key, why);

	if (fault == FAULT_NONE)
		fault = pile_read(&pile, parts, why);
	if (fault == FAULT_NONE)
		fault = pair_make(&pile.heap, key, pair_out, why);
	pile_done(&pile);
	EVP_PKEY_free(key);
	return fault;
}

enum fault tls_chain_assemble(const struct tls_pair_parts *parts,
			      const unsigned char key_id[TLS_KEY_ID_BYTES],
			      struct tls_pair *pair_out, struct buf *why)
{
	struct pile pile = {0};
	enum fault fault = pile_read(&pile, parts, why);

	if (fault == FAULT_NONE)
		fault = chain_make(&pile.heap, key_id, pair_out, why);
	pile_done(&pile);
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

/* A file may ask for as many rounds as it likes before its password is known to be wrong. */
static bool asks_for_too_much(const PKCS12 *opened, struct buf *why)
{
	const ASN1_INTEGER *rounds = NULL;

	PKCS12_get0_mac(NULL, NULL, NULL, &rounds, opened);
	if (rounds == NULL || (ASN1_INTEGER_get(rounds) >= 0 && ASN1_INTEGER_get(rounds) <= ROUNDS_MAX))
		return false;
	buf_printf(why,
		   "it asks for more than %d rounds before it opens, which no program makes; make it anew",
		   ROUNDS_MAX);
	return true;
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
	bool is_read = d2i_PKCS12(&opened, &at, (long)file.len) != NULL;
	if (is_read && asks_for_too_much(opened, why))
		fault = FAULT_INVALID;
	else if (!is_read || PKCS12_parse(opened, password, &key, &leaf, &others) != 1)
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
