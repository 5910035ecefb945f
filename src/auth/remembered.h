/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logins that were right lately, known again by keyed marks: a phone that
 * connects every minute costs a hash every five.
 *
 * Holds no password. Not thread safe; the caller gives the time.
 */
#ifndef POSTERN_AUTH_REMEMBERED_H
#define POSTERN_AUTH_REMEMBERED_H

#include "base/lru.h"
#include "base/hash.h"
#include "crypto/mac.h"

enum { REMEMBERED_MS = 5 * 60 * 1000 };

struct remembered {
	struct lru table;
	struct hash_key hash_key;
	struct mac_key mark_key;
};

void remembered_init(struct remembered *remembered);
void remembered_done(struct remembered *remembered);

/* True, with the account's flags, when this password was right within the time. */
must_check bool remembered_check(struct remembered *remembered, struct str account,
				 struct str password, int64_t now_ms, uint32_t *flags_out);

/* Remembers a right password, in place of what was known of the account. */
void remembered_add(struct remembered *remembered, struct str account, struct str password,
		    uint32_t flags, int64_t now_ms);

/* Forgets the account: its credentials changed. */
void remembered_forget(struct remembered *remembered, struct str account);

/* Wipes what is past its time. */
void remembered_expire(struct remembered *remembered, int64_t now_ms);

#endif
