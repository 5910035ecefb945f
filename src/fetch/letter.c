/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/letter.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "proto/message.h"
#include "proto/message_summary.h"
#include "store/directory.h"
#include "store/mailbox.h"

/* Copies of one message: targets, and whose they are. */
struct copies {
	struct fetch_recipients recipients;
	struct mail_target *targets;
	struct str *owners;
	size_t count;
};

/* ---- what the log tells ---- */

static void header_read(struct fetch_letter *letter, struct str header)
{
	struct buf path = BUF_INIT(FETCH_TEXT_MAX);

	message_field_append(&letter->subject, header, STR("Subject"), FETCH_TEXT_MAX);
	message_id_append(&letter->message_id, header, FETCH_TEXT_MAX);
	message_field_append(&path, header, STR("Return-Path"), FETCH_TEXT_MAX);
	struct str sender = buf_str(&path);
	if (sender.len >= 2 && sender.ptr[0] == '<' && sender.ptr[sender.len - 1] == '>')
		sender = str_sub(sender, 1, sender.len - 2);
	buf_append_str(&letter->sender, sender);
	buf_done(&path);
}

/* ---- the lines before it ---- */

/* RFC 5321 section 4.4, with the tls clause of RFC 8314 section 7.4. */
static void received_append(struct buf *to, const struct fetch_letter_parts *parts,
			    const char *queue_id)
{
	bool is_v6 = str_find_char(parts->address, ':') != STR_NONE;

	buf_printf(to, "Received: from %.*s ([%s%.*s])\r\n", STR_ARG(parts->host),
		   is_v6 ? "IPv6:" : "", STR_ARG(parts->address));
	buf_printf(to, "\tby %.*s (Postern) with POP3 id %s", STR_ARG(parts->hostname), queue_id);
	if (!str_is_empty(parts->suite))
		buf_printf(to, "\r\n\ttls %.*s", STR_ARG(parts->suite));
	buf_append_str(to, STR(";\r\n\t"));
	clock_append_mail_date(to, clock_real_s());
	buf_append_str(to, STR("\r\n"));
}

static void prefix_append(struct buf *to, const struct fetch_letter_parts *parts,
			  const char *queue_id, struct str owner)
{
	buf_printf(to, "Delivered-To: %.*s\r\n", STR_ARG(owner));
	received_append(to, parts, queue_id);
}

/* ---- whereto ---- */

/* The mailbox that the row names, made if it is not there; 0 is INBOX. */
static enum fault mailbox_number(const struct fetch_letter_parts *parts, uint64_t account,
				 uint32_t *mailbox_out)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct str name = parts->account->mailbox;
	struct mailbox mailbox;

	*mailbox_out = 0;
	if (str_equals_nocase(name, STR("INBOX")))
		return FAULT_NONE;
	enum fault fault = view_open(parts->store, &view);
	if (fault == FAULT_NONE)
		fault = mailbox_find(view, account, name, &mailbox);
	if (fault == FAULT_NONE)
		*mailbox_out = mailbox.id;
	view_close(&view);
	if (fault == FAULT_NOT_FOUND || (fault == FAULT_NONE && mailbox.id == 0))
		fault = mailbox_create(parts->store, account, name, SPECIAL_USE_NONE, mailbox_out);
	return fault;
}

/* The copies with their owners; FAULT_NOT_FOUND. */
static enum fault copies_find(const struct fetch_letter_parts *parts, struct str header,
			      struct fetch_letter *letter, struct copies *copies)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct user user;

	enum fault fault = view_open(parts->store, &view);
	if (fault == FAULT_NONE)
		fault = fetch_recipients_find(view, parts->account, header, &copies->recipients);
	if (fault != FAULT_NONE)
		return fault;
	copies->count = copies->recipients.count;
	copies->targets = calloc(copies->count, sizeof(*copies->targets));
	copies->owners = calloc(copies->count, sizeof(*copies->owners));
	CHECK(copies->targets != NULL && copies->owners != NULL);
	buf_init(&letter->text, copies->count * (MAIL_PREFIX_MAX + FETCH_TEXT_MAX));
	for (size_t i = 0; i < copies->count; i++) {
		copies->targets[i].account = copies->recipients.accounts[i];
		fault = directory_user_get(view, copies->targets[i].account, &user);
		if (fault != FAULT_NONE)
			return fault;
		copies->owners[i].len = user.address.len;
		buf_append_str(&letter->text, user.address);
		size_t start = letter->text.len;
		prefix_append(&letter->text, parts, letter->queue_id, user.address);
		copies->targets[i].prefix.len = letter->text.len - start;
	}
	return FAULT_NONE;
}

/* The text does not move any more. */
static void copies_settle(const struct fetch_letter *letter, struct copies *copies)
{
	const char *at = letter->text.data;

	for (size_t i = 0; i < copies->count; i++) {
		copies->owners[i].ptr = at;
		at += copies->owners[i].len;
		copies->targets[i].prefix.ptr = at;
		at += copies->targets[i].prefix.len;
	}
}

static enum fault mailboxes_set(const struct fetch_letter_parts *parts, struct copies *copies)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < copies->count && fault == FAULT_NONE; i++)
		if (!copies->recipients.is_sorted)
			fault = mailbox_number(parts, copies->targets[i].account,
					       &copies->targets[i].mailbox);
	return fault;
}

/* ---- storing ---- */

static void summary_make(const struct config_limits *limits, struct str message, struct buf *to)
{
	struct mime_limits mime = {.parts = limits->mime_parts,
				   .depth = limits->mime_depth,
				   .header_bytes = limits->header_bytes};

	/* Without one the message is summarised when somebody asks. */
	if (message_summary_make(message, &mime, to) != FAULT_NONE)
		buf_reset(to);
}

static enum fault copies_store(const struct fetch_letter_parts *parts, struct str message,
			       const struct spool *spool, struct copies *copies)
{
	struct buf summary = BUF_INIT(MAIL_SUMMARY_MAX);
	struct fetched_new fetched = {.source = parts->source, .uidl = parts->uidl};

	summary_make(&parts->config->limits, message, &summary);
	struct mail_append append = {.body = spool_content(spool),
				     .summary = buf_str(&summary),
				     .received_s = clock_real_s(),
				     .targets = copies->targets,
				     .target_count = copies->count,
				     .fetched = &fetched};
	enum fault fault = mail_append(parts->store, &append);
	buf_done(&summary);
	return fault;
}

static void owners_keep(struct fetch_letter *letter, struct copies *copies)
{
	letter->owner_count = copies->count;
	letter->owners = copies->owners;
	copies->owners = NULL;
}

static void letter_init(struct fetch_letter *letter)
{
	*letter = (struct fetch_letter){.sender = BUF_INIT(FETCH_TEXT_MAX),
					.subject = BUF_INIT(FETCH_TEXT_MAX),
					.message_id = BUF_INIT(FETCH_TEXT_MAX)};
	snprintf(letter->queue_id, sizeof(letter->queue_id), "%08x-%08x",
		 (unsigned)clock_real_s(), random_below(UINT32_MAX));
}

enum fault fetch_letter_store(const struct fetch_letter_parts *parts, struct spool *spool,
			      struct fetch_letter *letter_out)
{
	struct copies *copies = calloc(1, sizeof(*copies));
	struct str message;

	CHECK(copies != NULL);
	letter_init(letter_out);
	enum fault fault = spool->is_out_of_memory ? FAULT_MEMORY : spool_view(spool, &message);
	if (fault == FAULT_NONE) {
		struct str header = str_sub(message, 0, message_header_length(message));
		letter_out->bytes = message.len;
		header_read(letter_out, header);
		letter_out->is_looping = message_hops_count(header) > MESSAGE_HOPS_MAX;
		fault = letter_out->is_looping
				? FAULT_INVALID
				: copies_find(parts, header, letter_out, copies);
	}
	if (fault == FAULT_NONE) {
		fault = mailboxes_set(parts, copies);
		letter_out->is_mailbox_amiss = fault != FAULT_NONE;
	}
	if (fault == FAULT_NONE) {
		copies_settle(letter_out, copies);
		fault = copies_store(parts, message, spool, copies);
	}
	if (fault == FAULT_NONE)
		owners_keep(letter_out, copies);
	free(copies->targets);
	free(copies->owners);
	free(copies);
	return fault;
}

void fetch_letter_done(struct fetch_letter *letter)
{
	free(letter->owners);
	buf_done(&letter->sender);
	buf_done(&letter->subject);
	buf_done(&letter->message_id);
	buf_done(&letter->text);
}
