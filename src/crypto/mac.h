/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA-256 (RFC 2104, RFC 6234), under any key or under one that lives as
 * long as the process; and HMAC-SHA-1, for RFC 6238 alone.
 */
#ifndef POSTERN_CRYPTO_MAC_H
#define POSTERN_CRYPTO_MAC_H

#include "base/str.h"

enum { MAC_BYTES = 32, MAC_SHA1_BYTES = 20 };

struct mac_key {
	uint8_t bytes[MAC_BYTES];
};

/* Fills with random bytes. */
void mac_key_init(struct mac_key *key);
void mac_key_wipe(struct mac_key *key);

/* Computes the MAC of `message`. */
void mac_compute(const struct mac_key *key, struct str message, uint8_t mac_out[MAC_BYTES]);

/* The same under a key of any length, the empty one too. */
void mac_compute_under(struct str key, struct str message, uint8_t mac_out[MAC_BYTES]);

/* With SHA-1, under a key of any length. */
void mac_sha1_compute_under(struct str key, struct str message, uint8_t mac_out[MAC_SHA1_BYTES]);

#endif
