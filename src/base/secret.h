/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A password or the like: a type of its own, so that the compiler refuses to
 * print it and every path wipes it.
 *
 * The bytes never move once set, which a growing buffer could not promise.
 */
#ifndef POSTERN_BASE_SECRET_H
#define POSTERN_BASE_SECRET_H

#include "base/str.h"

enum { SECRET_MAX = 1024 };

struct secret {
	size_t secret_len;
	char secret_bytes[SECRET_MAX];
};

/* Copies `text`; false, and empty, when longer than SECRET_MAX. */
must_check bool secret_set(struct secret *secret, struct str text);

/* Overwrites; safe as a cleanup handler. */
void secret_wipe(struct secret *secret);
#define CLEANUP_SECRET __attribute__((cleanup(secret_wipe)))

/* The bytes, for hashing or sending; borrowed. Never hand them to a log. */
static inline struct str secret_reveal(const struct secret *secret)
{
	return str_make(secret->secret_bytes, secret->secret_len);
}

/* Compares in time that depends on the lengths only. */
bool secret_equals(struct str a, struct str b);

#endif
