/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing requests of the administration page to the admin role, without waiting for it.
 *
 * A request goes out with admin_client_ask, the session parks, and it is woken for each message
 * that comes back and that it takes with asker_take (ipc/asker.h): api_answered, and behind the answer of a
 * stream api_part, of which the role sends the next when the one before was taken. A role that
 * dies answers all that was asked with UNAVAILABLE; one that hangs is ended by the parent.
 */
#ifndef POSTERN_SESSION_ADMIN_CLIENT_H
#define POSTERN_SESSION_ADMIN_CLIENT_H

#include "ipc/asker.h"

/* Starts an asker for role admin (asker_free). Borrows the connector, which must outlive it. */
struct asker *admin_client_new(struct connector *connector);

/*
 * Asks and stores a ticket (never 0). A fault: nothing was asked (BUSY when too many requests are
 * open, TOO_LARGE). Does not block.
 */
must_check enum fault admin_client_ask(struct asker *admin, const struct msg_api_asked *request,
				       asker_wake *wake, void *context, uint64_t *ticket_out);

/* Asks for the next part of a stream, once the last one was taken. */
void admin_client_go_on(struct asker *admin, uint64_t ticket);

/* Tells that the body stands in the file of api_upload_given, which keeps the ticket open. */
void admin_client_uploaded(struct asker *admin, uint64_t ticket);

/* Forgets a request and tells the role, for a session that ends. Safe for a ticket that is 0 or closed. */
void admin_client_cancel(struct asker *admin, uint64_t ticket);

#endif
