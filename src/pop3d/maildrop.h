/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A maildrop: the messages of an INBOX as they were when it was opened, by
 * number from 1, and which of them are to be deleted.
 */
#ifndef POSTERN_POP3D_MAILDROP_H
#define POSTERN_POP3D_MAILDROP_H

#include "store/mail.h"

struct maildrop_message {
	uint64_t message; /* the store's number of the content */
	uint64_t size_bytes;
	uint32_t uid;
	bool is_deleted;
};

/* Zeroed, it is empty. */
struct maildrop {
	uint64_t account;
	uint32_t mailbox;
	uint32_t uidvalidity;
	struct maildrop_message *messages;
	size_t count;
	size_t left_count; /* not deleted */
	uint64_t left_bytes;
};

/* Reads the INBOX of the account; FAULT_BUSY, FAULT_NOT_FOUND. Does not block. */
must_check enum fault maildrop_open(struct store *store, uint64_t account,
				    struct maildrop *maildrop_out);

/* Frees; deletes nothing. */
void maildrop_close(struct maildrop *maildrop);

/* The message of that number, or NULL when there is none or it is deleted. */
struct maildrop_message *maildrop_get(const struct maildrop *maildrop, uint32_t number);

/* Marks a message as deleted. */
void maildrop_delete(struct maildrop *maildrop, struct maildrop_message *message);

/* Takes all marks back. */
void maildrop_reset(struct maildrop *maildrop);

/* Deletes what is marked, durably; a fault: nothing promised. Blocks on the store. */
must_check enum fault maildrop_commit(struct store *store, const struct maildrop *maildrop);

#endif
