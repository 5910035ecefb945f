/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keyed hash for tables whose keys peers can choose (SipHash-2-4), and
 * CRC-32C for stored records.
 */
#ifndef POSTERN_BASE_HASH_H
#define POSTERN_BASE_HASH_H

#include "base/str.h"

struct hash_key {
	uint64_t half[2];
};

/* Fills with random bytes. */
void hash_key_init(struct hash_key *key);

/* SipHash-2-4 (Aumasson, Bernstein 2012): strangers cannot provoke collisions. */
uint64_t hash_keyed(const struct hash_key *key, struct str bytes);

/* CRC-32C (Castagnoli, reflected, as iSCSI uses it), continued from `seed`; start with 0. */
uint32_t crc32c(uint32_t seed, struct str bytes);

#endif
