/* SPDX-License-Identifier: Apache-2.0 */
#include "store/queue_record.h"

#include "store/wire.h"

void key_queue_entry(struct key *key, uint64_t entry)
{
	key_begin(key, ACCOUNT_QUEUE, 'E');
	key_add_u64(key, entry);
}

void key_queue_recipient(struct key *key, uint64_t entry, uint32_t recipient)
{
	key_begin(key, ACCOUNT_QUEUE, 'R');
	key_add_u64(key, entry);
	key_add_u32(key, recipient);
}

void queue_envelope_put(struct buf *to, const struct queue_envelope *envelope)
{
	wire_put_text(to, envelope->queue_id);
	wire_put_text(to, envelope->sender);
	wire_put_text(to, envelope->envid);
	wire_put_text(to, envelope->user);
	wire_put_text(to, envelope->message_id);
	wire_put_u32(to, envelope->flags);
}

/* A text of a bounded length. */
static struct str text_take(struct cursor *from)
{
	struct str text = wire_take_text(from);

	if (text.len > QUEUE_TEXT_MAX)
		cursor_fail(from);
	return text;
}

void queue_envelope_take(struct cursor *from, struct queue_envelope *envelope_out)
{
	envelope_out->queue_id = text_take(from);
	envelope_out->sender = text_take(from);
	envelope_out->envid = text_take(from);
	envelope_out->user = text_take(from);
	envelope_out->message_id = text_take(from);
	envelope_out->flags = cursor_u32(from);
	if ((envelope_out->flags & ~(uint32_t)QUEUE_FLAGS_ALL) != 0)
		cursor_fail(from);
}

void queue_entry_put(struct buf *to, const struct queue_entry *entry)
{
	queue_envelope_put(to, &entry->envelope);
	wire_put_u64(to, (uint64_t)entry->received_s);
	wire_put_u64(to, entry->size);
	wire_put_u32(to, entry->recipient_count);
}

enum fault queue_entry_take(uint64_t number, struct str text, struct queue_entry *entry_out)
{
	struct cursor from = cursor_make(text);

	entry_out->number = number;
	queue_envelope_take(&from, &entry_out->envelope);
	entry_out->received_s = (int64_t)cursor_u64(&from);
	entry_out->size = cursor_u64(&from);
	entry_out->recipient_count = cursor_u32(&from);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_CORRUPT;
}

enum { IS_HELD = 1, IS_DELAY_TOLD = 2, IS_DELIVERED = 4 };

void queue_recipient_put(struct buf *to, const struct queue_recipient *recipient)
{
	wire_put_text(to, recipient->address);
	wire_put_text(to, recipient->original);
	wire_put_u32(to, recipient->notify);
	wire_put_u32(to, recipient->attempts);
	wire_put_u64(to, (uint64_t)recipient->next_s);
	wire_put_u8(to, (uint8_t)((recipient->is_held ? IS_HELD : 0) |
				  (recipient->is_delay_told ? IS_DELAY_TOLD : 0) |
				  (recipient->is_delivered ? IS_DELIVERED : 0)));
	wire_put_text(to, recipient->status);
	wire_put_text(to, recipient->host);
}

static void recipient_take(struct cursor *from, struct queue_recipient *recipient_out)
{
	recipient_out->address = text_take(from);
	recipient_out->original = text_take(from);
	recipient_out->notify = cursor_u32(from);
	recipient_out->attempts = cursor_u32(from);
	recipient_out->next_s = (int64_t)cursor_u64(from);
	uint8_t flags = cursor_u8(from);
	recipient_out->is_held = (flags & IS_HELD) != 0;
	recipient_out->is_delay_told = (flags & IS_DELAY_TOLD) != 0;
	recipient_out->is_delivered = (flags & IS_DELIVERED) != 0;
	recipient_out->status = text_take(from);
	recipient_out->host = text_take(from);
	if ((recipient_out->notify & ~(uint32_t)QUEUE_NOTIFY_ALL) != 0)
		cursor_fail(from);
}

enum fault queue_recipient_take(uint32_t number, struct str text,
				struct queue_recipient *recipient_out)
{
	struct cursor from = cursor_make(text);

	recipient_out->number = number;
	recipient_take(&from, recipient_out);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_CORRUPT;
}

void queue_new_put(struct buf *to, const struct queue_new *entry)
{
	wire_put_text(to, entry->prefix);
	queue_envelope_put(to, &entry->envelope);
	for (size_t i = 0; i < entry->recipient_count; i++) {
		wire_put_text(to, entry->recipients[i].address);
		wire_put_text(to, entry->recipients[i].original);
		wire_put_u32(to, entry->recipients[i].notify);
		wire_put_u8(to, entry->recipients[i].is_delivered);
	}
}

void queue_outcome_put(struct buf *to, const struct queue_outcome *outcome)
{
	wire_put_u32(to, outcome->recipient);
	wire_put_u8(to, outcome->is_done);
	wire_put_u64(to, (uint64_t)outcome->next_s);
	wire_put_u8(to, outcome->is_delay_told);
	wire_put_text(to, str_sub(outcome->status, 0, QUEUE_TEXT_MAX));
	wire_put_text(to, str_sub(outcome->host, 0, QUEUE_TEXT_MAX));
}

void queue_outcome_take(struct cursor *from, struct queue_outcome *outcome_out)
{
	outcome_out->recipient = cursor_u32(from);
	outcome_out->is_done = cursor_u8(from) != 0;
	outcome_out->next_s = (int64_t)cursor_u64(from);
	outcome_out->is_delay_told = cursor_u8(from) != 0;
	outcome_out->status = text_take(from);
	outcome_out->host = text_take(from);
}
