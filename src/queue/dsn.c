/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/dsn.h"

#include "base/clock.h"
#include "proto/message.h"
#include "proto/xtext.h"

enum {
	FIELD_MAX = 4096, /* of foreign text in one field */
	FOLD_AT = 76,
	LINE_MAX_BYTES = 900, /* RFC 5322 section 2.1.1 allows 998 */
	STATUS_MAX = 12
};

struct words {
	const char *subject;
	const char *text;
};

static const struct words words_of[DSN_ACTION_COUNT] = {
	[DSN_FAILED] = {"Message not delivered",
			"Your message could not be delivered to the recipients below. It is not "
			"tried any more."},
	[DSN_DELAYED] = {"Message delayed",
			 "Your message could not be delivered yet to the recipients below. You need "
			 "not send it again: it is tried further until"},
	[DSN_DELIVERED] = {"Message delivered",
			   "Your message was delivered to the recipients below."},
	[DSN_RELAYED] = {"Message relayed",
			 "Your message was handed over for the recipients below to a server that "
			 "sends no confirmations; this is the last you hear of it."},
};

static const char *const action_words[DSN_ACTION_COUNT] = {
#define X(name, word) [DSN_##name] = (word),
	DSN_ACTION_TABLE(X)
#undef X
};

/* Appends foreign text with nothing in it that ends a line or, without UTF-8, is not ASCII. */
static void harmless_append(struct buf *to, struct str text, bool is_utf8)
{
	for (size_t i = 0; i < text.len && i < FIELD_MAX; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool is_line_end = c == '\r' || c == '\n' || c == '\t';
		bool is_foreign = c < ' ' || c == 0x7f || (c > 0x7f && !is_utf8);
		buf_append_char(to, is_line_end ? ' ' : is_foreign ? '?' : (char)c);
	}
}

/*
 * Appends words, folded before the column is passed; continuation lines begin with
 * `indent`. `column` is where the text begins.
 */
static void folded_append(struct buf *to, struct str text, const char *indent, size_t column)
{
	bool is_first = true;

	while (!str_is_empty(text = str_trim(text))) {
		struct str word = str_sub(str_cut(&text, ' '), 0, LINE_MAX_BYTES);
		if (!is_first && column + 1 + word.len > FOLD_AT) {
			buf_printf(to, "\r\n%s", indent);
			column = strlen(indent);
		} else if (!is_first) {
			buf_append_char(to, ' ');
			column++;
		}
		buf_append_str(to, word);
		column += word.len;
		is_first = false;
	}
	buf_append_str(to, STR("\r\n"));
}

static void field_append(struct buf *to, const char *name, struct str text, bool is_utf8)
{
	struct buf clean = BUF_INIT(FIELD_MAX);

	if (str_is_empty(text))
		return;
	harmless_append(&clean, text, is_utf8);
	buf_printf(to, "%s: ", name);
	folded_append(to, buf_str(&clean), "\t", strlen(name) + 2);
	buf_done(&clean);
}

static void date_field_append(struct buf *to, const char *name, int64_t real_s)
{
	buf_printf(to, "%s: ", name);
	clock_append_mail_date(to, real_s);
	buf_append_str(to, STR("\r\n"));
}

/* "5.7.1": class, subject and detail (RFC 3463). */
static bool status_is_whole(struct str status)
{
	size_t dots = 0;

	if (status.len < 5 || status.len > STATUS_MAX || strchr("245", status.ptr[0]) == NULL ||
	    status.ptr[1] != '.' || !ascii_is_digit(status.ptr[status.len - 1]))
		return false;
	for (size_t i = 0; i < status.len; i++) {
		dots += status.ptr[i] == '.';
		if (!ascii_is_digit(status.ptr[i]) &&
		    (status.ptr[i] != '.' || status.ptr[i - 1] == '.'))
			return false;
	}
	return dots == 2;
}

static struct str status_of(const struct dsn *dsn, const struct dsn_recipient *recipient)
{
	if (status_is_whole(recipient->status))
		return recipient->status;
	switch (dsn->action) {
	case DSN_FAILED:
		return STR("5.0.0");
	case DSN_DELAYED:
		return STR("4.0.0");
	default:
		return STR("2.0.0");
	}
}

/* ---- the parts ---- */

static void header_append(struct buf *to, const struct dsn *dsn)
{
	buf_printf(to, "From: Mail delivery system <MAILER-DAEMON@%.*s>\r\n",
		   STR_ARG(dsn->hostname));
	buf_append_str(to, STR("To: <"));
	harmless_append(to, dsn->sender, dsn->is_utf8);
	buf_printf(to, ">\r\nSubject: %s\r\n", words_of[dsn->action].subject);
	date_field_append(to, "Date", dsn->now_s);
	buf_printf(to, "Message-ID: <%.*s@%.*s>\r\n", STR_ARG(dsn->unique),
		   STR_ARG(dsn->hostname));
	/* RFC 3834 section 5: no robot answers this. */
	buf_append_str(to, STR("Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"));
	buf_printf(to,
		   "Content-Type: multipart/report; report-type=delivery-status;\r\n"
		   "\tboundary=\"%.*s\"\r\n\r\n",
		   STR_ARG(dsn->unique));
}

static void part_begin(struct buf *to, const struct dsn *dsn, const char *type, bool is_8bit)
{
	buf_printf(to, "--%.*s\r\nContent-Type: %s\r\n", STR_ARG(dsn->unique), type);
	if (is_8bit)
		buf_append_str(to, STR("Content-Transfer-Encoding: 8bit\r\n"));
	buf_append_str(to, STR("\r\n"));
}

static void told_append(struct buf *to, const struct dsn *dsn,
			const struct dsn_recipient *recipient)
{
	struct buf line = BUF_INIT(2 * FIELD_MAX);

	buf_append_str(to, STR("\r\n<"));
	harmless_append(to, recipient->address, dsn->is_utf8);
	buf_append_str(to, STR(">\r\n"));
	if (!str_is_empty(recipient->reason)) {
		harmless_append(&line, recipient->reason, dsn->is_utf8);
		buf_append_str(to, STR("    "));
		folded_append(to, buf_str(&line), "    ", 4);
		buf_reset(&line);
	}
	if (!str_is_empty(recipient->diagnostic)) {
		if (str_is_empty(recipient->host))
			buf_append_str(&line, STR("It said: "));
		else
			buf_printf(&line, "%.*s said: ", STR_ARG(recipient->host));
		harmless_append(&line, recipient->diagnostic, dsn->is_utf8);
		buf_append_str(to, STR("    "));
		folded_append(to, buf_str(&line), "    ", 4);
	}
	buf_done(&line);
}

static void words_append(struct buf *to, const struct dsn *dsn)
{
	struct buf text = BUF_INIT(FIELD_MAX);

	part_begin(to, dsn, "text/plain; charset=utf-8", dsn->is_utf8);
	buf_printf(to, "This is the mail server %.*s.\r\n\r\n", STR_ARG(dsn->hostname));
	buf_append_c(&text, words_of[dsn->action].text);
	if (dsn->action == DSN_DELAYED) {
		buf_append_char(&text, ' ');
		clock_append_mail_date(&text, dsn->retry_until_s);
		buf_append_char(&text, '.');
	}
	folded_append(to, buf_str(&text), "", 0);
	buf_done(&text);
	for (size_t i = 0; i < dsn->recipient_count; i++)
		told_append(to, dsn, &dsn->recipients[i]);
	buf_append_str(to, STR("\r\n"));
}

static void original_append(struct buf *to, const struct dsn *dsn, struct str original)
{
	struct buf text = BUF_INIT(FIELD_MAX);
	struct str type = str_cut(&original, ';');

	buf_append_str(&text, type);
	buf_append_char(&text, ';');
	if (xtext_decode(&text, original))
		field_append(to, "Original-Recipient", buf_str(&text), dsn->is_utf8);
	buf_done(&text);
}

static void typed_field_append(struct buf *to, const char *name, const char *type, struct str text,
			       bool is_utf8)
{
	struct buf value = BUF_INIT(2 * FIELD_MAX);

	if (str_is_empty(text))
		return;
	buf_printf(&value, "%s; ", type);
	harmless_append(&value, text, is_utf8);
	field_append(to, name, buf_str(&value), is_utf8);
	buf_done(&value);
}

static void recipient_append(struct buf *to, const struct dsn *dsn,
			     const struct dsn_recipient *recipient)
{
	buf_append_str(to, STR("\r\n"));
	if (!str_is_empty(recipient->original))
		original_append(to, dsn, recipient->original);
	typed_field_append(to, "Final-Recipient", dsn->is_utf8 ? "utf-8" : "rfc822",
			   recipient->address, dsn->is_utf8);
	buf_printf(to, "Action: %s\r\nStatus: %.*s\r\n", action_words[dsn->action],
		   STR_ARG(status_of(dsn, recipient)));
	typed_field_append(to, "Remote-MTA", "dns", recipient->host, false);
	if (!str_is_empty(recipient->diagnostic))
		typed_field_append(to, "Diagnostic-Code", "smtp", recipient->diagnostic,
				   dsn->is_utf8);
	else
		typed_field_append(to, "Diagnostic-Code", "x-postern", recipient->reason,
				   dsn->is_utf8);
	if (recipient->attempted_s != 0)
		date_field_append(to, "Last-Attempt-Date", recipient->attempted_s);
	if (dsn->action == DSN_DELAYED)
		date_field_append(to, "Will-Retry-Until", dsn->retry_until_s);
}

static void status_append(struct buf *to, const struct dsn *dsn)
{
	struct buf envid = BUF_INIT(FIELD_MAX);

	part_begin(to, dsn,
		   dsn->is_utf8 ? "message/global-delivery-status" : "message/delivery-status",
		   dsn->is_utf8);
	if (!str_is_empty(dsn->envid) && xtext_decode(&envid, dsn->envid))
		field_append(to, "Original-Envelope-Id", buf_str(&envid), dsn->is_utf8);
	buf_done(&envid);
	typed_field_append(to, "Reporting-MTA", "dns", dsn->hostname, false);
	field_append(to, "X-Postern-Queue-ID", dsn->queue_id, false);
	date_field_append(to, "Arrival-Date", dsn->arrived_s);
	for (size_t i = 0; i < dsn->recipient_count; i++)
		recipient_append(to, dsn, &dsn->recipients[i]);
	buf_append_str(to, STR("\r\n"));
}

static bool has_8bit(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] > 0x7f)
			return true;
	return false;
}

static void returned_append(struct buf *to, const struct dsn *dsn)
{
	struct str message = dsn->message;
	const char *type = dsn->is_utf8 ? "message/global" : "message/rfc822";

	if (!dsn->returns_body) {
		message = str_sub(message, 0, message_header_length(message));
		type = dsn->is_utf8 ? "message/global-headers" : "text/rfc822-headers";
	}
	part_begin(to, dsn, type, has_8bit(message));
	buf_append_str(to, message);
	if (!str_has_suffix_nocase(message, STR("\r\n")))
		buf_append_str(to, STR("\r\n"));
	buf_append_str(to, STR("\r\n"));
}

void dsn_append(struct buf *to, const struct dsn *dsn)
{
	header_append(to, dsn);
	words_append(to, dsn);
	status_append(to, dsn);
	returned_append(to, dsn);
	buf_printf(to, "--%.*s--\r\n", STR_ARG(dsn->unique));
}
