/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names for which certificates and requests are made.
 */
#ifndef POSTERN_TLS_CERTIFICATE_NAMES_H
#define POSTERN_TLS_CERTIFICATE_NAMES_H

#include <openssl/types.h>

#include "base/buf.h"

/*
 * True when each can stand in a certificate: letters, digits, `-`, `_` and dots, or a
 * leftmost label `*`. Otherwise the reason stands in `why`.
 */
must_check bool tls_names_check(const struct str *names, size_t count, struct buf *why);

/* Appends "DNS:a.example,DNS:b.example", as OpenSSL reads it. */
void tls_names_append(struct buf *to, const struct str *names, size_t count);

/* Sets the common name; false when OpenSSL refuses. */
must_check bool tls_subject_set(X509_NAME *subject, struct str name);

#endif
