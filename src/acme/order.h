/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An order for a certificate from beginning to end: straight-line code that
 * blocks, in a thread of its own.
 *
 * 1. No private key is ever here: keys are had by number from whoever runs the
 *    order, and everything is signed elsewhere.
 * 2. One name is shown after the other: its challenge is answered by every front
 *    before the CA is told, and taken back afterwards, whatever came of it.
 * 3. What the CA gives is checked against the key and the names before it is
 *    handed on; the pair in force is untouched until then.
 * 4. Every wait has an end.
 */
#ifndef POSTERN_ACME_ORDER_H
#define POSTERN_ACME_ORDER_H

#include "acme/client.h"
#include "config/config.h"
#include "tls/key_ring.h"

/* What a key is wanted for. */
enum acme_key_use {
	ACME_KEY_ACCOUNT,   /* that of the account, made with the first order */
	ACME_KEY_NEW,	    /* a new one for the pair */
	ACME_KEY_KEPT,	    /* that of the pair as it is; a new one where it is none, or of another kind */
	ACME_KEY_CHALLENGE, /* for challenges over TLS; kept nowhere */
	ACME_KEY_USES
};

struct acme_got_key {
	uint32_t number;
	struct buf public_key; /* DER */
};

struct acme_shown {
	struct str domain;
	struct str token; /* empty: nothing is to be shown any more */
	struct str authorization;
	struct str chain; /* PEM; empty: over HTTP */
	uint32_t key;
};

/* Whoever runs the order does for it what it cannot do itself. All may block. */
struct acme_world {
	struct key_source *keys;
	struct web_client *web;
	/* Appends why not to `why`, as the two that follow. */
	enum fault (*key_want)(struct acme_world *world, enum acme_key_use use, enum key_kind kind,
			       struct str name, struct acme_got_key *key, struct buf *why);
	enum fault (*challenge_show)(struct acme_world *world, const struct acme_shown *shown,
				     struct buf *why);
	enum fault (*pair_give)(struct acme_world *world, struct str name, struct str chain,
				struct buf *why);
	/* Says how far it is. */
	void (*tell)(struct acme_world *world, struct str text);
	/* Waits; false when it was told to end. */
	bool (*pause)(struct acme_world *world, int64_t ms);
};

/* What is ordered; all borrowed. */
struct acme_order_request {
	struct str name;
	const struct str *domains;
	size_t domain_count;
	bool is_rsa;
	bool keeps_key;
	enum acme_challenge_kind challenge;
	struct str directory;
	struct str contact;
	bool agree_terms;
};

/* Orders, and hands the pair over. Any fault comes with its reason in `failure`. */
must_check enum fault acme_order_run(struct acme_world *world,
				     const struct acme_order_request *request,
				     struct acme_failure *failure);

#endif
