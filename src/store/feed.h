/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices of changes, for IDLE and other sessions that wait.
 *
 * A front keeps one feed, read by one thread of it. Several changes of an
 * account may come as one notice. What is lost (the store role was restarted,
 * the front read too slowly) is made good by a notice to look at everything.
 */
#ifndef POSTERN_STORE_FEED_H
#define POSTERN_STORE_FEED_H

#include "store/store.h"

struct feed;

struct feed_notice {
	uint64_t account;  /* meaningless when sequence is 0 */
	uint64_t sequence; /* of the account's last change; 0: wake everybody, all may have changed
			    */
};

/* Makes a feed; connects in feed_next. Borrows the store, which must have a role. */
struct feed *feed_new(struct store *store);

/*
 * Waits for the next notice; the first is always the one to look at
 * everything. Reconnects by itself. False after feed_stop.
 */
bool feed_next(struct feed *feed, struct feed_notice *notice_out);

/* Makes feed_next return false, now and later; may be called from any thread. */
void feed_stop(struct feed *feed);

/* Frees; the reading thread must have ended. */
void feed_free(struct feed **feed);

#endif
