/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on messages: append, flags, expunge, copy and move. */
#include "store/mailbox_name.h"
#include "store/operation.h"
#include "store/records.h"
#include "store/wire.h"

/* ---- keywords ---- */

/* RFC 3501: a keyword is an atom; ASCII without specials. */
static bool keyword_check(struct str keyword)
{
	if (keyword.len == 0 || keyword.len > MAILBOX_KEYWORD_MAX)
		return false;
	for (size_t i = 0; i < keyword.len; i++) {
		char c = keyword.ptr[i];
		if (c <= ' ' || c >= 0x7f || strchr("(){%*\"\\]", c) != NULL)
			return false;
	}
	return true;
}

/* The bit of a keyword in the mailbox, without regard to case; -1 when it has none. */
static int keyword_find(const struct mailbox *mailbox, struct str keyword)
{
	for (size_t i = 0; i < mailbox->keyword_count; i++)
		if (str_equals_nocase(mailbox->keywords[i], keyword))
			return (int)i;
	return -1;
}

/* The bits of a list of keywords; with `may_add` new ones get a bit. */
static enum fault keywords_resolve(struct mailbox *mailbox, struct str list, bool may_add,
				   uint64_t *bits_out)
{
	struct cursor from = cursor_make(list);
	uint64_t bits = 0;

	while (cursor_left(&from) > 0) {
		struct str keyword = wire_take_text(&from);
		if (from.failed || !keyword_check(keyword))
			return FAULT_INVALID;
		int bit = keyword_find(mailbox, keyword);
		if (bit < 0 && !may_add)
			continue;
		if (bit < 0) {
			if (mailbox->keyword_count == MAILBOX_KEYWORDS_MAX)
				return FAULT_TOO_LARGE;
			bit = (int)mailbox->keyword_count++;
			mailbox->keywords[bit] = keyword;
		}
		bits |= UINT64_C(1) << bit;
	}
	*bits_out = bits;
	return FAULT_NONE;
}

/* The bits in `to` that mean what `bits` mean in `from`. */
static enum fault keywords_translate(const struct mailbox *from, struct mailbox *to, uint64_t bits,
				     uint64_t *bits_out)
{
	uint64_t translated = 0;

	for (size_t i = 0; i < from->keyword_count; i++) {
		if ((bits >> i & 1) == 0)
			continue;
		int bit = keyword_find(to, from->keywords[i]);
		if (bit < 0) {
			if (to->keyword_count == MAILBOX_KEYWORDS_MAX)
				return FAULT_TOO_LARGE;
			bit = (int)to->keyword_count++;
			to->keywords[bit] = from->keywords[i];
		}
		translated |= UINT64_C(1) << bit;
	}
	*bits_out = translated;
	return FAULT_NONE;
}

static bool quota_allows(const struct account_record *account, uint64_t bytes)
{
	return account->quota_bytes == 0 || (account->used_bytes <= account->quota_bytes &&
					     bytes <= account->quota_bytes - account->used_bytes);
}

/* ---- append ---- */

struct append_target {
	uint64_t account;
	uint32_t mailbox;
	struct str prefix;
};

static enum fault target_resolve(struct batch *batch, struct append_target *target)
{
	if (target->mailbox != 0)
		return FAULT_NONE;
	return mailbox_resolve(batch, target->account, MAILBOX_INBOX, &target->mailbox);
}

/* Stores the message for one target. All faults come before the first change. */
static enum fault target_append(struct execution *run, const struct op_mail_append *op,
				struct append_target *target, struct mail *mail_out,
				uint32_t *uidvalidity_out)
{
	struct batch *batch = run->batch;
	struct account_record account;
	struct mailbox_record mailbox;
	uint64_t size = run->body_bytes + target->prefix.len;
	uint64_t keywords;

	enum fault fault = account_load(batch, target->account, &account);
	if (fault == FAULT_NONE)
		fault = target_resolve(batch, target);
	if (fault == FAULT_NONE)
		fault = mailbox_load(batch, target->account, target->mailbox, &mailbox);
	if (fault == FAULT_NONE)
		fault = keywords_resolve(&mailbox.mailbox, op->keywords, true, &keywords);
	if (fault != FAULT_NONE)
		return fault;
	if (!quota_allows(&account, size))
		return FAULT_OVER_QUOTA;
	if (mailbox.mailbox.uidnext == UINT32_MAX)
		return FAULT_TOO_LARGE;
	*mail_out = (struct mail){.uid = mailbox.mailbox.uidnext++,
				  .flags = op->flags,
				  .keywords = keywords,
				  .modseq = account.sequence + 1,
				  .size = size,
				  .received_s = (int64_t)op->received_s,
				  .message = account.next_message++};
	struct message_record message = {.references = 1,
					 .blob = run->blob,
					 .body_bytes = run->body_bytes,
					 .prefix = target->prefix,
					 .summary = op->summary};
	message_keep(batch, target->account, mail_out->message, &message);
	batch_hold(batch, run->blob, 1);
	row_insert(batch, target->account, &mailbox, mail_out);
	mailbox_keep(batch, target->account, &mailbox);
	account.used_bytes += size;
	account_keep_step(batch, target->account, &account);
	*uidvalidity_out = mailbox.mailbox.uidvalidity;
	return FAULT_NONE;
}

static enum fault append_check(const struct op_mail_append *op)
{
	if ((op->flags & ~(uint32_t)MAIL_FLAGS_ALL) != 0)
		return FAULT_INVALID;
	return op->summary.len > MAIL_SUMMARY_MAX ? FAULT_TOO_LARGE : FAULT_NONE;
}

enum fault execute_mail_append(struct execution *run, const struct op_mail_append *op)
{
	struct cursor from = cursor_make(op->targets);
	enum fault first = FAULT_NONE;
	size_t stored = 0;
	size_t count = 0;

	enum fault fault = append_check(op);
	if (fault == FAULT_NONE && !str_is_empty(op->fetched))
		fault = fetched_add(run, op->fetched, (int64_t)op->received_s);
	if (fault != FAULT_NONE)
		return fault;
	for (; cursor_left(&from) > 0; count++) {
		struct mail mail = {0};
		uint32_t uidvalidity = 0;
		struct append_target target = {.account = cursor_u64(&from),
					       .mailbox = cursor_u32(&from),
					       .prefix = wire_take_text(&from)};
		if (from.failed || count == MAIL_TARGETS_MAX)
			return FAULT_INVALID;
		fault = target.prefix.len > MAIL_PREFIX_MAX
				? FAULT_TOO_LARGE
				: target_append(run, op, &target, &mail, &uidvalidity);
		if (fault != FAULT_NONE && op->is_partial == 0)
			return fault;
		if (fault != FAULT_NONE && first == FAULT_NONE)
			first = fault;
		stored += fault == FAULT_NONE;
		wire_put_u32(run->result, fault);
		wire_put_u32(run->result, mail.uid);
		wire_put_u32(run->result, uidvalidity);
	}
	if (from.failed || (count == 0 && str_is_empty(op->queue)))
		return FAULT_INVALID;
	if (!str_is_empty(op->queue))
		return queue_add(run, op->queue, (int64_t)op->received_s);
	return stored > 0 ? FAULT_NONE : first;
}

/* ---- flags ---- */

static struct mail flags_applied(const struct mail *mail, uint32_t mode, uint32_t flags,
				 uint64_t keywords)
{
	struct mail after = *mail;

	switch (mode) {
	case MAIL_FLAGS_SET:
		after.flags = flags;
		after.keywords = keywords;
		break;
	case MAIL_FLAGS_ADD:
		after.flags |= flags;
		after.keywords |= keywords;
		break;
	default:
		after.flags &= ~flags;
		after.keywords &= ~keywords;
	}
	return after;
}

struct flags_run {
	struct execution *run;
	const struct op_mail_flags *op;
	struct account_record account;
	struct mailbox_record mailbox;
	uint64_t keywords;
	struct uid_set changed;
	struct uid_set modified;
	size_t looked_at;
	uint32_t go_on;
};

static void row_flags_change(struct flags_run *change, const struct mail *mail)
{
	const struct op_mail_flags *op = change->op;

	if (mail->modseq > op->unchanged_since) {
		uid_set_add(&change->modified, mail->uid, mail->uid);
		return;
	}
	struct mail after = flags_applied(mail, op->mode, op->flags, change->keywords);
	if (after.flags == mail->flags && after.keywords == mail->keywords)
		return;
	after.modseq = change->account.sequence + 1;
	row_remove(change->run->batch, op->account, &change->mailbox, mail);
	row_insert(change->run->batch, op->account, &change->mailbox, &after);
	uid_set_add(&change->changed, mail->uid, mail->uid);
}

static enum fault rows_flags_change(struct flags_run *change, const struct uid_set *set)
{
	struct row_walk walk;
	struct mail mail;

	row_walk_begin(&walk, change->run->batch, change->op->account, change->op->mailbox, set);
	while (row_walk_next(&walk, &mail)) {
		if (change->looked_at++ == OPERATION_STEP_MESSAGES) {
			change->go_on = mail.uid;
			break;
		}
		row_flags_change(change, &mail);
	}
	return walk.fault;
}

/* A set or a result as one text. */
static void put_set(struct buf *result, const struct uid_set *set)
{
	struct buf text = BUF_INIT(result->max);

	wire_put_set(&text, set);
	result->failed |= text.failed;
	wire_put_text(result, buf_str(&text));
	buf_done(&text);
}

static void flags_finish(struct flags_run *change, bool has_new_keywords)
{
	struct batch *batch = change->run->batch;
	struct buf *result = change->run->result;

	if (change->changed.count > 0 || has_new_keywords) {
		account_keep_step(batch, change->op->account, &change->account);
		change->mailbox.mailbox.modseq = change->account.sequence;
		mailbox_keep(batch, change->op->account, &change->mailbox);
	}
	wire_put_u32(result, change->go_on);
	wire_put_u64(result, change->changed.count > 0 ? change->account.sequence : 0);
	put_set(result, &change->changed);
	put_set(result, &change->modified);
}

enum fault execute_mail_flags(struct execution *run, const struct op_mail_flags *op)
{
	struct flags_run change = {.run = run, .op = op};
	CLEANUP_UID_SET struct uid_set set = {0};

	if (op->mode > MAIL_FLAGS_REMOVE || (op->flags & ~(uint32_t)MAIL_FLAGS_ALL) != 0)
		return FAULT_INVALID;
	enum fault fault = wire_take_set(op->set, &set);
	if (fault == FAULT_NONE)
		fault = account_load(run->batch, op->account, &change.account);
	if (fault == FAULT_NONE)
		fault = mailbox_load(run->batch, op->account, op->mailbox, &change.mailbox);
	if (fault != FAULT_NONE)
		return fault;
	size_t keywords_before = change.mailbox.mailbox.keyword_count;
	fault = keywords_resolve(&change.mailbox.mailbox, op->keywords,
				 op->mode != MAIL_FLAGS_REMOVE, &change.keywords);
	if (fault == FAULT_NONE)
		fault = rows_flags_change(&change, &set);
	if (fault == FAULT_NONE)
		flags_finish(&change, change.mailbox.mailbox.keyword_count > keywords_before);
	uid_set_done(&change.changed);
	uid_set_done(&change.modified);
	return fault;
}

/* ---- expunge ---- */

struct expunge_run {
	struct execution *run;
	const struct op_mail_expunge *op;
	struct account_record account;
	struct mailbox_record mailbox;
	struct uid_set expunged;
	uint32_t go_on;
};

static enum fault rows_expunge(struct expunge_run *expunge, const struct uid_set *set)
{
	const struct op_mail_expunge *op = expunge->op;
	struct batch *batch = expunge->run->batch;
	struct row_walk walk;
	struct mail mail;
	size_t looked_at = 0;

	row_walk_begin(&walk, batch, op->account, op->mailbox, set);
	while (row_walk_next(&walk, &mail)) {
		if (looked_at++ == OPERATION_STEP_MESSAGES) {
			expunge->go_on = mail.uid;
			break;
		}
		if (op->only_deleted != 0 && (mail.flags & MAIL_DELETED) == 0)
			continue;
		row_remove(batch, op->account, &expunge->mailbox, &mail);
		expunge->account.used_bytes -= mail.size;
		uid_set_add(&expunge->expunged, mail.uid, mail.uid);
		enum fault fault = message_refer(batch, op->account, mail.message, -1);
		if (fault != FAULT_NONE)
			return fault;
	}
	return walk.fault;
}

static void expunge_finish(struct expunge_run *expunge)
{
	struct batch *batch = expunge->run->batch;
	uint64_t account = expunge->op->account;

	if (expunge->expunged.count > 0) {
		account_keep_step(batch, account, &expunge->account);
		vanished_note(batch, account, &expunge->mailbox, expunge->account.sequence,
			      &expunge->expunged);
		mailbox_keep(batch, account, &expunge->mailbox);
	}
	wire_put_u32(expunge->run->result, expunge->go_on);
	put_set(expunge->run->result, &expunge->expunged);
}

enum fault execute_mail_expunge(struct execution *run, const struct op_mail_expunge *op)
{
	struct expunge_run expunge = {.run = run, .op = op};
	CLEANUP_UID_SET struct uid_set set = {0};

	enum fault fault = wire_take_set(op->set, &set);
	if (fault == FAULT_NONE)
		fault = account_load(run->batch, op->account, &expunge.account);
	if (fault == FAULT_NONE)
		fault = mailbox_load(run->batch, op->account, op->mailbox, &expunge.mailbox);
	if (fault == FAULT_NONE)
		fault = rows_expunge(&expunge, &set);
	if (fault == FAULT_NONE)
		expunge_finish(&expunge);
	uid_set_done(&expunge.expunged);
	return fault;
}

/* ---- copy and move ---- */

struct copy_run {
	struct execution *run;
	const struct op_mail_copy *op;
	struct account_record account;
	struct mailbox_record from;
	struct mailbox_record other;
	struct mailbox_record *to; /* &other, or &from within one mailbox */
	struct uid_set copied;
	uint32_t first_uid;
};

static enum fault row_copy(struct copy_run *copy, const struct mail *mail)
{
	const struct op_mail_copy *op = copy->op;
	struct batch *batch = copy->run->batch;
	struct mail made = *mail;
	enum fault fault = FAULT_NONE;

	if (copy->to->mailbox.uidnext == UINT32_MAX)
		return FAULT_TOO_LARGE;
	if (copy->to != &copy->from)
		fault = keywords_translate(&copy->from.mailbox, &copy->to->mailbox, mail->keywords,
					   &made.keywords);
	if (fault == FAULT_NONE && op->is_move == 0) {
		if (!quota_allows(&copy->account, mail->size))
			return FAULT_OVER_QUOTA;
		copy->account.used_bytes += mail->size;
		fault = message_refer(batch, op->account, mail->message, 1);
	}
	if (fault != FAULT_NONE)
		return fault;
	made.uid = copy->to->mailbox.uidnext++;
	made.modseq = copy->account.sequence + 1;
	if (op->is_move != 0)
		row_remove(batch, op->account, &copy->from, mail);
	row_insert(batch, op->account, copy->to, &made);
	uid_set_add(&copy->copied, mail->uid, mail->uid);
	return FAULT_NONE;
}

static enum fault rows_copy(struct copy_run *copy, const struct uid_set *set)
{
	struct row_walk walk;
	struct mail mail;
	enum fault fault = FAULT_NONE;

	row_walk_begin(&walk, copy->run->batch, copy->op->account, copy->op->mailbox, set);
	while (fault == FAULT_NONE && row_walk_next(&walk, &mail))
		fault = row_copy(copy, &mail);
	return fault != FAULT_NONE ? fault : walk.fault;
}

static void copy_finish(struct copy_run *copy)
{
	struct batch *batch = copy->run->batch;
	uint64_t account = copy->op->account;

	if (copy->copied.count > 0) {
		account_keep_step(batch, account, &copy->account);
		if (copy->op->is_move != 0) {
			vanished_note(batch, account, &copy->from, copy->account.sequence,
				      &copy->copied);
			mailbox_keep(batch, account, &copy->from);
		}
		mailbox_keep(batch, account, copy->to);
	}
	wire_put_u32(copy->run->result, copy->to->mailbox.uidvalidity);
	wire_put_u32(copy->run->result, copy->first_uid);
	put_set(copy->run->result, &copy->copied);
}

static enum fault copy_begin(struct copy_run *copy)
{
	const struct op_mail_copy *op = copy->op;
	struct batch *batch = copy->run->batch;

	enum fault fault = account_load(batch, op->account, &copy->account);
	if (fault == FAULT_NONE)
		fault = mailbox_load(batch, op->account, op->mailbox, &copy->from);
	copy->to = &copy->from;
	if (fault == FAULT_NONE && op->to_mailbox != op->mailbox) {
		copy->to = &copy->other;
		fault = mailbox_load(batch, op->account, op->to_mailbox, copy->to);
	}
	if (fault == FAULT_NONE)
		copy->first_uid = copy->to->mailbox.uidnext;
	return fault;
}

enum fault execute_mail_copy(struct execution *run, const struct op_mail_copy *op)
{
	struct copy_run copy = {.run = run, .op = op};
	CLEANUP_UID_SET struct uid_set set = {0};

	enum fault fault = wire_take_set(op->set, &set);
	if (fault == FAULT_NONE)
		fault = copy_begin(&copy);
	if (fault == FAULT_NONE)
		fault = rows_copy(&copy, &set);
	if (fault == FAULT_NONE)
		copy_finish(&copy);
	uid_set_done(&copy.copied);
	return fault;
}

enum fault execute_summary_keep(struct execution *run, const struct op_summary_keep *op)
{
	struct message_record message;

	if (op->summary.len > MAIL_SUMMARY_MAX)
		return FAULT_TOO_LARGE;
	enum fault fault = message_load(run->batch, op->account, op->message, &message);
	if (fault != FAULT_NONE)
		return fault;
	message.summary = op->summary;
	message_keep(run->batch, op->account, op->message, &message);
	return FAULT_NONE;
}
