/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys by number: see key_ring.h. */
#include "tls/key_ring.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/random.h"
#include "crypto/library.h"
#include "tls/certificate.h"
#include "tls/key_kind.h"
#include "tls/private_key.h"
#include "tls/signers.h"

enum { RSA_BITS_MADE = 2048 };

/* Of working keys: no generation's end takes them. */
#define EVERY_GENERATION UINT64_MAX

/* Free slots have no key. */
struct ring_entry {
	uint32_t number;
	uint64_t generation; /* the last that named it */
	bool is_rsa;
	uint32_t users; /* of a working key */
	unsigned char id[KEY_ID_BYTES];
	EVP_PKEY *key;
};

struct key_ring {
	pthread_rwlock_t lock;
	uint64_t completed; /* the last complete generation */
	size_t count;
	struct signers *signers;
	struct ring_entry entries[KEY_RING_MAX];
};

struct key_ring *key_ring_new(void)
{
	struct key_ring *ring = calloc(1, sizeof(*ring));

	CHECK(ring != NULL);
	CHECK(pthread_rwlock_init(&ring->lock, NULL) == 0);
	ring->signers = signers_new();
	return ring;
}

/* OpenSSL overwrites private numbers when the last reference goes. */
static void ring_entry_remove(struct key_ring *ring, struct ring_entry *entry)
{
	signers_forget(ring->signers, entry->key);
	EVP_PKEY_free(entry->key);
	*entry = ring->entries[--ring->count];
	ring->entries[ring->count] = (struct ring_entry){0};
}

void key_ring_free(struct key_ring **ring)
{
	if (*ring == NULL)
		return;
	while ((*ring)->count > 0)
		ring_entry_remove(*ring, &(*ring)->entries[0]);
	signers_free(&(*ring)->signers);
	pthread_rwlock_destroy(&(*ring)->lock);
	free(*ring);
	*ring = NULL;
}

static struct ring_entry *ring_find(struct key_ring *ring, uint32_t number)
{
	for (size_t i = 0; i < ring->count; i++) {
		if (ring->entries[i].number == number)
			return &ring->entries[i];
	}
	return NULL;
}

/*
 * Puts a key that was read into the ring, taking it over; or only marks the one that
 * stands there already.
 */
static enum fault ring_put(struct key_ring *ring, struct ring_entry fresh, struct buf *why)
{
	struct ring_entry *known = ring_find(ring, fresh.number);
	enum fault fault = FAULT_NONE;

	if (known != NULL && memcmp(known->id, fresh.id, KEY_ID_BYTES) == 0) {
		known->generation = fresh.generation;
	} else if (known != NULL) {
		buf_printf(why, "the number %u belongs to another key", (unsigned)fresh.number);
		fault = FAULT_EXISTS;
	} else if (ring->count == KEY_RING_MAX) {
		buf_printf(why, "there are more than %d private keys", KEY_RING_MAX);
		fault = FAULT_TOO_LARGE;
	} else {
		ring->entries[ring->count++] = fresh;
		return FAULT_NONE;
	}
	EVP_PKEY_free(fresh.key);
	return fault;
}

enum fault key_ring_add(struct key_ring *ring, uint64_t generation, uint32_t key, struct str pem,
			unsigned char id_out[KEY_ID_BYTES], struct buf *why)
{
	struct ring_entry fresh = {.number = key, .generation = generation};

	fresh.key = tls_private_key_read(pem, why);
	if (fresh.key == NULL)
		return FAULT_INVALID;
	if (!tls_key_kind_check(fresh.key, "the private key", why)) {
		EVP_PKEY_free(fresh.key);
		return FAULT_UNSUPPORTED;
	}
	fresh.is_rsa = EVP_PKEY_is_a(fresh.key, "RSA") == 1;
	tls_key_id(fresh.key, fresh.id);

	pthread_rwlock_wrlock(&ring->lock);
	enum fault fault = ring_put(ring, fresh, why);
	pthread_rwlock_unlock(&ring->lock);
	if (fault == FAULT_NONE)
		memcpy(id_out, fresh.id, KEY_ID_BYTES);
	return fault;
}

/* ---- working keys ---- */

static void public_key_append(EVP_PKEY *key, struct buf *to)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	CHECK(len > 0);
	buf_append(to, der, (size_t)len);
	OPENSSL_free(der);
}

/* Takes the key over. */
static enum fault working_put(struct key_ring *ring, const struct working_key *working,
			      EVP_PKEY *key, struct buf *public_key, struct buf *why)
{
	struct ring_entry fresh = {.number = working->number,
				   .generation = EVERY_GENERATION,
				   .is_rsa = EVP_PKEY_is_a(key, "RSA") == 1,
				   .users = working->users,
				   .key = key};

	CHECK(working->number >= KEY_WORKING_FIRST);
	tls_key_id(key, fresh.id);
	public_key_append(key, public_key);
	pthread_rwlock_wrlock(&ring->lock);
	enum fault fault = ring_put(ring, fresh, why);
	pthread_rwlock_unlock(&ring->lock);
	return fault;
}

enum fault key_ring_work(struct key_ring *ring, const struct working_key *working, struct str pem,
			 struct buf *public_key, struct buf *why)
{
	EVP_PKEY *key = tls_private_key_read(pem, why);

	if (key == NULL)
		return FAULT_INVALID;
	bool is_ed25519 = working->number >= KEY_DKIM_FIRST && EVP_PKEY_is_a(key, "ED25519") == 1;
	if (is_ed25519 || tls_key_kind_check(key, "the private key", why))
		return working_put(ring, working, key, public_key, why);
	EVP_PKEY_free(key);
	return FAULT_UNSUPPORTED;
}

enum fault key_ring_make(struct key_ring *ring, const struct working_key *working,
			 enum key_kind kind, struct buf *pem, struct buf *public_key,
			 struct buf *why)
{
	static const char maker[] = "provider=default"; /* that of handles makes none */
	EVP_PKEY *key = kind == KEY_KIND_RSA ? EVP_PKEY_Q_keygen(crypto_library(), maker, "RSA",
								 (size_t)RSA_BITS_MADE)
					     : EVP_PKEY_Q_keygen(crypto_library(), maker, "EC",
								 "P-256");

	CHECK(key != NULL);
	CHECK(tls_private_key_append(key, pem));
	return working_put(ring, working, key, public_key, why);
}

void key_ring_remove(struct key_ring *ring, uint32_t number)
{
	CHECK(number >= KEY_WORKING_FIRST);
	pthread_rwlock_wrlock(&ring->lock);
	struct ring_entry *entry = ring_find(ring, number);
	if (entry != NULL)
		ring_entry_remove(ring, entry);
	pthread_rwlock_unlock(&ring->lock);
}

bool key_ring_may_sign(struct key_ring *ring, uint32_t number, enum role role)
{
	if (number < KEY_WORKING_FIRST)
		return role != ROLE_MAILQ;
	pthread_rwlock_rdlock(&ring->lock);
	const struct ring_entry *entry = ring_find(ring, number);
	bool may_sign = entry != NULL && (entry->users & 1u << role) != 0;
	pthread_rwlock_unlock(&ring->lock);
	return may_sign;
}

void key_ring_complete(struct key_ring *ring, uint64_t generation)
{
	pthread_rwlock_wrlock(&ring->lock);
	for (size_t i = ring->count; i-- > 0;) {
		if (ring->entries[i].generation < ring->completed)
			ring_entry_remove(ring, &ring->entries[i]);
	}
	ring->completed = generation;
	pthread_rwlock_unlock(&ring->lock);
}

size_t key_ring_count(struct key_ring *ring)
{
	pthread_rwlock_rdlock(&ring->lock);
	size_t count = ring->count;
	pthread_rwlock_unlock(&ring->lock);
	return count;
}

/*
 * A reference to the key, so that its destruction meanwhile does no harm; NULL when
 * there is none.
 */
static EVP_PKEY *ring_borrow(struct key_ring *ring, uint32_t number, bool *is_rsa_out)
{
	EVP_PKEY *key = NULL;

	pthread_rwlock_rdlock(&ring->lock);
	const struct ring_entry *entry = ring_find(ring, number);
	if (entry != NULL && EVP_PKEY_up_ref(entry->key) == 1) {
		key = entry->key;
		*is_rsa_out = entry->is_rsa;
	}
	pthread_rwlock_unlock(&ring->lock);
	return key;
}

bool key_ring_is_slow(struct key_ring *ring, uint32_t key)
{
	pthread_rwlock_rdlock(&ring->lock);
	const struct ring_entry *entry = ring_find(ring, key);
	bool is_slow = entry != NULL && entry->is_rsa;
	pthread_rwlock_unlock(&ring->lock);
	return is_slow;
}

/* Keeps what was prepared, unless the key was destroyed meanwhile. */
static void signer_return(struct key_ring *ring, uint32_t number, struct signer signer)
{
	pthread_rwlock_rdlock(&ring->lock);
	const struct ring_entry *entry = ring_find(ring, number);
	bool is_kept = entry != NULL && entry->key == signer.key;
	if (is_kept)
		signers_give(ring->signers, signer);
	pthread_rwlock_unlock(&ring->lock);
	if (!is_kept)
		signer_done(&signer);
}

static enum fault key_sign(struct key_ring *ring, uint32_t number, EVP_PKEY *key,
			   const struct sign_scheme *scheme, struct str digest,
			   unsigned char *signature_out, size_t *len_out)
{
	struct signer signer;

	if (!signers_take(ring->signers, key, scheme, &signer))
		return FAULT_UNSUPPORTED;
	enum fault fault = signer_sign(&signer, digest, signature_out, len_out);
	signer_return(ring, number, signer);
	return fault;
}

/* The whole message at once, as Ed25519 wants it (RFC 8032 section 5.1.6). */
static enum fault ed25519_sign(EVP_PKEY *key, struct str message, unsigned char *signature_out,
			       size_t *len_out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len = SIGN_SIGNATURE_MAX;

	CHECK(context != NULL);
	bool is_signed = EVP_PKEY_is_a(key, "ED25519") == 1 &&
			 EVP_DigestSignInit_ex(context, NULL, NULL, crypto_library(), NULL, key,
					       NULL) == 1 &&
			 EVP_DigestSign(context, signature_out, &len,
					(const unsigned char *)message.ptr, message.len) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	if (!is_signed)
		return FAULT_UNSUPPORTED;
	*len_out = len;
	return FAULT_NONE;
}

enum fault key_ring_sign(struct key_ring *ring, uint32_t key, uint32_t scheme_number,
			 struct str digest, unsigned char *signature_out, size_t *len_out)
{
	const struct sign_scheme *scheme = sign_scheme_by_number(scheme_number);
	size_t digest_len = scheme_number == SIGN_SCHEME_ED25519 ? SIGN_ED25519_MESSAGE_BYTES
			    : scheme == NULL			 ? SIZE_MAX
								 : scheme->digest_len;
	enum fault fault = FAULT_UNSUPPORTED;
	bool is_rsa = false;

	if (digest.len != digest_len)
		return FAULT_UNSUPPORTED;
	EVP_PKEY *borrowed = ring_borrow(ring, key, &is_rsa);
	if (borrowed == NULL)
		return FAULT_NOT_FOUND;
	if (scheme == NULL)
		fault = ed25519_sign(borrowed, digest, signature_out, len_out);
	else if (is_rsa == (scheme->padding != SIGN_ECDSA))
		fault = key_sign(ring, key, borrowed, scheme, digest, signature_out, len_out);
	EVP_PKEY_free(borrowed);
	return fault;
}

/*
 * RSA_PKCS1_WITH_TLS_PADDING checks padding, length and version in constant time
 * and gives random bytes where they are wrong (RFC 5246 section 7.4.7.1: the
 * attack of Bleichenbacher needs to learn which). A ciphertext that is no number
 * below the modulus is the one case that it refuses; that is answered likewise.
 */
static void key_decrypt(EVP_PKEY *key, uint32_t version, struct str ciphertext,
			unsigned char premaster_out[PREMASTER_BYTES])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto_library(), key, NULL);
	unsigned client_version = version;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION,
					  &client_version),
		OSSL_PARAM_construct_end(),
	};
	unsigned char out[SIGN_SIGNATURE_MAX];
	size_t len = sizeof(out);

	if (context != NULL && EVP_PKEY_decrypt_init(context) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_WITH_TLS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_params(context, params) == 1 &&
	    EVP_PKEY_decrypt(context, out, &len, (const unsigned char *)ciphertext.ptr,
			     ciphertext.len) == 1 &&
	    len == PREMASTER_BYTES)
		memcpy(premaster_out, out, PREMASTER_BYTES);
	explicit_bzero(out, sizeof(out));
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
}

enum fault key_ring_premaster(struct key_ring *ring, uint32_t key, uint32_t version,
			      struct str ciphertext, unsigned char premaster_out[PREMASTER_BYTES])
{
	bool is_rsa = false;
	EVP_PKEY *borrowed = ring_borrow(ring, key, &is_rsa);

	if (borrowed == NULL)
		return FAULT_NOT_FOUND;
	if (is_rsa) {
		random_bytes(premaster_out, PREMASTER_BYTES);
		key_decrypt(borrowed, version, ciphertext, premaster_out);
	}
	EVP_PKEY_free(borrowed);
	return is_rsa ? FAULT_NONE : FAULT_UNSUPPORTED;
}

static enum fault ring_source_sign(struct key_source *source, uint32_t key, uint32_t scheme,
				   struct str digest, unsigned char *signature_out, size_t *len_out)
{
	struct key_source_ring *self = (struct key_source_ring *)source;

	return key_ring_sign(self->ring, key, scheme, digest, signature_out, len_out);
}

static enum fault ring_source_premaster(struct key_source *source, uint32_t key, uint32_t version,
					struct str ciphertext,
					unsigned char premaster_out[PREMASTER_BYTES])
{
	struct key_source_ring *self = (struct key_source_ring *)source;

	return key_ring_premaster(self->ring, key, version, ciphertext, premaster_out);
}

void key_source_ring_init(struct key_source_ring *source, struct key_ring *ring)
{
	*source = (struct key_source_ring){
		.source = {.sign = ring_source_sign, .premaster = ring_source_premaster},
		.ring = ring,
	};
}
