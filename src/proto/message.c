/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message.h"

struct str message_line_take(struct str *rest)
{
	size_t at = str_find_char(*rest, '\n');
	struct str line = at == STR_NONE ? *rest : str_sub(*rest, 0, at + 1);

	*rest = str_from(*rest, line.len);
	return line;
}

struct str message_line_strip(struct str line)
{
	if (line.len > 0 && line.ptr[line.len - 1] == '\n') {
		line.len--;
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
	}
	return line;
}

size_t message_header_length(struct str message)
{
	struct str rest = message;

	while (rest.len > 0) {
		struct str line = message_line_take(&rest);
		bool has_end = line.ptr[line.len - 1] == '\n';
		if (has_end && message_line_strip(line).len == 0)
			break;
	}
	return message.len - rest.len;
}

/* A line that begins with a blank continues the one before (RFC 5322 section 2.2.3). */
static struct str logical_line_take(struct str *rest)
{
	struct str all = message_line_take(rest);

	if (message_line_strip(all).len == 0)
		return all;
	while (rest->len > 0 && ascii_is_blank(rest->ptr[0]))
		all.len += message_line_take(rest).len;
	return all;
}

static bool is_field_name_char(char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

static bool field_split(struct str whole, struct message_field *field)
{
	struct str line = message_line_strip(whole);
	size_t name = 0;

	while (name < line.len && is_field_name_char(line.ptr[name]))
		name++;
	size_t colon = name;
	/* Blanks before the colon are obsolete, not wrong (RFC 5322 section 4.5). */
	while (colon < line.len && ascii_is_blank(line.ptr[colon]))
		colon++;
	if (name == 0 || colon == line.len || line.ptr[colon] != ':')
		return false;
	*field = (struct message_field){.name = str_sub(line, 0, name),
					.value = str_from(line, colon + 1),
					.whole = whole};
	return true;
}

bool message_field_next(struct str *rest, struct message_field *field_out)
{
	while (rest->len > 0) {
		struct str whole = logical_line_take(rest);
		if (message_line_strip(whole).len == 0)
			break;
		if (field_split(whole, field_out))
			return true;
	}
	*rest = str_from(*rest, rest->len);
	return false;
}

bool message_field_find(struct str header, struct str name, struct str *value_out)
{
	struct message_field field;

	while (message_field_next(&header, &field))
		if (str_equals_nocase(field.name, name)) {
			*value_out = field.value;
			return true;
		}
	return false;
}

static bool is_not_space(char c)
{
	return !ascii_is_space(c);
}

static void append_without(struct buf *to, struct str text, char unwanted)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != unwanted)
			buf_append_char(to, text.ptr[i] == '\0' ? ' ' : text.ptr[i]);
}

void message_value_unfold(struct buf *to, struct str value)
{
	struct cursor cursor = cursor_make(str_trim(value));

	while (cursor_left(&cursor) > 0) {
		append_without(to, cursor_take_while(&cursor, is_not_space), '\r');
		struct str blanks = cursor_take_while(&cursor, ascii_is_space);
		if (str_find_char(blanks, '\n') != STR_NONE)
			buf_append_char(to, ' ');
		else
			append_without(to, blanks, '\r');
	}
}

struct str message_value_unfold_dup(struct arena *arena, struct str value)
{
	struct buf text = BUF_INIT(value.len + 1);

	message_value_unfold(&text, value);
	struct str copy = arena_dup(arena, buf_str(&text));
	buf_done(&text);
	return copy;
}

/* The cursor stands behind the opening parenthesis. Comments nest; a missing end is forgiven. */
static struct str comment_take(struct cursor *cursor)
{
	const char *from = cursor->at;
	size_t depth = 1;

	while (cursor_left(cursor) > 0) {
		char c = *cursor->at++;
		if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return str_make(from, (size_t)(cursor->at - from) - 1);
		else if (c == '\\' && cursor_left(cursor) > 0)
			cursor->at++;
	}
	return str_make(from, (size_t)(cursor->at - from));
}

void message_cfws_skip(struct cursor *cursor, struct str *comment_out)
{
	for (;;) {
		cursor_take_while(cursor, ascii_is_space);
		if (!cursor_take_char(cursor, '('))
			return;
		struct str comment = comment_take(cursor);
		if (comment_out != NULL)
			*comment_out = comment;
	}
}

void message_quoted_take(struct cursor *cursor, struct buf *to)
{
	cursor_take_char(cursor, '"');
	while (cursor_left(cursor) > 0) {
		char c = *cursor->at++;
		if (c == '"')
			return;
		if (c == '\\' && cursor_left(cursor) > 0)
			c = *cursor->at++;
		if (c != '\r' && c != '\n')
			buf_append_char(to, c == '\0' ? ' ' : c);
	}
}

static bool is_one_of(char c, struct str set)
{
	return str_find_char(set, c) != STR_NONE;
}

bool message_is_token_char(char c)
{
	return c != ' ' && !ascii_is_control(c) && !is_one_of(c, STR("()<>@,;:\\\"/[]?="));
}

bool message_is_atom_char(char c)
{
	return c != ' ' && !ascii_is_control(c) && !is_one_of(c, STR("()<>[]:;@\\,.\""));
}

void message_field_append(struct buf *to, struct str header, struct str name, size_t max)
{
	struct str value;

	if (message_field_find(header, name, &value))
		message_value_unfold(to, str_sub(value, 0, max));
}

void message_id_append(struct buf *to, struct str header, size_t max)
{
	struct buf value = BUF_INIT(max);

	message_field_append(&value, header, STR("Message-ID"), max);
	struct str id = buf_str(&value);
	if (id.len >= 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>')
		id = str_sub(id, 1, id.len - 2);
	buf_append_str(to, id);
	buf_done(&value);
}

size_t message_hops_count(struct str header)
{
	struct message_field field;
	size_t count = 0;

	while (message_field_next(&header, &field))
		if (str_equals_nocase(field.name, STR("Received")))
			count++;
	return count;
}
