/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs the mail that goes out (DKIM, RFC 6376): what users have submitted, and
 * notices of our own, when the domain in From (or else that of the sender), or one
 * above it, has keys.
 *
 * 1. The body is read once, whatever its length, in pieces; between two others may run.
 * 2. A message is signed once, not once a destination: the signatures are remembered.
 *    Whoever comes while another signs the same message waits for that.
 * 3. What should be signed and cannot be goes nowhere now. Nothing goes out unsigned
 *    for want of a key.
 *
 * Signings and what they share are thread safe; a signing belongs to one task.
 */
#ifndef POSTERN_MAILQ_SIGNING_H
#define POSTERN_MAILQ_SIGNING_H

#include "mailq/dkim.h"
#include "mailq/load.h"
#include "net/waiter.h"
#include "tls/key_source.h"

/* What signings share. */
struct signings;

/* Borrows who signs digests. */
struct signings *signings_new(struct key_source *keys);
void signings_free(struct signings **signings);

/* Puts a table in force, taking over the reference. */
void signings_table_set(struct signings *signings, struct dkim_table *table);
/* A reference to it, to be given back; NULL until the first came. */
struct dkim_table *signings_table_get(struct signings *signings);

struct signing;

/*
 * Begins; `load` and the task, which is woken after SIGNING_WAIT, are borrowed. A table
 * must have come before.
 */
struct signing *signing_new(struct signings *signings, const struct load *load,
			    struct task *task);
/* Gives up what is under way, frees, and sets to NULL; NULL is let be. */
void signing_free(struct signing **signing);

enum signing_step {
	SIGNING_AGAIN,	/* more of the body is to be read */
	SIGNING_WAIT,	/* another signs the message: the task will be woken */
	SIGNING_DONE,	/* see signing_text; empty: it is not to be signed */
	SIGNING_LATER,	/* it cannot be signed now, see signing_text */
	SIGNING_REFUSED /* nor ever */
};

/* Goes on for some milliseconds, or tells again how it ended. May block on the keys role. */
enum signing_step signing_step(struct signing *signing);

/* The fields, with their line ends; or why there are none. Borrowed. */
struct str signing_text(const struct signing *signing);

/* "example.org/sel1+sel2" for the log, or empty. Borrowed. */
struct str signing_names(const struct signing *signing);

#endif
