/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4), whole and in pieces.
 */
#ifndef POSTERN_CRYPTO_DIGEST_H
#define POSTERN_CRYPTO_DIGEST_H

#include <openssl/types.h>

#include "base/str.h"

enum { SHA256_BYTES = 32 };

/* Computes the digest of `bytes`. */
void sha256(struct str bytes, unsigned char digest_out[SHA256_BYTES]);

/* A digest under way; owns memory between init and final or done. */
struct sha256 {
	EVP_MD_CTX *context;
};

void sha256_init(struct sha256 *sha);
void sha256_update(struct sha256 *sha, struct str bytes);
/*
 * Adds a text so that neighbours cannot run into each other: its length as 8
 * bytes, then itself.
 */
void sha256_update_framed(struct sha256 *sha, struct str bytes);
/* Stores the digest and frees the state. */
void sha256_final(struct sha256 *sha, unsigned char digest_out[SHA256_BYTES]);
/* Frees without a result; safe after final. */
void sha256_done(struct sha256 *sha);

#endif
