/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on mailboxes and leases. */
#include "store/mailbox_name.h"
#include "store/operation.h"
#include "store/records.h"
#include "store/wire.h"

/* Makes a mailbox, and before it the superiors that are not there (RFC 3501 section 6.3.3). */
static enum fault mailbox_make_path(struct batch *batch, uint64_t account,
				    struct account_record *record, struct str name,
				    enum special_use use, uint64_t now_s, uint32_t *mailbox_out)
{
	for (size_t at = 0; at < name.len; at++) {
		uint32_t superior;
		if (name.ptr[at] != '/')
			continue;
		struct str above = str_sub(name, 0, at);
		enum fault fault = mailbox_resolve(batch, account, above, &superior);
		if (fault == FAULT_NOT_FOUND)
			fault = mailbox_make(batch, account, record, above, SPECIAL_USE_NONE, now_s,
					     &superior);
		if (fault != FAULT_NONE)
			return fault;
	}
	return mailbox_make(batch, account, record, name, use, now_s, mailbox_out);
}

/* FAULT_EXISTS when there is a mailbox of that name; a \Noselect name is free. */
static enum fault name_check_free(struct batch *batch, uint64_t account, struct str name)
{
	uint32_t mailbox;
	enum fault fault = mailbox_resolve(batch, account, name, &mailbox);

	if (fault == FAULT_NONE)
		return mailbox == 0 ? FAULT_NONE : FAULT_EXISTS;
	return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
}

enum fault execute_mailbox_create(struct execution *run, const struct op_mailbox_create *op)
{
	struct account_record account;
	struct mailbox_name name;
	uint32_t mailbox;

	if (op->special_use >= SPECIAL_USE_COUNT)
		return FAULT_INVALID;
	enum fault fault = mailbox_name_make(op->name, &name);
	if (fault == FAULT_NONE)
		fault = account_load(run->batch, op->account, &account);
	if (fault == FAULT_NONE)
		fault = name_check_free(run->batch, op->account, mailbox_name_str(&name));
	if (fault == FAULT_NONE)
		fault = mailbox_make_path(run->batch, op->account, &account,
					  mailbox_name_str(&name),
					  (enum special_use)op->special_use, op->now_s, &mailbox);
	if (fault != FAULT_NONE)
		return fault;
	account_keep_step(run->batch, op->account, &account);
	wire_put_u32(run->result, mailbox);
	return FAULT_NONE;
}

/* ---- delete ---- */

/* Finds the first key at or behind `from` that shares its first `len` bytes. */
static bool seek_beside(struct batch *batch, const struct key *from, size_t len,
			struct str *key_out, struct str *value_out)
{
	return batch_seek(batch, key_str(from), key_out, value_out) &&
	       key_is_beside(*key_out, from, len);
}

/* Makes of a key the one right behind it. */
static void key_step(struct key *key, struct str at)
{
	CHECK(at.len < KEY_BYTES_MAX);
	memcpy(key->bytes, at.ptr, at.len);
	key->bytes[at.len] = 0;
	key->len = at.len + 1;
}

/* Deletes all keys of one kind that belong to the mailbox. */
static void mailbox_keys_delete(struct batch *batch, uint64_t account, uint32_t mailbox, char kind)
{
	struct key from;
	struct str key;
	struct str value;

	key_begin(&from, account, kind);
	key_add_u32(&from, mailbox);
	while (seek_beside(batch, &from, ROW_PREFIX_BYTES, &key, &value)) {
		batch_delete(batch, key);
		key_step(&from, key);
	}
}

static const struct uid_range every_uid[] = {{1, UINT32_MAX}};
static const struct uid_set all_uids = {.ranges = (struct uid_range *)(uintptr_t)every_uid,
					.count = 1};

/* Removes the rows of a mailbox with all that belongs to it, but not its name. */
static enum fault mailbox_empty_out(struct batch *batch, uint64_t account,
				    struct account_record *record, uint32_t mailbox)
{
	struct row_walk walk;
	struct mail mail;
	struct key key;

	row_walk_begin(&walk, batch, account, mailbox, &all_uids);
	while (row_walk_next(&walk, &mail)) {
		record->used_bytes -= mail.size;
		enum fault fault = message_refer(batch, account, mail.message, -1);
		if (fault != FAULT_NONE)
			return fault;
	}
	mailbox_keys_delete(batch, account, mailbox, 'U');
	mailbox_keys_delete(batch, account, mailbox, 'C');
	mailbox_keys_delete(batch, account, mailbox, 'V');
	key_mailbox(&key, account, mailbox);
	batch_delete(batch, key_str(&key));
	record->mailbox_count--;
	return walk.fault;
}

/* Tells whether there are names below `name` that the batch does not delete. */
static bool has_inferiors(struct batch *batch, uint64_t account, struct str name)
{
	struct key at;
	struct str key;
	struct str value;

	key_name(&at, account, name);
	key_add_text(&at, STR("/"));
	size_t len = at.len;
	while (seek_beside(batch, &at, len, &key, &value)) {
		memcpy(at.bytes, key.ptr, key.len);
		at.len = key.len;
		if (batch_get(batch, &at, &value))
			return true;
		key_step(&at, key);
	}
	return false;
}

/* Takes away \Noselect names above `name`, which is gone, unless they are needed for `new_name`. */
static void superiors_tidy(struct batch *batch, uint64_t account, struct str name,
			   struct str new_name)
{
	for (struct str above = mailbox_name_superior(name); !str_is_empty(above);
	     above = mailbox_name_superior(above)) {
		struct key key;
		uint32_t mailbox;
		if (mailbox_resolve(batch, account, above, &mailbox) != FAULT_NONE ||
		    mailbox != 0 || mailbox_name_is_inferior(new_name, above) ||
		    has_inferiors(batch, account, above))
			return;
		key_name(&key, account, above);
		batch_delete(batch, key_str(&key));
	}
}

/* The name goes, or stays as \Noselect while there are inferiors (RFC 3501 section 6.3.4). */
static void name_delete(struct batch *batch, uint64_t account, struct str name, bool has_below)
{
	struct key key;
	unsigned char none[4] = {0};

	key_name(&key, account, name);
	if (has_below)
		batch_put(batch, &key, str_make(none, sizeof(none)));
	else {
		batch_delete(batch, key_str(&key));
		superiors_tidy(batch, account, name, str_make(NULL, 0));
	}
}

enum fault execute_mailbox_delete(struct execution *run, const struct op_mailbox_delete *op)
{
	struct batch *batch = run->batch;
	struct account_record account;
	struct mailbox_name made = {0};
	uint32_t mailbox = 0;

	enum fault fault = mailbox_name_make(op->name, &made);
	struct str name = mailbox_name_str(&made);
	if (fault == FAULT_NONE && str_equals(name, MAILBOX_INBOX))
		fault = FAULT_DENIED;
	if (fault == FAULT_NONE)
		fault = account_load(batch, op->account, &account);
	if (fault == FAULT_NONE)
		fault = mailbox_resolve(batch, op->account, name, &mailbox);
	if (fault != FAULT_NONE)
		return fault == FAULT_INVALID ? FAULT_NOT_FOUND : fault;
	bool has_below = has_inferiors(batch, op->account, name);
	if (mailbox == 0 && has_below)
		return FAULT_DENIED;
	if (mailbox != 0)
		fault = mailbox_empty_out(batch, op->account, &account, mailbox);
	if (fault != FAULT_NONE)
		return fault;
	name_delete(batch, op->account, name, has_below);
	account_keep_step(batch, op->account, &account);
	return FAULT_NONE;
}

/* ---- rename ---- */

/* Gives the mailbox of one name another. */
static enum fault name_move(struct batch *batch, uint64_t account, struct str from, struct str to,
			    uint32_t mailbox, uint64_t modseq)
{
	struct mailbox_record record;
	struct key key;
	unsigned char number[4];

	key_name(&key, account, from);
	batch_delete(batch, key_str(&key));
	key_name(&key, account, to);
	wire_store_u32(number, mailbox);
	batch_put(batch, &key, str_make(number, sizeof(number)));
	if (mailbox == 0)
		return FAULT_NONE;
	enum fault fault = mailbox_load(batch, account, mailbox, &record);
	if (fault != FAULT_NONE)
		return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
	record.mailbox.name = to;
	record.mailbox.modseq = modseq;
	mailbox_keep(batch, account, &record);
	return FAULT_NONE;
}

/* Moves every name below `from` to below `to`. */
static enum fault inferiors_move(struct batch *batch, uint64_t account, struct str from,
				 struct str to, uint64_t modseq)
{
	struct key at;
	struct str key;
	struct str value;

	key_name(&at, account, from);
	key_add_text(&at, STR("/"));
	size_t len = at.len;
	while (seek_beside(batch, &at, len, &key, &value)) {
		struct buf name = BUF_INIT(MAILBOX_NAME_MAX);
		buf_append_str(&name, to);
		buf_append_str(&name, str_from(key_rest(key), from.len));
		enum fault fault = !name.failed && mailbox_name_check(buf_str(&name))
					   ? name_check_free(batch, account, buf_str(&name))
					   : FAULT_INVALID;
		if (fault == FAULT_NONE)
			fault = name_move(batch, account, key_rest(key), buf_str(&name),
					  wire_load_u32(value.ptr), modseq);
		buf_done(&name);
		if (fault != FAULT_NONE)
			return fault;
		key_step(&at, key);
	}
	return FAULT_NONE;
}

/* INBOX stays; its messages move to a new mailbox (RFC 3501 section 6.3.5). */
static enum fault inbox_rename(struct execution *run, const struct op_mailbox_rename *op,
			       struct str to)
{
	struct account_record account;
	uint32_t inbox;
	uint32_t mailbox;

	enum fault fault = account_load(run->batch, op->account, &account);
	if (fault == FAULT_NONE)
		fault = mailbox_resolve(run->batch, op->account, MAILBOX_INBOX, &inbox);
	if (fault == FAULT_NONE)
		fault = mailbox_make_path(run->batch, op->account, &account, to, SPECIAL_USE_NONE,
					  op->now_s, &mailbox);
	if (fault != FAULT_NONE)
		return fault;
	account_keep_step(run->batch, op->account, &account);
	struct buf set = BUF_INIT(64);
	wire_put_set(&set, &all_uids);
	struct op_mail_copy move = {.account = op->account,
				    .mailbox = inbox,
				    .to_mailbox = mailbox,
				    .is_move = 1,
				    .set = buf_str(&set)};
	fault = execute_mail_copy(run, &move);
	buf_done(&set);
	buf_reset(run->result);
	return fault;
}

/* Makes the superiors of a name that are missing, in the account's record and the batch. */
static enum fault superiors_make(struct batch *batch, uint64_t account,
				 struct account_record *record, struct str name, uint64_t now_s)
{
	uint32_t mailbox;
	struct str above = mailbox_name_superior(name);

	if (str_is_empty(above))
		return FAULT_NONE;
	enum fault fault = mailbox_resolve(batch, account, above, &mailbox);
	if (fault != FAULT_NOT_FOUND)
		return fault;
	return mailbox_make_path(batch, account, record, above, SPECIAL_USE_NONE, now_s, &mailbox);
}

static enum fault mailbox_rename_plain(struct execution *run, const struct op_mailbox_rename *op,
				       struct str from, struct str to)
{
	struct batch *batch = run->batch;
	struct account_record account;
	uint32_t mailbox;

	enum fault fault = account_load(batch, op->account, &account);
	if (fault == FAULT_NONE)
		fault = mailbox_resolve(batch, op->account, from, &mailbox);
	if (fault == FAULT_NONE)
		fault = superiors_make(batch, op->account, &account, to, op->now_s);
	if (fault == FAULT_NONE)
		fault = name_move(batch, op->account, from, to, mailbox, account.sequence + 1);
	if (fault == FAULT_NONE)
		fault = inferiors_move(batch, op->account, from, to, account.sequence + 1);
	if (fault != FAULT_NONE)
		return fault;
	superiors_tidy(batch, op->account, from, to);
	account_keep_step(batch, op->account, &account);
	return FAULT_NONE;
}

enum fault execute_mailbox_rename(struct execution *run, const struct op_mailbox_rename *op)
{
	struct mailbox_name from;
	struct mailbox_name to;

	enum fault fault = mailbox_name_make(op->from, &from);
	if (fault != FAULT_NONE)
		return FAULT_NOT_FOUND;
	fault = mailbox_name_make(op->to, &to);
	if (fault == FAULT_NONE)
		fault = name_check_free(run->batch, op->account, mailbox_name_str(&to));
	if (fault != FAULT_NONE)
		return fault;
	if (str_equals(mailbox_name_str(&from), MAILBOX_INBOX))
		return inbox_rename(run, op, mailbox_name_str(&to));
	if (mailbox_name_is_inferior(mailbox_name_str(&to), mailbox_name_str(&from)) ||
	    str_equals(mailbox_name_str(&to), mailbox_name_str(&from)))
		return FAULT_INVALID;
	return mailbox_rename_plain(run, op, mailbox_name_str(&from), mailbox_name_str(&to));
}

/* ---- the rest ---- */

enum fault execute_mailbox_subscribe(struct execution *run, const struct op_mailbox_subscribe *op)
{
	struct account_record account;
	struct mailbox_name name;
	struct key key;
	struct str value;

	enum fault fault = mailbox_name_make(op->name, &name);
	if (fault == FAULT_NONE)
		fault = account_load(run->batch, op->account, &account);
	if (fault != FAULT_NONE)
		return fault;
	key_begin(&key, op->account, 'S');
	key_add_text(&key, mailbox_name_str(&name));
	bool is_subscribed = batch_get(run->batch, &key, &value);
	if (is_subscribed == (op->is_subscribed != 0))
		return FAULT_NONE;
	if (op->is_subscribed != 0)
		batch_put(run->batch, &key, str_make("", 0));
	else
		batch_delete(run->batch, key_str(&key));
	account_keep_step(run->batch, op->account, &account);
	return FAULT_NONE;
}

enum fault execute_recent_take(struct execution *run, const struct op_recent_take *op)
{
	struct mailbox_record mailbox;

	enum fault fault = mailbox_load(run->batch, op->account, op->mailbox, &mailbox);
	if (fault != FAULT_NONE)
		return fault;
	wire_put_u32(run->result, mailbox.mailbox.recent_uid);
	if (mailbox.mailbox.recent_uid == mailbox.mailbox.uidnext)
		return FAULT_NONE;
	/* Not a step of the account: no client sees a difference in a message. */
	mailbox.mailbox.recent_uid = mailbox.mailbox.uidnext;
	mailbox_keep(run->batch, op->account, &mailbox);
	return FAULT_NONE;
}

static enum fault lease_load(struct batch *batch, uint64_t account, struct str name,
			     struct key *key_out, struct lease_record *record_out)
{
	struct str value;

	if (str_is_empty(name) || name.len > MAILBOX_NAME_MAX)
		return FAULT_INVALID;
	key_begin(key_out, account, 'L');
	key_add_text(key_out, name);
	*record_out = (struct lease_record){0};
	return batch_get(batch, key_out, &value) ? lease_record_take(value, record_out)
						 : FAULT_NONE;
}

static void lease_keep(struct batch *batch, const struct key *key,
		       const struct lease_record *record)
{
	buf_reset(&batch->scratch);
	lease_record_put(&batch->scratch, record);
	batch_put(batch, key, buf_str(&batch->scratch));
}

enum fault execute_lease_take(struct execution *run, const struct op_lease_take *op)
{
	struct lease_record lease;
	struct key key;

	enum fault fault = lease_load(run->batch, op->account, op->name, &key, &lease);
	if (fault != FAULT_NONE)
		return fault;
	if (lease.owner != op->owner) {
		if (lease.owner != 0 && lease.until_s > op->now_s)
			return FAULT_BUSY;
		lease.epoch++;
		lease.owner = op->owner;
	}
	lease.until_s = op->now_s + op->seconds;
	lease_keep(run->batch, &key, &lease);
	wire_put_u64(run->result, lease.epoch);
	return FAULT_NONE;
}

enum fault execute_lease_release(struct execution *run, const struct op_lease_release *op)
{
	struct lease_record lease;
	struct key key;

	enum fault fault = lease_load(run->batch, op->account, op->name, &key, &lease);
	if (fault != FAULT_NONE)
		return fault;
	if (lease.owner != op->owner)
		return FAULT_NOT_FOUND;
	/* The epoch stays, so that it rises whoever comes next. */
	lease.owner = 0;
	lease.until_s = 0;
	lease_keep(run->batch, &key, &lease);
	return FAULT_NONE;
}
