/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords as Argon2id hashes (RFC 9106), in the encoded form that carries
 * its own parameters and salt ("$argon2id$v=19$m=19456,t=2,p=1$...").
 *
 * Passwords are compared as RFC 8265 section 4.2 (OpaqueString) wants it:
 * composed (NFC), case kept. Bytes that are not UTF-8 are taken as they are.
 * Everything derived from a password is wiped.
 */
#ifndef POSTERN_CRYPTO_PASSWORD_H
#define POSTERN_CRYPTO_PASSWORD_H

#include "base/buf.h"
#include "base/fault.h"

/* The longest encoded form that is read. */
enum { PASSWORD_HASH_MAX = 512 };

/*
 * Appends the encoded hash under a fresh salt. Takes 19 MiB and some 45 ms of
 * the calling thread. MEMORY when those cannot be had.
 */
must_check enum fault password_hash(struct str password, struct buf *encoded);

/*
 * Compares a password with an encoded hash, in the time that the hash's own
 * parameters ask for. CORRUPT when the hash cannot be read, MEMORY.
 */
must_check enum fault password_verify(struct str encoded, struct str password, bool *is_right_out);

#endif
