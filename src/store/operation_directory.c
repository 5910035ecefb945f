/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on domains, users and aliases. */
#include "store/directory.h"
#include "store/mailbox_name.h"
#include "store/operation.h"
#include "store/records.h"
#include "store/wire.h"

/* SMTP's path limit is 254; what is longer is no address. */
enum { ADDRESS_BYTES_MAX = 320, DOMAIN_BYTES_MAX = 255 };

/* The directory's own record; the first operation ever makes it. */
static enum fault directory_load(struct batch *batch, struct account_record *record_out)
{
	enum fault fault = account_load(batch, ACCOUNT_DIRECTORY, record_out);

	if (fault != FAULT_NOT_FOUND)
		return fault;
	/* next_message counts the accounts. */
	*record_out = (struct account_record){.next_message = ACCOUNT_DIRECTORY + 1};
	return FAULT_NONE;
}

static void directory_key(struct key *key, char kind, struct str text)
{
	key_begin(key, ACCOUNT_DIRECTORY, kind);
	key_add_text(key, text);
}

static struct str domain_of(struct str address)
{
	size_t at = str_find_last_char(address, '@');

	return at == STR_NONE ? str_make(NULL, 0) : str_from(address, at + 1);
}

static bool domain_is_there(struct batch *batch, struct str domain)
{
	struct key key;
	struct str value;

	if (str_is_empty(domain) || domain.len > DOMAIN_BYTES_MAX)
		return false;
	directory_key(&key, 'D', domain);
	return batch_get(batch, &key, &value);
}

/* FAULT_INVALID for what is no address, FAULT_DENIED for a domain that is not ours. */
static enum fault address_check(struct batch *batch, struct str address)
{
	size_t at = str_find_last_char(address, '@');

	if (at == STR_NONE || at == 0 || address.len > ADDRESS_BYTES_MAX)
		return FAULT_INVALID;
	return domain_is_there(batch, domain_of(address)) ? FAULT_NONE : FAULT_DENIED;
}

static enum fault address_load(struct batch *batch, struct str address,
			       struct address_record *record_out)
{
	struct key key;
	struct str value;

	if (str_is_empty(address) || address.len > ADDRESS_BYTES_MAX)
		return FAULT_NOT_FOUND;
	directory_key(&key, 'A', address);
	if (!batch_get(batch, &key, &value))
		return FAULT_NOT_FOUND;
	return address_record_take(value, record_out);
}

static enum fault user_load(struct batch *batch, struct str address,
			    struct address_record *record_out)
{
	struct address_record record;
	enum fault fault = address_load(batch, address, &record);

	if (fault != FAULT_NONE)
		return fault;
	if (record.kind != ADDRESS_USER)
		return FAULT_NOT_FOUND;
	*record_out = record;
	return FAULT_NONE;
}

static void address_keep(struct batch *batch, struct str address,
			 const struct address_record *record)
{
	struct key key;

	directory_key(&key, 'A', address);
	buf_reset(&batch->scratch);
	address_record_put(&batch->scratch, record);
	if (batch->scratch.failed)
		batch->failed = true;
	batch_put(batch, &key, buf_str(&batch->scratch));
}

/* ---- domains ---- */

enum fault execute_domain_add(struct execution *run, const struct op_domain_add *op)
{
	struct account_record directory;
	struct key key;
	unsigned char created[8];

	if (str_is_empty(op->domain) || op->domain.len > DOMAIN_BYTES_MAX)
		return FAULT_INVALID;
	if (domain_is_there(run->batch, op->domain))
		return FAULT_EXISTS;
	enum fault fault = directory_load(run->batch, &directory);
	if (fault != FAULT_NONE)
		return fault;
	directory_key(&key, 'D', op->domain);
	wire_store_u64(created, op->now_s);
	batch_put(run->batch, &key, str_make(created, sizeof(created)));
	account_keep_step(run->batch, ACCOUNT_DIRECTORY, &directory);
	return FAULT_NONE;
}

/* Finds the first address from `*at` on, and steps behind it. */
static bool address_walk(struct batch *batch, struct key *at, struct str *address_out,
			 struct str *value_out)
{
	struct str key;

	if (!batch_seek(batch, key_str(at), &key, value_out) ||
	    !key_is_beside(key, at, KIND_PREFIX_BYTES))
		return false;
	*address_out = key_rest(key);
	memcpy(at->bytes, key.ptr, key.len);
	at->bytes[key.len] = 0;
	at->len = key.len + 1;
	return true;
}

enum fault execute_domain_remove(struct execution *run, const struct op_domain_remove *op)
{
	struct account_record directory;
	struct key key;
	struct str address;
	struct str value;

	if (!domain_is_there(run->batch, op->domain))
		return FAULT_NOT_FOUND;
	directory_key(&key, 'A', str_make(NULL, 0));
	while (address_walk(run->batch, &key, &address, &value))
		if (str_equals(domain_of(address), op->domain))
			return FAULT_CONFLICT;
	enum fault fault = directory_load(run->batch, &directory);
	if (fault != FAULT_NONE)
		return fault;
	directory_key(&key, 'D', op->domain);
	batch_delete(run->batch, key_str(&key));
	account_keep_step(run->batch, ACCOUNT_DIRECTORY, &directory);
	return FAULT_NONE;
}

/* ---- users ---- */

/* The mailboxes that a new user finds, subscribed. */
static const struct {
	struct str name;
	enum special_use use;
} first_mailboxes[] = {
	{STR_INIT("INBOX"), SPECIAL_USE_NONE},	  {STR_INIT("Archive"), SPECIAL_USE_ARCHIVE},
	{STR_INIT("Drafts"), SPECIAL_USE_DRAFTS}, {STR_INIT("Junk"), SPECIAL_USE_JUNK},
	{STR_INIT("Sent"), SPECIAL_USE_SENT},	  {STR_INIT("Trash"), SPECIAL_USE_TRASH},
};

static enum fault account_make(struct batch *batch, uint64_t account, uint64_t quota_bytes,
			       uint64_t now_s)
{
	struct account_record record = {
		.quota_bytes = quota_bytes, .next_message = 1, .next_mailbox = 1};
	struct key key;
	uint32_t mailbox;

	for (size_t i = 0; i < sizeof(first_mailboxes) / sizeof(first_mailboxes[0]); i++) {
		enum fault fault = mailbox_make(batch, account, &record, first_mailboxes[i].name,
						first_mailboxes[i].use, now_s, &mailbox);
		if (fault != FAULT_NONE)
			return fault;
		key_begin(&key, account, 'S');
		key_add_text(&key, first_mailboxes[i].name);
		batch_put(batch, &key, str_make("", 0));
	}
	account_keep_step(batch, account, &record);
	return FAULT_NONE;
}

enum fault execute_user_add(struct execution *run, const struct op_user_add *op)
{
	struct account_record directory;
	struct address_record record;
	struct key key;

	enum fault fault = address_check(run->batch, op->address);
	if (fault != FAULT_NONE)
		return fault;
	fault = address_load(run->batch, op->address, &record);
	if (fault != FAULT_NOT_FOUND)
		return fault == FAULT_NONE ? FAULT_EXISTS : fault;
	fault = directory_load(run->batch, &directory);
	if (fault != FAULT_NONE)
		return fault;
	record = (struct address_record){.kind = ADDRESS_USER,
					 .account = directory.next_message++,
					 .quota_bytes = op->quota_bytes,
					 .rights = op->rights & USER_RIGHTS_ALL,
					 .created_s = (int64_t)op->now_s};
	fault = account_make(run->batch, record.account, op->quota_bytes, op->now_s);
	if (fault != FAULT_NONE)
		return fault;
	address_keep(run->batch, op->address, &record);
	key_begin(&key, ACCOUNT_DIRECTORY, 'P');
	key_add_u64(&key, record.account);
	batch_put(run->batch, &key, op->address);
	account_keep_step(run->batch, ACCOUNT_DIRECTORY, &directory);
	wire_put_u64(run->result, record.account);
	return FAULT_NONE;
}

enum fault execute_user_change(struct execution *run, const struct op_user_change *op)
{
	struct account_record directory;
	struct account_record account;
	struct address_record record;

	enum fault fault = user_load(run->batch, op->address, &record);
	if (fault == FAULT_NONE)
		fault = directory_load(run->batch, &directory);
	if (fault == FAULT_NONE)
		fault = account_load(run->batch, record.account, &account);
	if (fault != FAULT_NONE)
		return fault;
	record.quota_bytes = op->quota_bytes;
	record.rights = op->rights & USER_RIGHTS_ALL;
	address_keep(run->batch, op->address, &record);
	account_keep_step(run->batch, ACCOUNT_DIRECTORY, &directory);
	/* The account has a copy, so that an append looks at one account only. */
	account.quota_bytes = op->quota_bytes;
	account_keep_step(run->batch, record.account, &account);
	return FAULT_NONE;
}

/* Deletes everything of the account and lets go of its blobs. */
static enum fault account_delete(struct batch *batch, uint64_t account)
{
	struct key from;
	struct str key;
	struct str value;

	key_begin(&from, account, 0);
	while (batch_seek(batch, key_str(&from), &key, &value) &&
	       key_is_beside(key, &from, sizeof(account))) {
		struct message_record message;
		if (key.ptr[sizeof(account)] == 'G') {
			enum fault fault = message_record_take(value, &message);
			if (fault != FAULT_NONE)
				return fault;
			batch_hold(batch, message.blob, -1);
		}
		batch_delete(batch, key);
		CHECK(key.len < KEY_BYTES_MAX);
		memcpy(from.bytes, key.ptr, key.len);
		from.bytes[key.len] = 0;
		from.len = key.len + 1;
	}
	return FAULT_NONE;
}

/* Appends the targets of `list` that are not in `gone`, and counts both sorts. */
static void targets_subtract(struct buf *kept, struct str list, struct str gone, size_t *kept_count,
			     size_t *gone_count)
{
	struct cursor from = cursor_make(list);

	*kept_count = *gone_count = 0;
	while (cursor_left(&from) > 0) {
		struct str target = wire_take_text(&from);
		bool is_gone = false;
		struct cursor others = cursor_make(gone);
		while (cursor_left(&others) > 0)
			is_gone |= str_equals(wire_take_text(&others), target);
		if (is_gone)
			(*gone_count)++;
		else {
			(*kept_count)++;
			wire_put_text(kept, target);
		}
	}
}

enum { TARGETS_BYTES_MAX = 48 * 1024 };

/*
 * Takes `targets` off an alias; an alias without targets goes too. FAULT_NOT_FOUND when
 * none of them was there.
 */
static enum fault alias_subtract(struct batch *batch, struct str address,
				 const struct address_record *alias, struct str targets)
{
	struct buf kept = BUF_INIT(TARGETS_BYTES_MAX);
	size_t kept_count;
	size_t gone_count;

	targets_subtract(&kept, alias->targets, targets, &kept_count, &gone_count);
	if (gone_count > 0 && kept_count > 0) {
		struct address_record shorter = {.kind = ADDRESS_ALIAS, .targets = buf_str(&kept)};
		address_keep(batch, address, &shorter);
	} else if (gone_count > 0) {
		struct key key;
		directory_key(&key, 'A', address);
		batch_delete(batch, key_str(&key));
	}
	buf_done(&kept);
	return gone_count > 0 ? FAULT_NONE : FAULT_NOT_FOUND;
}

/*
 * Takes an address that no longer exists out of all aliases, and so on for the
 * aliases that thereby go: each round is one pass, and ends one alias at least.
 */
static enum fault aliases_forget(struct batch *batch, struct str address)
{
	struct buf gone = BUF_INIT(TARGETS_BYTES_MAX);
	size_t gone_before;

	wire_put_text(&gone, address);
	do {
		struct key at;
		struct str name;
		struct str value;
		gone_before = gone.len;
		directory_key(&at, 'A', str_make(NULL, 0));
		while (address_walk(batch, &at, &name, &value)) {
			struct address_record alias;
			/* The batch knows better than the walk what is left of the alias. */
			if (address_load(batch, name, &alias) != FAULT_NONE ||
			    alias.kind != ADDRESS_ALIAS ||
			    alias_subtract(batch, name, &alias, buf_str(&gone)) != FAULT_NONE)
				continue;
			if (address_load(batch, name, &alias) == FAULT_NOT_FOUND)
				wire_put_text(&gone, name);
		}
	} while (gone.len > gone_before);
	bool is_too_much = gone.failed;
	buf_done(&gone);
	return is_too_much ? FAULT_TOO_LARGE : FAULT_NONE;
}

enum fault execute_user_remove(struct execution *run, const struct op_user_remove *op)
{
	struct account_record directory;
	struct account_record account;
	struct address_record record;
	struct key key;

	enum fault fault = user_load(run->batch, op->address, &record);
	if (fault == FAULT_NONE)
		fault = directory_load(run->batch, &directory);
	if (fault == FAULT_NONE)
		fault = account_load(run->batch, record.account, &account);
	if (fault == FAULT_NONE)
		fault = account_delete(run->batch, record.account);
	if (fault != FAULT_NONE)
		return fault;
	/* The feed tells the sessions of the account, too. */
	batch_account_step(run->batch, record.account, account.sequence, account.sequence + 1);
	directory_key(&key, 'A', op->address);
	batch_delete(run->batch, key_str(&key));
	key_begin(&key, ACCOUNT_DIRECTORY, 'P');
	key_add_u64(&key, record.account);
	batch_delete(run->batch, key_str(&key));
	account_keep_step(run->batch, ACCOUNT_DIRECTORY, &directory);
	return aliases_forget(run->batch, op->address);
}

/* ---- aliases ---- */

static bool targets_have(struct str list, struct str target)
{
	struct cursor from = cursor_make(list);

	while (cursor_left(&from) > 0)
		if (str_equals(wire_take_text(&from), target))
			return true;
	return false;
}

/* Appends the targets that are new; each must exist. */
static enum fault targets_add(struct batch *batch, struct str address, struct str targets,
			      struct buf *list, size_t *added_out)
{
	struct cursor from = cursor_make(targets);
	struct address_record record;

	*added_out = 0;
	while (cursor_left(&from) > 0) {
		struct str target = wire_take_text(&from);
		enum fault fault = from.failed ? FAULT_INVALID : address_check(batch, target);
		if (fault == FAULT_NONE && str_equals(target, address))
			fault = FAULT_INVALID;
		if (fault == FAULT_NONE)
			fault = address_load(batch, target, &record);
		if (fault != FAULT_NONE)
			return fault;
		if (targets_have(buf_str(list), target))
			continue;
		wire_put_text(list, target);
		(*added_out)++;
	}
	return list->failed ? FAULT_TOO_LARGE : FAULT_NONE;
}

enum fault execute_alias_add(struct execution *run, const struct op_alias_add *op)
{
	struct account_record directory;
	struct address_record alias = {.kind = ADDRESS_ALIAS};
	struct buf list = BUF_INIT(TARGETS_BYTES_MAX);
	size_t added = 0;

	enum fault fault = address_check(run->batch, op->address);
	if (fault == FAULT_NONE)
		fault = directory_load(run->batch, &directory);
	if (fault != FAULT_NONE)
		return fault;
	fault = address_load(run->batch, op->address, &alias);
	if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND)
		return fault;
	if (alias.kind == ADDRESS_USER)
		return FAULT_EXISTS;
	buf_append_str(&list, alias.targets);
	fault = targets_add(run->batch, op->address, op->targets, &list, &added);
	if (fault == FAULT_NONE && added == 0)
		fault = str_is_empty(op->targets) ? FAULT_INVALID : FAULT_EXISTS;
	if (fault == FAULT_NONE) {
		alias.targets = buf_str(&list);
		address_keep(run->batch, op->address, &alias);
		account_keep_step(run->batch, ACCOUNT_DIRECTORY, &directory);
	}
	buf_done(&list);
	return fault;
}

enum fault execute_alias_remove(struct execution *run, const struct op_alias_remove *op)
{
	struct account_record directory;
	struct address_record alias;
	struct key key;

	enum fault fault = address_load(run->batch, op->address, &alias);
	if (fault == FAULT_NONE && alias.kind != ADDRESS_ALIAS)
		fault = FAULT_NOT_FOUND;
	if (fault == FAULT_NONE)
		fault = directory_load(run->batch, &directory);
	if (fault != FAULT_NONE)
		return fault;
	if (!str_is_empty(op->targets))
		fault = alias_subtract(run->batch, op->address, &alias, op->targets);
	else {
		directory_key(&key, 'A', op->address);
		batch_delete(run->batch, key_str(&key));
	}
	if (fault != FAULT_NONE)
		return fault;
	account_keep_step(run->batch, ACCOUNT_DIRECTORY, &directory);
	/* When the alias went, it must not stay a target of others. */
	return address_load(run->batch, op->address, &alias) == FAULT_NOT_FOUND
		       ? aliases_forget(run->batch, op->address)
		       : FAULT_NONE;
}
