/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose word counts on the certificates of users (AUTH EXTERNAL): the anchors and the
 * revocation lists of one folder, HOME/sslca/clients. The CAs that everybody trusts
 * for servers have no say in it.
 *
 * Filled once, then never changed; reference counted, usable from any thread.
 */
#ifndef POSTERN_TLS_USER_ANCHORS_H
#define POSTERN_TLS_USER_ANCHORS_H

#include <openssl/types.h>

#include "base/buf.h"
#include "base/fault.h"
#include "policy/finding.h"

enum { TLS_USER_ANCHORS_MAX = 1024 * 1024 };

struct tls_user_anchors;

/*
 * Appends what stands in the folder's *.crt, *.pem and *.crl, in PEM form; lists may be
 * in DER form too. A folder that does not exist adds nothing. INVALID, with the reason
 * in words, when a file cannot be read or is damaged: without it somebody might log in
 * whose certificate was revoked. Blocks on the disk.
 */
must_check enum fault tls_user_anchors_load(const char *folder, struct buf *pem, struct buf *why);

/* Reads certificates and lists in PEM form. INVALID, with the reason, when one is damaged. */
must_check enum fault tls_user_anchors_parse(struct str pem, struct buf *why,
					     struct tls_user_anchors **out);

struct tls_user_anchors *tls_user_anchors_ref(struct tls_user_anchors *anchors);
/* Gives a reference back and sets to NULL. */
void tls_user_anchors_unref(struct tls_user_anchors **anchors);

/* How many certificates there are. */
size_t tls_user_anchors_count(const struct tls_user_anchors *anchors);

/* Adds a warning for each certificate and each list that is out of date: they let nobody in. */
void tls_user_anchors_check(const struct tls_user_anchors *anchors, struct findings *findings);

/* SHA-256 of all that was read: part of what a TLS session is bound to. */
const unsigned char *tls_user_anchors_digest(const struct tls_user_anchors *anchors);

/*
 * Has a listener's context ask for a certificate, which nobody must show, and judge it: a bad one
 * does not break the handshake (tls/user_certificate.h tells). References what it needs.
 */
void tls_user_anchors_attach(const struct tls_user_anchors *anchors, SSL_CTX *openssl);

#endif
