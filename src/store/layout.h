/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in the map of an account: keys and records.
 *
 * Invariants, cited by number elsewhere:
 *  1. A key is the account (u64), one letter for the kind, then the parts;
 *     numbers are big-endian, so that bytewise order is numeric order.
 *  2. Every change of an account raises its `sequence` by one and gives that
 *     number as modseq to every row, vanished range and mailbox it touches.
 *  3. For every row U there is exactly one C with the row's modseq, and no
 *     other C; UIDs are given out ascending and never twice in a mailbox.
 *  4. A message G counts the rows that name it; with the last row it goes, and
 *     with it its hold on the blob.
 *  5. The counters of a mailbox and `used_bytes` of the account agree with the
 *     rows, in every commit.
 *
 *   H                        -> account_record
 *   M mailbox                -> mailbox_record
 *   N name                   -> mailbox (u32), 0 for \Noselect
 *   S name                   -> nothing: subscribed
 *   U mailbox uid            -> row
 *   C mailbox modseq uid     -> nothing: changed then
 *   V mailbox modseq first   -> last (u32): expunged then
 *   G message                -> message_record
 *   L name                   -> lease_record
 * and in the directory's account:
 *   D domain                 -> created (u64)
 *   A address                -> address_record
 *   P account                -> address
 * The accounts of the queue and of what was fetched elsewhere have keys of their own:
 * queue_record.h, fetched_record.h.
 */
#ifndef POSTERN_STORE_LAYOUT_H
#define POSTERN_STORE_LAYOUT_H

#include "base/buf.h"
#include "base/fault.h"
#include "store/mail.h"
#include "store/mailbox.h"

/* LMDB's limit for keys. */
enum { KEY_BYTES_MAX = 511 };

struct key {
	size_t len;
	unsigned char bytes[KEY_BYTES_MAX];
};

void key_begin(struct key *key, uint64_t account, char kind);
void key_add_u32(struct key *key, uint32_t value);
void key_add_u64(struct key *key, uint64_t value);
/* A text must be the last part. One that is too long aborts: names are checked before. */
void key_add_text(struct key *key, struct str text);

static inline struct str key_str(const struct key *key)
{
	return str_make(key->bytes, key->len);
}

/* The account that a key belongs to, and what stands behind the kind. */
uint64_t key_account(struct str key);
struct str key_rest(struct str key);
/* True when the first `len` bytes of both are the same; `beside` has them. */
bool key_is_beside(struct str key, const struct key *beside, size_t len);

/* The commonest keys, whole. */
void key_account_record(struct key *key, uint64_t account);
void key_mailbox(struct key *key, uint64_t account, uint32_t mailbox);
void key_name(struct key *key, uint64_t account, struct str name);
void key_row(struct key *key, uint64_t account, uint32_t mailbox, uint32_t uid);
void key_change(struct key *key, uint64_t account, uint32_t mailbox, uint64_t modseq, uint32_t uid);
void key_vanished(struct key *key, uint64_t account, uint32_t mailbox, uint64_t modseq,
		  uint32_t first);
void key_message(struct key *key, uint64_t account, uint64_t message);

enum {
	KIND_PREFIX_BYTES = 8 + 1,    /* account and kind */
	ROW_PREFIX_BYTES = 8 + 1 + 4, /* and mailbox */
	ROW_BYTES = 44,
};

struct account_record {
	uint64_t sequence;
	uint64_t used_bytes;
	uint64_t quota_bytes;
	uint64_t next_message;
	uint32_t next_mailbox;
	uint32_t uidvalidity; /* the last one given out */
	uint32_t mailbox_count;
};

/* A mailbox and what only the store needs of it. */
struct mailbox_record {
	struct mailbox mailbox;
	uint64_t vanished_floor; /* expunges up to this modseq are no longer known */
	uint32_t vanished_count; /* entries V */
};

/* A message of the account: `summary` and `prefix` borrow the record. */
struct message_record {
	uint32_t references;
	uint64_t blob;
	uint64_t body_bytes;
	struct str prefix;
	struct str summary;
};

enum address_kind { ADDRESS_USER = 1, ADDRESS_ALIAS = 2 };

enum user_right { USER_RIGHT_ADMIN = 1, USER_RIGHT_AUDITOR = 2, USER_RIGHTS_ALL = 3 };

struct address_record {
	enum address_kind kind;
	uint64_t account;
	uint64_t quota_bytes;
	uint8_t rights; /* of enum user_right */
	int64_t created_s;
	struct str targets; /* of an alias: a list of texts */
};

struct lease_record {
	uint64_t epoch; /* raised whenever the lease changes hands: a fence */
	uint64_t owner;
	uint64_t until_s;
};

/*
 * Encoding appends to a buffer; decoding gives FAULT_CORRUPT for a record that
 * is not whole. Decoded texts borrow the record.
 */
void account_record_put(struct buf *to, const struct account_record *record);
must_check enum fault account_record_take(struct str from, struct account_record *record_out);
void mailbox_record_put(struct buf *to, const struct mailbox_record *record);
must_check enum fault mailbox_record_take(struct str from, struct mailbox_record *record_out);
void row_put(unsigned char to[ROW_BYTES], const struct mail *mail);
/* The UID comes from the key. */
must_check enum fault row_take(uint32_t uid, struct str from, struct mail *mail_out);
void message_record_put(struct buf *to, const struct message_record *record);
must_check enum fault message_record_take(struct str from, struct message_record *record_out);
void address_record_put(struct buf *to, const struct address_record *record);
must_check enum fault address_record_take(struct str from, struct address_record *record_out);
void lease_record_put(struct buf *to, const struct lease_record *record);
must_check enum fault lease_record_take(struct str from, struct lease_record *record_out);

#endif
