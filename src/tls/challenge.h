/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The challenge of a CA that is to be answered just now: over HTTP by its token
 * (RFC 8555 section 8.3), over TLS by a certificate of its own (RFC 8737).
 *
 * There is one at a time: orders show one name after the other. Who speaks
 * ALPN acme-tls/1 and nothing else gets that certificate, and nobody else does.
 * All functions are thread safe.
 */
#ifndef POSTERN_TLS_CHALLENGE_H
#define POSTERN_TLS_CHALLENGE_H

#include <openssl/types.h>

#include "base/buf.h"
#include "tls/key_source.h"

struct tls_challenges;

enum { CHALLENGE_TEXT_MAX = 1024 };

struct tls_challenge_parts {
	struct str domain;
	struct str token;
	struct str authorization; /* what the token is answered with */
	struct str chain;	  /* PEM, for TLS; empty: there is none */
	uint32_t key;		  /* that the chain is made with */
	struct key_source *keys;  /* borrowed, outlives every handshake */
};

struct tls_challenges *tls_challenges_new(void);
void tls_challenges_free(struct tls_challenges **challenges);

/* Puts a challenge in the place of the one before. INVALID: the chain is none, or a text too long. */
must_check enum fault tls_challenges_set(struct tls_challenges *challenges,
					 const struct tls_challenge_parts *parts);

/* From now on none is answered. */
void tls_challenges_clear(struct tls_challenges *challenges);

/* Appends what the token is answered with; false when it is not that of the challenge. */
bool tls_challenges_answer(struct tls_challenges *challenges, struct str token, struct buf *to);

/* ---- for tls/context.c ---- */

/* Answers acme-tls/1 on a context's connections, which note their hellos (tls/hello.h). */
void tls_challenges_attach(struct tls_challenges *challenges, SSL_CTX *openssl);

enum challenge_choice {
	CHALLENGE_NOT_ASKED, /* the peer wants something else */
	CHALLENGE_SETTLED,   /* its certificate is in place, or an alert follows by itself */
	CHALLENGE_GONE	     /* it was taken back just now: the handshake has to end */
};

/* Puts the challenge's certificate in place for a peer that asks for acme-tls/1. */
enum challenge_choice tls_challenges_choose(struct tls_challenges *challenges, SSL *ssl);

#endif
