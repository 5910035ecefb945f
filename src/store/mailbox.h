/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mailboxes of an account.
 *
 * A mailbox is known by a number that is never used again in its account; a
 * renaming keeps it. Names are UTF-8 with "/" between the levels, at most
 * MAILBOX_NAME_MAX bytes, no empty level, no controls; a first level that is
 * "inbox" in any case is INBOX (RFC 3501 section 5.1). UIDVALIDITY is never the
 * same for two mailboxes of an account, whatever names they have in turn.
 *
 * Reading functions take a view, which the views of text borrow; changing ones
 * block until the change is durable; faults as in directory.h.
 */
#ifndef POSTERN_STORE_MAILBOX_H
#define POSTERN_STORE_MAILBOX_H

#include "store/store.h"

enum {
	MAILBOX_NAME_MAX = 400,
	MAILBOX_DEPTH_MAX = 32,
	MAILBOX_KEYWORDS_MAX = 64, /* keyword names in one mailbox: bits of a mail's `keywords` */
	MAILBOX_KEYWORD_MAX = 128, /* bytes in one */
	MAILBOX_COUNT_MAX = 10000, /* in one account */
};

/* RFC 6154. X(name, attribute) */
#define SPECIAL_USE_TABLE(X)                                                   \
	X(NONE, "")                                                            \
	X(ARCHIVE, "\\Archive")                                                \
	X(DRAFTS, "\\Drafts")                                                  \
	X(JUNK, "\\Junk")                                                      \
	X(SENT, "\\Sent")                                                      \
	X(TRASH, "\\Trash")

enum special_use {
#define X(name, attribute) SPECIAL_USE_##name,
	SPECIAL_USE_TABLE(X)
#undef X
	SPECIAL_USE_COUNT
};

/* "\Sent" and so on; empty for none. */
const char *special_use_attribute(enum special_use use);

struct mailbox {
	uint32_t id; /* 0: only a name (\Noselect), which may have children */
	struct str name;
	enum special_use special_use;
	bool is_subscribed;
	bool has_children;
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t modseq; /* HIGHESTMODSEQ: of the last change in it, at least 1 */
	uint32_t messages;
	uint32_t unseen;
	uint32_t deleted;	 /* with \Deleted */
	uint32_t recent_uid;	 /* no session was told yet of messages from this UID on */
	uint64_t size_bytes;
	struct str keywords[MAILBOX_KEYWORDS_MAX]; /* the name of each bit; empty where unused */
	size_t keyword_count;			   /* bits from here on are unused */
};

/* Finds by name; FAULT_NOT_FOUND. A name that is \Noselect is found, with id 0. */
must_check enum fault mailbox_find(struct view *view, uint64_t account, struct str name,
				   struct mailbox *mailbox_out);
/* Gets by number; FAULT_NOT_FOUND when it was deleted. */
must_check enum fault mailbox_get(struct view *view, uint64_t account, uint32_t id,
				  struct mailbox *mailbox_out);
/* The name that comes next behind `after`, bytewise; begin with an empty one. False at the end. */
bool mailbox_next(struct view *view, uint64_t account, struct str after,
		  struct mailbox *mailbox_out);
/* The same over subscribed names, which outlive their mailboxes (RFC 3501 section 6.3.6). */
bool mailbox_subscribed_next(struct view *view, uint64_t account, struct str after,
			     struct str *name_out);

/* How many messages have a UID from mailbox->recent_uid on. */
uint32_t mailbox_recent_count(struct view *view, uint64_t account, const struct mailbox *mailbox);

/* Tells whether a name may be given to a mailbox. */
bool mailbox_name_check(struct str name);

/* ---- changing ---- */

/*
 * Creates a mailbox and the superiors that it lacks. FAULT_EXISTS; FAULT_INVALID
 * for a bad name; FAULT_TOO_LARGE for more than MAILBOX_COUNT_MAX. `id_out` may be NULL.
 */
must_check enum fault mailbox_create(struct store *store, uint64_t account, struct str name,
				     enum special_use use, uint32_t *id_out);

/*
 * Deletes a mailbox with its messages. With inferiors the name stays, as
 * \Noselect, until the last of them goes. FAULT_NOT_FOUND; FAULT_DENIED for INBOX and
 * for a \Noselect name with inferiors.
 */
must_check enum fault mailbox_delete(struct store *store, uint64_t account, struct str name);

/*
 * Renames a mailbox and its inferiors; superiors of the new name are created.
 * INBOX instead moves its messages into a new mailbox and stays (RFC 3501 section
 * 6.3.5). FAULT_NOT_FOUND, FAULT_EXISTS, FAULT_INVALID (also into its own inferior).
 */
must_check enum fault mailbox_rename(struct store *store, uint64_t account, struct str from,
				     struct str to);

/* Adds a name to the subscribed ones or takes it off; a name that is so already is fine. */
must_check enum fault mailbox_subscribe(struct store *store, uint64_t account, struct str name,
					bool is_subscribed);

/*
 * Takes the messages that no session was told of yet as the caller's recent
 * ones (\Recent, RFC 3501 section 2.3.2): gives the UID from which on they are; it
 * asks the store role only when there are any.
 */
must_check enum fault mailbox_recent_take(struct store *store, uint64_t account, uint32_t id,
					  uint32_t *first_uid_out);

#endif
