/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

struct str cursor_bytes(struct cursor *cursor, size_t len)
{
	if (len > cursor_left(cursor)) {
		cursor->failed = true;
		return str_make(NULL, 0);
	}
	struct str bytes = str_make(cursor->at, len);
	if (len > 0)
		cursor->at += len;
	return bytes;
}

static uint64_t number_take(struct cursor *cursor, size_t bytes)
{
	struct str raw = cursor_bytes(cursor, bytes);
	uint64_t value = 0;

	for (size_t i = 0; i < raw.len; i++)
		value = value << 8 | (unsigned char)raw.ptr[i];
	return value;
}

uint8_t cursor_u8(struct cursor *cursor)
{
	return (uint8_t)number_take(cursor, 1);
}

uint16_t cursor_u16(struct cursor *cursor)
{
	return (uint16_t)number_take(cursor, 2);
}

uint32_t cursor_u24(struct cursor *cursor)
{
	return (uint32_t)number_take(cursor, 3);
}

uint32_t cursor_u32(struct cursor *cursor)
{
	return (uint32_t)number_take(cursor, 4);
}

uint64_t cursor_u64(struct cursor *cursor)
{
	return number_take(cursor, 8);
}

bool cursor_take_char(struct cursor *cursor, char wanted)
{
	if (cursor_peek(cursor) != (unsigned char)wanted)
		return false;
	cursor->at++;
	return true;
}

bool cursor_take_str(struct cursor *cursor, struct str wanted)
{
	if (!str_has_prefix(cursor_rest(cursor), wanted))
		return false;
	cursor->at += wanted.len;
	return true;
}

bool cursor_take_nocase(struct cursor *cursor, struct str wanted)
{
	if (!str_has_prefix_nocase(cursor_rest(cursor), wanted))
		return false;
	cursor->at += wanted.len;
	return true;
}

struct str cursor_take_while(struct cursor *cursor, bool (*is_member)(char))
{
	struct str rest = cursor_rest(cursor);
	size_t len = 0;

	while (len < rest.len && is_member(rest.ptr[len]))
		len++;
	return cursor_bytes(cursor, len);
}

uint64_t cursor_number(struct cursor *cursor, uint64_t max)
{
	struct str digits = cursor_take_while(cursor, ascii_is_digit);
	uint64_t value = 0;

	if (!str_parse_u64(digits, max, &value))
		cursor->failed = true;
	return cursor->failed ? 0 : value;
}
