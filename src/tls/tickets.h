/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that seal session tickets (RFC 5077, RFC 8446 section 4.6.1), the
 * same in every front, and their use in a context.
 *
 * Three keys, newest first: the next one, which only opens (so that every front
 * knows it before anybody seals with it), the current one, which seals, and the
 * one before it. On the wire each is TICKET_KEY_BYTES: a name of 16 bytes, an
 * AES-256 key, an HMAC-SHA-256 key. The keys role makes and rotates them
 * (ticket_ring_*); a front fetches them now and then (tls_tickets_refresh).
 */
#ifndef POSTERN_TLS_TICKETS_H
#define POSTERN_TLS_TICKETS_H

#include <openssl/types.h>

#include "ipc/client.h"

enum {
	TICKET_NAME_BYTES = 16,
	TICKET_KEY_BYTES = TICKET_NAME_BYTES + 32 + 32,
	TICKET_KEYS = 3,
	TICKET_RING_BYTES = TICKET_KEYS * TICKET_KEY_BYTES,
	/* How long one key seals; a ticket opens for one to two of these. */
	TICKET_ROTATION_MS = 12 * 3600 * 1000,
	/* Lifetime told to peers: as long as a ticket surely opens. */
	TICKET_LIFETIME_S = TICKET_ROTATION_MS / 1000,
	/* How often a front should fetch; far below the rotation. */
	TICKET_REFRESH_MS = 60 * 1000,
};

/* ---- in the keys role ---- */

/* The three keys one after another, as they travel. */
struct ticket_ring {
	unsigned char bytes[TICKET_RING_BYTES];
	int64_t rotated_ms;
};

/* Makes three random keys. `now_ms` is monotonic. */
void ticket_ring_init(struct ticket_ring *ring, int64_t now_ms);
/* Moves on by one key when TICKET_ROTATION_MS have passed; true when it did. */
bool ticket_ring_tick(struct ticket_ring *ring, int64_t now_ms);
void ticket_ring_wipe(struct ticket_ring *ring);

/* ---- in a front ---- */

struct tls_tickets;

/*
 * Makes a set with random keys of its own, good until the first refresh. Thread safe
 * from then on.
 */
struct tls_tickets *tls_tickets_new(void);
/* Wipes, frees, and sets to NULL; every context made with it must be gone. */
void tls_tickets_free(struct tls_tickets **tickets);

/* Takes over keys as they travel; FAULT_INVALID when they have another length. */
must_check enum fault tls_tickets_set(struct tls_tickets *tickets, struct str keys);

/* Asks the keys role for them; on a fault the old ones stay in use. Blocks on that role. */
must_check enum fault tls_tickets_refresh(struct tls_tickets *tickets, struct role_client *keys);

/* Makes a context seal and open tickets with these keys; borrows them. For tls/context.c. */
void tls_tickets_attach(struct tls_tickets *tickets, SSL_CTX *context);

#endif
