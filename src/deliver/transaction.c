/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/transaction.h"

#include <stdlib.h>

#include "proto/address.h"

enum {
	CHUNK = 32 * 1024,
	COMMAND_MAX = 4096,
	/* A server may think for so long between two pieces (RFC 5321 section 4.5.3.2.5). */
	CONTENT_IDLE_MS = 3 * 60 * 1000
};

static bool can(const struct transaction *transaction, enum smtp_capability capability)
{
	return smtp_capabilities_has(&transaction->parts.client->capabilities, capability);
}

/* ---- fates ---- */

static void fate_set(struct transaction_recipient *recipient, enum transaction_fate fate,
		     struct str status, struct str text, bool is_reply)
{
	recipient->fate = fate;
	recipient->is_reply = is_reply;
	if (!str_copy_c(status, recipient->status, sizeof(recipient->status)))
		recipient->status[0] = '\0';
	free(recipient->text);
	recipient->text = str_is_empty(text) ? NULL : str_dup_c(text);
}

/* Gives every recipient that is not settled a fate in our words. */
static void rest_fate(struct transaction *transaction, enum transaction_fate fate,
		      const char *status, struct str words)
{
	for (size_t i = 0; i < transaction->parts.recipient_count; i++)
		if (transaction->recipients[i].fate <= TRANSACTION_TAKEN)
			fate_set(&transaction->recipients[i], fate, str_from_c(status), words,
				 false);
}

static void reply_text(struct buf *to, const struct smtp_reply *reply)
{
	struct str rest = reply->lines;
	struct str line;

	buf_printf(to, "%d", reply->code);
	while (smtp_reply_line(&rest, &line)) {
		buf_append_char(to, ' ');
		buf_append_str(to, str_sub(line, 0, TRANSACTION_REPLY_MAX));
		if (to->len >= TRANSACTION_REPLY_MAX)
			break;
	}
	if (to->len > TRANSACTION_REPLY_MAX)
		buf_truncate(to, TRANSACTION_REPLY_MAX);
}

static enum transaction_fate reply_fate(const struct smtp_reply *reply)
{
	switch (smtp_reply_class(reply)) {
	case 2:
		return TRANSACTION_SENT;
	case 5:
		return TRANSACTION_FAILED;
	default:
		return TRANSACTION_LATER;
	}
}

static void recipient_answer(struct transaction_recipient *recipient, const struct smtp_reply *reply,
			     enum transaction_fate fate)
{
	struct buf text = BUF_INIT(2 * SMTP_REPLY_MAX);

	reply_text(&text, reply);
	fate_set(recipient, fate, reply->enhanced, buf_str(&text), true);
	buf_done(&text);
}

/* The reply settles all that are open or, at the end, taken. */
static void all_answer(struct transaction *transaction, const struct smtp_reply *reply,
		       enum transaction_fate fate)
{
	for (size_t i = 0; i < transaction->parts.recipient_count; i++)
		if (transaction->recipients[i].fate <= TRANSACTION_TAKEN)
			recipient_answer(&transaction->recipients[i], reply, fate);
}

/* ---- what the server cannot take ---- */

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] > 0x7f)
			return false;
	return true;
}

static void path_append(struct buf *to, struct str address)
{
	buf_append_char(to, '<');
	address_append_ascii(to, address);
	buf_append_char(to, '>');
}

static bool address_needs_utf8(struct str text)
{
	size_t at = str_find_last_char(text, '@');

	return !is_ascii(at == STR_NONE ? text : str_sub(text, 0, at));
}

/* True when the message cannot go to a server without SMTPUTF8 (RFC 6531 section 3.2). */
static bool needs_utf8(const struct transaction *transaction)
{
	const struct transaction_parts *parts = &transaction->parts;

	if ((parts->envelope->flags & QUEUE_UTF8) == 0)
		return false;
	if (address_needs_utf8(parts->envelope->sender))
		return true;
	for (size_t i = 0; i < parts->recipient_count; i++)
		if (address_needs_utf8(parts->recipients[i].address))
			return true;
	for (size_t i = 0; i < TRANSACTION_PIECES; i++) {
		struct str piece = parts->pieces[i];
		size_t end = str_find(piece, STR("\r\n\r\n"));
		if (!is_ascii(end == STR_NONE ? piece : str_sub(piece, 0, end)))
			return true;
	}
	return false;
}

static uint64_t content_size(const struct transaction *transaction)
{
	uint64_t size = 0;

	for (size_t i = 0; i < TRANSACTION_PIECES; i++)
		size += transaction->parts.pieces[i].len;
	return size;
}

/* Settles all recipients at once where there is no use in asking. */
static bool is_impossible(struct transaction *transaction)
{
	uint64_t limit = transaction->parts.client->capabilities.size_limit;

	if (can(transaction, SMTP_CAPABILITY_SIZE) && limit > 0 &&
	    content_size(transaction) > limit) {
		rest_fate(transaction, TRANSACTION_FAILED, "5.3.4",
			  STR("The message is larger than the server takes"));
		return true;
	}
	if (needs_utf8(transaction) && !can(transaction, SMTP_CAPABILITY_SMTPUTF8)) {
		rest_fate(transaction, TRANSACTION_FAILED, "5.6.7",
			  STR("The message needs SMTPUTF8, which the server does not have"));
		return true;
	}
	return false;
}

/* ---- the envelope ---- */

static void mail_append_parameters(const struct transaction *transaction, struct buf *to)
{
	const struct queue_envelope *envelope = transaction->parts.envelope;

	if (can(transaction, SMTP_CAPABILITY_SIZE))
		buf_printf(to, " SIZE=%llu", (unsigned long long)content_size(transaction));
	if ((envelope->flags & QUEUE_8BIT) != 0 && can(transaction, SMTP_CAPABILITY_EIGHTBITMIME))
		buf_append_str(to, STR(" BODY=8BITMIME"));
	if (needs_utf8(transaction))
		buf_append_str(to, STR(" SMTPUTF8"));
	if (!can(transaction, SMTP_CAPABILITY_DSN))
		return;
	if ((envelope->flags & QUEUE_RETURN_FULL) != 0)
		buf_append_str(to, STR(" RET=FULL"));
	if ((envelope->flags & QUEUE_RETURN_HEADERS) != 0)
		buf_append_str(to, STR(" RET=HDRS"));
	if (!str_is_empty(envelope->envid))
		buf_printf(to, " ENVID=%.*s", STR_ARG(envelope->envid));
}

static void notify_append(uint32_t notify, struct buf *to)
{
	static const char *const words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
	const char *separator = " NOTIFY=";

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((notify >> i & 1) == 0)
			continue;
		buf_printf(to, "%s%s", separator, words[i]);
		separator = ",";
	}
}

static void rcpt_append(const struct transaction *transaction,
			const struct queue_recipient *recipient, struct buf *to)
{
	buf_append_str(to, STR("RCPT TO:"));
	path_append(to, recipient->address);
	if (!can(transaction, SMTP_CAPABILITY_DSN))
		return;
	notify_append(recipient->notify, to);
	if (!str_is_empty(recipient->original))
		buf_printf(to, " ORCPT=%.*s", STR_ARG(recipient->original));
}

/*
 * The commands have numbers: 0 RSET, 1 MAIL, 2 and on the recipients, and DATA. RSET
 * is passed over where the session is clean.
 */
enum { SAY_RESET, SAY_MAIL, SAY_RECIPIENTS };

static size_t say_data(const struct transaction *transaction)
{
	return SAY_RECIPIENTS + transaction->parts.recipient_count;
}

static void command_say(struct transaction *transaction)
{
	struct buf command = BUF_INIT(COMMAND_MAX);
	size_t number = transaction->said++;
	int ms = SMTP_CLIENT_COMMAND_MS;

	if (number == SAY_RESET)
		buf_append_str(&command, STR("RSET"));
	else if (number == SAY_MAIL) {
		buf_append_str(&command, STR("MAIL FROM:"));
		path_append(&command, transaction->parts.envelope->sender);
		mail_append_parameters(transaction, &command);
	} else if (number < say_data(transaction))
		rcpt_append(transaction, &transaction->parts.recipients[number - SAY_RECIPIENTS],
			    &command);
	else {
		buf_append_str(&command, STR("DATA"));
		transaction->has_data = true;
		ms = SMTP_CLIENT_DATA_MS;
	}
	smtp_client_say(transaction->parts.client, buf_str(&command), ms);
	buf_done(&command);
}

/* Says what may be said now; false when nothing is left to say of the envelope. */
static bool envelope_say(struct transaction *transaction)
{
	size_t before = transaction->said;
	size_t end = say_data(transaction);

	while (transaction->said <= end) {
		/* Without pipelining nobody asks for DATA when no recipient is taken. */
		if (transaction->said == end && !transaction->is_pipelined &&
		    transaction->taken == 0)
			break;
		command_say(transaction);
		if (!transaction->is_pipelined)
			break;
	}
	return transaction->said > before;
}

static void rcpt_take(struct transaction *transaction, struct transaction_recipient *recipient,
		      const struct smtp_reply *reply)
{
	enum transaction_fate fate = reply_fate(reply);

	if (recipient->fate != TRANSACTION_OPEN)
		return;
	if (fate == TRANSACTION_SENT) {
		recipient->fate = TRANSACTION_TAKEN;
		transaction->taken++;
	} else
		recipient_answer(recipient, reply, fate);
}

/* The end of the content, and with nobody to get it, nothing but its end. */
static void content_end(struct transaction *transaction)
{
	struct smtp_client *client = transaction->parts.client;

	if (transaction->taken > 0 && transaction->last != '\n')
		buf_append_str(stream_output(&client->outbound.stream), STR("\r\n"));
	stream_bulk_end(&client->outbound.stream);
	smtp_client_say(client, STR("."), SMTP_CLIENT_DONE_MS);
	transaction->phase = TRANSACTION_END;
}

static void data_take(struct transaction *transaction, const struct smtp_reply *reply)
{
	if (smtp_reply_class(reply) != 3) {
		all_answer(transaction, reply,
			   smtp_reply_class(reply) == 2 ? TRANSACTION_LATER : reply_fate(reply));
		transaction->wants_reset = true;
		transaction->is_ended = true;
		return;
	}
	/* RFC 2920 section 3.1: a server may say 354 though it took no recipient. */
	if (transaction->taken == 0) {
		content_end(transaction);
		return;
	}
	transaction->phase = TRANSACTION_CONTENT;
	int patience_ms = transaction->parts.client->outbound.patience_ms;

	stream_bulk(&transaction->parts.client->outbound.stream,
		    patience_ms > 0 ? patience_ms : CONTENT_IDLE_MS,
		    transaction->parts.min_bytes_per_s);
}

static void envelope_take(struct transaction *transaction, const struct smtp_reply *reply)
{
	size_t number = transaction->answered++;

	if (number == SAY_RESET)
		return;
	if (number == SAY_MAIL) {
		if (smtp_reply_class(reply) != 2)
			all_answer(transaction, reply,
				   smtp_reply_class(reply) == 3 ? TRANSACTION_LATER
								: reply_fate(reply));
	} else if (number < say_data(transaction))
		rcpt_take(transaction, &transaction->recipients[number - SAY_RECIPIENTS], reply);
	else
		data_take(transaction, reply);
}

static const char *command_name(const struct transaction *transaction)
{
	if (transaction->phase != TRANSACTION_ENVELOPE)
		return "the message";
	if (transaction->answered < SAY_RECIPIENTS)
		return transaction->answered == SAY_RESET ? "RSET" : "MAIL";
	return transaction->answered < say_data(transaction) ? "RCPT" : "DATA";
}

static void reply_take(struct transaction *transaction)
{
	const struct smtp_reply *reply = &transaction->parts.client->reply;

	/* RFC 5321 section 3.8: it closes, and answers nothing that was said already. */
	if (reply->code == 421)
		smtp_client_dismissed(transaction->parts.client, command_name(transaction));
	if (transaction->phase == TRANSACTION_ENVELOPE) {
		if (reply->code != 421)
			envelope_take(transaction, reply);
		return;
	}
	all_answer(transaction, reply,
		   smtp_reply_class(reply) == 3 ? TRANSACTION_LATER : reply_fate(reply));
	transaction->is_ended = true;
}

/* ---- the content ---- */

/* Appends with a dot before each line that begins with one (RFC 5321 section 4.5.2). */
static void stuffed_append(struct transaction *transaction, struct buf *to, struct str bytes)
{
	if (transaction->is_line_start && bytes.len > 0 && bytes.ptr[0] == '.')
		buf_append_char(to, '.');
	while (bytes.len > 0) {
		size_t at = str_find(bytes, STR("\n."));
		struct str run = at == STR_NONE ? bytes : str_sub(bytes, 0, at + 1);
		buf_append_str(to, run);
		bytes = str_from(bytes, run.len);
		transaction->last = run.ptr[run.len - 1];
		transaction->is_line_start = transaction->last == '\n';
		if (at != STR_NONE)
			buf_append_char(to, '.');
	}
}

/* Queues a chunk of the content; false at its end. */
static bool content_say(struct transaction *transaction)
{
	struct stream *stream = &transaction->parts.client->outbound.stream;

	while (transaction->piece < TRANSACTION_PIECES) {
		struct str piece = transaction->parts.pieces[transaction->piece];
		struct str chunk = str_sub(piece, transaction->piece_at, CHUNK);
		if (chunk.len > 0) {
			transaction->piece_at += chunk.len;
			stuffed_append(transaction, stream_output(stream), chunk);
			return true;
		}
		transaction->piece++;
		transaction->piece_at = 0;
	}
	return false;
}

/* ---- going on ---- */

static enum transaction_step broken(struct transaction *transaction)
{
	rest_fate(transaction, TRANSACTION_LATER, "4.4.2",
		  buf_str(&transaction->parts.client->outbound.why));
	transaction->is_ended = true;
	return TRANSACTION_BROKEN;
}

bool transaction_is_untouched(const struct transaction *transaction)
{
	if (transaction->phase == TRANSACTION_END)
		return false;
	for (size_t i = 0; i < transaction->parts.recipient_count; i++)
		if (transaction->recipients[i].is_reply)
			return false;
	return true;
}

void transaction_expire(struct transaction *transaction)
{
	smtp_client_expire(transaction->parts.client);
	broken(transaction);
}

void transaction_init(struct transaction *transaction, const struct transaction_parts *parts)
{
	*transaction = (struct transaction){.parts = *parts, .is_line_start = true};
	transaction->recipients =
		calloc(parts->recipient_count, sizeof(*transaction->recipients));
	CHECK(transaction->recipients != NULL && parts->recipient_count > 0);
	for (size_t i = 0; i < parts->recipient_count; i++)
		transaction->recipients[i].recipient = &parts->recipients[i];
	transaction->is_pipelined = can(transaction, SMTP_CAPABILITY_PIPELINING);
	if (!parts->after_reset)
		transaction->said = transaction->answered = SAY_MAIL;
	transaction->is_ended = is_impossible(transaction);
	transaction->wants_reset = transaction->is_ended && parts->after_reset;
}

void transaction_done(struct transaction *transaction)
{
	for (size_t i = 0; i < transaction->parts.recipient_count; i++)
		free(transaction->recipients[i].text);
	free(transaction->recipients);
}

/* True while there is somebody to ask for or to send to. */
static bool is_anyone_left(const struct transaction *transaction)
{
	for (size_t i = 0; i < transaction->parts.recipient_count; i++)
		if (transaction->recipients[i].fate <= TRANSACTION_TAKEN)
			return true;
	return false;
}

/* Nothing is under way: what comes next, or the end. */
static bool idle_go_on(struct transaction *transaction)
{
	if (transaction->phase == TRANSACTION_CONTENT) {
		if (!content_say(transaction))
			content_end(transaction);
		return true;
	}
	if (is_anyone_left(transaction) && envelope_say(transaction))
		return true;
	transaction->wants_reset = true;
	transaction->is_ended = true;
	return false;
}

enum transaction_step transaction_step(struct transaction *transaction)
{
	while (!transaction->is_ended) {
		switch (smtp_client_step(transaction->parts.client)) {
		case OUTBOUND_WAIT_INPUT:
			return TRANSACTION_WAIT_INPUT;
		case OUTBOUND_WAIT_OUTPUT:
			return TRANSACTION_WAIT_OUTPUT;
		case OUTBOUND_REPLY:
			reply_take(transaction);
			break;
		case OUTBOUND_FAILED:
			return broken(transaction);
		default:
			if (!idle_go_on(transaction))
				return TRANSACTION_DONE;
		}
	}
	return outbound_is_whole(&transaction->parts.client->outbound) ? TRANSACTION_DONE
								       : TRANSACTION_BROKEN;
}
