/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/imap_write.h"

/* Clients have line buffers: longer texts go as literals. */
enum { QUOTED_MAX = 4096 };

bool imap_is_atom_char(char c)
{
	return imap_is_astring_char(c) && c != ']';
}

bool imap_is_astring_char(char c)
{
	switch (c) {
	case '(': case ')': case '{': case ' ': case '%': case '*': case '"': case '\\':
		return false;
	default:
		return !ascii_is_control(c) && (unsigned char)c < 0x80;
	}
}

/* Counts the bytes that want a backslash; false when the text may not be quoted. */
static bool quoted_measure(struct str text, size_t *escapes)
{
	if (text.len > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c == '\r' || c == '\n' || c == '\0' || c >= 0x80)
			return false;
		*escapes += c == '"' || c == '\\';
	}
	return true;
}

static void append_escaped(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			buf_append_char(to, '\\');
		buf_append_char(to, text.ptr[i]);
	}
}

static void append_literal(struct buf *to, struct str text)
{
	buf_append_char(to, '{');
	buf_append_u64(to, text.len);
	buf_append_c(to, "}\r\n");
	char *at = text.len == 0 ? NULL : buf_reserve(to, text.len);
	if (at == NULL)
		return;
	for (size_t i = 0; i < text.len; i++)
		at[i] = text.ptr[i] == '\0' ? ' ' : text.ptr[i];
	buf_commit(to, text.len);
}

void imap_string_write(struct buf *to, struct str text)
{
	size_t escapes = 0;

	if (!quoted_measure(text, &escapes)) {
		append_literal(to, text);
		return;
	}
	buf_append_char(to, '"');
	if (escapes == 0)
		buf_append_str(to, text);
	else
		append_escaped(to, text);
	buf_append_char(to, '"');
}

void imap_nstring_write(struct buf *to, struct str text)
{
	if (text.ptr == NULL)
		buf_append_c(to, "NIL");
	else
		imap_string_write(to, text);
}

void imap_astring_write(struct buf *to, struct str text)
{
	bool is_atom = text.len > 0 && !str_equals_nocase(text, STR("NIL"));

	for (size_t i = 0; i < text.len && is_atom; i++)
		is_atom = imap_is_astring_char(text.ptr[i]);
	if (is_atom)
		buf_append_str(to, text);
	else
		imap_string_write(to, text);
}
