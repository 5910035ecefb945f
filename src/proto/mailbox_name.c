/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/mailbox_name.h"

#include "base/cursor.h"

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int digit64_value(char c)
{
	const char *at = c == '\0' ? NULL : strchr(digits64, c);

	return at == NULL ? -1 : (int)(at - digits64);
}

static bool is_direct(uint32_t code)
{
	return code >= 0x20 && code <= 0x7e;
}

static void append_utf8(struct buf *to, uint32_t code)
{
	if (code < 0x80) {
		buf_append_char(to, (char)code);
		return;
	}
	int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
	buf_append_char(to, (char)(lead[more] | code >> 6 * more));
	while (more-- > 0)
		buf_append_char(to, (char)(0x80 | (code >> 6 * more & 0x3f)));
}

/* Joins UTF-16 units to characters; `high` is a first surrogate that waits for its second. */
static bool unit_take(struct buf *to, uint32_t unit, uint32_t *high)
{
	bool is_high = unit >= 0xd800 && unit < 0xdc00;
	bool is_low = unit >= 0xdc00 && unit < 0xe000;

	if (is_low != (*high != 0))
		return false;
	if (is_high) {
		*high = unit;
		return true;
	}
	uint32_t code = is_low ? 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00) : unit;
	*high = 0;
	/* What could have stood directly must (RFC 3501 section 5.1.3). */
	if (is_direct(code))
		return false;
	append_utf8(to, code);
	return true;
}

/* Takes the base64 behind "&" up to its "-". */
static bool shifted_take(struct cursor *cursor, struct buf *to)
{
	uint32_t bits = 0;
	uint32_t high = 0;
	int count = 0;
	bool is_empty = true;

	if (cursor_take_char(cursor, '-')) {
		buf_append_char(to, '&');
		return true;
	}
	while (!cursor_take_char(cursor, '-')) {
		int value = cursor_left(cursor) == 0 ? -1 : digit64_value((char)cursor_u8(cursor));
		if (value < 0)
			return false;
		is_empty = false;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count < 16)
			continue;
		count -= 16;
		if (!unit_take(to, bits >> count & 0xffff, &high))
			return false;
	}
	/* Bits left over must be fewer than a digit, and zero. */
	return !is_empty && high == 0 && count < 6 && (bits & ((1u << count) - 1)) == 0;
}

static bool name_decode(struct buf *to, struct str wire)
{
	struct cursor cursor = cursor_make(wire);
	bool after_shift = false;

	while (cursor_left(&cursor) > 0) {
		char c = (char)cursor_u8(&cursor);
		if (!is_direct((unsigned char)c))
			return false;
		if (c != '&') {
			buf_append_char(to, c);
			after_shift = false;
			continue;
		}
		/* "&AAA-&AAB-": two shifts in a row would be a second form of the same text. */
		bool is_shift = cursor_peek(&cursor) != '-';
		if ((is_shift && after_shift) || !shifted_take(&cursor, to))
			return false;
		after_shift = is_shift;
	}
	return !to->failed;
}

bool mailbox_name_decode(struct buf *to, struct str wire)
{
	size_t before = to->len;

	if (to->failed)
		return false;
	if (!name_decode(to, wire)) {
		buf_truncate(to, before);
		to->failed = false;
		return false;
	}
	struct str name = str_from(buf_str(to), before);
	bool has_inbox = str_has_prefix_nocase(name, STR("INBOX")) &&
			 (name.len == 5 || name.ptr[5] == MAILBOX_NAME_SEPARATOR);
	if (has_inbox)
		memcpy(to->data + before, "INBOX", 5);
	return true;
}

/* Decodes one character of well-formed UTF-8. */
static uint32_t code_take(struct cursor *cursor)
{
	uint32_t lead = cursor_u8(cursor);

	if (lead < 0x80)
		return lead;
	int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
	uint32_t code = lead & (0x3fu >> more);
	while (more-- > 0)
		code = code << 6 | (cursor_u8(cursor) & 0x3fu);
	return code;
}

struct encoder {
	struct buf *to;
	uint32_t bits;
	int count;
	bool is_shifted;
};

static void unit_append(struct encoder *encoder, uint32_t unit)
{
	encoder->bits = encoder->bits << 16 | unit;
	encoder->count += 16;
	while (encoder->count >= 6) {
		encoder->count -= 6;
		buf_append_char(encoder->to, digits64[encoder->bits >> encoder->count & 0x3f]);
	}
	encoder->bits &= (1u << encoder->count) - 1;
}

static void shift_end(struct encoder *encoder)
{
	if (!encoder->is_shifted)
		return;
	if (encoder->count > 0)
		buf_append_char(encoder->to,
				digits64[encoder->bits << (6 - encoder->count) & 0x3f]);
	buf_append_char(encoder->to, '-');
	encoder->bits = 0;
	encoder->count = 0;
	encoder->is_shifted = false;
}

static void code_append(struct encoder *encoder, uint32_t code)
{
	if (is_direct(code)) {
		shift_end(encoder);
		buf_append_char(encoder->to, (char)code);
		if (code == '&')
			buf_append_char(encoder->to, '-');
		return;
	}
	if (!encoder->is_shifted)
		buf_append_char(encoder->to, '&');
	encoder->is_shifted = true;
	if (code >= 0x10000) {
		unit_append(encoder, 0xd800 + ((code - 0x10000) >> 10 & 0x3ff));
		code = 0xdc00 + (code & 0x3ff);
	}
	unit_append(encoder, code & 0xffff);
}

void mailbox_name_encode(struct buf *to, struct str name)
{
	struct encoder encoder = {.to = to};
	struct cursor cursor = cursor_make(name);

	while (cursor_left(&cursor) > 0)
		code_append(&encoder, code_take(&cursor));
	shift_end(&encoder);
}

bool mailbox_name_is_inbox(struct str name)
{
	return str_equals_nocase(name, STR("INBOX"));
}

/*
 * Greedy with one step back: only the last `*` and the last `%` need to be
 * tried again, so the work is at most name times pattern.
 */
bool mailbox_name_matches(struct str name, struct str pattern)
{
	size_t n = 0, p = 0;
	size_t star_p = STR_NONE, star_n = 0;
	size_t percent_p = STR_NONE, percent_n = 0;

	while (n < name.len || p < pattern.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star_p = ++p;
			star_n = n;
			percent_p = STR_NONE;
		} else if (p < pattern.len && pattern.ptr[p] == '%') {
			percent_p = ++p;
			percent_n = n;
		} else if (n < name.len && p < pattern.len && name.ptr[n] == pattern.ptr[p]) {
			n++;
			p++;
		} else if (percent_p != STR_NONE && percent_n < name.len &&
			   name.ptr[percent_n] != MAILBOX_NAME_SEPARATOR) {
			n = ++percent_n;
			p = percent_p;
		} else if (star_p != STR_NONE && star_n < name.len) {
			n = ++star_n;
			p = star_p;
			percent_p = STR_NONE;
		} else {
			return false;
		}
	}
	return true;
}
