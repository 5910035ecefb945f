/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes keys for DKIM: RSA of 2048 bits (RFC 8301 section 3.2), and Ed25519 (RFC 8463).
 */
#ifndef POSTERN_TLS_DKIM_KEY_H
#define POSTERN_TLS_DKIM_KEY_H

#include "base/buf.h"

enum dkim_key_kind { DKIM_KEY_RSA, DKIM_KEY_ED25519 };

/*
 * Appends a new private key in PEM form, to be wiped, and its public key as records
 * hold it: SubjectPublicKeyInfo in DER form, or the 32 bytes of Ed25519. False when
 * one of the buffers is too small. Computes for some tenths of a second where it is RSA.
 */
must_check bool dkim_key_make(enum dkim_key_kind kind, struct buf *pem, struct buf *public_key);

#endif
