/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of the queue's account, and a new entry as mail_append carries it.
 *
 *   E entry            -> envelope, dates, number of open recipients
 *   R entry recipient  -> recipient
 * and as of any account H, L "queue", and G entry for the content.
 */
#ifndef POSTERN_STORE_QUEUE_RECORD_H
#define POSTERN_STORE_QUEUE_RECORD_H

#include "base/cursor.h"
#include "store/layout.h"
#include "store/queue.h"

#define QUEUE_LEASE STR("queue")

void key_queue_entry(struct key *key, uint64_t entry);
void key_queue_recipient(struct key *key, uint64_t entry, uint32_t recipient);

/* `number` is the key's. Decoding gives FAULT_CORRUPT; texts borrow the record. */
void queue_entry_put(struct buf *to, const struct queue_entry *entry);
must_check enum fault queue_entry_take(uint64_t number, struct str from,
				       struct queue_entry *entry_out);
void queue_recipient_put(struct buf *to, const struct queue_recipient *recipient);
must_check enum fault queue_recipient_take(uint32_t number, struct str from,
					   struct queue_recipient *recipient_out);

/* A new entry within an operation: prefix, envelope, then each recipient. */
void queue_new_put(struct buf *to, const struct queue_new *entry);
void queue_envelope_put(struct buf *to, const struct queue_envelope *envelope);
void queue_envelope_take(struct cursor *from, struct queue_envelope *envelope_out);

/* One outcome within an operation. */
void queue_outcome_put(struct buf *to, const struct queue_outcome *outcome);
void queue_outcome_take(struct cursor *from, struct queue_outcome *outcome_out);

#endif
