/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which keys a server's certificate may have: RSA of 1024 to 8192 bits, and the
 * curves P-256, P-384, P-521. Everything else is refused in words, because the
 * clients of a mail server would refuse it without any.
 */
#ifndef POSTERN_TLS_KEY_KIND_H
#define POSTERN_TLS_KEY_KIND_H

#include <openssl/types.h>

#include "base/buf.h"

/*
 * True when a key, public or private, is of such a kind. Otherwise appends the
 * reason and the cure to `why`; `whose` begins the sentence ("its key").
 */
must_check bool tls_key_kind_check(EVP_PKEY *key, const char *whose, struct buf *why);

#endif
