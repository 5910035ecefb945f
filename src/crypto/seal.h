/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing bytes that have to be kept and read again: AES-256-GCM (NIST SP
 * 800-38D) under a key, each with a nonce of its own. What they are for is bound
 * to them, so that one sealed thing cannot stand in for another.
 */
#ifndef POSTERN_CRYPTO_SEAL_H
#define POSTERN_CRYPTO_SEAL_H

#include "base/buf.h"

enum { SEAL_KEY_BYTES = 32, SEAL_OVERHEAD = 12 + 16 };

struct seal_key {
	uint8_t bytes[SEAL_KEY_BYTES];
};

/* Appends nonce, ciphertext and tag. */
void seal_bytes(const struct seal_key *key, struct str purpose, struct str plain, struct buf *to);

/* Appends the plain bytes; false, and nothing appended, when it was not sealed so. */
must_check bool seal_open(const struct seal_key *key, struct str purpose, struct str sealed,
			  struct buf *to);

#endif
