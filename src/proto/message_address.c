/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message_address.h"

#include "proto/message.h"

/*
 * Reading goes in runs of words: `words` collects what may be a display name,
 * a group's name or a local part, until a special character tells which.
 */
struct reader {
	struct cursor cursor;
	struct arena *arena;
	struct message_address *first;
	struct message_address **tail;
	size_t left; /* entries that may still be made */
	struct buf words;
	struct str comment;
	bool in_group;
	bool has_quoted; /* `words` holds a quoted string */
};

/* How far the end of a route or a domain literal is looked for. */
enum { ROUTE_MAX = 1024, LITERAL_MAX = 256 };

/* Adds an entry; NULL, and the end of the reading, when there may be no more. */
static struct message_address *entry_add(struct reader *reader, enum message_address_kind kind)
{
	struct message_address *entry = NULL;

	if (reader->left > 0)
		entry = arena_new(reader->arena, struct message_address);
	if (entry == NULL) {
		cursor_fail(&reader->cursor);
		return NULL;
	}
	reader->left--;
	entry->kind = kind;
	*reader->tail = entry;
	reader->tail = &entry->next;
	return entry;
}

static struct str text_keep(struct reader *reader, struct str text)
{
	struct str copy = arena_dup(reader->arena, text);

	if (copy.ptr == NULL)
		cursor_fail(&reader->cursor);
	return copy;
}

static void words_clear(struct reader *reader)
{
	buf_reset(&reader->words);
	reader->comment = str_make(NULL, 0);
	reader->has_quoted = false;
}

/* A name, or where there is none the comment: `joe@example.org (Joe)`. */
static struct str name_keep(struct reader *reader, struct str name)
{
	if (name.len > 0)
		return text_keep(reader, name);
	if (reader->comment.len > 0)
		return message_value_unfold_dup(reader->arena, reader->comment);
	return str_make(NULL, 0);
}

/* Skips blanks and comments, of which one blank is kept between two words. */
static void gap_take(struct reader *reader)
{
	const char *from = reader->cursor.at;

	message_cfws_skip(&reader->cursor, &reader->comment);
	if (reader->cursor.at != from && reader->words.len > 0 && cursor_left(&reader->cursor) > 0)
		buf_append_char(&reader->words, ' ');
}

/* Takes a word, or a special character that nobody else wanted, into `words`. */
static void word_take(struct reader *reader)
{
	struct buf *words = &reader->words;

	if (cursor_peek(&reader->cursor) == '"') {
		reader->has_quoted = true;
		message_quoted_take(&reader->cursor, words);
		return;
	}
	struct str atom = cursor_take_while(&reader->cursor, message_is_atom_char);
	if (atom.len == 0)
		atom = cursor_bytes(&reader->cursor, 1);
	for (size_t i = 0; i < atom.len; i++)
		buf_append_char(words, ascii_is_control(atom.ptr[i]) ? ' ' : atom.ptr[i]);
}

/* The words as a display name or as a group's name. */
static struct str phrase_keep(struct reader *reader)
{
	return text_keep(reader, str_trim(buf_str(&reader->words)));
}

/* The words as a local part: `joe . q . public` is `joe.q.public` (RFC 5322 section 4.4). */
static struct str local_keep(struct reader *reader)
{
	struct str words = str_trim(buf_str(&reader->words));
	size_t kept = 0;
	char *at = (char *)(uintptr_t)words.ptr;

	for (size_t i = 0; i < words.len && !reader->has_quoted; i++) {
		bool is_next_to_dot = (i > 0 && words.ptr[i - 1] == '.') ||
				      (i + 1 < words.len && words.ptr[i + 1] == '.');
		if (words.ptr[i] != ' ' || !is_next_to_dot)
			at[kept++] = words.ptr[i];
	}
	return text_keep(reader, reader->has_quoted ? words : str_sub(words, 0, kept));
}

static struct str domain_literal_take(struct cursor *cursor)
{
	struct str rest = str_sub(cursor_rest(cursor), 0, LITERAL_MAX);
	size_t end = str_find_char(rest, ']');

	return cursor_bytes(cursor, end == STR_NONE ? rest.len : end + 1);
}

/* Takes a domain behind "@": a dot-atom with blanks and comments in it, or a literal. */
static struct str domain_take(struct reader *reader)
{
	struct cursor *cursor = &reader->cursor;
	struct buf domain = BUF_INIT(cursor_left(cursor) + 1);

	message_cfws_skip(cursor, &reader->comment);
	if (cursor_peek(cursor) == '[')
		message_value_unfold(&domain, domain_literal_take(cursor));
	for (bool is_more = true; is_more;) {
		buf_append_str(&domain, cursor_take_while(cursor, message_is_atom_char));
		message_cfws_skip(cursor, &reader->comment);
		is_more = cursor_take_char(cursor, '.');
		if (is_more)
			buf_append_char(&domain, '.');
		message_cfws_skip(cursor, &reader->comment);
	}
	struct str kept = text_keep(reader, buf_str(&domain));
	buf_done(&domain);
	return kept;
}

/* Takes `local@domain` whose local part stands in `words`. */
static void address_end(struct reader *reader, struct str name, struct str route)
{
	struct message_address *entry = entry_add(reader, MESSAGE_ADDRESS_MAILBOX);

	if (entry == NULL)
		return;
	entry->route = route;
	entry->local = local_keep(reader);
	entry->domain = str_make("", 0);
	if (cursor_take_char(&reader->cursor, '@'))
		entry->domain = domain_take(reader);
	message_cfws_skip(&reader->cursor, &reader->comment);
	entry->name = name_keep(reader, name);
}

/* Obsolete route, `@a,@b:` (RFC 5322 section 4.4); the cursor stands at its first "@". */
static struct str route_take(struct reader *reader)
{
	struct str rest = str_sub(cursor_rest(&reader->cursor), 0, ROUTE_MAX);
	size_t colon = str_find_char(rest, ':');
	size_t end = str_find_char(rest, '>');

	if (colon == STR_NONE || (end != STR_NONE && end < colon))
		return str_make(NULL, 0);
	struct str route = cursor_bytes(&reader->cursor, colon);
	cursor_bytes(&reader->cursor, 1);
	return message_value_unfold_dup(reader->arena, route);
}

/* Collects the words and dots of a local part until something else comes. */
static void local_take(struct reader *reader)
{
	for (;;) {
		gap_take(reader);
		int next = cursor_peek(&reader->cursor);
		if (next == -1 || next == '@' || next == '>' || next == ',' || next == ';')
			return;
		word_take(reader);
	}
}

static bool is_not_separator(char c)
{
	return c != ',' && c != ';' && c != '<' && c != '(';
}

/* Takes `<local@domain>` behind its bracket; `words` holds the display name. */
static void angle_take(struct reader *reader)
{
	struct str name = phrase_keep(reader);
	struct str route = str_make(NULL, 0);

	buf_reset(&reader->words);
	reader->has_quoted = false;
	message_cfws_skip(&reader->cursor, &reader->comment);
	if (cursor_peek(&reader->cursor) == '@')
		route = route_take(reader);
	local_take(reader);
	if (reader->words.len > 0 || name.len > 0 || cursor_peek(&reader->cursor) == '@')
		address_end(reader, name, route);
	/* Whatever still stands before the bracket is no address. */
	while (cursor_left(&reader->cursor) > 0 && !cursor_take_char(&reader->cursor, '>') &&
	       cursor_peek(&reader->cursor) != ',')
		cursor_bytes(&reader->cursor, 1);
	words_clear(reader);
	/* In `<a@b> words, ...` the words say nothing. */
	while (str_find_char(STR(",;<"), (char)cursor_peek(&reader->cursor)) == STR_NONE &&
	       cursor_left(&reader->cursor) > 0) {
		message_cfws_skip(&reader->cursor, NULL);
		cursor_take_while(&reader->cursor, is_not_separator);
	}
}

static void group_begin(struct reader *reader)
{
	struct message_address *entry = entry_add(reader, MESSAGE_ADDRESS_GROUP_BEGIN);

	if (entry != NULL)
		entry->name = phrase_keep(reader);
	reader->in_group = entry != NULL;
	words_clear(reader);
}

static void group_end(struct reader *reader)
{
	if (reader->in_group && entry_add(reader, MESSAGE_ADDRESS_GROUP_END) != NULL)
		reader->in_group = false;
}

/* At a separator: what was collected without any "@" is a mailbox without a domain. */
static void rest_flush(struct reader *reader)
{
	if (reader->words.len > 0)
		address_end(reader, str_make(NULL, 0), str_make(NULL, 0));
	words_clear(reader);
}

static void special_take(struct reader *reader, int special)
{
	if (special != '@')
		cursor_bytes(&reader->cursor, 1);
	switch (special) {
	case '<':
		angle_take(reader);
		return;
	case '@':
		address_end(reader, str_make(NULL, 0), str_make(NULL, 0));
		words_clear(reader);
		return;
	case ':':
		if (!reader->in_group && reader->words.len > 0)
			group_begin(reader);
		return;
	case ';':
		rest_flush(reader);
		group_end(reader);
		return;
	default:
		rest_flush(reader);
	}
}

struct message_address *message_addresses_parse(struct arena *arena, struct str value, size_t max)
{
	struct reader reader = {.cursor = cursor_make(str_trim(value)),
				.arena = arena,
				.words = BUF_INIT(2 * value.len + 2)};

	reader.tail = &reader.first;
	/* One entry is kept back for the end of a group that was cut off. */
	reader.left = max > 0 ? max - 1 : 0;
	for (;;) {
		gap_take(&reader);
		int next = cursor_peek(&reader.cursor);
		if (next == -1)
			break;
		if (str_find_char(STR("<@:;,"), (char)next) != STR_NONE)
			special_take(&reader, next);
		else
			word_take(&reader);
	}
	rest_flush(&reader);
	reader.left += max > 0;
	reader.cursor.failed = false;
	group_end(&reader);
	buf_done(&reader.words);
	return reader.first;
}
