/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration as our clients use it: what each of them shakes hands with, for
 * all servers and for those that a row of TlsPolicy names; and what is demanded of a
 * server.
 *
 * Immutable, reference counted, usable from any thread: a connection keeps the one
 * it began with.
 */
#ifndef POSTERN_DELIVER_CLIENT_CONTEXTS_H
#define POSTERN_DELIVER_CLIENT_CONTEXTS_H

#include "config/partner.h"
#include "tls/client.h"

struct client_contexts;

/*
 * Makes them of a configuration, whose reference is taken over, also after a fault.
 * `anchors` are referenced. FAULT_INVALID, with the reason in words, when OpenSSL
 * refuses a policy. Does not block.
 */
must_check enum fault client_contexts_new(struct config *config, struct tls_anchors *anchors,
					  struct buf *why, struct client_contexts **out);

struct client_contexts *client_contexts_ref(struct client_contexts *contexts);
/* Gives a reference back and sets to NULL. */
void client_contexts_unref(struct client_contexts **contexts);

/* The configuration behind it; borrowed. */
struct config *client_contexts_config(const struct client_contexts *contexts);

/* Whom a connection is made to. */
struct client_destination {
	enum client_id client;
	struct str domain; /* where the mail goes; empty: there is none but the host */
	struct str host;   /* a name in A-labels, or an address in text */
	const uint8_t *address; /* 16 bytes, IPv4 in mapped form; NULL: not known yet */
};

/* What holds for it. Borrows from the contexts and from the destination. */
struct client_rule {
	const struct partner *row; /* of TlsPolicy; NULL: the table's */
	struct tls_context *context; /* not referenced */
	struct tls_demand demand;
};

/*
 * Looks up what holds for a destination, now: the most special row for its address,
 * domain or host; and the first of its demands, with which others can be joined
 * (policy/demand.h). A demand to verify wants the name of the host or of the domain.
 */
struct client_rule client_contexts_rule(const struct client_contexts *contexts,
					const struct client_destination *destination);

#endif
