/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading bytes from the front of a view, with a sticky failure.
 *
 * Whoever reads past the end gets zeroes or empty views and `failed` is set;
 * a parser reads a whole struct and checks once. Binary integers are
 * big-endian. A cursor owns nothing.
 */
#ifndef POSTERN_BASE_CURSOR_H
#define POSTERN_BASE_CURSOR_H

#include "base/str.h"

struct cursor {
	const char *at;
	const char *end;
	bool failed;
};

static inline struct cursor cursor_make(struct str text)
{
	return (struct cursor){.at = text.ptr,
			       .end = text.ptr == NULL ? NULL : text.ptr + text.len};
}

static inline size_t cursor_left(const struct cursor *cursor)
{
	return cursor->failed ? 0 : (size_t)(cursor->end - cursor->at);
}

/* True when everything was read and nothing failed. */
static inline bool cursor_is_done(const struct cursor *cursor)
{
	return !cursor->failed && cursor->at == cursor->end;
}

/* What is left, without taking it. */
static inline struct str cursor_rest(const struct cursor *cursor)
{
	return str_make(cursor->at, cursor_left(cursor));
}

/* The next byte, or -1 at the end. Never fails. */
static inline int cursor_peek(const struct cursor *cursor)
{
	return cursor_left(cursor) == 0 ? -1 : (unsigned char)*cursor->at;
}

static inline void cursor_fail(struct cursor *cursor)
{
	cursor->failed = true;
}

struct str cursor_bytes(struct cursor *cursor, size_t len);
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u24(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);

/* Takes the byte or text if it comes next; false, and nothing taken, if not. */
bool cursor_take_char(struct cursor *cursor, char wanted);
bool cursor_take_str(struct cursor *cursor, struct str wanted);
bool cursor_take_nocase(struct cursor *cursor, struct str wanted);

/* Takes the longest run of bytes for which `is_member` holds; may be empty. */
struct str cursor_take_while(struct cursor *cursor, bool (*is_member)(char));

/* Takes 1 or more digits; fails on none or on a value above `max`. */
uint64_t cursor_number(struct cursor *cursor, uint64_t max);

#endif
