/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on the queue: entries come in with an append, are settled, and take orders. */
#include "store/operation.h"
#include "store/queue_record.h"
#include "store/records.h"
#include "store/wire.h"

/* The queue's account comes into being with its first entry. */
static enum fault queue_load(struct batch *batch, struct account_record *record_out)
{
	enum fault fault = account_load(batch, ACCOUNT_QUEUE, record_out);

	if (fault != FAULT_NOT_FOUND)
		return fault;
	*record_out = (struct account_record){.next_message = 1};
	return FAULT_NONE;
}

static enum fault entry_load(struct batch *batch, uint64_t number, struct queue_entry *entry_out)
{
	struct key key;
	struct str value;

	key_queue_entry(&key, number);
	if (!batch_get(batch, &key, &value))
		return FAULT_NOT_FOUND;
	return queue_entry_take(number, value, entry_out);
}

static void entry_keep(struct batch *batch, const struct queue_entry *entry)
{
	struct key key;

	key_queue_entry(&key, entry->number);
	buf_reset(&batch->scratch);
	queue_entry_put(&batch->scratch, entry);
	batch_put(batch, &key, buf_str(&batch->scratch));
}

static enum fault recipient_load(struct batch *batch, uint64_t entry, uint32_t number,
				 struct queue_recipient *recipient_out)
{
	struct key key;
	struct str value;

	key_queue_recipient(&key, entry, number);
	if (!batch_get(batch, &key, &value))
		return FAULT_NOT_FOUND;
	return queue_recipient_take(number, value, recipient_out);
}

static void recipient_keep(struct batch *batch, uint64_t entry,
			   const struct queue_recipient *recipient)
{
	struct key key;

	key_queue_recipient(&key, entry, recipient->number);
	buf_reset(&batch->scratch);
	queue_recipient_put(&batch->scratch, recipient);
	batch_put(batch, &key, buf_str(&batch->scratch));
}

static void recipient_remove(struct batch *batch, uint64_t entry, uint32_t number)
{
	struct key key;

	key_queue_recipient(&key, entry, number);
	batch_delete(batch, key_str(&key));
}

static enum fault entry_remove(struct batch *batch, uint64_t number)
{
	struct key key;

	key_queue_entry(&key, number);
	batch_delete(batch, key_str(&key));
	return message_refer(batch, ACCOUNT_QUEUE, number, -1);
}

static bool address_is_whole(struct str address)
{
	return address.len > 0 && address.len <= QUEUE_TEXT_MAX;
}

/* Puts the recipients of a new entry; FAULT_INVALID when there is none or one is broken. */
static enum fault recipients_add(struct batch *batch, struct cursor *from,
				 struct queue_entry *entry)
{
	while (cursor_left(from) > 0) {
		struct queue_recipient recipient = {
			.number = entry->recipient_count++,
			.address = wire_take_text(from),
			.original = wire_take_text(from),
			.notify = cursor_u32(from),
			.is_delivered = cursor_u8(from) != 0,
			.next_s = entry->received_s,
		};
		if (from->failed || !address_is_whole(recipient.address) ||
		    recipient.original.len > QUEUE_TEXT_MAX ||
		    (recipient.notify & ~(uint32_t)QUEUE_NOTIFY_ALL) != 0)
			return FAULT_INVALID;
		if (entry->recipient_count > QUEUE_RECIPIENTS_MAX)
			return FAULT_TOO_LARGE;
		recipient_keep(batch, entry->number, &recipient);
	}
	return from->failed || entry->recipient_count == 0 ? FAULT_INVALID : FAULT_NONE;
}

enum fault queue_add(struct execution *run, struct str entry_text, int64_t received_s)
{
	struct cursor from = cursor_make(entry_text);
	struct account_record account;
	struct str prefix = wire_take_text(&from);
	struct queue_entry entry = {.received_s = received_s,
				    .size = prefix.len + run->body_bytes};

	queue_envelope_take(&from, &entry.envelope);
	if (from.failed || prefix.len > MAIL_PREFIX_MAX)
		return FAULT_INVALID;
	enum fault fault = queue_load(run->batch, &account);
	if (fault != FAULT_NONE)
		return fault;
	entry.number = account.next_message++;
	fault = recipients_add(run->batch, &from, &entry);
	if (fault != FAULT_NONE)
		return fault;
	struct message_record message = {.references = 1,
					 .blob = run->blob,
					 .body_bytes = run->body_bytes,
					 .prefix = prefix};
	message_keep(run->batch, ACCOUNT_QUEUE, entry.number, &message);
	batch_hold(run->batch, run->blob, 1);
	entry_keep(run->batch, &entry);
	account_keep_step(run->batch, ACCOUNT_QUEUE, &account);
	return FAULT_NONE;
}

/* ---- settling ---- */

static enum fault lease_check(struct batch *batch, const struct op_queue_settle *op)
{
	struct lease_record lease;
	struct key key;
	struct str value;

	key_begin(&key, ACCOUNT_QUEUE, 'L');
	key_add_text(&key, QUEUE_LEASE);
	if (!batch_get(batch, &key, &value))
		return FAULT_DENIED;
	enum fault fault = lease_record_take(value, &lease);
	if (fault != FAULT_NONE)
		return fault;
	return lease.owner == op->owner && lease.epoch == op->epoch ? FAULT_NONE : FAULT_DENIED;
}

static enum fault outcome_apply(struct batch *batch, struct queue_entry *entry,
				const struct queue_outcome *outcome)
{
	struct queue_recipient recipient;

	enum fault fault = recipient_load(batch, entry->number, outcome->recipient, &recipient);
	if (fault != FAULT_NONE)
		return fault;
	if (outcome->is_done) {
		entry->recipient_count--;
		recipient_remove(batch, entry->number, outcome->recipient);
		return FAULT_NONE;
	}
	recipient.attempts++;
	recipient.next_s = outcome->next_s;
	recipient.is_delay_told |= outcome->is_delay_told;
	recipient.status = outcome->status;
	recipient.host = outcome->host;
	recipient_keep(batch, entry->number, &recipient);
	return FAULT_NONE;
}

static enum fault outcomes_apply(struct batch *batch, struct queue_entry *entry,
				 struct str outcomes)
{
	struct cursor from = cursor_make(outcomes);
	enum fault fault = FAULT_NONE;

	while (cursor_left(&from) > 0 && fault == FAULT_NONE) {
		struct queue_outcome outcome;
		queue_outcome_take(&from, &outcome);
		fault = from.failed ? FAULT_INVALID : outcome_apply(batch, entry, &outcome);
	}
	return from.failed ? FAULT_INVALID : fault;
}

static enum fault notice_add(struct execution *run, const struct op_queue_settle *op)
{
	struct op_mail_append notice = {.received_s = op->received_s,
					.summary = op->summary,
					.targets = op->targets,
					.queue = op->queue};

	if (str_is_empty(op->targets) && str_is_empty(op->queue))
		return FAULT_NONE;
	return execute_mail_append(run, &notice);
}

enum fault execute_queue_settle(struct execution *run, const struct op_queue_settle *op)
{
	struct batch *batch = run->batch;
	struct account_record account;
	struct queue_entry entry;

	enum fault fault = lease_check(batch, op);
	if (fault == FAULT_NONE)
		fault = queue_load(batch, &account);
	if (fault == FAULT_NONE)
		fault = entry_load(batch, op->entry, &entry);
	if (fault == FAULT_NONE)
		fault = outcomes_apply(batch, &entry, op->outcomes);
	if (fault != FAULT_NONE)
		return fault;
	if (entry.recipient_count > 0)
		entry_keep(batch, &entry);
	else
		fault = entry_remove(batch, entry.number);
	if (fault != FAULT_NONE)
		return fault;
	account_keep_step(batch, ACCOUNT_QUEUE, &account);
	return notice_add(run, op);
}

/* ---- orders ---- */

static void recipient_order(struct batch *batch, uint64_t entry, struct queue_recipient *recipient,
			    const struct op_queue_order *op)
{
	switch ((enum queue_order)op->order) {
	case QUEUE_HOLD:
		recipient->is_held = true;
		break;
	case QUEUE_RELEASE:
		recipient->is_held = false;
		break;
	case QUEUE_RETRY:
		recipient->next_s = (int64_t)op->now_s;
		break;
	case QUEUE_REMOVE:
		recipient_remove(batch, entry, recipient->number);
		return;
	}
	recipient_keep(batch, entry, recipient);
}

static enum fault recipients_order(struct batch *batch, uint64_t entry,
				   const struct op_queue_order *op)
{
	struct key at;
	struct str key;
	struct str value;
	size_t prefix_len = KIND_PREFIX_BYTES + sizeof(uint64_t);

	for (uint32_t number = 0; number < QUEUE_RECIPIENTS_MAX; number++) {
		struct queue_recipient recipient;
		key_queue_recipient(&at, entry, number);
		if (!batch_seek(batch, key_str(&at), &key, &value) ||
		    !key_is_beside(key, &at, prefix_len) ||
		    key.len != prefix_len + sizeof(uint32_t))
			break;
		number = wire_load_u32(key.ptr + prefix_len);
		enum fault fault = queue_recipient_take(number, value, &recipient);
		if (fault != FAULT_NONE)
			return fault;
		recipient_order(batch, entry, &recipient, op);
	}
	return FAULT_NONE;
}

static enum fault entry_order(struct batch *batch, uint64_t number, const struct op_queue_order *op)
{
	struct queue_entry entry;

	enum fault fault = entry_load(batch, number, &entry);
	if (fault == FAULT_NONE)
		fault = recipients_order(batch, number, op);
	if (fault == FAULT_NONE && op->order == QUEUE_REMOVE)
		fault = entry_remove(batch, number);
	return fault;
}

enum fault execute_queue_order(struct execution *run, const struct op_queue_order *op)
{
	struct cursor from = cursor_make(op->entries);
	struct account_record account;
	uint32_t done = 0;

	if (op->order > QUEUE_REMOVE || op->entries.len > QUEUE_ORDER_MAX * sizeof(uint64_t) ||
	    op->entries.len % sizeof(uint64_t) != 0)
		return FAULT_INVALID;
	enum fault fault = queue_load(run->batch, &account);
	while (cursor_left(&from) > 0 && fault == FAULT_NONE) {
		fault = entry_order(run->batch, cursor_u64(&from), op);
		/* One that was delivered meanwhile. */
		if (fault == FAULT_NOT_FOUND)
			fault = FAULT_NONE;
		else
			done++;
	}
	if (fault != FAULT_NONE)
		return fault;
	account_keep_step(run->batch, ACCOUNT_QUEUE, &account);
	wire_put_u32(run->result, done);
	return FAULT_NONE;
}
