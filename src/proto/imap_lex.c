/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/imap_lex.h"

#include "proto/imap_write.h"

bool imap_literal_announced(struct str line, struct imap_literal *literal_out)
{
	struct imap_literal literal = {.is_sync = true};

	if (line.len < 3 || line.ptr[line.len - 1] != '}')
		return false;
	size_t open = str_find_last_char(line, '{');
	if (open == STR_NONE)
		return false;
	struct str digits = str_sub(line, open + 1, line.len - open - 2);
	if (digits.len > 0 && digits.ptr[digits.len - 1] == '+') {
		literal.is_sync = false;
		digits.len--;
	}
	if (digits.len == 0)
		return false;
	for (size_t i = 0; i < digits.len; i++)
		if (!ascii_is_digit(digits.ptr[i]))
			return false;
	if (!str_parse_u64(digits, UINT64_MAX, &literal.bytes))
		literal.bytes = UINT64_MAX;
	*literal_out = literal;
	return true;
}

void imap_space_take(struct cursor *cursor)
{
	if (!cursor_take_char(cursor, ' '))
		cursor_fail(cursor);
}

static struct str some_take(struct cursor *cursor, bool (*is_member)(char))
{
	struct str word = cursor_take_while(cursor, is_member);

	if (word.len == 0)
		cursor_fail(cursor);
	return word;
}

struct str imap_atom_take(struct cursor *cursor)
{
	return some_take(cursor, imap_is_atom_char);
}

static bool is_tag_char(char c)
{
	return imap_is_astring_char(c) && c != '+';
}

struct str imap_tag_take(struct cursor *cursor)
{
	return some_take(cursor, is_tag_char);
}

static struct str unescaped(struct cursor *cursor, struct arena *arena, struct str raw)
{
	struct str copy = arena_dup(arena, raw);
	char *to = (char *)(uintptr_t)copy.ptr;

	if (to == NULL) {
		cursor_fail(cursor);
		return copy;
	}
	copy.len = 0;
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '\\')
			i++;
		to[copy.len++] = raw.ptr[i];
	}
	return copy;
}

/* The cursor stands behind the opening quote. */
static struct str quoted_take(struct cursor *cursor, struct arena *arena)
{
	const char *from = cursor->at;
	bool has_escapes = false;

	while (cursor_left(cursor) > 0) {
		char c = *cursor->at;
		if (c == '\r' || c == '\n' || c == '\0')
			break;
		cursor->at++;
		if (c == '"') {
			struct str raw = str_make(from, (size_t)(cursor->at - from) - 1);
			return has_escapes ? unescaped(cursor, arena, raw) : raw;
		}
		if (c == '\\') {
			has_escapes = true;
			/* Only these two may be escaped (quoted-specials). */
			if (cursor_peek(cursor) != '"' && cursor_peek(cursor) != '\\')
				break;
			cursor->at++;
		}
	}
	cursor_fail(cursor);
	return str_make(NULL, 0);
}

/* The cursor stands behind the opening brace. */
static struct str literal_take(struct cursor *cursor)
{
	uint64_t bytes = cursor_number(cursor, SIZE_MAX);

	cursor_take_char(cursor, '+');
	if (!cursor_take_str(cursor, STR("}\r\n")))
		cursor_fail(cursor);
	struct str text = cursor_bytes(cursor, bytes);
	/* CHAR8: a literal holds any byte but NUL. */
	if (str_find_char(text, '\0') != STR_NONE)
		cursor_fail(cursor);
	return text;
}

struct str imap_string_take(struct cursor *cursor, struct arena *arena)
{
	if (cursor_take_char(cursor, '"'))
		return quoted_take(cursor, arena);
	if (cursor_take_char(cursor, '{'))
		return literal_take(cursor);
	cursor_fail(cursor);
	return str_make(NULL, 0);
}

static bool begins_string(const struct cursor *cursor)
{
	int next = cursor_peek(cursor);

	return next == '"' || next == '{';
}

struct str imap_astring_take(struct cursor *cursor, struct arena *arena)
{
	if (begins_string(cursor))
		return imap_string_take(cursor, arena);
	return some_take(cursor, imap_is_astring_char);
}

static bool is_list_char(char c)
{
	return imap_is_astring_char(c) || c == '%' || c == '*';
}

struct str imap_list_mailbox_take(struct cursor *cursor, struct arena *arena)
{
	if (begins_string(cursor))
		return imap_string_take(cursor, arena);
	return some_take(cursor, is_list_char);
}

struct str imap_nstring_take(struct cursor *cursor, struct arena *arena)
{
	if (imap_word_take(cursor, STR("NIL")))
		return str_make(NULL, 0);
	return imap_string_take(cursor, arena);
}

uint64_t imap_modseq_take(struct cursor *cursor)
{
	return cursor_number(cursor, INT64_MAX);
}

bool imap_word_take(struct cursor *cursor, struct str word)
{
	struct cursor before = *cursor;

	if (!cursor_take_nocase(cursor, word))
		return false;
	int next = cursor_peek(cursor);
	if (next == -1 || !imap_is_atom_char((char)next))
		return true;
	*cursor = before;
	return false;
}
