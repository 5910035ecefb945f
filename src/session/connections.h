/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is connected to a front: what its sessions have published of themselves, page by page. Whoever
 * lists says what he looks for and how many he shows, so that a page costs what stands in it, and
 * one walk over the sessions to count them.
 */
#ifndef POSTERN_SESSION_CONNECTIONS_H
#define POSTERN_SESSION_CONNECTIONS_H

#include "session/front.h"

/* So many sessions are copied with the lock held once, and written in one page. */
enum { CONNECTIONS_PAGE_MAX = 200, CONNECTIONS_BYTES_MAX = 192 * 1024 };

struct connections_query {
	uint64_t after; /* only sessions of higher numbers are shown; the others count */
	size_t limit;	/* of what is shown; more than CONNECTIONS_PAGE_MAX are not in any case */
	struct str service; /* its name in any case of letters; empty: all */
	struct str search;  /* in service, peer, user, version, suite or group, in any case; empty: all */
};

/*
 * Appends {"total":N,"connections":[...]}: how many sessions the query finds, and the first of them behind
 * `after`, in the order they began, as {"number","service","peer","port","since","user","version",
 * "suite","group","resumed"}. user and what is about TLS are null where there is none. Any thread.
 */
void connections_append(struct front *front, const struct connections_query *query,
			struct buf *json);

#endif
