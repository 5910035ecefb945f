/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue: messages accepted for other servers, each an entry with its
 * envelope and the recipients that are still open.
 *
 * It is an account of its own (ACCOUNT_QUEUE); whoever delivers holds its lease,
 * and what he settles names the lease's epoch, so that one who lost it changes
 * nothing more. A message comes into the queue with mail_append (mail.h), in the
 * same step that gives it to the mailboxes here; recipients leave it with
 * queue_settle, in the same step that gives the sender his notice. With the last
 * recipient the entry goes, and its content.
 */
#ifndef POSTERN_STORE_QUEUE_H
#define POSTERN_STORE_QUEUE_H

#include "store/mail.h"

#define ACCOUNT_QUEUE (UINT64_C(1) << 63)

enum {
	QUEUE_RECIPIENTS_MAX = 1000,
	QUEUE_TEXT_MAX = 2048, /* of each text below */
};

/* What a recipient's sender wants to be told of (RFC 3461 section 4.1); 0: nothing was said. */
enum queue_notify {
	QUEUE_NOTIFY_NEVER = 1,
	QUEUE_NOTIFY_SUCCESS = 2,
	QUEUE_NOTIFY_FAILURE = 4,
	QUEUE_NOTIFY_DELAY = 8,
	QUEUE_NOTIFY_ALL = 15,
};

enum queue_flag {
	QUEUE_UTF8 = 1,	       /* SMTPUTF8 (RFC 6531) was asked for */
	QUEUE_8BIT = 2,	       /* the content holds bytes above 127 */
	QUEUE_RETURN_FULL = 4, /* RET=FULL (RFC 3461 section 4.3) */
	QUEUE_RETURN_HEADERS = 8,
	QUEUE_NOTICE = 16, /* a notice of our own: no notice about it */
	QUEUE_FLAGS_ALL = 31,
};

/* An envelope. Texts of one that was read borrow the view. */
struct queue_envelope {
	struct str queue_id; /* as mail.log names it */
	struct str sender;   /* empty: the null reverse path */
	struct str envid;    /* xtext as it was said, or empty */
	struct str user;     /* the account that sent it, or empty */
	struct str message_id;
	uint32_t flags; /* of enum queue_flag */
};

struct queue_recipient {
	uint32_t number; /* within the entry; from 0 on in the order they were given */
	struct str address;
	struct str original; /* ORCPT as it was said, or empty */
	uint32_t notify;     /* of enum queue_notify */
	uint32_t attempts;
	int64_t next_s; /* when to try (again) */
	bool is_held;
	bool is_delay_told;
	bool is_delivered; /* into a mailbox here already; only the sender has to be told */
	struct str status; /* of the last attempt, for people: "451 4.7.1 later", or our words */
	struct str host;   /* that said so, or empty */
};

/* What is given to mail_append to queue a message. */
struct queue_new {
	struct queue_envelope envelope;
	struct str prefix; /* header lines before the body; at most MAIL_PREFIX_MAX */
	/* Of each: address, original, notify and is_delivered. */
	const struct queue_recipient *recipients;
	size_t recipient_count;
};

struct queue_entry {
	uint64_t number; /* never used again; also the message's, for mail_content_open */
	struct queue_envelope envelope;
	int64_t received_s;
	uint64_t size; /* bytes of the content */
	uint32_t recipient_count; /* open ones */
};

/* ---- reading ---- */

/* The entry with the lowest number above `after`; begin with 0. False at the end. */
bool queue_next(struct view *view, uint64_t after, struct queue_entry *entry_out);
/* FAULT_NOT_FOUND. */
must_check enum fault queue_get(struct view *view, uint64_t number, struct queue_entry *entry_out);

/* The open recipient with the lowest number from `from` on. False at the end. */
bool queue_recipient_next(struct view *view, uint64_t entry, uint32_t from,
			  struct queue_recipient *recipient_out);

/* ---- changing ---- */

/*
 * Takes or renews the queue's lease for `owner` (not 0) until `seconds` from now.
 * FAULT_BUSY: another has it. Blocks on the store.
 */
must_check enum fault queue_lease_take(struct store *store, uint64_t owner, uint32_t seconds,
				       uint64_t *epoch_out);
must_check enum fault queue_lease_release(struct store *store, uint64_t owner);

/* What became of a recipient. */
struct queue_outcome {
	uint32_t recipient;
	bool is_done; /* it goes: delivered or failed for good */
	/* Of one that stays: */
	int64_t next_s;
	bool is_delay_told;
	struct str status;
	struct str host;
};

struct queue_settle {
	uint64_t entry;
	uint64_t owner;
	uint64_t epoch;
	const struct queue_outcome *outcomes;
	size_t outcome_count;
	/* A notice for the sender, stored or queued in the same step; NULL: none. */
	struct mail_append *notice;
};

/*
 * Settles outcomes of an attempt, all or nothing. FAULT_NOT_FOUND: the entry or
 * a recipient is gone, or a target of the notice; FAULT_DENIED: the lease is no
 * longer the owner's; else as mail_append. Blocks until durable.
 */
must_check enum fault queue_settle(struct store *store, struct queue_settle *settle);

enum queue_order { QUEUE_HOLD, QUEUE_RELEASE, QUEUE_RETRY, QUEUE_REMOVE };

/* So many are ordered in one step. */
enum { QUEUE_ORDER_MAX = 256 };

/*
 * Carries out an administrator's order on at most QUEUE_ORDER_MAX entries in one step, all or nothing:
 * hold their recipients, release them, have them tried now, or remove them without a notice.
 * Those that are gone are passed over; `*done_out` tells how many were there. Blocks until durable.
 */
must_check enum fault queue_order(struct store *store, const uint64_t *entries, size_t count,
				  enum queue_order order, size_t *done_out);

#endif
