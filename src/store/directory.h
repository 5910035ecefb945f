/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has mail here: domains, users and aliases.
 *
 * Addresses and domains are given and kept in the form of address_append_key
 * and in lower case (proto/address.h); the functions do not normalize. Users
 * are known by a number that is never used again, their account.
 *
 * Reading functions take a view; changing ones block until the change is
 * durable. Their faults beside those named: FAULT_NO_SPACE, FAULT_UNAVAILABLE
 * (the store role is not there, nothing was changed), FAULT_IO.
 */
#ifndef POSTERN_STORE_DIRECTORY_H
#define POSTERN_STORE_DIRECTORY_H

#include "store/store.h"

struct user {
	uint64_t account;
	struct str address;
	uint64_t quota_bytes; /* 0: without limit */
	uint64_t used_bytes;
	bool is_admin;
	bool is_auditor; /* may see what an administrator sees, and change nothing */
	int64_t created_s;
};

/* The account of all directory data; no user has it. */
enum { ACCOUNT_DIRECTORY = 0 };

/* Finds a user by address (not through aliases) or by account. FAULT_NOT_FOUND. */
must_check enum fault directory_user_find(struct view *view, struct str address,
					  struct user *user_out);
must_check enum fault directory_user_get(struct view *view, uint64_t account,
					 struct user *user_out);

/*
 * The user whose address comes next behind `after` in bytewise order; begin
 * with an empty `after`. False at the end.
 */
bool directory_user_next(struct view *view, struct str after, struct user *user_out);

bool directory_domain_is_local(struct view *view, struct str domain);
bool directory_domain_next(struct view *view, struct str after, struct str *domain_out);

struct alias {
	struct str address;
	struct str targets; /* for directory_target_next */
};

must_check enum fault directory_alias_find(struct view *view, struct str address,
					   struct alias *alias_out);
bool directory_alias_next(struct view *view, struct str after, struct alias *alias_out);
/* Takes the next target from the front of `*targets`; false when none is left. */
bool directory_target_next(struct str *targets, struct str *target_out);

enum { ROUTE_MAX = 1000, ROUTE_DEPTH_MAX = 16 };

/* The accounts that mail to an address goes to, each once, ascending. */
struct route {
	size_t count;
	uint64_t accounts[ROUTE_MAX];
};

/*
 * Finds where mail to `address` goes, through aliases of aliases.
 * FAULT_DENIED: its domain is not ours. FAULT_NOT_FOUND: the domain is ours,
 * but there is no such user or alias, or an alias on the way names one that
 * does not exist: nothing is left out silently. FAULT_TOO_LARGE: more than
 * ROUTE_MAX accounts or a chain longer than ROUTE_DEPTH_MAX.
 */
must_check enum fault directory_route(struct view *view, struct str address,
				      struct route *route_out);

/* ---- changing ---- */

/* FAULT_EXISTS. */
must_check enum fault directory_domain_add(struct store *store, struct str domain);
/* FAULT_NOT_FOUND; FAULT_CONFLICT while it has users or aliases. */
must_check enum fault directory_domain_remove(struct store *store, struct str domain);

/*
 * Adds a user with INBOX and the usual folders of special use. Of `user` it
 * reads address, quota_bytes, is_admin and is_auditor. FAULT_EXISTS (also for an alias);
 * FAULT_DENIED: the domain is not ours.
 */
must_check enum fault directory_user_add(struct store *store, const struct user *user,
					 uint64_t *account_out);
/* Sets quota_bytes, is_admin and is_auditor of the user with user->address. FAULT_NOT_FOUND. */
must_check enum fault directory_user_change(struct store *store, const struct user *user);
/*
 * Removes a user with all mail, and the address from the targets of aliases;
 * an alias without targets goes too. FAULT_NOT_FOUND.
 */
must_check enum fault directory_user_remove(struct store *store, struct str address);

/*
 * Makes an alias or adds targets to one. FAULT_EXISTS: a user has the address,
 * or all targets are there already; FAULT_DENIED: the domain of the address or
 * of a target is not ours; FAULT_NOT_FOUND: a target is neither user nor alias.
 */
must_check enum fault directory_alias_add(struct store *store, struct str address,
					  const struct str *targets, size_t count);
/* Removes targets, or with `count` 0 (or with its last target) the alias. FAULT_NOT_FOUND. */
must_check enum fault directory_alias_remove(struct store *store, struct str address,
					     const struct str *targets, size_t count);

#endif
