/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one listener (or client) shakes hands with: an OpenSSL context made of one
 * TLS policy and of certificates, everything in it set explicitly.
 *
 * 1. Nothing comes from the machine's openssl.cnf or from OpenSSL's defaults.
 * 2. The security level stays at 2; a callback relaxes exactly what the policy
 *    names and hands every other question to OpenSSL's own.
 * 3. Immutable once made; reference counted: a session keeps the one it began
 *    with, whatever is loaded later.
 * 4. The session-id context is the SHA-256 of the policy's text, of the certificates and of
 *    what users' certificates are judged by: no ticket outlives a change of one of them.
 * 5. Private keys are handles (tls/provider.h).
 * 6. A policy whose floor moves one day brings a second context along; the clock
 *    says at each handshake which of the two it is (tls_context_at).
 */
#ifndef POSTERN_TLS_CONTEXT_H
#define POSTERN_TLS_CONTEXT_H

#include "policy/policy.h"
#include "tls/anchors.h"
#include "tls/certificate.h"
#include "tls/challenge.h"
#include "tls/key_source.h"
#include "tls/staples.h"
#include "tls/tickets.h"
#include "tls/user_anchors.h"

/* A certificate and the number of its private key. */
struct tls_identity {
	struct tls_certificate *certificate;
	uint32_t key;
	/* Serves peers that name no host or an unknown one. */
	bool is_default;
};

enum { TLS_IDENTITIES_MAX = 1024 };

struct tls_context;

struct tls_context_parts {
	const struct tls_policy *policy;       /* copied as far as it is needed */
	const struct tls_identity *identities; /* each referenced; empty for a client */
	size_t identity_count;
	struct key_source *keys; /* borrowed, outlives the context */
	/* Borrowed, outlives the context; NULL: keys of its own. */
	struct tls_tickets *tickets;
	struct tls_staples *staples; /* a listener's; borrowed, outlives it. NULL: nothing is stapled */
	struct tls_anchors *anchors; /* a client's; referenced. NULL: trusts nobody */
	/* Borrowed, outlives the context; NULL: acme-tls/1 is not answered. */
	struct tls_challenges *challenges;
	/* A listener's; NULL: nobody is asked for a certificate. Needed during the call only. */
	const struct tls_user_anchors *user_anchors;
	struct str file_name; /* "mailserver.cfg", for failures in words */
};

/*
 * Makes a context with one reference. FAULT_INVALID with the reason in words when
 * OpenSSL refuses the policy or a certificate. Does not block.
 */
must_check enum fault tls_context_new(const struct tls_context_parts *parts, struct buf *why,
				      struct tls_context **out);

/*
 * Puts the policy that the context was made of, or its later one for
 * tls_context_at, over a context of somebody else's, which the context must
 * outlive. Faults as above.
 */
must_check enum fault tls_context_govern(struct tls_context *context,
					 const struct tls_policy *policy, SSL_CTX *openssl,
					 struct buf *why);

/* What a handshake at that time uses: the context itself, or the one of its later policy. */
struct tls_context *tls_context_at(struct tls_context *context, int64_t real_s);

struct tls_context *tls_context_ref(struct tls_context *context);
/* Gives a reference back and sets to NULL. */
void tls_context_unref(struct tls_context **context);

/* Which kinds of certificates its defaults are: what `tls show` needs. */
struct tls_certificates tls_context_certificates(const struct tls_context *context);

/* How many certificates it may show. */
size_t tls_context_identity_count(const struct tls_context *context);

/* For tls/transport.c and tests. Borrowed. */
SSL_CTX *tls_context_openssl(const struct tls_context *context);

/*
 * The finite-field group of DHE suites: "ffdhe2048", "ffdhe4096", "modp1024" (Oakley
 * group 2); "" without DHE.
 */
const char *tls_context_dh_name(const struct tls_context *context);

/* What failures in words say of the policy. Texts are the context's own. */
struct tls_words {
	struct str file_name;
	tls_protocols protocols;
	struct finding_place protocols_source;
	struct finding_place ciphers_source;
	struct str table;
	struct tls_floor floor;
	struct finding_place groups_source;
	const struct tls_group *groups[TLS_GROUPS_MAX];
	size_t group_count;
	int dhe_bits;
	struct finding_place dhe_source;
};
const struct tls_words *tls_context_words(const struct tls_context *context);

#endif
