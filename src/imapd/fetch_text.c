/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of a message in FETCH: sections, parts, chosen header fields, and
 * pieces of them.
 *
 * A content is a prefix (header fields added at delivery) and a body; offsets
 * in the summary are the body's. The prefix belongs to the message's header.
 */
#include "base/clock.h"
#include "imapd/fault_log.h"
#include "imapd/fetch.h"
#include "proto/message.h"

enum {
	/* Up to so much is copied behind what is queued; more is sent from where it lies. */
	COPY_MAX = 16 * 1024,
	SEND_AT_ONCE = 256 * 1024,
};

/* The two runs of bytes that make up a section. */
struct text {
	struct str parts[2];
	bool is_there;
};

static uint64_t text_size(const struct text *text)
{
	return text->parts[0].len + text->parts[1].len;
}

bool fetch_texts_begin(struct session *session, struct fetch *fetch, struct view *view)
{
	struct job *job = &imapd_of(session)->job;

	enum fault fault = mail_content_open(view, session->user.account, fetch->mail.message,
					     &job->content);
	if (fault != FAULT_NONE) {
		if (fault != FAULT_NOT_FOUND)
			fault_log(session, "a message could not be read", fault);
		return false;
	}
	job->has_content = true;
	fetch->in_texts = true;
	fetch->section = fetch->wanted->sections;
	return true;
}

static enum message_section section_of(enum imap_section_part part)
{
	switch (part) {
	case IMAP_SECTION_HEADER:
	case IMAP_SECTION_FIELDS:
	case IMAP_SECTION_FIELDS_NOT:
		return MESSAGE_SECTION_HEADER;
	case IMAP_SECTION_TEXT:
		return MESSAGE_SECTION_TEXT;
	case IMAP_SECTION_MIME:
		return MESSAGE_SECTION_MIME;
	case IMAP_SECTION_WHOLE:
		break;
	}
	return MESSAGE_SECTION_WHOLE;
}

/* A section of the message itself, for which no summary is needed. */
static struct text own_section(const struct mail_content *content, enum message_section section)
{
	size_t header = section == MESSAGE_SECTION_WHOLE ? 0 : message_header_length(content->body);
	struct text text = {.is_there = true};

	if (section != MESSAGE_SECTION_TEXT)
		text.parts[0] = content->prefix;
	if (section == MESSAGE_SECTION_WHOLE)
		text.parts[1] = content->body;
	else if (section == MESSAGE_SECTION_HEADER)
		text.parts[1] = str_sub(content->body, 0, header);
	else
		text.parts[1] = str_from(content->body, header);
	return text;
}

static struct text part_section(struct session *session, const struct fetch *fetch,
				const struct imap_section *section)
{
	struct job *job = &imapd_of(session)->job;
	struct message_summary summary;
	struct message_range range;
	struct text text = {0};
	struct view *view;

	if (view_open(session_store(session), &view) != FAULT_NONE)
		return text;
	if (summary_get(session, view, &fetch->mail, true, &job->text, &summary) &&
	    message_summary_section(&summary, section->path, section->path_len,
				    section_of(section->part), &range)) {
		text.parts[1] = str_sub(job->content.body, range.from, range.len);
		text.is_there = true;
	}
	view_close(&view);
	return text;
}

static bool is_listed(const struct imap_words *fields, struct str name)
{
	for (size_t i = 0; i < fields->count; i++)
		if (str_equals_nocase(fields->items[i], name))
			return true;
	return false;
}

static void fields_copy(const struct imap_section *section, struct str header, struct buf *to)
{
	bool is_wanted_listed = section->part == IMAP_SECTION_FIELDS;
	struct message_field field;

	while (message_field_next(&header, &field))
		if (is_listed(&section->fields, field.name) == is_wanted_listed)
			buf_append_str(to, field.whole);
}

/* Keeps the chosen fields, and the empty line that ends every header (RFC 3501 section 6.4.5). */
static void fields_filter(struct session *session, const struct imap_section *section,
			  struct text *text)
{
	struct buf *to = &imapd_of(session)->job.text;
	size_t limit = session->limits->header_bytes;

	buf_done(to);
	buf_init(to, text_size(text) + 2);
	fields_copy(section, text->parts[0], to);
	fields_copy(section, str_sub(text->parts[1], 0, limit), to);
	buf_append_c(to, "\r\n");
	text->parts[0] = buf_str(to);
	text->parts[1] = str_make(NULL, 0);
}

/* Cuts out `<from.len>`. */
static void partial_cut(const struct imap_section *section, struct text *text)
{
	size_t from = section->from;
	size_t len = section->len;

	for (int i = 0; i < 2; i++) {
		size_t skipped = from < text->parts[i].len ? from : text->parts[i].len;
		text->parts[i] = str_sub(text->parts[i], skipped, len);
		from -= skipped;
		len -= text->parts[i].len;
	}
}

static struct text section_find(struct session *session, const struct fetch *fetch,
				const struct imap_section *section)
{
	struct job *job = &imapd_of(session)->job;
	struct text text = section->path_len == 0
				   ? own_section(&job->content, section_of(section->part))
				   : part_section(session, fetch, section);

	if (!text.is_there)
		return text;
	if (section->part == IMAP_SECTION_FIELDS || section->part == IMAP_SECTION_FIELDS_NOT)
		fields_filter(session, section, &text);
	if (section->is_partial)
		partial_cut(section, &text);
	return text;
}

/* Writes a section's name and, if it is short, its bytes; long ones are left in fetch->pending. */
static void section_begin(struct session *session, struct fetch *fetch)
{
	const struct imap_section *section = fetch->section;
	struct buf *out = session_out(session);
	struct text text = section_find(session, fetch, section);

	imap_section_write(out, section);
	fetch->section = section->next;
	if (!text.is_there) {
		buf_append_c(out, " NIL");
		return;
	}
	buf_append_c(out, " {");
	buf_append_u64(out, text_size(&text));
	buf_append_c(out, "}\r\n");
	/* A filtered header lies in the job's text, which the next section uses again. */
	if (text_size(&text) <= COPY_MAX) {
		buf_append_str(out, text.parts[0]);
		buf_append_str(out, text.parts[1]);
		return;
	}
	fetch->pending[0] = text.parts[0];
	fetch->pending[1] = text.parts[1];
}

/*
 * Sends pending bytes from the mapping. When the peer takes no more, some are
 * queued, so that the session waits for it.
 */
static void pending_send(struct session *session, struct str *pending, int64_t until_ms)
{
	while (pending->len > 0 && clock_mono_ms() < until_ms) {
		size_t sent;
		enum io io = stream_send(&session->stream, str_sub(*pending, 0, SEND_AT_ONCE),
					 &sent);
		*pending = str_from(*pending, sent);
		if (io == IO_DONE)
			continue;
		struct str queued = str_sub(*pending, 0, STREAM_OUTPUT_HIGH);
		buf_append_str(session_out(session), queued);
		*pending = str_from(*pending, queued.len);
		return;
	}
}

static void texts_end(struct session *session, struct fetch *fetch)
{
	struct job *job = &imapd_of(session)->job;

	mail_content_close(&job->content);
	job->has_content = false;
	fetch->in_texts = false;
	buf_append_c(session_out(session), ")\r\n");
}

bool fetch_texts_send(struct session *session, struct fetch *fetch, int64_t until_ms)
{
	for (;;) {
		for (int i = 0; i < 2; i++) {
			pending_send(session, &fetch->pending[i], until_ms);
			if (fetch->pending[i].len > 0 || stream_is_full(&session->stream))
				return false;
		}
		if (fetch->section == NULL)
			break;
		if (fetch->section != fetch->wanted->sections)
			buf_append_char(session_out(session), ' ');
		section_begin(session, fetch);
	}
	texts_end(session, fetch);
	return true;
}
