/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of mailboxes on other servers: which of their messages were
 * fetched, which were left there, and how the last visit went.
 *
 * It is an account of its own (ACCOUNT_FETCHED). A source, the mailbox elsewhere, is
 * known by 32 bytes, which its user makes of its name. That a message was fetched is
 * noted by mail_append (mail.h) in the same step that gives it to the mailboxes here: what is
 * remembered is here, and what is not is not, whenever the power fails. A message that is
 * remembered so cannot be appended once more.
 */
#ifndef POSTERN_STORE_FETCHED_H
#define POSTERN_STORE_FETCHED_H

#include "store/queue.h"

#define ACCOUNT_FETCHED (ACCOUNT_QUEUE + 1)

enum {
	FETCHED_SOURCE_BYTES = 32,
	FETCHED_UIDL_MAX = 128,
	FETCHED_RUN_MAX = 16 * 1024,
	FETCHED_CHANGES_MAX = 1000, /* in one request */
};

enum fetched_state {
	FETCHED_STORED = 1, /* it is here, or was */
	FETCHED_LEFT,	    /* it was not taken, and somebody was told */
};

/* A message. `uidl` borrows the view. */
struct fetched {
	struct str uidl; /* 1 to FETCHED_UIDL_MAX bytes */
	enum fetched_state state;
	int64_t at_s;	   /* when it was stored, or left */
	int64_t missing_s; /* since when the source lists it no more; 0: it does */
	uint64_t bytes;	   /* of one that was left: what it has at least; else 0 */
};

/* Names a message for mail_append. */
struct fetched_new {
	struct str source;
	struct str uidl;
};

/* ---- reading ---- */

/* FAULT_NOT_FOUND: nothing is remembered. */
must_check enum fault fetched_get(struct view *view, struct str source, struct str uidl,
				  struct fetched *fetched_out);

/* The message whose identifier comes next behind `after`, bytewise; begin with an empty one. */
bool fetched_next(struct view *view, struct str source, struct str after,
		  struct fetched *fetched_out);

/* How the last visit went, as fetched_change kept it; empty: there was none. Borrows the view. */
struct str fetched_run(struct view *view, struct str source);

/* ---- changing ---- */

/* A message that is remembered from now on, or with state 0 forgotten. */
struct fetched_changes {
	struct str source;
	const struct fetched *messages; /* at most FETCHED_CHANGES_MAX */
	size_t message_count;
	struct str run; /* empty: stays as it is */
};

/* All or nothing. FAULT_INVALID, FAULT_TOO_LARGE, else as mail_append. Blocks until durable. */
must_check enum fault fetched_change(struct store *store, const struct fetched_changes *changes);

#endif
