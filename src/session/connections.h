/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is connected to a front: what its sessions have published of themselves, page by page.
 */
#ifndef POSTERN_SESSION_CONNECTIONS_H
#define POSTERN_SESSION_CONNECTIONS_H

#include "session/front.h"

/* So many sessions are copied with the lock held once, and written in one page. */
enum { CONNECTIONS_PAGE_MAX = 200, CONNECTIONS_BYTES_MAX = 192 * 1024 };

/*
 * Appends the sessions whose number is above `after`, in the order they began, as a JSON array of
 * {"number","service","peer","port","since","user","version","suite","group","resumed"}; at
 * most CONNECTIONS_PAGE_MAX of them. user and what is about TLS are null where there is none.
 * Any thread.
 */
void connections_append(struct front *front, uint64_t after, struct buf *json);

#endif
