/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime_decode.h"

#include "base/encode.h"

enum mime_encoding mime_encoding_from_name(struct str name)
{
	if (str_equals_nocase(name, STR("base64")))
		return MIME_ENCODING_BASE64;
	if (str_equals_nocase(name, STR("quoted-printable")))
		return MIME_ENCODING_QUOTED_PRINTABLE;
	return MIME_ENCODING_IDENTITY;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

void mime_base64_decode(struct buf *to, struct str text)
{
	uint32_t bits = 0;
	int count = 0;

	for (size_t i = 0; i < text.len; i++) {
		/* Padding in the middle ends a group: joined texts are common. */
		if (text.ptr[i] == '=')
			count = 0;
		int value = base64_value(text.ptr[i]);
		if (value < 0)
			continue;
		bits = bits << 6 | (uint32_t)value;
		if (++count > 1)
			buf_append_char(to, (char)(bits >> (count == 2 ? 4 : count == 3 ? 2 : 0)));
		count %= 4;
	}
}

/*
 * The length of the line end at `at`, after blanks that transport may have added; 0 if
 * there is none.
 */
static size_t soft_break_length(struct str text, size_t at)
{
	size_t i = at;

	while (i < text.len && (ascii_is_blank(text.ptr[i]) || text.ptr[i] == '\r'))
		i++;
	if (i == text.len)
		return i - at;
	return text.ptr[i] == '\n' ? i + 1 - at : 0;
}

void mime_quoted_printable_decode(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c != '=') {
			buf_append_char(to, c);
			continue;
		}
		int high = i + 2 < text.len ? hex_digit_value(text.ptr[i + 1]) : -1;
		int low = high >= 0 ? hex_digit_value(text.ptr[i + 2]) : -1;
		size_t soft = low < 0 ? soft_break_length(text, i + 1) : 0;
		if (low >= 0) {
			buf_append_char(to, (char)(high << 4 | low));
			i += 2;
		} else if (soft > 0) {
			i += soft;
		} else if (i + 1 < text.len) {
			buf_append_char(to, c);
		}
	}
}

void mime_decode(struct buf *to, enum mime_encoding encoding, struct str text)
{
	switch (encoding) {
	case MIME_ENCODING_BASE64:
		mime_base64_decode(to, text);
		return;
	case MIME_ENCODING_QUOTED_PRINTABLE:
		mime_quoted_printable_decode(to, text);
		return;
	case MIME_ENCODING_IDENTITY:
		break;
	}
	buf_append_str(to, text);
}
