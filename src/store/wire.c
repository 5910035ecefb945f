/* SPDX-License-Identifier: Apache-2.0 */
#include "store/wire.h"

void wire_put_u8(struct buf *to, uint8_t value)
{
	buf_append_char(to, (char)value);
}

void wire_put_u32(struct buf *to, uint32_t value)
{
	unsigned char raw[4];

	wire_store_u32(raw, value);
	buf_append(to, raw, sizeof(raw));
}

void wire_put_u64(struct buf *to, uint64_t value)
{
	unsigned char raw[8];

	wire_store_u64(raw, value);
	buf_append(to, raw, sizeof(raw));
}

void wire_put_text(struct buf *to, struct str text)
{
	wire_put_u32(to, (uint32_t)text.len);
	buf_append_str(to, text);
}

struct str wire_take_text(struct cursor *from)
{
	return cursor_bytes(from, cursor_u32(from));
}

void wire_put_texts(struct buf *to, const struct str *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		wire_put_text(to, texts[i]);
}

static void put_short(struct buf *to, uint32_t value)
{
	while (value >= 0x80) {
		wire_put_u8(to, (uint8_t)(value | 0x80));
		value >>= 7;
	}
	wire_put_u8(to, (uint8_t)value);
}

static uint32_t take_short(struct cursor *from)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 35; shift += 7) {
		uint8_t byte = cursor_u8(from);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			if (value > UINT32_MAX)
				cursor_fail(from);
			return (uint32_t)value;
		}
	}
	cursor_fail(from);
	return 0;
}

void wire_put_set(struct buf *to, const struct uid_set *set)
{
	uint32_t last = 0;

	for (size_t i = 0; i < set->count; i++) {
		put_short(to, set->ranges[i].first - last);
		put_short(to, set->ranges[i].last - set->ranges[i].first);
		last = set->ranges[i].last;
	}
}

enum fault wire_take_set(struct str text, struct uid_set *set_out)
{
	struct cursor from = cursor_make(text);
	uint64_t last = 0;

	while (cursor_left(&from) > 0) {
		uint32_t distance = take_short(&from);
		uint64_t first = last + distance;
		last = first + take_short(&from);
		if (from.failed || distance == 0 || last > UINT32_MAX)
			return FAULT_INVALID;
		uid_set_add(set_out, (uint32_t)first, (uint32_t)last);
	}
	return from.failed ? FAULT_INVALID : FAULT_NONE;
}
