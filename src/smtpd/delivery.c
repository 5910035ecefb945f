/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/delivery.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "proto/message.h"
#include "proto/message_summary.h"
#include "store/directory.h"
#include "store/mail.h"

enum {
	RECEIVED_MAX = 4096,
	FIELD_MAX = 1000,
	/* How many recipients a Recv line names. */
	LOG_RECIPIENTS = 16
};

static const struct smtp_status size_exceeded = {552, "5.3.4", "Message size exceeds the limit"};
static const struct smtp_status header_exceeded = {552, "5.3.4", "Message header too large"};
static const struct smtp_status bare_line_end = {
	550, "5.6.0", "Bare CR or bare LF in the message: lines must end with CRLF"};
static const struct smtp_status too_many_hops = {554, "5.4.6", "Too many hops, mail is looping"};
static const struct smtp_status no_memory = {452, "4.3.1", "Out of memory, try later"};
static const struct smtp_status no_space = {452, "4.3.1", "Insufficient storage, try later"};
static const struct smtp_status over_quota = {552, "5.2.2", "The mailbox is full"};
static const struct smtp_status mailbox_gone = {550, "5.1.1", "A mailbox has just been removed"};
static const struct smtp_status unavailable = {451, "4.3.0", "Temporary local problem, try later"};

/* The keyword of RFC 3848, or of RFC 6531 section 4.3. */
static const char *protocol_word(const struct session *session)
{
	bool has_tls = session->tls.is_active;
	bool has_login = session->user.account != 0;

	if (!smtpd_of(session)->is_extended)
		return "SMTP";
	if (smtpd_of(session)->envelope.is_utf8)
		return has_tls ? has_login ? "UTF8SMTPSA" : "UTF8SMTPS"
		       : has_login ? "UTF8SMTPA" : "UTF8SMTP";
	return has_tls ? has_login ? "ESMTPSA" : "ESMTPS" : has_login ? "ESMTPA" : "ESMTP";
}

void delivery_append_received(struct buf *to, const struct session *session, const char *queue_id,
			      struct str recipient, int64_t real_s)
{
	struct str hostname = session_hostname(session);
	bool is_v6 = strchr(session->peer_text, ':') != NULL;

	buf_printf(to, "Received: from %s ([%s%s])\r\n", smtpd_of(session)->helo,
		   is_v6 ? "IPv6:" : "", session->peer_text);
	buf_printf(to, "\tby %.*s (Postern) with %s id %s", STR_ARG(hostname),
		   protocol_word(session), queue_id);
	if (!str_is_empty(recipient)) {
		buf_append_c(to, "\r\n\tfor <");
		/* Only for this line no server further on has to have SMTPUTF8. */
		address_append_ascii(to, recipient);
		buf_append_char(to, '>');
	}
	if (session->tls.is_active)
		buf_printf(to, "\r\n\ttls %s", session->tls.suite);
	buf_append_str(to, STR(";\r\n\t"));
	clock_append_mail_date(to, real_s);
	buf_append_str(to, STR("\r\n"));
}

void delivery_begin(struct session *session, char queue_id_out[QUEUE_ID_BYTES])
{
	const struct envelope *envelope = &smtpd_of(session)->envelope;
	struct buf received = BUF_INIT(RECEIVED_MAX);
	struct str recipient = {0};

	if (envelope->recipient_count == 1)
		recipient = str_from_c(envelope->recipients[0]);
	session_queue_id(session, queue_id_out);
	delivery_append_received(&received, session, queue_id_out, recipient, clock_real_s());
	CHECK(!received.failed);
	/* What we add does not count against the peer's limit. */
	body_begin(&session->body, session->limits->message_bytes + received.len);
	body_append(&session->body, buf_str(&received));
	buf_done(&received);
}

/* What is wrong with a message that has come in whole; NULL: nothing. */
static const struct smtp_status *message_check(struct session *session, struct str message)
{
	struct body *body = &session->body;

	if (body->spool.is_too_large)
		return &size_exceeded;
	if (!smtp_body_is_clean(&body->smtp))
		return &bare_line_end;
	if (body->spool.is_out_of_memory)
		return &no_memory;
	if (body->smtp.lines.header_bytes > session->limits->header_bytes)
		return &header_exceeded;
	/* One of them is ours. */
	if (message_hops_count(str_sub(message, 0, message_header_length(message))) >
	    MESSAGE_HOPS_MAX + 1)
		return &too_many_hops;
	return NULL;
}

/* The lines that each mailbox's copy begins with (RFC 5321 section 4.4), and whose it is. */
struct copies {
	struct mail_target *targets;
	struct str *owners;
	size_t count;
	struct buf text;
	struct buf missing; /* fields that the message should have: missing_make */
	struct buf message_id;
};

static void copies_init(struct copies *copies, size_t count)
{
	*copies = (struct copies){
		.targets = calloc(count + 1, sizeof(*copies->targets)),
		.owners = calloc(count + 1, sizeof(*copies->owners)),
	};
	CHECK(copies->targets != NULL && copies->owners != NULL);
	buf_init(&copies->text, count * MAIL_PREFIX_MAX);
	buf_init(&copies->missing, FIELD_MAX);
	buf_init(&copies->message_id, FIELD_MAX);
}

static void copies_done(struct copies *copies)
{
	free(copies->targets);
	free(copies->owners);
	buf_done(&copies->text);
	buf_done(&copies->missing);
	buf_done(&copies->message_id);
}

/* A message that a user submits gets what it lacks of RFC 5322 (RFC 6409 section 8). */
static void missing_make(const struct session *session, const char *queue_id, struct str message,
			 struct buf *to)
{
	struct str header = str_sub(message, 0, message_header_length(message));
	struct str value;

	if (session->user.account == 0)
		return;
	if (!message_field_find(header, STR("Date"), &value)) {
		buf_append_str(to, STR("Date: "));
		clock_append_mail_date(to, clock_real_s());
		buf_append_str(to, STR("\r\n"));
	}
	if (!message_field_find(header, STR("Message-ID"), &value))
		buf_printf(to, "Message-ID: <%s.%08x@%.*s>\r\n", queue_id,
			   random_below(UINT32_MAX), STR_ARG(session_hostname(session)));
}

/* "Delivered-To: " and the owner and CRLF, and what the message lacks, end the prefix. */
static size_t prefix_append(struct buf *to, struct str sender, struct str owner, struct str missing)
{
	size_t start = to->len;

	buf_printf(to, "Return-Path: <%.*s>\r\n", STR_ARG(sender));
	buf_printf(to, "Delivered-To: %.*s\r\n", STR_ARG(owner));
	buf_append_str(to, missing);
	return to->len - start;
}

static void prefixes_set(struct copies *copies)
{
	const char *at = copies->text.data;

	for (size_t i = 0; i < copies->count; i++) {
		struct mail_target *target = &copies->targets[i];
		target->prefix.ptr = at;
		at += target->prefix.len;
		copies->owners[i].ptr = at - copies->missing.len - 2 - copies->owners[i].len;
	}
}

/* FAULT_NOT_FOUND when an account went since its RCPT. */
static enum fault copies_prepare(struct session *session, const struct envelope *envelope,
				 struct copies *copies)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct user user;

	enum fault fault = view_open(session_store(session), &view);
	for (size_t i = 0; i < envelope->account_count && fault == FAULT_NONE; i++) {
		fault = directory_user_get(view, envelope->accounts[i], &user);
		if (fault != FAULT_NONE)
			break;
		struct mail_target *target = &copies->targets[copies->count];
		target->account = user.account;
		target->prefix.len =
			prefix_append(&copies->text, str_from_c(envelope->sender), user.address,
				      buf_str(&copies->missing));
		copies->owners[copies->count++].len = user.address.len;
	}
	CHECK(!copies->text.failed);
	prefixes_set(copies);
	return fault;
}

/* What FETCH will want to know, found while the message is at hand. The store can do without. */
static void summary_make(const struct session *session, struct str message, struct buf *summary)
{
	struct mime_limits limits = {
		.parts = session->limits->mime_parts,
		.depth = session->limits->mime_depth,
		.header_bytes = session->limits->header_bytes,
	};

	if (message_summary_make(message, &limits, summary) != FAULT_NONE)
		buf_reset(summary);
}

static bool has_8bit(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] > 0x7f)
			return true;
	return false;
}

static uint32_t queue_flags(const struct envelope *envelope, struct str message)
{
	return (envelope->is_utf8 ? QUEUE_UTF8 : 0) | (has_8bit(message) ? QUEUE_8BIT : 0) |
	       (envelope->returns == SMTP_RETURN_FULL ? QUEUE_RETURN_FULL : 0) |
	       (envelope->returns == SMTP_RETURN_HEADERS ? QUEUE_RETURN_HEADERS : 0);
}

/* The entry for the recipients elsewhere, and for those here of whom a notice is wanted. */
static struct queue_new queue_entry_make(const struct session *session, const char *queue_id,
					 struct str message, const struct copies *copies)
{
	const struct envelope *envelope = &smtpd_of(session)->envelope;

	return (struct queue_new){
		.envelope = {.queue_id = str_from_c(queue_id),
			     .sender = str_from_c(envelope->sender),
			     .envid = str_from_c(envelope->envid == NULL ? "" : envelope->envid),
			     .user = str_from_c(session->user.account == 0 ? ""
									   : session->user.name),
			     .message_id = str_sub(buf_str(&copies->message_id), 0, QUEUE_TEXT_MAX),
			     .flags = queue_flags(envelope, message)},
		.prefix = buf_str(&copies->missing),
		.recipients = envelope->queued,
		.recipient_count = envelope->queued_count};
}

static enum fault copies_store(struct session *session, const char *queue_id, struct str message,
			       struct copies *copies)
{
	struct body *body = &session->body;
	struct buf summary = BUF_INIT(MAIL_SUMMARY_MAX);
	struct queue_new queued;

	summary_make(session, message, &summary);
	struct mail_append append = {
		.body = spool_content(&body->spool),
		.summary = buf_str(&summary),
		.received_s = clock_real_s(),
		.targets = copies->targets,
		.target_count = copies->count,
	};

	if (smtpd_of(session)->envelope.queued_count > 0) {
		queued = queue_entry_make(session, queue_id, message, copies);
		append.queue = &queued;
	}
	enum fault fault = mail_append(session_store(session), &append);
	buf_done(&summary);
	return fault;
}

static const struct smtp_status *fault_status(enum fault fault)
{
	switch (fault) {
	case FAULT_NONE:
		return NULL;
	case FAULT_OVER_QUOTA:
		return &over_quota;
	case FAULT_NOT_FOUND:
		return &mailbox_gone;
	case FAULT_NO_SPACE:
		return &no_space;
	case FAULT_TOO_LARGE:
		return &size_exceeded;
	default:
		return &unavailable;
	}
}

static void recipients_log(struct log_line *line, const struct envelope *envelope)
{
	size_t named = envelope->recipient_count < LOG_RECIPIENTS ? envelope->recipient_count
								  : LOG_RECIPIENTS;

	log_line_text(line, ", To: ");
	for (size_t i = 0; i < named; i++) {
		log_line_text(line, i == 0 ? "<" : " <");
		log_line_word(line, str_from_c(envelope->recipients[i]));
		log_line_text(line, ">");
	}
	if (named < envelope->recipient_count)
		log_line_text(line, " and %zu more", envelope->recipient_count - named);
}

static void received_log(struct session *session, const char *queue_id, struct str header,
			 struct str message_id)
{
	const struct envelope *envelope = &smtpd_of(session)->envelope;
	struct buf text = BUF_INIT(FIELD_MAX);
	struct log_line line;

	log_line_begin(&line, session_log(session), LOG_MAIL);
	log_line_text(&line, "Recv: Queue-ID: %s, Service: %s, From: <", queue_id,
		      service_name(session->service->id));
	log_line_word(&line, str_from_c(envelope->sender));
	log_line_text(&line, ">");
	recipients_log(&line, envelope);
	log_line_text(&line, ", Size: %llu, Sender-Host: %s",
		      (unsigned long long)session->body.spool.size_bytes, session->peer_text);
	if (session->user.account != 0) {
		log_line_text(&line, ", User: ");
		log_line_word(&line, str_from_c(session->user.name));
	}
	if (session->tls.is_active)
		log_line_text(&line, ", SSL: yes");
	message_field_append(&text, header, STR("Subject"), FIELD_MAX);
	log_line_text(&line, ", Subject: ");
	log_line_phrase(&line, buf_str(&text));
	log_line_text(&line, ", Msg-Id: <");
	log_line_word(&line, message_id);
	log_line_text(&line, ">");
	buf_reset(&text);
	session_append_tls(session, &text);
	if (text.len > 0)
		log_line_text(&line, ", TLS: %.*s", STR_ARG(buf_str(&text)));
	if (session->user.account != 0)
		log_line_text(&line, ", Auth: %s", session->login_method);
	if (session->partner != NULL && session->partner->widens) {
		log_line_text(&line, ", Widened-By: ");
		log_line_word(&line, session->partner->place.table);
	}
	log_line_end(&line);
	buf_done(&text);
}

static void delivered_log(struct session *session, const char *queue_id, struct str owner,
			  struct str message_id)
{
	struct log_line line;

	log_line_begin(&line, session_log(session), LOG_MAIL);
	log_line_text(&line, "Sent: Queue-ID: %s, Recipient: <", queue_id);
	log_line_word(&line, owner);
	log_line_text(&line, ">, Result: delivered, Status: 2.0.0 , Remote-Host: 127.0.0.1, "
			     "Msg-Id: <");
	log_line_word(&line, message_id);
	log_line_text(&line, ">");
	log_line_end(&line);
}

static void accepted_log(struct session *session, const char *queue_id, struct str message,
			 const struct copies *copies)
{
	struct metrics *metrics = session_metrics(session);
	struct str header = str_sub(message, 0, message_header_length(message));

	received_log(session, queue_id, header, buf_str(&copies->message_id));
	for (size_t i = 0; i < copies->count; i++)
		delivered_log(session, queue_id, copies->owners[i], buf_str(&copies->message_id));
	metric_add(metrics, session->service->id, METRIC_MESSAGES_RECEIVED, 1);
	metric_add(metrics, session->service->id, METRIC_MESSAGES_DELIVERED,
		   (int64_t)copies->count);
}

/* Stores the message in all mailboxes; logs it when they have it. */
static const struct smtp_status *message_deliver(struct session *session, const char *queue_id,
						 struct str message)
{
	const struct envelope *envelope = &smtpd_of(session)->envelope;
	struct copies copies;

	copies_init(&copies, envelope->account_count);
	missing_make(session, queue_id, message, &copies.missing);
	message_id_append(&copies.message_id, buf_str(&copies.missing), FIELD_MAX);
	if (copies.message_id.len == 0)
		message_id_append(&copies.message_id,
				  str_sub(message, 0, message_header_length(message)), FIELD_MAX);
	enum fault fault = copies_prepare(session, envelope, &copies);
	if (fault == FAULT_NONE)
		fault = copies_store(session, queue_id, message, &copies);
	if (fault == FAULT_NONE)
		accepted_log(session, queue_id, message, &copies);
	else if (fault_status(fault)->code < 500)
		log_printf(session_log(session), LOG_ERROR,
			   "%s: a message could not be stored: %s",
			   service_name(session->service->id), fault_text(fault));
	copies_done(&copies);
	return fault_status(fault);
}

bool delivery_finish(struct session *session, const char *queue_id)
{
	struct body *body = &session->body;
	struct str message = {0};
	const struct smtp_status *refusal = NULL;

	smtp_body_end(&body->smtp);
	if (!body->spool.is_too_large && !body->spool.is_out_of_memory &&
	    body_view(body, &message) != FAULT_NONE)
		refusal = &no_memory;
	if (refusal == NULL)
		refusal = message_check(session, message);
	if (refusal == NULL)
		refusal = message_deliver(session, queue_id, message);
	if (refusal == NULL) {
		struct buf text = BUF_INIT(64);
		buf_printf(&text, "OK %s", queue_id);
		smtp_reply(session_out(session), 250, "2.0.0", buf_str(&text));
		buf_done(&text);
	} else {
		struct str sender = str_from_c(smtpd_of(session)->envelope.sender);
		envelope_reject_log(session, sender, refusal);
		smtp_reply(session_out(session), refusal->code, refusal->enhanced,
			   str_from_c(refusal->text));
	}
	body_drop(body);
	return refusal == NULL;
}
