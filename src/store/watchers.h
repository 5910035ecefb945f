/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fronts that want the change feed: which accounts each has to be told of.
 *
 * Notices are sent as far as a front's socket takes them; what it does not
 * take waits here, once for each account, and past a bound becomes one notice to
 * look at everything. Thread safe.
 */
#ifndef POSTERN_STORE_WATCHERS_H
#define POSTERN_STORE_WATCHERS_H

#include <pthread.h>

#include "ipc/server.h"

struct watchers {
	pthread_mutex_t lock;
	struct list list;
	size_t count;
};

void watchers_init(struct watchers *watchers);
void watchers_done(struct watchers *watchers);

/* Adds a client; its first notice is to look at everything. One that is there already is fine. */
void watchers_add(struct watchers *watchers, struct role_peer *peer);
/* Removes a client that has gone; one that is not there is fine. */
void watchers_remove(struct watchers *watchers, struct role_peer *peer);

/* Notes a change for all; watchers_send sends. */
void watchers_note(struct watchers *watchers, uint64_t account, uint64_t sequence);
/* Sends what can be sent now; never blocks. */
void watchers_send(struct watchers *watchers);

size_t watchers_count(struct watchers *watchers);

#endif
