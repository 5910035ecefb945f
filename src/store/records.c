/* SPDX-License-Identifier: Apache-2.0 */
#include "store/records.h"

#include "store/wire.h"

/* Beyond the maximum, vanished ranges are forgotten down to the lower number. */
enum { VANISHED_MAX = 4096, VANISHED_KEPT = 3072 };

enum fault account_load(struct batch *batch, uint64_t account, struct account_record *record_out)
{
	struct key key;
	struct str value;

	key_account_record(&key, account);
	if (!batch_get(batch, &key, &value))
		return FAULT_NOT_FOUND;
	return account_record_take(value, record_out);
}

void account_keep_step(struct batch *batch, uint64_t account, struct account_record *record)
{
	struct key key;

	batch_account_step(batch, account, record->sequence, record->sequence + 1);
	record->sequence++;
	key_account_record(&key, account);
	buf_reset(&batch->scratch);
	account_record_put(&batch->scratch, record);
	batch_put(batch, &key, buf_str(&batch->scratch));
}

enum fault mailbox_load(struct batch *batch, uint64_t account, uint32_t mailbox,
			struct mailbox_record *record_out)
{
	struct key key;
	struct str value;

	key_mailbox(&key, account, mailbox);
	if (!batch_get(batch, &key, &value))
		return FAULT_NOT_FOUND;
	*record_out = (struct mailbox_record){.mailbox.id = mailbox};
	return mailbox_record_take(value, record_out);
}

void mailbox_keep(struct batch *batch, uint64_t account, const struct mailbox_record *record)
{
	struct key key;

	key_mailbox(&key, account, record->mailbox.id);
	buf_reset(&batch->scratch);
	mailbox_record_put(&batch->scratch, record);
	batch_put(batch, &key, buf_str(&batch->scratch));
}

enum fault mailbox_resolve(struct batch *batch, uint64_t account, struct str name,
			   uint32_t *mailbox_out)
{
	struct key key;
	struct str value;

	key_name(&key, account, name);
	if (!batch_get(batch, &key, &value))
		return FAULT_NOT_FOUND;
	if (value.len != sizeof(uint32_t))
		return FAULT_CORRUPT;
	*mailbox_out = wire_load_u32(value.ptr);
	return FAULT_NONE;
}

enum fault message_load(struct batch *batch, uint64_t account, uint64_t message,
			struct message_record *record_out)
{
	struct key key;
	struct str value;

	key_message(&key, account, message);
	if (!batch_get(batch, &key, &value))
		return FAULT_NOT_FOUND;
	return message_record_take(value, record_out);
}

void message_keep(struct batch *batch, uint64_t account, uint64_t message,
		  const struct message_record *record)
{
	struct key key;

	key_message(&key, account, message);
	buf_reset(&batch->scratch);
	message_record_put(&batch->scratch, record);
	if (batch->scratch.failed)
		batch->failed = true;
	batch_put(batch, &key, buf_str(&batch->scratch));
}

enum fault message_refer(struct batch *batch, uint64_t account, uint64_t message, int delta)
{
	struct message_record record;
	enum fault fault = message_load(batch, account, message, &record);

	if (fault != FAULT_NONE)
		return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
	record.references += (uint32_t)delta;
	if (record.references > 0) {
		message_keep(batch, account, message, &record);
		return FAULT_NONE;
	}
	struct key key;
	key_message(&key, account, message);
	batch_delete(batch, key_str(&key));
	batch_hold(batch, record.blob, -1);
	return FAULT_NONE;
}

/* Counts a row in or out of its mailbox (layout.h, 5). */
static void mailbox_count(struct mailbox *mailbox, const struct mail *mail, int sign)
{
	mailbox->messages += (uint32_t)sign;
	mailbox->size_bytes += (uint64_t)sign * mail->size;
	if ((mail->flags & MAIL_SEEN) == 0)
		mailbox->unseen += (uint32_t)sign;
	if ((mail->flags & MAIL_DELETED) != 0)
		mailbox->deleted += (uint32_t)sign;
	if (mail->modseq > mailbox->modseq)
		mailbox->modseq = mail->modseq;
}

void row_insert(struct batch *batch, uint64_t account, struct mailbox_record *record,
		const struct mail *mail)
{
	struct key key;
	unsigned char row[ROW_BYTES];

	row_put(row, mail);
	key_row(&key, account, record->mailbox.id, mail->uid);
	batch_put(batch, &key, str_make(row, sizeof(row)));
	key_change(&key, account, record->mailbox.id, mail->modseq, mail->uid);
	batch_put(batch, &key, str_make("", 0));
	mailbox_count(&record->mailbox, mail, 1);
}

void row_remove(struct batch *batch, uint64_t account, struct mailbox_record *record,
		const struct mail *mail)
{
	struct key key;

	key_row(&key, account, record->mailbox.id, mail->uid);
	batch_delete(batch, key_str(&key));
	key_change(&key, account, record->mailbox.id, mail->modseq, mail->uid);
	batch_delete(batch, key_str(&key));
	mailbox_count(&record->mailbox, mail, -1);
}

static void vanished_forget(struct batch *batch, uint64_t account, struct mailbox_record *record)
{
	struct key from;
	struct str key;
	struct str value;

	key_vanished(&from, account, record->mailbox.id, 0, 0);
	while (record->vanished_count > VANISHED_KEPT &&
	       batch_seek(batch, key_str(&from), &key, &value) &&
	       key_is_beside(key, &from, ROW_PREFIX_BYTES)) {
		record->vanished_floor = wire_load_u64(key.ptr + ROW_PREFIX_BYTES);
		record->vanished_count--;
		batch_delete(batch, key);
		CHECK(key.len < KEY_BYTES_MAX);
		/* The key right behind this one. */
		memcpy(from.bytes, key.ptr, key.len);
		from.bytes[key.len] = 0;
		from.len = key.len + 1;
	}
}

void vanished_note(struct batch *batch, uint64_t account, struct mailbox_record *record,
		   uint64_t modseq, const struct uid_set *set)
{
	struct key key;
	unsigned char last[4];

	for (size_t i = 0; i < set->count; i++) {
		key_vanished(&key, account, record->mailbox.id, modseq, set->ranges[i].first);
		wire_store_u32(last, set->ranges[i].last);
		batch_put(batch, &key, str_make(last, sizeof(last)));
		record->vanished_count++;
	}
	record->mailbox.modseq = modseq;
	if (record->vanished_count > VANISHED_MAX)
		vanished_forget(batch, account, record);
}

void row_walk_begin(struct row_walk *walk, struct batch *batch, uint64_t account, uint32_t mailbox,
		    const struct uid_set *set)
{
	*walk = (struct row_walk){
		.batch = batch, .account = account, .mailbox = mailbox, .set = set};
}

bool row_walk_next(struct row_walk *walk, struct mail *mail_out)
{
	while (walk->range < walk->set->count) {
		const struct uid_range *range = &walk->set->ranges[walk->range];
		struct key from;
		struct str key;
		struct str value;
		if (walk->uid < range->first)
			walk->uid = range->first;
		key_row(&from, walk->account, walk->mailbox, (uint32_t)walk->uid);
		if (walk->uid > range->last) {
			walk->range++;
			continue;
		}
		if (!batch_seek(walk->batch, key_str(&from), &key, &value) ||
		    !key_is_beside(key, &from, ROW_PREFIX_BYTES))
			return false;
		uint32_t uid = wire_load_u32(key.ptr + ROW_PREFIX_BYTES);
		walk->uid = uid;
		if (uid > range->last)
			continue;
		walk->uid++;
		walk->fault = row_take(uid, value, mail_out);
		return walk->fault == FAULT_NONE;
	}
	return false;
}

enum fault mailbox_make(struct batch *batch, uint64_t account, struct account_record *record,
			struct str name, enum special_use use, uint64_t now_s,
			uint32_t *mailbox_out)
{
	struct key key;
	unsigned char number[4];

	if (record->mailbox_count >= MAILBOX_COUNT_MAX)
		return FAULT_TOO_LARGE;
	/*
	 * Greater than any given out here before, even if the clock went back (RFC 3501 section
	 * 2.3.1.1).
	 */
	record->uidvalidity = now_s > record->uidvalidity && now_s < UINT32_MAX
				      ? (uint32_t)now_s
				      : record->uidvalidity + 1;
	struct mailbox_record made = {.mailbox = {.id = record->next_mailbox++,
						  .name = name,
						  .special_use = use,
						  .uidvalidity = record->uidvalidity,
						  .uidnext = 1,
						  .recent_uid = 1,
						  .modseq = record->sequence + 1}};
	record->mailbox_count++;
	mailbox_keep(batch, account, &made);
	key_name(&key, account, name);
	wire_store_u32(number, made.mailbox.id);
	batch_put(batch, &key, str_make(number, sizeof(number)));
	*mailbox_out = made.mailbox.id;
	return FAULT_NONE;
}
