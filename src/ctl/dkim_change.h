/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of a domain's keys of DKIM by a command: begun, made in memory and on the
 * disk, told to the server. Where a server runs, its parent reads and writes the disk: whoever
 * gives the command may not be allowed to.
 */
#ifndef POSTERN_CTL_DKIM_CHANGE_H
#define POSTERN_CTL_DKIM_CHANGE_H

#include "ctl/ctl.h"
#include "ctl/link.h"
#include "mailauth/dkim_folder.h"

struct dkim_change {
	const struct ctl *ctl;
	struct link link;
	struct buf domain; /* in ASCII */
	int lock;
	struct dkim_keys keys; /* of the domain */
	struct buf told;       /* for config.log, a line a key */
	struct buf removed;    /* selectors whose private keys go when the list is written, a line each */
};

/*
 * Begins with the domain that the first word names; `needs` as link_open, 0 for the
 * parent alone. An exit code, with what hinders said. To be ended in any case.
 */
must_check int dkim_change_begin(struct dkim_change *change, const struct ctl *ctl,
				 unsigned needs);
void dkim_change_end(struct dkim_change *change);

/* Makes a key that waits, with its file. An exit code. */
must_check int dkim_change_add(struct dkim_change *change, enum dkim_algorithm algorithm,
			       struct str selector);

/* Has a waiting key sign, in the place of those before it. */
void dkim_change_activate(struct dkim_change *change, struct dkim_key *key);

/* Takes a key away, and its file when the change is committed. */
void dkim_change_remove(struct dkim_change *change, const struct dkim_key *key);

/* Writes the list and tells the server, or config.log. An exit code. */
must_check int dkim_change_commit(struct dkim_change *change);

/* The domain as a command has it; an exit code. `domain` has room for DKIM_DOMAIN_MAX. */
must_check int dkim_domain_read(struct str typed, struct buf *domain);

#endif
