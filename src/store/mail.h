/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages in a mailbox: rows of the index, contents, and their changes.
 *
 * Each change is atomic: all of it happens, durably before the function
 * returns, or nothing. A change whose connection broke is looked up by the
 * library and neither lost nor done twice.
 *
 * Faults of changes, beside those named: FAULT_NOT_FOUND (no such account or
 * mailbox), FAULT_NO_SPACE, FAULT_UNAVAILABLE (nothing was changed), FAULT_IO (the
 * store role broke down and did not come back in time: the fate is unknown).
 */
#ifndef POSTERN_STORE_MAIL_H
#define POSTERN_STORE_MAIL_H

#include "store/store.h"

enum mail_flag {
	MAIL_SEEN = 1,
	MAIL_ANSWERED = 2,
	MAIL_FLAGGED = 4,
	MAIL_DELETED = 8,
	MAIL_DRAFT = 16,
	MAIL_FLAGS_ALL = 31,
};

/* A row: what the index knows of a message in a mailbox. */
struct mail {
	uint32_t uid;
	uint32_t flags;	   /* of enum mail_flag */
	uint64_t keywords; /* bits named by mailbox->keywords */
	uint64_t modseq;
	uint64_t size;	    /* bytes of the content: prefix and body */
	int64_t received_s; /* INTERNALDATE */
	uint64_t message;   /* the message's number in the account; copies share it */
};

/* ---- reading ---- */

/* Walks the rows of a mailbox, ascending by UID. */
struct mail_rows {
	struct view *view;
	uint64_t account;
	uint32_t mailbox;
	uint32_t from_uid;
	void *cursor;
	bool is_begun;
	unsigned char prefix[16];
};

/* Begins at the first UID >= `from_uid`. A mailbox that does not exist has no rows. */
void mail_rows_open(struct view *view, uint64_t account, uint32_t mailbox, uint32_t from_uid,
		    struct mail_rows *rows_out);
/* Gives the next row; false at the end. */
bool mail_rows_next(struct mail_rows *rows, struct mail *mail_out);
/* Must come before view_close. */
void mail_rows_close(struct mail_rows *rows);

/* One row; FAULT_NOT_FOUND. */
must_check enum fault mail_get(struct view *view, uint64_t account, uint32_t mailbox, uint32_t uid,
			       struct mail *mail_out);

/* Adds all UIDs of the mailbox to `set`, which is empty. */
void mail_uids(struct view *view, uint64_t account, uint32_t mailbox, struct uid_set *set);

/*
 * What happened after the modseq `since`: adds to `changed` the UIDs of
 * messages whose modseq is higher (new ones too), to `vanished` those expunged
 * after it; both empty before. Returns false when expunges that old are no
 * longer known: then `vanished` is incomplete, and the caller compares
 * mail_uids with what it had. Costs by the number of changes, not of messages.
 */
bool mail_changes(struct view *view, uint64_t account, uint32_t mailbox, uint64_t since,
		  struct uid_set *changed, struct uid_set *vanished);

/*
 * The summary given at delivery, opaque to the store; empty when there is
 * none. Borrows the view. Cheapest when asked in the order of the rows.
 */
struct str mail_summary(struct view *view, uint64_t account, uint64_t message);

/*
 * A message's content: `prefix` then `body`, mapped from the disk. Independent
 * of the view it came from: stays valid until mail_content_close, whatever is
 * expunged or rewritten meanwhile.
 */
struct mail_content {
	struct str prefix;
	struct str body;
	void *mapping;
};

/*
 * Opens the content. Blocks on the disk. FAULT_NOT_FOUND: expunged meanwhile.
 * FAULT_CORRUPT: the checksum is wrong (each body is checked once a process).
 */
must_check enum fault mail_content_open(struct view *view, uint64_t account, uint64_t message,
					struct mail_content *content_out);
void mail_content_close(struct mail_content *content);

/* ---- changing ---- */

/* A body: inline, up to MESSAGE_INLINE_MAX bytes, or a descriptor (memory file) of any size. */
struct mail_body {
	struct str bytes;
	int fd; /* -1, or borrowed: read from offset 0 to its end, and then `bytes` is empty */
};

/* Where a message goes to. */
struct mail_target {
	uint64_t account;
	uint32_t mailbox;  /* 0: INBOX */
	struct str prefix; /* header lines before the body here, such as Delivered-To; <= 4 KiB */
	/* Filled in by mail_append: */
	enum fault fault;
	uint32_t uid;
	uint32_t uidvalidity;
};

enum { MAIL_TARGETS_MAX = 1000, MAIL_PREFIX_MAX = 4096, MAIL_SUMMARY_MAX = 32 * 1024 };

struct queue_new;
struct fetched_new;

struct mail_append {
	struct mail_body body;
	struct str summary; /* made from the body alone; offsets in it are the body's */
	uint32_t flags;
	const struct str *keywords;
	size_t keyword_count;
	int64_t received_s;
	struct mail_target *targets;
	size_t target_count;
	const struct queue_new *queue; /* its entry in the queue (queue.h), or NULL */
	/* From where it was fetched (fetched.h), or NULL: then FAULT_EXISTS if it was before. */
	const struct fetched_new *fetched;
	/*
	 * Store for the others when one target fails (over quota, mailbox gone), instead of for
	 * none. What is queued is queued in any case.
	 */
	bool is_partial;
};

/*
 * Stores one message for all targets, and queues it. With is_partial FAULT_NONE when it was
 * stored for one at least, each target telling its own fault; otherwise, and
 * when it was stored for none, the first target's fault. FAULT_OVER_QUOTA;
 * FAULT_TOO_LARGE: too much prefix, summary or keywords, or too many targets.
 */
must_check enum fault mail_append(struct store *store, struct mail_append *append);

/*
 * Tells beforehand whether `bytes` more fit into the account's quota:
 * FAULT_NONE, FAULT_OVER_QUOTA, or FAULT_NOT_FOUND without such an account.
 */
must_check enum fault mail_quota_check(struct view *view, uint64_t account, uint64_t bytes);

enum mail_flags_mode { MAIL_FLAGS_SET, MAIL_FLAGS_ADD, MAIL_FLAGS_REMOVE };

struct mail_flags_change {
	enum mail_flags_mode mode;
	uint32_t flags;
	const struct str *keywords; /* names; new ones are added to the mailbox, unless removing */
	size_t keyword_count;
	/*
	 * Leaves messages alone whose modseq is higher (RFC 7162 section 3.1.3); UINT64_MAX: none.
	 */
	uint64_t unchanged_since;
	/* Results; both sets must be empty before. */
	struct uid_set changed;	 /* those that now have the modseq */
	struct uid_set modified; /* those that failed unchanged_since */
	uint64_t modseq;	 /* of the last change made; 0: nothing was changed */
};

/*
 * Changes flags of the messages in `set`; UIDs that do not exist are passed
 * over, a message that has the flags already keeps its modseq. Atomic by steps
 * of 8,192 messages. FAULT_TOO_LARGE: the mailbox has no room for more keywords.
 */
must_check enum fault mail_flags_change(struct store *store, uint64_t account, uint32_t mailbox,
					const struct uid_set *set,
					struct mail_flags_change *change);

/*
 * Removes the messages in `set`, with `only_deleted` those that have \Deleted
 * at that moment; adds their UIDs to `expunged_out`. Atomic by steps of 8,192.
 */
must_check enum fault mail_expunge(struct store *store, uint64_t account, uint32_t mailbox,
				   const struct uid_set *set, bool only_deleted,
				   struct uid_set *expunged_out);

/*
 * What went where (COPYUID, RFC 4315): the n-th UID of `from` became the n-th
 * from `first_uid` on. Free `from` with uid_set_done.
 */
struct mail_copied {
	uint32_t uidvalidity;
	uint32_t first_uid;
	struct uid_set from; /* empty: nothing was there to copy */
};

/*
 * Copies within the account, with flags, keywords and dates; all or nothing.
 * FAULT_OVER_QUOTA; FAULT_TOO_LARGE for a set of more than some 50,000 ranges.
 */
must_check enum fault mail_copy(struct store *store, uint64_t account, uint32_t mailbox,
				const struct uid_set *set, uint32_t to_mailbox,
				struct mail_copied *copied_out);

/* The same, and the originals vanish in the same moment (RFC 6851). */
must_check enum fault mail_move(struct store *store, uint64_t account, uint32_t mailbox,
				const struct uid_set *set, uint32_t to_mailbox,
				struct mail_copied *copied_out);

/* Keeps a summary made later, for a message that has none. */
must_check enum fault mail_summary_keep(struct store *store, uint64_t account, uint64_t message,
					struct str summary);

#endif
