/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of the map, loaded and kept through a batch: the steps that the
 * operations have in common.
 */
#ifndef POSTERN_STORE_RECORDS_H
#define POSTERN_STORE_RECORDS_H

#include "store/batch.h"

/* Loads; FAULT_NOT_FOUND. Texts borrow the batch or its map. */
must_check enum fault account_load(struct batch *batch, uint64_t account,
				   struct account_record *record_out);
/* Keeps the record as the account's next step: raises its sequence by one (layout.h, 2). */
void account_keep_step(struct batch *batch, uint64_t account, struct account_record *record);

must_check enum fault mailbox_load(struct batch *batch, uint64_t account, uint32_t mailbox,
				   struct mailbox_record *record_out);
void mailbox_keep(struct batch *batch, uint64_t account, const struct mailbox_record *record);

/* Finds the mailbox of a name: its number, 0 for \Noselect. FAULT_NOT_FOUND. */
must_check enum fault mailbox_resolve(struct batch *batch, uint64_t account, struct str name,
				      uint32_t *mailbox_out);

must_check enum fault message_load(struct batch *batch, uint64_t account, uint64_t message,
				   struct message_record *record_out);
void message_keep(struct batch *batch, uint64_t account, uint64_t message,
		  const struct message_record *record);
/* Adds a row's reference to a message, or takes one; with the last it goes (layout.h, 4). */
must_check enum fault message_refer(struct batch *batch, uint64_t account, uint64_t message,
				    int delta);

/* Puts a row and its C entry (layout.h, 3), and counts it in the mailbox; the reverse. */
void row_insert(struct batch *batch, uint64_t account, struct mailbox_record *record,
		const struct mail *mail);
void row_remove(struct batch *batch, uint64_t account, struct mailbox_record *record,
		const struct mail *mail);

/* Notes vanished UIDs, and forgets the oldest when there are too many. */
void vanished_note(struct batch *batch, uint64_t account, struct mailbox_record *record,
		   uint64_t modseq, const struct uid_set *set);

/* Walks the rows of a set as the map had them before the batch. */
struct row_walk {
	struct batch *batch;
	uint64_t account;
	uint32_t mailbox;
	const struct uid_set *set;
	size_t range;
	uint64_t uid; /* to look at next */
	enum fault fault;
};

void row_walk_begin(struct row_walk *walk, struct batch *batch, uint64_t account, uint32_t mailbox,
		    const struct uid_set *set);
/* The next row; false at the end, and on a fault, kept in the walk. */
bool row_walk_next(struct row_walk *walk, struct mail *mail_out);

/* Makes a mailbox with a number and UIDVALIDITY of its own; the name is new or \Noselect. */
must_check enum fault mailbox_make(struct batch *batch, uint64_t account,
				   struct account_record *record, struct str name,
				   enum special_use use, uint64_t now_s, uint32_t *mailbox_out);

#endif
