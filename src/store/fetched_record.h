/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of what is remembered of other servers' mailboxes:
 *
 *   F source uidl      -> state, dates, size
 *   T source           -> how the last visit went
 * and H, as of any account.
 */
#ifndef POSTERN_STORE_FETCHED_RECORD_H
#define POSTERN_STORE_FETCHED_RECORD_H

#include "base/cursor.h"
#include "store/fetched.h"
#include "store/layout.h"

/* The source has FETCHED_SOURCE_BYTES: CHECKed. */
void key_fetched(struct key *key, struct str source, struct str uidl);
void key_fetched_run(struct key *key, struct str source);

static inline bool fetched_uidl_check(struct str uidl)
{
	return uidl.len > 0 && uidl.len <= FETCHED_UIDL_MAX;
}

/* Without the identifier, which is the key's. FAULT_CORRUPT. */
void fetched_put(struct buf *to, const struct fetched *fetched);
must_check enum fault fetched_take(struct str uidl, struct str from, struct fetched *fetched_out);

/* With the identifier, within an operation. */
void fetched_change_put(struct buf *to, const struct fetched *fetched);
void fetched_change_take(struct cursor *from, struct fetched *fetched_out);

/* The same for mail_append's `fetched`. */
void fetched_new_put(struct buf *to, const struct fetched_new *fetched);
void fetched_new_take(struct cursor *from, struct fetched_new *fetched_out);

#endif
