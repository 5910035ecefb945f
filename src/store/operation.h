/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that the store role executes: one table, from which follow
 * the structs, the encoder and the decoder.
 *
 * An operation is a pure function: the operation and the map as it is give a
 * batch and a result, or a fault and nothing. The time is an argument. The
 * backend makes the batch durable (backend.h).
 *
 * As the text `operation` of a store_asked message: kind (u8), then the fields
 * in order; a TEXT that holds a list or a set is made by wire.h.
 */
#ifndef POSTERN_STORE_OPERATION_H
#define POSTERN_STORE_OPERATION_H

#include "base/buf.h"
#include "base/fault.h"
#include "store/batch.h"

#define OPERATION_TYPE_U32 uint32_t
#define OPERATION_TYPE_U64 uint64_t
#define OPERATION_TYPE_TEXT struct str

#define OPERATION_domain_add(F) F(TEXT, domain) F(U64, now_s)
#define OPERATION_domain_remove(F) F(TEXT, domain)
/* Result: account (u64). */
#define OPERATION_user_add(F) F(TEXT, address) F(U64, quota_bytes) F(U32, rights) F(U64, now_s)
#define OPERATION_user_change(F) F(TEXT, address) F(U64, quota_bytes) F(U32, rights)
#define OPERATION_user_remove(F) F(TEXT, address)
/* `targets`: texts. */
#define OPERATION_alias_add(F) F(TEXT, address) F(TEXT, targets)
#define OPERATION_alias_remove(F) F(TEXT, address) F(TEXT, targets)
/* Result: mailbox (u32). */
#define OPERATION_mailbox_create(F)                                                                \
	F(U64, account) F(TEXT, name) F(U32, special_use) F(U64, now_s)
#define OPERATION_mailbox_delete(F) F(U64, account) F(TEXT, name)
#define OPERATION_mailbox_rename(F) F(U64, account) F(TEXT, from) F(TEXT, to) F(U64, now_s)
#define OPERATION_mailbox_subscribe(F) F(U64, account) F(TEXT, name) F(U32, is_subscribed)
/* Result: first recent UID (u32). */
#define OPERATION_recent_take(F) F(U64, account) F(U32, mailbox)
/*
 * `keywords`: texts; `targets`: for each account (u64), mailbox (u32), prefix
 * (text); `queue`: an entry of the queue (queue_record.h), or empty; `fetched`: from
 * where (fetched_record.h), or empty: FAULT_EXISTS when it was stored from there before.
 * Result: for each target fault, UID, UIDVALIDITY (u32 each). Comes with the body
 * inline or, when `body` is empty, as the message's descriptor.
 */
#define OPERATION_mail_append(F)                                                                   \
	F(U32, flags) F(TEXT, keywords) F(U64, received_s) F(U32, is_partial) F(TEXT, summary)     \
	F(TEXT, targets) F(TEXT, queue) F(TEXT, fetched) F(TEXT, body)
/*
 * `set`: UIDs. Stops after a step's worth of messages. Result: UID to go on from
 * or 0 (u32), modseq (u64), the changed and the modified UIDs (a text with a set each).
 */
#define OPERATION_mail_flags(F)                                                                    \
	F(U64, account) F(U32, mailbox) F(U32, mode) F(U32, flags) F(TEXT, keywords)               \
	F(U64, unchanged_since) F(TEXT, set)
/* Result: UID to go on from or 0 (u32), the expunged UIDs (a text with a set). */
#define OPERATION_mail_expunge(F)                                                                  \
	F(U64, account) F(U32, mailbox) F(U32, only_deleted) F(TEXT, set)
/* Result: UIDVALIDITY (u32), first new UID (u32), the UIDs copied (a text with a set). */
#define OPERATION_mail_copy(F)                                                                     \
	F(U64, account) F(U32, mailbox) F(U32, to_mailbox) F(U32, is_move) F(TEXT, set)
#define OPERATION_summary_keep(F) F(U64, account) F(U64, message) F(TEXT, summary)
/*
 * Takes or renews the lease `name` for `owner`, free when nobody has it or it
 * ran out; FAULT_BUSY. Result: epoch (u64).
 */
#define OPERATION_lease_take(F)                                                                    \
	F(U64, account) F(TEXT, name) F(U64, owner) F(U64, now_s) F(U32, seconds)
#define OPERATION_lease_release(F) F(U64, account) F(TEXT, name) F(U64, owner)
/*
 * `outcomes`: as queue_record.h puts them; the rest is a notice for the sender, as
 * in mail_append, none without targets and queue. Result: as mail_append's.
 */
#define OPERATION_queue_settle(F)                                                                  \
	F(U64, entry) F(U64, owner) F(U64, epoch) F(TEXT, outcomes) F(U64, received_s)             \
	F(TEXT, summary) F(TEXT, targets) F(TEXT, queue) F(TEXT, body)
/* `entries`: their numbers (u64 each). Result: how many of them were there (u32). */
#define OPERATION_queue_order(F) F(TEXT, entries) F(U32, order) F(U64, now_s)
/* `messages`: as fetched_record.h puts changes; `run`: empty, or in the place of the one before. */
#define OPERATION_fetched_change(F) F(TEXT, source) F(TEXT, messages) F(TEXT, run)

#define OPERATION_TABLE(X)                                                     \
	X(domain_add)                                                          \
	X(domain_remove)                                                       \
	X(user_add)                                                            \
	X(user_change)                                                         \
	X(user_remove)                                                         \
	X(alias_add)                                                           \
	X(alias_remove)                                                        \
	X(mailbox_create)                                                      \
	X(mailbox_delete)                                                      \
	X(mailbox_rename)                                                      \
	X(mailbox_subscribe)                                                   \
	X(recent_take)                                                         \
	X(mail_append)                                                         \
	X(mail_flags)                                                          \
	X(mail_expunge)                                                        \
	X(mail_copy)                                                           \
	X(summary_keep)                                                        \
	X(lease_take)                                                          \
	X(lease_release)                                                       \
	X(queue_settle)                                                        \
	X(queue_order)                                                         \
	X(fetched_change)

#define OPERATION_MEMBER(type, name) OPERATION_TYPE_##type name;
#define X(name)                                                                \
	struct op_##name {                                                     \
		OPERATION_##name(OPERATION_MEMBER)                             \
	};
OPERATION_TABLE(X)
#undef X

enum operation_kind {
#define X(name) OP_##name,
	OPERATION_TABLE(X)
#undef X
	OPERATION_COUNT
};

struct operation {
	enum operation_kind kind;
	union {
#define X(name) struct op_##name name;
		OPERATION_TABLE(X)
#undef X
	};
};

/* "mail_append" and so on. */
const char *operation_name(enum operation_kind kind);

void operation_encode(struct buf *to, const struct operation *operation);
/* Decoded texts borrow `from`. FAULT_INVALID when it is not exactly one operation. */
must_check enum fault operation_decode(struct str from, struct operation *operation_out);

/* The body that comes inline with an operation; NULL for one that has none. */
const struct str *operation_body(const struct operation *operation);

/* What an execution works on. */
struct execution {
	struct batch *batch;
	struct buf *result;
	/* Of an operation with a body: the number that it gets as a blob, and its size. */
	uint64_t blob;
	uint64_t body_bytes;
};

/*
 * Executes: fills the batch and the result. After a fault the batch is to be
 * thrown away. A body is wanted only if the batch then holds its blob.
 */
must_check enum fault operation_execute(struct execution *run, const struct operation *operation);

/* Adds an entry to the queue for the body of the execution: the part of mail_append's `queue`. */
must_check enum fault queue_add(struct execution *run, struct str entry, int64_t received_s);

/* Notes a message as fetched: the part of mail_append's `fetched`. FAULT_EXISTS: it was before. */
must_check enum fault fetched_add(struct execution *run, struct str fetched, int64_t at_s);

/* How many messages mail_flags and mail_expunge handle in one step. */
enum { OPERATION_STEP_MESSAGES = 8192 };

/* One function an operation; in operation_directory.c, operation_mailbox.c, operation_mail.c, operation_queue.c,
 * operation_fetched.c. */
#define X(name) enum fault execute_##name(struct execution *run, const struct op_##name *op);
OPERATION_TABLE(X)
#undef X

#endif
