/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes IMAP sessions: the runner, the server and the grammars are real, the
 * store is a model of one mailbox below. The input is cut at bytes 0xff: after
 * each cut another client changes the mailbox, as the byte that follows says.
 *
 * The session begins logged in and with INBOX selected; what the server tells
 * of numbers must fit together whatever is said: sequence.c and this file check it.
 */
#include <stdlib.h>

#include "fixture.h"
#include "imapd/imapd.h"
#include "proto/message_summary.h"
#include "store/mailbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAILS_MAX = 48, VANISHED_MAX = 256, KEYWORDS = 4, SAMPLES = 4, SUMMARY_BYTES = 8192 };

static const struct str samples[SAMPLES] = {
	STR_INIT("Subject: one\r\nFrom: a@b\r\n\r\ntext\r\n"),
	STR_INIT("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n"
		 "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ny\r\n--b--\r\n"),
	STR_INIT("Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nSubject: =?utf-8?Q?=C3=A4?=\r\n"
		 "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain\r\n\r\nYWJj"),
	STR_INIT("no header at all"),
};

/* One mailbox; each change raises the sequence. */
static struct {
	struct mail mails[MAILS_MAX];
	size_t count;
	uint32_t uidnext;
	uint64_t sequence;
	struct {
		uint32_t uid;
		uint64_t modseq;
	} vanished[VANISHED_MAX];
	size_t vanished_count;
	char keywords[KEYWORDS][MAILBOX_KEYWORD_MAX];
	size_t keyword_count;
	char summaries[SAMPLES][SUMMARY_BYTES];
	size_t summary_lens[SAMPLES];
} model;

/* ---- changes ---- */

static void mail_add(void)
{
	if (model.count == MAILS_MAX)
		return;
	uint64_t sample = model.uidnext % SAMPLES;
	model.mails[model.count++] = (struct mail){.uid = model.uidnext++,
						   .modseq = ++model.sequence,
						   .size = samples[sample].len,
						   .received_s = 1000000000,
						   .message = sample};
}

static void mail_remove(size_t at)
{
	model.sequence++;
	if (model.vanished_count < VANISHED_MAX) {
		model.vanished[model.vanished_count].uid = model.mails[at].uid;
		model.vanished[model.vanished_count++].modseq = model.sequence;
	}
	memmove(&model.mails[at], &model.mails[at + 1],
		(--model.count - at) * sizeof(model.mails[0]));
}

/* What another client does. */
static void other_client(uint8_t choice)
{
	switch (choice % 4) {
	case 0:
		mail_add();
		break;
	case 1:
		if (model.count > 0)
			mail_remove(choice / 4 % model.count);
		break;
	case 2:
		if (model.count > 0) {
			model.mails[choice / 4 % model.count].flags ^= MAIL_FLAGGED;
			model.mails[choice / 4 % model.count].modseq = ++model.sequence;
		}
		break;
	default:
		while (model.count > 0)
			mail_remove(model.count - 1);
	}
	front_feed_notify(&fixture.front, 1);
}

/* ---- the store: reading ---- */

static struct mailbox mailbox_now(void)
{
	struct mailbox mailbox = {.id = 1,
				  .name = STR("INBOX"),
				  .uidvalidity = 7,
				  .uidnext = model.uidnext,
				  .modseq = model.sequence,
				  .messages = (uint32_t)model.count,
				  .unseen = (uint32_t)model.count,
				  .recent_uid = 2,
				  .keyword_count = model.keyword_count};

	for (size_t i = 0; i < model.keyword_count; i++)
		mailbox.keywords[i] = str_from_c(model.keywords[i]);
	return mailbox;
}

uint64_t view_sequence(struct view *view, uint64_t account)
{
	return model.sequence;
}

enum fault mailbox_find(struct view *view, uint64_t account, struct str name,
			struct mailbox *mailbox_out)
{
	if (!str_equals(name, STR("INBOX")))
		return FAULT_NOT_FOUND;
	*mailbox_out = mailbox_now();
	return FAULT_NONE;
}

enum fault mailbox_get(struct view *view, uint64_t account, uint32_t id,
		       struct mailbox *mailbox_out)
{
	return mailbox_find(view, account, STR("INBOX"), mailbox_out);
}

bool mailbox_next(struct view *view, uint64_t account, struct str after,
		  struct mailbox *mailbox_out)
{
	*mailbox_out = mailbox_now();
	return after.len == 0;
}

bool mailbox_subscribed_next(struct view *view, uint64_t account, struct str after,
			     struct str *name_out)
{
	*name_out = STR("a/b");
	return after.len == 0;
}

uint32_t mailbox_recent_count(struct view *view, uint64_t account, const struct mailbox *mailbox)
{
	return 1;
}

const char *special_use_attribute(enum special_use use)
{
	return use == SPECIAL_USE_NONE ? "" : "\\Sent";
}

void mail_rows_open(struct view *view, uint64_t account, uint32_t mailbox, uint32_t from_uid,
		    struct mail_rows *rows_out)
{
	size_t at = 0;

	while (at < model.count && model.mails[at].uid < from_uid)
		at++;
	*rows_out = (struct mail_rows){.view = view};
	memcpy(rows_out->prefix, &at, sizeof(at));
}

bool mail_rows_next(struct mail_rows *rows, struct mail *mail_out)
{
	size_t at;

	memcpy(&at, rows->prefix, sizeof(at));
	if (at >= model.count)
		return false;
	*mail_out = model.mails[at++];
	memcpy(rows->prefix, &at, sizeof(at));
	return true;
}

enum fault mail_get(struct view *view, uint64_t account, uint32_t mailbox, uint32_t uid,
		    struct mail *mail_out)
{
	for (size_t i = 0; i < model.count; i++)
		if (model.mails[i].uid == uid) {
			*mail_out = model.mails[i];
			return FAULT_NONE;
		}
	return FAULT_NOT_FOUND;
}

void mail_uids(struct view *view, uint64_t account, uint32_t mailbox, struct uid_set *set)
{
	for (size_t i = 0; i < model.count; i++)
		uid_set_add(set, model.mails[i].uid, model.mails[i].uid);
}

bool mail_changes(struct view *view, uint64_t account, uint32_t mailbox, uint64_t since,
		  struct uid_set *changed, struct uid_set *vanished)
{
	for (size_t i = 0; i < model.count; i++)
		if (model.mails[i].modseq > since)
			uid_set_add(changed, model.mails[i].uid, model.mails[i].uid);
	/* Now and then the store has forgotten. */
	if (model.sequence % 5 == 0)
		return false;
	for (size_t i = 0; i < model.vanished_count; i++)
		if (model.vanished[i].modseq > since)
			uid_set_collect(vanished, model.vanished[i].uid, model.vanished[i].uid);
	uid_set_sort(vanished);
	return model.vanished_count < VANISHED_MAX;
}

struct str mail_summary(struct view *view, uint64_t account, uint64_t message)
{
	return str_make(model.summaries[message], model.summary_lens[message]);
}

enum fault mail_content_open(struct view *view, uint64_t account, uint64_t message,
			     struct mail_content *content_out)
{
	*content_out = (struct mail_content){.prefix = STR("Delivered-To: x\r\n"),
					     .body = samples[message]};
	fixture.contents_open++;
	return FAULT_NONE;
}

/* ---- the store: changing ---- */

enum fault mailbox_recent_take(struct store *store, uint64_t account, uint32_t id,
			       uint32_t *first_uid_out)
{
	*first_uid_out = model.uidnext / 2 + 1;
	return FAULT_NONE;
}

enum fault mailbox_create(struct store *store, uint64_t account, struct str name,
			  enum special_use use, uint32_t *id_out)
{
	return FAULT_EXISTS;
}

enum fault mailbox_delete(struct store *store, uint64_t account, struct str name)
{
	return FAULT_NOT_FOUND;
}

enum fault mailbox_rename(struct store *store, uint64_t account, struct str from, struct str to)
{
	return FAULT_INVALID;
}

enum fault mailbox_subscribe(struct store *store, uint64_t account, struct str name,
			     bool is_subscribed)
{
	return FAULT_NONE;
}

enum fault mail_append(struct store *store, struct mail_append *append)
{
	struct message_summary summary;

	CHECK(message_summary_read(append->summary, &summary));
	append->targets[0].uid = model.uidnext;
	mail_add();
	return FAULT_NONE;
}

/* The bit of a keyword, which is added if there is room; 0 if there is none. */
static uint64_t keyword_bit(struct str name)
{
	for (size_t i = 0; i < model.keyword_count; i++)
		if (str_equals_nocase(str_from_c(model.keywords[i]), name))
			return 1ull << i;
	if (model.keyword_count == KEYWORDS ||
	    !str_copy_c(name, model.keywords[model.keyword_count], MAILBOX_KEYWORD_MAX))
		return 0;
	return 1ull << model.keyword_count++;
}

enum fault mail_flags_change(struct store *store, uint64_t account, uint32_t mailbox,
			     const struct uid_set *set, struct mail_flags_change *change)
{
	uint64_t keywords = 0;

	for (size_t i = 0; i < change->keyword_count; i++)
		keywords |= keyword_bit(change->keywords[i]);
	for (size_t i = 0; i < model.count; i++) {
		struct mail *mail = &model.mails[i];
		if (!uid_set_has(set, mail->uid))
			continue;
		if (mail->modseq > change->unchanged_since) {
			uid_set_add(&change->modified, mail->uid, mail->uid);
			continue;
		}
		if (change->mode == MAIL_FLAGS_REMOVE) {
			mail->flags &= ~change->flags;
			mail->keywords &= ~keywords;
		} else {
			bool is_set = change->mode == MAIL_FLAGS_SET;
			mail->flags = (is_set ? 0 : mail->flags) | change->flags;
			mail->keywords = (is_set ? 0 : mail->keywords) | keywords;
		}
		mail->modseq = change->modseq = ++model.sequence;
		uid_set_add(&change->changed, mail->uid, mail->uid);
	}
	return FAULT_NONE;
}

enum fault mail_expunge(struct store *store, uint64_t account, uint32_t mailbox,
			const struct uid_set *set, bool only_deleted, struct uid_set *expunged_out)
{
	for (size_t i = 0; i < model.count;) {
		const struct mail *mail = &model.mails[i];
		bool is_deleted = !only_deleted || (mail->flags & MAIL_DELETED) != 0;
		if (is_deleted && uid_set_has(set, mail->uid)) {
			uid_set_add(expunged_out, mail->uid, mail->uid);
			mail_remove(i);
		} else {
			i++;
		}
	}
	return FAULT_NONE;
}

enum fault mail_summary_keep(struct store *store, uint64_t account, uint64_t message,
			     struct str summary)
{
	struct message_summary read;

	CHECK(model.summary_lens[message] == 0 && summary.len <= SUMMARY_BYTES);
	CHECK(message_summary_read(summary, &read) && !read.is_partial);
	memcpy(model.summaries[message], summary.ptr, summary.len);
	model.summary_lens[message] = summary.len;
	return FAULT_NONE;
}

enum fault mail_copy(struct store *store, uint64_t account, uint32_t mailbox,
		     const struct uid_set *set, uint32_t to_mailbox,
		     struct mail_copied *copied_out)
{
	size_t before = model.count;

	*copied_out = (struct mail_copied){.uidvalidity = 7, .first_uid = model.uidnext};
	for (size_t i = 0; i < before && model.count < MAILS_MAX; i++)
		if (uid_set_has(set, model.mails[i].uid)) {
			uid_set_add(&copied_out->from, model.mails[i].uid, model.mails[i].uid);
			mail_add();
		}
	return FAULT_NONE;
}

enum fault mail_move(struct store *store, uint64_t account, uint32_t mailbox,
		     const struct uid_set *set, uint32_t to_mailbox,
		     struct mail_copied *copied_out)
{
	struct uid_set gone = {0};

	enum fault fault = mail_copy(store, account, mailbox, set, to_mailbox, copied_out);
	if (fault == FAULT_NONE)
		fault = mail_expunge(store, account, mailbox, &copied_out->from, false, &gone);
	uid_set_done(&gone);
	return fault;
}

/* ---- the fuzzer ---- */

static void model_begin(void)
{
	static const struct mime_limits limits = {.parts = 100, .depth = 10, .header_bytes = 4096};

	memset(&model, 0, sizeof(model));
	model.uidnext = 1;
	model.sequence = 1;
	/* The last sample has no summary: it is made when it is asked for. */
	for (size_t i = 0; i + 1 < SAMPLES; i++) {
		struct buf summary = BUF_INIT(SUMMARY_BYTES);
		CHECK(message_summary_make(samples[i], &limits, &summary) == FAULT_NONE);
		memcpy(model.summaries[i], summary.data, summary.len);
		model.summary_lens[i] = summary.len;
		buf_done(&summary);
	}
	for (int i = 0; i < 9; i++)
		mail_add();
	mail_remove(3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size);

	fixture_setup(NULL);
	model_begin();
	fixture.limits->literal_bytes = 4096;
	fixture.config.services[SERVICE_IMAPS].tls = SERVICE_TLS_IMPLICIT;
	fixture_connect(SERVICE_IMAPS, &imapd_protocol);
	fixture_say("a LOGIN anna@example.org secret\r\nb SELECT INBOX\r\n");
	CHECK(str_find(buf_str(&fixture.heard), STR("b OK [READ-WRITE]")) != STR_NONE);
	while (rest.ptr != NULL && rest.len > 0) {
		fixture_say_bytes(str_cut(&rest, (char)0xff));
		if (rest.ptr != NULL && rest.len > 0) {
			other_client((uint8_t)rest.ptr[0]);
			rest = str_from(rest, 1);
		}
	}
	fixture_teardown(NULL);
	return 0;
}
