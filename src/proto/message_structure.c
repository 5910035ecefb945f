/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message_structure.h"

#include "proto/imap_write.h"
#include "proto/message.h"
#include "proto/message_address.h"

/* The fields of ENVELOPE in its order. */
enum envelope_field {
	ENVELOPE_DATE,
	ENVELOPE_SUBJECT,
	ENVELOPE_FROM,
	ENVELOPE_SENDER,
	ENVELOPE_REPLY_TO,
	ENVELOPE_TO,
	ENVELOPE_CC,
	ENVELOPE_BCC,
	ENVELOPE_IN_REPLY_TO,
	ENVELOPE_MESSAGE_ID,
	ENVELOPE_COUNT
};

struct envelope_row {
	struct str name;
	bool is_addresses;
	bool is_joined; /* where the field stands twice, all count */
};

static const struct envelope_row envelope_rows[ENVELOPE_COUNT] = {
	[ENVELOPE_DATE] = {STR_INIT("Date"), false, false},
	[ENVELOPE_SUBJECT] = {STR_INIT("Subject"), false, false},
	[ENVELOPE_FROM] = {STR_INIT("From"), true, false},
	[ENVELOPE_SENDER] = {STR_INIT("Sender"), true, false},
	[ENVELOPE_REPLY_TO] = {STR_INIT("Reply-To"), true, false},
	[ENVELOPE_TO] = {STR_INIT("To"), true, true},
	[ENVELOPE_CC] = {STR_INIT("Cc"), true, true},
	[ENVELOPE_BCC] = {STR_INIT("Bcc"), true, true},
	[ENVELOPE_IN_REPLY_TO] = {STR_INIT("In-Reply-To"), false, false},
	[ENVELOPE_MESSAGE_ID] = {STR_INIT("Message-ID"), false, false},
};

struct envelope {
	struct str texts[ENVELOPE_COUNT];
	struct message_address *lists[ENVELOPE_COUNT];
};

static void addresses_add(struct arena *arena, struct message_address **list, struct str value)
{
	size_t left = MESSAGE_ADDRESSES_MAX;

	while (*list != NULL) {
		list = &(*list)->next;
		left -= left > 0;
	}
	if (left > 0)
		*list = message_addresses_parse(arena, value, left);
}

static void envelope_collect(struct envelope *envelope, struct arena *arena, struct str header)
{
	struct message_field field;

	while (message_field_next(&header, &field)) {
		int i = 0;
		while (i < ENVELOPE_COUNT && !str_equals_nocase(field.name, envelope_rows[i].name))
			i++;
		if (i == ENVELOPE_COUNT)
			continue;
		bool is_first = envelope->texts[i].ptr == NULL;
		if (is_first)
			envelope->texts[i] = field.value;
		if (envelope_rows[i].is_addresses && (is_first || envelope_rows[i].is_joined))
			addresses_add(arena, &envelope->lists[i], field.value);
	}
}

static void address_write(struct buf *to, const struct message_address *address)
{
	static const struct str none = {NULL, 0};
	bool is_begin = address->kind == MESSAGE_ADDRESS_GROUP_BEGIN;
	bool is_mailbox = address->kind == MESSAGE_ADDRESS_MAILBOX;

	/* RFC 3501: a group is its name in the mailbox's place and no host; its end is all NIL. */
	buf_append_char(to, '(');
	imap_nstring_write(to, is_mailbox ? address->name : none);
	buf_append_char(to, ' ');
	imap_nstring_write(to, is_mailbox ? address->route : none);
	buf_append_char(to, ' ');
	imap_nstring_write(to, is_begin ? address->name : address->local);
	buf_append_char(to, ' ');
	imap_nstring_write(to, address->domain);
	buf_append_char(to, ')');
}

static void addresses_write(struct buf *to, const struct message_address *list)
{
	if (list == NULL) {
		buf_append_c(to, "NIL");
		return;
	}
	buf_append_char(to, '(');
	for (; list != NULL; list = list->next)
		address_write(to, list);
	buf_append_char(to, ')');
}

static void text_write(struct buf *to, struct str value)
{
	struct buf line = BUF_INIT(value.len + 1);

	message_value_unfold(&line, value);
	if (value.ptr == NULL)
		buf_append_c(to, "NIL");
	else
		imap_string_write(to, buf_str(&line));
	buf_done(&line);
}

void message_envelope_write(struct buf *to, struct arena *arena, struct str header)
{
	struct envelope envelope = {0};

	envelope_collect(&envelope, arena, header);
	/* RFC 3501: the server gives From where these are missing or empty. */
	if (envelope.lists[ENVELOPE_SENDER] == NULL)
		envelope.lists[ENVELOPE_SENDER] = envelope.lists[ENVELOPE_FROM];
	if (envelope.lists[ENVELOPE_REPLY_TO] == NULL)
		envelope.lists[ENVELOPE_REPLY_TO] = envelope.lists[ENVELOPE_FROM];
	for (int i = 0; i < ENVELOPE_COUNT; i++) {
		buf_append_char(to, i == 0 ? '(' : ' ');
		if (envelope_rows[i].is_addresses)
			addresses_write(to, envelope.lists[i]);
		else
			text_write(to, envelope.texts[i]);
	}
	buf_append_char(to, ')');
}

struct writer {
	struct buf *to;
	struct arena *arena;
	struct str message;
	size_t header_bytes;
	bool with_extension;
};

static void parameters_write(struct buf *to, const struct mime_parameter *parameters)
{
	if (parameters == NULL) {
		buf_append_c(to, "NIL");
		return;
	}
	for (char before = '('; parameters != NULL; parameters = parameters->next, before = ' ') {
		buf_append_char(to, before);
		imap_string_write(to, parameters->name);
		buf_append_char(to, ' ');
		imap_string_write(to, parameters->value);
	}
	buf_append_char(to, ')');
}

static void disposition_write(struct buf *to, const struct mime_content *content)
{
	if (content->disposition.ptr == NULL) {
		buf_append_c(to, "NIL");
		return;
	}
	buf_append_char(to, '(');
	imap_string_write(to, content->disposition);
	buf_append_char(to, ' ');
	parameters_write(to, content->disposition_parameters);
	buf_append_char(to, ')');
}

static void languages_write(struct buf *to, const struct mime_language *languages)
{
	if (languages == NULL) {
		buf_append_c(to, "NIL");
		return;
	}
	bool is_list = languages->next != NULL;
	for (char before = '('; languages != NULL; languages = languages->next, before = ' ') {
		if (is_list)
			buf_append_char(to, before);
		imap_string_write(to, languages->tag);
	}
	if (is_list)
		buf_append_char(to, ')');
}

/* Disposition, language and location, which every kind of part ends with. */
static void extension_write(struct buf *to, const struct mime_content *content)
{
	buf_append_char(to, ' ');
	disposition_write(to, content);
	buf_append_char(to, ' ');
	languages_write(to, content->languages);
	buf_append_char(to, ' ');
	imap_nstring_write(to, content->location);
}

/* Type, subtype, parameters, id, description, encoding and size: body-fields. */
static void fields_write(struct buf *to, const struct mime_part *part)
{
	const struct mime_content *content = &part->content;

	imap_string_write(to, content->type);
	buf_append_char(to, ' ');
	imap_string_write(to, content->subtype);
	buf_append_char(to, ' ');
	/* RFC 2045 section 5.2: what an absent type means. */
	if (!content->has_type && mime_content_is(content, STR("text"), STR("plain")))
		buf_append_c(to, "(\"charset\" \"us-ascii\")");
	else
		parameters_write(to, content->parameters);
	buf_append_char(to, ' ');
	imap_nstring_write(to, content->id);
	buf_append_char(to, ' ');
	imap_nstring_write(to, content->description);
	buf_append_char(to, ' ');
	imap_string_write(to, content->encoding.ptr == NULL ? STR("7bit") : content->encoding);
	buf_append_char(to, ' ');
	buf_append_u64(to, part->body_len);
}

static void part_write(const struct writer *writer, const struct mime_part *part);

static void multipart_write(const struct writer *writer, const struct mime_part *part)
{
	for (const struct mime_part *child = part->first_child; child != NULL; child = child->next)
		part_write(writer, child);
	buf_append_char(writer->to, ' ');
	imap_string_write(writer->to, part->content.subtype);
	if (!writer->with_extension)
		return;
	buf_append_char(writer->to, ' ');
	parameters_write(writer->to, part->content.parameters);
	extension_write(writer->to, &part->content);
}

static void single_write(const struct writer *writer, const struct mime_part *part)
{
	struct buf *to = writer->to;
	const struct mime_part *child = part->first_child;

	fields_write(to, part);
	if (part->kind == MIME_MESSAGE && child != NULL) {
		struct str header = mime_part_header(child, writer->message);
		buf_append_char(to, ' ');
		message_envelope_write(to, writer->arena, str_sub(header, 0, writer->header_bytes));
		buf_append_char(to, ' ');
		part_write(writer, child);
	}
	if (part->kind == MIME_MESSAGE || mime_content_is(&part->content, STR("text"), STR(""))) {
		buf_append_char(to, ' ');
		buf_append_u64(to, part->body_lines);
	}
	if (!writer->with_extension)
		return;
	buf_append_char(to, ' ');
	imap_nstring_write(to, part->content.md5);
	extension_write(to, &part->content);
}

static void part_write(const struct writer *writer, const struct mime_part *part)
{
	buf_append_char(writer->to, '(');
	if (part->kind == MIME_MULTIPART)
		multipart_write(writer, part);
	else
		single_write(writer, part);
	buf_append_char(writer->to, ')');
}

void message_structure_write(struct buf *to, struct arena *arena, struct str message,
			     const struct mime_part *part, size_t header_bytes, bool with_extension)
{
	const struct writer writer = {to, arena, message, header_bytes, with_extension};

	part_write(&writer, part);
}
