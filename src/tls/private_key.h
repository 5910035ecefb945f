/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys between their text and OpenSSL: for the keys role, and for commands
 * that make or bring certificates.
 */
#ifndef POSTERN_TLS_PRIVATE_KEY_H
#define POSTERN_TLS_PRIVATE_KEY_H

#include <openssl/types.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/secret.h"

/*
 * Reads the first private key of a text in PEM form, of any kind; the caller frees
 * with EVP_PKEY_free. NULL, with the reason and the cure in `why`, when there is
 * none or it is protected by a passphrase: nobody is asked for one.
 */
EVP_PKEY *tls_private_key_read(struct str pem, struct buf *why);

/*
 * The same where it may be protected: `password`, NULL when there is none to try, opens it then.
 * DENIED when it does not, INVALID for whatever else; nothing is given then. Computes for as long
 * as the file's key derivation asks for: for commands alone, whose time is bounded from outside.
 */
must_check enum fault tls_private_key_open(struct str pem, const struct secret *password,
					   EVP_PKEY **key_out, struct buf *why);

/* Appends it in PEM form (PKCS#8); false when that fails. `to` is to be wiped. */
must_check bool tls_private_key_append(EVP_PKEY *key, struct buf *to);

#endif
