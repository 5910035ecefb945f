/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layout.h"

#include "store/wire.h"

static void key_add(struct key *key, const void *bytes, size_t len)
{
	CHECK(len <= KEY_BYTES_MAX - key->len);
	if (len > 0)
		memcpy(key->bytes + key->len, bytes, len);
	key->len += len;
}

void key_begin(struct key *key, uint64_t account, char kind)
{
	key->len = 0;
	key_add_u64(key, account);
	key_add(key, &kind, 1);
}

void key_add_u32(struct key *key, uint32_t value)
{
	unsigned char raw[4];

	wire_store_u32(raw, value);
	key_add(key, raw, sizeof(raw));
}

void key_add_u64(struct key *key, uint64_t value)
{
	unsigned char raw[8];

	wire_store_u64(raw, value);
	key_add(key, raw, sizeof(raw));
}

void key_add_text(struct key *key, struct str text)
{
	key_add(key, text.ptr, text.len);
}

uint64_t key_account(struct str key)
{
	CHECK(key.len > 8);
	return wire_load_u64(key.ptr);
}

struct str key_rest(struct str key)
{
	return str_from(key, 9);
}

bool key_is_beside(struct str key, const struct key *beside, size_t len)
{
	return key.len >= len && memcmp(key.ptr, beside->bytes, len) == 0;
}

void key_account_record(struct key *key, uint64_t account)
{
	key_begin(key, account, 'H');
}

void key_mailbox(struct key *key, uint64_t account, uint32_t mailbox)
{
	key_begin(key, account, 'M');
	key_add_u32(key, mailbox);
}

void key_name(struct key *key, uint64_t account, struct str name)
{
	key_begin(key, account, 'N');
	key_add_text(key, name);
}

void key_row(struct key *key, uint64_t account, uint32_t mailbox, uint32_t uid)
{
	key_begin(key, account, 'U');
	key_add_u32(key, mailbox);
	key_add_u32(key, uid);
}

void key_change(struct key *key, uint64_t account, uint32_t mailbox, uint64_t modseq, uint32_t uid)
{
	key_begin(key, account, 'C');
	key_add_u32(key, mailbox);
	key_add_u64(key, modseq);
	key_add_u32(key, uid);
}

void key_vanished(struct key *key, uint64_t account, uint32_t mailbox, uint64_t modseq,
		  uint32_t first)
{
	key_begin(key, account, 'V');
	key_add_u32(key, mailbox);
	key_add_u64(key, modseq);
	key_add_u32(key, first);
}

void key_message(struct key *key, uint64_t account, uint64_t message)
{
	key_begin(key, account, 'G');
	key_add_u64(key, message);
}

static enum fault taken(const struct cursor *from)
{
	return cursor_is_done(from) ? FAULT_NONE : FAULT_CORRUPT;
}

void account_record_put(struct buf *to, const struct account_record *record)
{
	wire_put_u64(to, record->sequence);
	wire_put_u64(to, record->used_bytes);
	wire_put_u64(to, record->quota_bytes);
	wire_put_u64(to, record->next_message);
	wire_put_u32(to, record->next_mailbox);
	wire_put_u32(to, record->uidvalidity);
	wire_put_u32(to, record->mailbox_count);
}

enum fault account_record_take(struct str text, struct account_record *record_out)
{
	struct cursor from = cursor_make(text);

	record_out->sequence = cursor_u64(&from);
	record_out->used_bytes = cursor_u64(&from);
	record_out->quota_bytes = cursor_u64(&from);
	record_out->next_message = cursor_u64(&from);
	record_out->next_mailbox = cursor_u32(&from);
	record_out->uidvalidity = cursor_u32(&from);
	record_out->mailbox_count = cursor_u32(&from);
	return taken(&from);
}

void mailbox_record_put(struct buf *to, const struct mailbox_record *record)
{
	const struct mailbox *mailbox = &record->mailbox;

	wire_put_u32(to, mailbox->uidvalidity);
	wire_put_u32(to, mailbox->uidnext);
	wire_put_u64(to, mailbox->modseq);
	wire_put_u32(to, mailbox->messages);
	wire_put_u32(to, mailbox->unseen);
	wire_put_u32(to, mailbox->deleted);
	wire_put_u32(to, mailbox->recent_uid);
	wire_put_u64(to, mailbox->size_bytes);
	wire_put_u64(to, record->vanished_floor);
	wire_put_u32(to, record->vanished_count);
	wire_put_u8(to, (uint8_t)mailbox->special_use);
	wire_put_text(to, mailbox->name);
	wire_put_texts(to, mailbox->keywords, mailbox->keyword_count);
}

enum fault mailbox_record_take(struct str text, struct mailbox_record *record_out)
{
	struct cursor from = cursor_make(text);
	struct mailbox *mailbox = &record_out->mailbox;

	mailbox->uidvalidity = cursor_u32(&from);
	mailbox->uidnext = cursor_u32(&from);
	mailbox->modseq = cursor_u64(&from);
	mailbox->messages = cursor_u32(&from);
	mailbox->unseen = cursor_u32(&from);
	mailbox->deleted = cursor_u32(&from);
	mailbox->recent_uid = cursor_u32(&from);
	mailbox->size_bytes = cursor_u64(&from);
	record_out->vanished_floor = cursor_u64(&from);
	record_out->vanished_count = cursor_u32(&from);
	mailbox->special_use = (enum special_use)cursor_u8(&from);
	mailbox->name = wire_take_text(&from);
	mailbox->keyword_count = 0;
	while (cursor_left(&from) > 0 && mailbox->keyword_count < MAILBOX_KEYWORDS_MAX)
		mailbox->keywords[mailbox->keyword_count++] = wire_take_text(&from);
	if (mailbox->special_use >= SPECIAL_USE_COUNT)
		return FAULT_CORRUPT;
	return taken(&from);
}

void row_put(unsigned char to[ROW_BYTES], const struct mail *mail)
{
	wire_store_u32(to, mail->flags);
	wire_store_u64(to + 4, mail->keywords);
	wire_store_u64(to + 12, mail->modseq);
	wire_store_u64(to + 20, mail->size);
	wire_store_u64(to + 28, (uint64_t)mail->received_s);
	wire_store_u64(to + 36, mail->message);
}

enum fault row_take(uint32_t uid, struct str from, struct mail *mail_out)
{
	if (from.len != ROW_BYTES)
		return FAULT_CORRUPT;
	*mail_out = (struct mail){
		.uid = uid,
		.flags = wire_load_u32(from.ptr),
		.keywords = wire_load_u64(from.ptr + 4),
		.modseq = wire_load_u64(from.ptr + 12),
		.size = wire_load_u64(from.ptr + 20),
		.received_s = (int64_t)wire_load_u64(from.ptr + 28),
		.message = wire_load_u64(from.ptr + 36),
	};
	return FAULT_NONE;
}

void message_record_put(struct buf *to, const struct message_record *record)
{
	wire_put_u32(to, record->references);
	wire_put_u64(to, record->blob);
	wire_put_u64(to, record->body_bytes);
	wire_put_text(to, record->prefix);
	buf_append_str(to, record->summary);
}

enum fault message_record_take(struct str text, struct message_record *record_out)
{
	struct cursor from = cursor_make(text);

	record_out->references = cursor_u32(&from);
	record_out->blob = cursor_u64(&from);
	record_out->body_bytes = cursor_u64(&from);
	record_out->prefix = wire_take_text(&from);
	record_out->summary = cursor_rest(&from);
	return from.failed ? FAULT_CORRUPT : FAULT_NONE;
}

void address_record_put(struct buf *to, const struct address_record *record)
{
	wire_put_u8(to, (uint8_t)record->kind);
	if (record->kind == ADDRESS_ALIAS) {
		buf_append_str(to, record->targets);
		return;
	}
	wire_put_u64(to, record->account);
	wire_put_u64(to, record->quota_bytes);
	wire_put_u8(to, record->rights);
	wire_put_u64(to, (uint64_t)record->created_s);
}

enum fault address_record_take(struct str text, struct address_record *record_out)
{
	struct cursor from = cursor_make(text);

	*record_out = (struct address_record){.kind = (enum address_kind)cursor_u8(&from)};
	if (record_out->kind == ADDRESS_ALIAS) {
		record_out->targets = cursor_rest(&from);
		return FAULT_NONE;
	}
	record_out->account = cursor_u64(&from);
	record_out->quota_bytes = cursor_u64(&from);
	record_out->rights = cursor_u8(&from) & USER_RIGHTS_ALL;
	record_out->created_s = (int64_t)cursor_u64(&from);
	return record_out->kind == ADDRESS_USER ? taken(&from) : FAULT_CORRUPT;
}

void lease_record_put(struct buf *to, const struct lease_record *record)
{
	wire_put_u64(to, record->epoch);
	wire_put_u64(to, record->owner);
	wire_put_u64(to, record->until_s);
}

enum fault lease_record_take(struct str text, struct lease_record *record_out)
{
	struct cursor from = cursor_make(text);

	record_out->epoch = cursor_u64(&from);
	record_out->owner = cursor_u64(&from);
	record_out->until_s = cursor_u64(&from);
	return taken(&from);
}
