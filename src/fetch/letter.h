/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fetched message on its way into the mailboxes here: whose they are, the lines that
 * its copies begin with, and the step that stores it and remembers it as fetched.
 */
#ifndef POSTERN_FETCH_LETTER_H
#define POSTERN_FETCH_LETTER_H

#include "fetch/recipients.h"
#include "proto/mime.h"
#include "store/fetched.h"
#include "store/spool.h"

enum { FETCH_QUEUE_ID_BYTES = 18, FETCH_TEXT_MAX = 1000 };

struct fetch_letter_parts {
	struct store *store;
	const struct pop3_account *account;
	const struct config *config;
	struct str hostname; /* ours */
	struct str host;     /* the other server's name, or address */
	struct str address;  /* from which it came */
	struct str suite;    /* of its TLS, or empty */
	struct str source;
	struct str uidl;
};

/* What became of it, for the log; texts are the letter's. */
struct fetch_letter {
	char queue_id[FETCH_QUEUE_ID_BYTES];
	struct str *owners; /* the addresses of those who have it now */
	size_t owner_count;
	uint64_t bytes;
	bool is_looping;	/* it has passed through too many servers */
	bool is_mailbox_amiss;	/* it is the row's Mailbox that cannot be had */
	struct buf sender;
	struct buf subject;
	struct buf message_id;
	struct buf text; /* what the others borrow from */
};

/*
 * Stores the message that is in the spool, durably, in all mailboxes or in none: late is
 * better than lost. FAULT_EXISTS: it is here already; FAULT_INVALID: it is looping;
 * FAULT_NOT_FOUND: DeliverTo is nobody here; else as mail_append. Blocks on the store. To be
 * freed with fetch_letter_done in any case.
 */
must_check enum fault fetch_letter_store(const struct fetch_letter_parts *parts,
					 struct spool *spool, struct fetch_letter *letter_out);
void fetch_letter_done(struct fetch_letter *letter);

#endif
