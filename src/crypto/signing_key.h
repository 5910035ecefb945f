/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key that signs statements of ours, so that anybody can verify them with
 * `openssl dgst -sha256 -verify`: ECDSA over P-256 with SHA-256 (FIPS 186-4),
 * the signature in DER form. No I/O.
 */
#ifndef POSTERN_CRYPTO_SIGNING_KEY_H
#define POSTERN_CRYPTO_SIGNING_KEY_H

#include "base/buf.h"

struct signing_key;

enum { SIGNING_KEY_PEM_MAX = 4096, SIGNING_SIGNATURE_MAX = 128 };

/* Appends a new private key in PEM form. */
void signing_key_make(struct buf *pem);

/* Reads a private key that signing_key_make wrote; NULL when it is none. */
struct signing_key *signing_key_read(struct str pem);
/* Frees and sets to NULL. */
void signing_key_free(struct signing_key **key);

/* Appends the signature of the bytes, and the public key in PEM form. */
void signing_key_sign(const struct signing_key *key, struct str bytes, struct buf *signature);
void signing_key_append_public(const struct signing_key *key, struct buf *pem);

/* True when `signature` is that of the bytes by the public key in PEM form. */
bool signing_key_verify(struct str public_pem, struct str bytes, struct str signature);

#endif
