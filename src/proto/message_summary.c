/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message_summary.h"

#include "proto/message.h"
#include "proto/message_structure.h"
#include "proto/message_text.h"

/*
 * The blob: u8 version, u8 flags, u16 zone in minutes plus ZONE_BIAS, u64 date
 * of sending in seconds (two's complement), u32 lengths of envelope, body,
 * structure and parts, u16 length of each key; then those texts in that order.
 * Parts stand in the order of the message, each as four numbers of seven bits
 * a byte, low ones first: kind plus four times the number of children, header
 * begin, header length, body length. A body begins where its header ends.
 */
enum {
	FLAG_SENT = 1,
	FLAG_PARTIAL = 2,
	FLAG_SIMPLIFIED = 4,
	FLAG_KEY_CUT = 16, /* shifted by enum message_key */
	ZONE_BIAS = 0x4000,
	HEAD_BYTES = 1 + 1 + 2 + 8 + 4 * 4 + 2 * MESSAGE_KEY_COUNT,
	KEY_SOURCE_MAX = 4096,		     /* of a field that are folded */
	TREE_BYTES_MAX = 32 * 1024 * 1024,   /* scratch while parsing */
	SIMPLE_HEADER_BYTES = 4096,
};

static const struct str key_fields[MESSAGE_KEY_COUNT] = {
	[MESSAGE_KEY_SUBJECT] = STR_INIT("Subject"),
	[MESSAGE_KEY_FROM] = STR_INIT("From"),
	[MESSAGE_KEY_TO] = STR_INIT("To"),
	[MESSAGE_KEY_CC] = STR_INIT("Cc"),
};

struct maker {
	struct str message;
	const struct mime_limits *limits;
	struct arena arena;
	struct mime_part *root;
	struct buf envelope;
	struct buf body;
	struct buf structure;
	struct buf parts;
	struct buf keys[MESSAGE_KEY_COUNT];
	unsigned flags;
	struct message_date sent;
};

static void append_int(struct buf *to, uint64_t value, int bytes)
{
	while (bytes-- > 0)
		buf_append_char(to, (char)(value >> 8 * bytes));
}

static void append_varint(struct buf *to, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_append_char(to, (char)(value | 0x80));
	buf_append_char(to, (char)value);
}

static void parts_make(struct maker *maker)
{
	struct buf *to = &maker->parts;

	for (struct mime_part *part = maker->root; part != NULL; part = mime_part_next(part)) {
		append_varint(to, (uint64_t)part->kind | (uint64_t)part->child_count << 2);
		append_varint(to, part->header_from);
		append_varint(to, part->header_len);
		append_varint(to, part->body_len);
	}
}

/* Cuts at a character's begin, so that the key stays UTF-8. */
static size_t utf8_cut(struct str text, size_t max)
{
	size_t len = text.len < max ? text.len : max;

	while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* All fields of that name, one behind the other with a line end between, which no needle holds. */
static void key_add(struct maker *maker, enum message_key key, struct str value)
{
	struct buf decoded = BUF_INIT(4 * KEY_SOURCE_MAX);
	struct buf *folded = &maker->keys[key];
	bool is_cut = value.len > KEY_SOURCE_MAX;

	if (folded->len > 0)
		buf_append_char(folded, '\n');
	message_words_decode(&decoded, str_sub(value, 0, KEY_SOURCE_MAX));
	message_text_fold(folded, buf_str(&decoded));
	if (is_cut || decoded.failed || folded->failed)
		maker->flags |= (unsigned)FLAG_KEY_CUT << key;
	buf_done(&decoded);
}

static void keys_make(struct maker *maker, struct str header)
{
	struct message_field field;
	struct str rest = header;

	while (message_field_next(&rest, &field)) {
		for (int key = 0; key < MESSAGE_KEY_COUNT; key++)
			if (str_equals_nocase(field.name, key_fields[key]))
				key_add(maker, (enum message_key)key, field.value);
		if ((maker->flags & FLAG_SENT) == 0 && str_equals_nocase(field.name, STR("Date")) &&
		    message_date_parse(field.value, &maker->sent))
			maker->flags |= FLAG_SENT;
	}
	for (int key = 0; key < MESSAGE_KEY_COUNT; key++) {
		size_t len = utf8_cut(buf_str(&maker->keys[key]), MESSAGE_SUMMARY_KEY_MAX);
		if (len < maker->keys[key].len)
			maker->flags |= (unsigned)FLAG_KEY_CUT << key;
		buf_truncate(&maker->keys[key], len);
	}
}

static void head_write(const struct maker *maker, struct buf *to)
{
	append_int(to, MESSAGE_SUMMARY_VERSION, 1);
	append_int(to, maker->flags, 1);
	append_int(to, (uint64_t)(maker->sent.zone_minutes + ZONE_BIAS), 2);
	append_int(to, (uint64_t)maker->sent.real_s, 8);
	append_int(to, maker->envelope.len, 4);
	append_int(to, maker->body.len, 4);
	append_int(to, maker->structure.len, 4);
	append_int(to, maker->parts.len, 4);
	for (int key = 0; key < MESSAGE_KEY_COUNT; key++)
		append_int(to, maker->keys[key].len, 2);
}

/* Fills the maker's texts from its tree; false when one does not fit. */
static bool texts_make(struct maker *maker)
{
	struct str header = mime_part_header(maker->root, maker->message);
	size_t header_bytes = maker->limits->header_bytes;

	header = str_sub(header, 0, header_bytes);
	message_envelope_write(&maker->envelope, &maker->arena, header);
	message_structure_write(&maker->body, &maker->arena, maker->message, maker->root,
				header_bytes, false);
	message_structure_write(&maker->structure, &maker->arena, maker->message, maker->root,
				header_bytes, true);
	parts_make(maker);
	keys_make(maker, header);
	return !maker->envelope.failed && !maker->body.failed && !maker->structure.failed &&
	       !maker->parts.failed;
}

static void maker_init(struct maker *maker, struct str message, const struct mime_limits *limits,
		       size_t max)
{
	*maker = (struct maker){.message = message, .limits = limits};
	arena_init(&maker->arena, TREE_BYTES_MAX);
	buf_init(&maker->envelope, max);
	buf_init(&maker->body, max);
	buf_init(&maker->structure, max);
	buf_init(&maker->parts, max);
	for (int key = 0; key < MESSAGE_KEY_COUNT; key++)
		buf_init(&maker->keys[key], 8 * KEY_SOURCE_MAX);
}

static void maker_done(struct maker *maker)
{
	arena_rewind(&maker->arena);
	buf_done(&maker->envelope);
	buf_done(&maker->body);
	buf_done(&maker->structure);
	buf_done(&maker->parts);
	for (int key = 0; key < MESSAGE_KEY_COUNT; key++)
		buf_done(&maker->keys[key]);
}

/* Appends the blob; false, and nothing appended, when it does not fit. */
static bool blob_write(const struct maker *maker, struct buf *to)
{
	size_t before = to->len;

	head_write(maker, to);
	buf_append_str(to, buf_str(&maker->envelope));
	buf_append_str(to, buf_str(&maker->body));
	buf_append_str(to, buf_str(&maker->structure));
	buf_append_str(to, buf_str(&maker->parts));
	for (int key = 0; key < MESSAGE_KEY_COUNT; key++)
		buf_append_str(to, buf_str(&maker->keys[key]));
	if (!to->failed)
		return true;
	buf_truncate(to, before);
	to->failed = false;
	return false;
}

/* What is left when the full summary does not fit. */
static bool partial_write(struct maker *maker, struct buf *to)
{
	struct str header = str_sub(maker->message, 0, maker->limits->header_bytes);

	maker->flags = FLAG_PARTIAL;
	for (int key = 0; key < MESSAGE_KEY_COUNT; key++)
		buf_reset(&maker->keys[key]);
	keys_make(maker, str_sub(header, 0, message_header_length(header)));
	buf_done(&maker->envelope);
	buf_done(&maker->body);
	buf_done(&maker->structure);
	buf_done(&maker->parts);
	return blob_write(maker, to);
}

static enum fault summary_try(struct str message, const struct mime_limits *limits, unsigned flags,
			      struct buf *to)
{
	struct maker maker;

	maker_init(&maker, message, limits, to->max - to->len);
	maker.flags = flags;
	bool is_kept = mime_parse(&maker.arena, message, limits, &maker.root) == FAULT_NONE &&
		       texts_make(&maker) && blob_write(&maker, to);
	if (!is_kept && to->max < MESSAGE_SUMMARY_MAX)
		is_kept = partial_write(&maker, to);
	maker_done(&maker);
	return is_kept ? FAULT_NONE : FAULT_TOO_LARGE;
}

enum fault message_summary_make(struct str message, const struct mime_limits *limits,
				struct buf *summary_out)
{
	static const struct mime_limits simple = {
		.parts = 1, .depth = 0, .header_bytes = SIMPLE_HEADER_BYTES};

	enum fault fault = summary_try(message, limits, 0, summary_out);
	if (fault == FAULT_TOO_LARGE && summary_out->max >= MESSAGE_SUMMARY_MAX)
		fault = summary_try(message, &simple, FLAG_SIMPLIFIED, summary_out);
	return fault;
}

bool message_summary_read(struct str blob, struct message_summary *summary_out)
{
	struct cursor cursor = cursor_make(blob);
	struct message_summary summary = {0};
	uint8_t version = cursor_u8(&cursor);
	uint8_t flags = cursor_u8(&cursor);

	summary.has_sent = (flags & FLAG_SENT) != 0;
	summary.is_partial = (flags & FLAG_PARTIAL) != 0;
	summary.is_simplified = (flags & FLAG_SIMPLIFIED) != 0;
	summary.sent.zone_minutes = (int)cursor_u16(&cursor) - ZONE_BIAS;
	summary.sent.real_s = (int64_t)cursor_u64(&cursor);
	uint32_t lens[4];
	for (int i = 0; i < 4; i++)
		lens[i] = cursor_u32(&cursor);
	uint16_t key_lens[MESSAGE_KEY_COUNT];
	for (int key = 0; key < MESSAGE_KEY_COUNT; key++)
		key_lens[key] = cursor_u16(&cursor);
	summary.envelope = cursor_bytes(&cursor, lens[0]);
	summary.body = cursor_bytes(&cursor, lens[1]);
	summary.structure = cursor_bytes(&cursor, lens[2]);
	summary.parts = cursor_bytes(&cursor, lens[3]);
	for (int key = 0; key < MESSAGE_KEY_COUNT; key++) {
		summary.keys[key] = cursor_bytes(&cursor, key_lens[key]);
		summary.is_key_cut[key] = (flags & FLAG_KEY_CUT << key) != 0;
	}
	if (version != MESSAGE_SUMMARY_VERSION || !cursor_is_done(&cursor))
		return false;
	*summary_out = summary;
	return true;
}

/* One entry of the parts. */
struct part {
	enum mime_kind kind;
	uint64_t children;
	uint64_t header_from;
	uint64_t header_len;
	uint64_t body_len;
};

static uint64_t varint_take(struct cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		uint8_t byte = cursor_u8(cursor);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return value;
	}
	cursor_fail(cursor);
	return 0;
}

/* Takes one entry; false at the end or on damage. */
static bool part_take(struct cursor *cursor, struct part *part)
{
	uint64_t kind = varint_take(cursor);

	part->kind = (enum mime_kind)(kind & 3);
	part->children = kind >> 2;
	part->header_from = varint_take(cursor);
	part->header_len = varint_take(cursor);
	part->body_len = varint_take(cursor);
	return !cursor->failed;
}

/* Moves from just behind a part to its child number `number`, counted from 1, and takes it. */
static bool child_take(struct cursor *cursor, struct part *part, uint32_t number)
{
	if (number == 0 || number > part->children)
		return false;
	/* How many entries, with all that is inside them, lie before the wanted one. */
	uint64_t before = number - 1;
	while (before > 0) {
		if (!part_take(cursor, part))
			return false;
		before += part->children;
		before--;
	}
	return part_take(cursor, part);
}

/*
 * One number of a section: a child of a multipart, or of the multipart that a
 * message is or holds; the body of a message that is no multipart is its
 * number 1 (RFC 3501 section 6.4.5). `is_message`: the part is a whole message.
 */
static bool number_take(struct cursor *cursor, struct part *part, bool *is_message, uint32_t number)
{
	if (!*is_message && part->kind == MIME_MESSAGE) {
		if (!child_take(cursor, part, 1))
			return false;
		*is_message = true;
	}
	bool was_message = *is_message;
	*is_message = false;
	if (part->kind != MIME_MULTIPART)
		return was_message && number == 1;
	return child_take(cursor, part, number);
}

static bool section_range(struct cursor *cursor, struct part *part, bool is_message,
			  enum message_section section, struct message_range *range)
{
	if (section == MESSAGE_SECTION_HEADER || section == MESSAGE_SECTION_TEXT) {
		if (!is_message && (part->kind != MIME_MESSAGE || !child_take(cursor, part, 1)))
			return false;
		is_message = true;
	}
	bool is_header = section == MESSAGE_SECTION_HEADER || section == MESSAGE_SECTION_MIME;
	range->from = part->header_from + (is_header ? 0 : part->header_len);
	range->len = is_header ? part->header_len : part->body_len;
	if (section == MESSAGE_SECTION_WHOLE && is_message) {
		range->from = part->header_from;
		range->len = part->header_len + part->body_len;
	}
	return section != MESSAGE_SECTION_MIME || !is_message;
}

bool message_summary_section(const struct message_summary *summary, const uint32_t *path,
			     size_t path_len, enum message_section section,
			     struct message_range *range_out)
{
	struct cursor cursor = cursor_make(summary->parts);
	struct message_range range;
	struct part part;
	bool is_message = true;

	if (!part_take(&cursor, &part))
		return false;
	for (size_t i = 0; i < path_len; i++)
		if (!number_take(&cursor, &part, &is_message, path[i]))
			return false;
	if (!section_range(&cursor, &part, is_message, section, &range))
		return false;
	*range_out = range;
	return true;
}
