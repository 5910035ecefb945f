/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys in this process, by number, and what can be done with them.
 *
 * 1. A number means one key for as long as the process lives: whoever gives a
 *    different key gives it a new number. Contexts of an older configuration go
 *    on signing with theirs.
 * 2. Keys come in generations; when one is complete, keys that neither it nor
 *    the one before it named are destroyed.
 * 3. Working keys (numbers from KEY_WORKING_FIRST on) belong to no generation:
 *    those of an order of certificates and of an account with a CA, which may be
 *    made here, and those of DKIM (from KEY_DKIM_FIRST on), of which alone one may
 *    be of Ed25519. Each names the roles that may sign with it, and stays until it
 *    is removed.
 * 4. All functions are thread safe. Nothing here does I/O.
 */
#ifndef POSTERN_TLS_KEY_RING_H
#define POSTERN_TLS_KEY_RING_H

#include "tls/key_source.h"

struct key_ring;

struct key_ring *key_ring_new(void);
/* Destroys every key, frees, and sets to NULL. */
void key_ring_free(struct key_ring **ring);

enum { KEY_ID_BYTES = 32, KEY_RING_MAX = 1024 };

/*
 * Takes a private key in PEM form (RSA of 1024 to 8192 bits, or an elliptic
 * curve that TLS has). Stores the key's identity: the SHA-256 of its
 * SubjectPublicKeyInfo, by which it is matched to a certificate. A fault is put
 * into words in `why`: INVALID (unreadable, encrypted), UNSUPPORTED (its kind),
 * EXISTS (the number has another key), TOO_LARGE (more than KEY_RING_MAX).
 */
must_check enum fault key_ring_add(struct key_ring *ring, uint64_t generation, uint32_t key,
				   struct str pem, unsigned char id_out[KEY_ID_BYTES],
				   struct buf *why);

enum { KEY_WORKING_FIRST = 1 << 30, KEY_DKIM_FIRST = 3 << 29, KEY_PEM_MAX = 16 * 1024 };

/* What kind of key to make: P-256, or RSA with 2048 bits. */
enum key_kind { KEY_KIND_ECDSA, KEY_KIND_RSA };

/* A working key: its number, and a bit of 1 << enum role for each that may sign with it. */
struct working_key {
	uint32_t number;
	uint32_t users;
};

/*
 * Takes a working key in PEM form. Appends its public key (SubjectPublicKeyInfo,
 * DER). Faults as key_ring_add.
 */
must_check enum fault key_ring_work(struct key_ring *ring, const struct working_key *working,
				    struct str pem, struct buf *public_key, struct buf *why);

/*
 * Makes a working key and appends it in PEM form, and its public key. EXISTS,
 * TOO_LARGE. Computes for some tenths of a second where it is RSA.
 */
must_check enum fault key_ring_make(struct key_ring *ring, const struct working_key *working,
				    enum key_kind kind, struct buf *pem, struct buf *public_key,
				    struct buf *why);

/* Destroys a working key; nothing when there is none of that number. */
void key_ring_remove(struct key_ring *ring, uint32_t number);

/*
 * True when a role may sign with the number: mailq with the working keys that
 * name it alone, others with every key that is no working key and those that name them.
 */
bool key_ring_may_sign(struct key_ring *ring, uint32_t number, enum role role);

/* A generation is complete: destroys what only older ones than the last named. */
void key_ring_complete(struct key_ring *ring, uint64_t generation);

/* How many keys there are. */
size_t key_ring_count(struct key_ring *ring);

/* As key_source's functions (which see). */
must_check enum fault key_ring_sign(struct key_ring *ring, uint32_t key, uint32_t scheme,
				    struct str digest, unsigned char *signature_out,
				    size_t *len_out);
must_check enum fault key_ring_premaster(struct key_ring *ring, uint32_t key, uint32_t version,
					 struct str ciphertext,
					 unsigned char premaster_out[PREMASTER_BYTES]);

/* True when the key's operations take long (RSA): better not done in an event loop. */
bool key_ring_is_slow(struct key_ring *ring, uint32_t key);

/* The ring as a source for the provider, in the same process. Borrows the ring. */
struct key_source_ring {
	struct key_source source;
	struct key_ring *ring;
};
void key_source_ring_init(struct key_source_ring *source, struct key_ring *ring);

#endif
