/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of OCSP responders that listeners staple to their handshakes (RFC 6066
 * section 8, RFC 8446 section 4.4.2.1), by certificate. They change while contexts
 * stay. What is put in has been judged (tls/ocsp.h); it is stapled until its time.
 * Thread safe.
 */
#ifndef POSTERN_TLS_STAPLES_H
#define POSTERN_TLS_STAPLES_H

#include "tls/certificate.h"

struct tls_staples;

enum { TLS_STAPLES_MAX = 1024, TLS_STAPLE_ID_BYTES = 32 };

struct tls_staples *tls_staples_new(void);
/* Frees, and sets to NULL. */
void tls_staples_free(struct tls_staples **staples);

/* Has a listener's context staple them. Borrowed, outlives the context. */
void tls_staples_attach(struct tls_staples *staples, SSL_CTX *openssl);

/*
 * Puts an answer in the place of the one before, copying it; an empty one takes it
 * away. `id` is tls_certificate_fingerprint. What has run out gives way to what comes; a
 * full table takes nothing new.
 */
void tls_staples_set(struct tls_staples *staples, const unsigned char id[TLS_STAPLE_ID_BYTES],
		     struct str response, int64_t until_s, int64_t now_s);

/* Appends the answer that holds at `now_s`; false when there is none. */
bool tls_staples_get(struct tls_staples *staples, const unsigned char id[TLS_STAPLE_ID_BYTES],
		     int64_t now_s, struct buf *response);

#endif
