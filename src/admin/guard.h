/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a request may be carried out: where it comes from, and what it must prove. Pure.
 *
 * A request that changes something has to say in X-Postern-Csrf what GET /session told to its
 * session, a text that is made from the token and does not give it away. Beside that no request
 * may come from a page of another site (Sec-Fetch-Site, Origin), and a body has to be declared JSON,
 * which no form of another site can, or, where the route takes an upload, mail.
 */
#ifndef POSTERN_ADMIN_GUARD_H
#define POSTERN_ADMIN_GUARD_H

#include "admin/route.h"
#include "base/buf.h"
#include "ipc/message.h"

/* Appends what X-Postern-Csrf has to say for a token. */
void guard_csrf_append(struct buf *to, struct str token);

struct guard_refusal {
	int status;
	const char *code;
	const char *text;
};

/* Before a session is looked for; NULL: nothing is against it. */
const struct guard_refusal *guard_request_check(const struct msg_api_asked *asked);

/* With the session's flags (auth/auth.h); NULL: nothing is against it. */
const struct guard_refusal *guard_session_check(const struct msg_api_asked *asked,
						const struct route *route, uint32_t flags);

#endif
