/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing requests of the administration page to the admin role, without waiting for it.
 *
 * A request goes out with admin_client_ask, the session parks, and it is woken for each message
 * that comes back: the answer, and behind the answer of a stream its parts, of which the role
 * sends the next when the one before was taken. An admin_client is one channel and one thread that
 * reads; any number of threads may ask. A role that dies answers all that was asked with
 * `is_lost`; one that hangs is ended by the parent.
 */
#ifndef POSTERN_SESSION_ADMIN_CLIENT_H
#define POSTERN_SESSION_ADMIN_CLIENT_H

#include "ipc/client.h"

struct admin_client;

/*
 * Tells that something came. It runs in the client's thread with the client's lock held: it wakes
 * the session and does nothing else.
 */
typedef void admin_wake(void *context);

/* Starts the reading thread. Borrows the connector, which must outlive the client. */
struct admin_client *admin_client_new(struct connector *connector);

/* Ends the thread; nobody is woken. */
void admin_client_free(struct admin_client **client);

/*
 * Sends the request and stores a ticket (never 0). A fault: nothing was sent (UNAVAILABLE while the
 * role restarts, BUSY when too many requests are open, TOO_LARGE). Blocks only for the sending.
 */
must_check enum fault admin_client_ask(struct admin_client *client,
				       const struct msg_api_asked *request, admin_wake *wake,
				       void *context, uint64_t *ticket_out);

struct admin_reply {
	bool is_lost; /* the role has gone; nothing more comes */
	struct packet packet; /* api_answered or api_part; the taker calls packet_done */
};

/*
 * Takes what came; false while there is nothing. The ticket is closed by a reply that is lost, by an
 * answer that is no stream, and by the last part.
 */
must_check bool admin_client_take(struct admin_client *client, uint64_t ticket,
				  struct admin_reply *reply_out);

/* Asks for the next part of a stream, once the last one was taken. */
void admin_client_go_on(struct admin_client *client, uint64_t ticket);

/* Forgets a request and tells the role, for a session that ends. Safe for a ticket that is 0 or closed. */
void admin_client_cancel(struct admin_client *client, uint64_t ticket);

#endif
