/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HOME/dkim: the keys of DKIM. A domain has a folder; in it each selector's private
 * key, SELECTOR.key, and the file `keys` with a line a key:
 *
 *   SELECTOR ALGORITHM STATE SINCE RECORD
 *
 * which is replaced as a whole. The parent changes it, for commands, too, or, where no
 * server runs, the command line; both hold the lock. Nobody reads private keys here. All
 * functions block on the disk.
 */
#ifndef POSTERN_MAILAUTH_DKIM_FOLDER_H
#define POSTERN_MAILAUTH_DKIM_FOLDER_H

#include "base/fault.h"
#include "mailauth/dkim_record.h"

enum { DKIM_KEYS_MAX = 512, DKIM_DOMAIN_KEYS_MAX = 32, DKIM_LIST_MAX = 128 * 1024 };

struct dkim_key {
	char domain[DKIM_DOMAIN_MAX + 1];
	char selector[DKIM_SELECTOR_MAX + 1];
	char record[DKIM_RECORD_MAX + 1];
	enum dkim_algorithm algorithm;
	enum dkim_state state;
	int64_t since_s; /* of the state */
};

/* Keys of one domain or of all, those of a domain together, in the order they were made. */
struct dkim_keys {
	struct dkim_key *items;
	size_t count;
};

/*
 * Reads the keys of a domain, or with an empty one of all; none where there is no
 * such folder. INVALID and others with the reason in `why`; then there is nothing to
 * free. TOO_LARGE: more than DKIM_KEYS_MAX.
 */
must_check enum fault dkim_keys_read(const char *home, struct str domain,
				     struct dkim_keys *keys_out, struct buf *why);
void dkim_keys_done(struct dkim_keys *keys);

/* The key of that name, or NULL. */
struct dkim_key *dkim_keys_find(const struct dkim_keys *keys, struct str domain,
				struct str selector);

/* Adds a copy; false when the domain has as many as it may. */
must_check bool dkim_keys_add(struct dkim_keys *keys, const struct dkim_key *key);
void dkim_keys_remove(struct dkim_keys *keys, const struct dkim_key *key);

/*
 * Has a waiting key sign; those of the domain that signed with the same algorithm
 * until now retire. Gives how many these are.
 */
size_t dkim_keys_activate(struct dkim_keys *keys, struct dkim_key *key, int64_t now_s);

/* Appends the content of a domain's file, at most DKIM_LIST_MAX: the domain's keys among these. */
void dkim_keys_append(struct buf *to, struct str domain, const struct dkim_keys *keys);

/* Replaces the file of a domain by that. */
must_check enum fault dkim_keys_write(const char *home, struct str domain,
				      const struct dkim_keys *keys);

/*
 * Takes the lock, not waiting: BUSY. To be closed; whoever gets a copy of the descriptor holds the
 * lock, too. The folder is made where there is none, and belongs to whom the home does.
 */
must_check enum fault dkim_folder_lock(const char *home, int *fd_out);

/* HOME/dkim/DOMAIN, and the private key in it; the caller frees. */
char *dkim_domain_path(const char *home, struct str domain);
char *dkim_key_path(const char *home, struct str domain, struct str selector);

#endif
