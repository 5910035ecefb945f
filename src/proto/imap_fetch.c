/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of FETCH: items, macros and body sections (RFC 3501 section
 * 6.4.5), CHANGEDSINCE (RFC 7162 section 3.1.4.1).
 */
#include "proto/imap_parse.h"
#include "proto/imap_write.h"

struct item_row {
	struct str name;
	unsigned items;
};

/* Longer names before those that begin like them is not needed: words are taken whole. */
static const struct item_row item_rows[] = {
	{STR_INIT("FLAGS"), IMAP_FETCH_FLAGS},
	{STR_INIT("UID"), IMAP_FETCH_UID},
	{STR_INIT("INTERNALDATE"), IMAP_FETCH_INTERNALDATE},
	{STR_INIT("RFC822.SIZE"), IMAP_FETCH_SIZE},
	{STR_INIT("ENVELOPE"), IMAP_FETCH_ENVELOPE},
	{STR_INIT("BODYSTRUCTURE"), IMAP_FETCH_BODYSTRUCTURE},
	{STR_INIT("MODSEQ"), IMAP_FETCH_MODSEQ},
};

static const struct item_row macro_rows[] = {
	{STR_INIT("FAST"), IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE},
	{STR_INIT("ALL"), IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE |
				  IMAP_FETCH_ENVELOPE},
	{STR_INIT("FULL"), IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE |
				   IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY},
};

struct old_row {
	struct str name;
	enum imap_section_name section;
	enum imap_section_part part;
	bool is_peek;
};

static const struct old_row old_rows[] = {
	{STR_INIT("RFC822"), IMAP_SECTION_RFC822, IMAP_SECTION_WHOLE, false},
	{STR_INIT("RFC822.HEADER"), IMAP_SECTION_RFC822_HEADER, IMAP_SECTION_HEADER, true},
	{STR_INIT("RFC822.TEXT"), IMAP_SECTION_RFC822_TEXT, IMAP_SECTION_TEXT, false},
};

struct fetch_parser {
	struct imap_parser *parser;
	struct imap_fetch *fetch;
	struct imap_section **tail;
	size_t sections;
};

static struct imap_section *section_add(struct fetch_parser *fetch)
{
	struct imap_section *section = NULL;

	if (fetch->sections < IMAP_SECTIONS_MAX)
		section = arena_new(fetch->parser->arena, struct imap_section);
	if (section == NULL) {
		imap_parser_fail(fetch->parser, "too many body sections");
		return NULL;
	}
	fetch->sections++;
	*fetch->tail = section;
	fetch->tail = &section->next;
	return section;
}

/* Takes part numbers with their dots; what follows them is a section's word, or nothing. */
static void path_take(struct imap_parser *parser, struct imap_section *section)
{
	struct cursor *cursor = &parser->cursor;
	uint32_t path[IMAP_PATH_MAX];

	while (cursor_left(cursor) > 0 && ascii_is_digit((char)cursor_peek(cursor))) {
		uint32_t number = (uint32_t)cursor_number(cursor, UINT32_MAX);
		if (number == 0 || section->path_len == IMAP_PATH_MAX) {
			imap_parser_fail(parser, "no valid part number");
			return;
		}
		path[section->path_len++] = number;
		if (!cursor_take_char(cursor, '.'))
			break;
		if (cursor_peek(cursor) == ']')
			cursor_fail(cursor);
	}
	if (section->path_len == 0)
		return;
	section->path = arena_array(parser->arena, section->path_len, sizeof(*path));
	if (section->path == NULL)
		cursor_fail(cursor);
	else
		memcpy(section->path, path, section->path_len * sizeof(*path));
}

static void section_fields_take(struct imap_parser *parser, struct imap_section *section)
{
	imap_space_take(&parser->cursor);
	imap_words_take(parser, &section->fields, imap_astring_take, false);
}

static void section_word_take(struct imap_parser *parser, struct imap_section *section)
{
	struct cursor *cursor = &parser->cursor;

	if (cursor_take_nocase(cursor, STR("HEADER.FIELDS.NOT"))) {
		section->part = IMAP_SECTION_FIELDS_NOT;
		section_fields_take(parser, section);
	} else if (cursor_take_nocase(cursor, STR("HEADER.FIELDS"))) {
		section->part = IMAP_SECTION_FIELDS;
		section_fields_take(parser, section);
	} else if (cursor_take_nocase(cursor, STR("HEADER"))) {
		section->part = IMAP_SECTION_HEADER;
	} else if (cursor_take_nocase(cursor, STR("TEXT"))) {
		section->part = IMAP_SECTION_TEXT;
	} else if (section->path_len > 0 && cursor_take_nocase(cursor, STR("MIME"))) {
		section->part = IMAP_SECTION_MIME;
	} else {
		imap_parser_fail(parser, "unknown body section");
	}
}

/* Takes `<from.len>`. */
static void partial_take(struct cursor *cursor, struct imap_section *section)
{
	if (!cursor_take_char(cursor, '<'))
		return;
	section->is_partial = true;
	section->from = (uint32_t)cursor_number(cursor, UINT32_MAX);
	if (!cursor_take_char(cursor, '.'))
		cursor_fail(cursor);
	section->len = (uint32_t)cursor_number(cursor, UINT32_MAX);
	if (!cursor_take_char(cursor, '>') || section->len == 0)
		cursor_fail(cursor);
}

/* The cursor stands behind `BODY[` or `BODY.PEEK[`. */
static void section_take(struct fetch_parser *fetch, bool is_peek)
{
	struct cursor *cursor = &fetch->parser->cursor;
	struct imap_section *section = section_add(fetch);

	if (section == NULL)
		return;
	section->is_peek = is_peek;
	path_take(fetch->parser, section);
	bool ends_with_dot = section->path_len > 0 && cursor->at[-1] == '.';
	if (!cursor->failed && (ends_with_dot || section->path_len == 0) &&
	    cursor_peek(cursor) != ']')
		section_word_take(fetch->parser, section);
	if (!cursor_take_char(cursor, ']'))
		cursor_fail(cursor);
	partial_take(cursor, section);
}

static bool old_section_take(struct fetch_parser *fetch, struct str word)
{
	for (size_t i = 0; i < sizeof(old_rows) / sizeof(old_rows[0]); i++) {
		if (!str_equals_nocase(word, old_rows[i].name))
			continue;
		struct imap_section *section = section_add(fetch);
		if (section != NULL) {
			section->name = old_rows[i].section;
			section->part = old_rows[i].part;
			section->is_peek = old_rows[i].is_peek;
		}
		return true;
	}
	return false;
}

static unsigned row_find(const struct item_row *rows, size_t count, struct str word)
{
	for (size_t i = 0; i < count; i++)
		if (str_equals_nocase(word, rows[i].name))
			return rows[i].items;
	return 0;
}

static bool is_item_char(char c)
{
	return ascii_is_alnum(c) || c == '.';
}

static void item_take(struct fetch_parser *fetch)
{
	struct cursor *cursor = &fetch->parser->cursor;
	struct str word = cursor_take_while(cursor, is_item_char);
	unsigned items = row_find(item_rows, sizeof(item_rows) / sizeof(item_rows[0]), word);
	bool is_peek = str_equals_nocase(word, STR("BODY.PEEK"));

	if (items != 0)
		fetch->fetch->items |= items;
	else if ((is_peek || str_equals_nocase(word, STR("BODY"))) && cursor_take_char(cursor, '['))
		section_take(fetch, is_peek);
	else if (str_equals_nocase(word, STR("BODY")))
		fetch->fetch->items |= IMAP_FETCH_BODY;
	else if (!old_section_take(fetch, word))
		imap_parser_fail(fetch->parser, "unknown item");
}

static void items_take(struct fetch_parser *fetch)
{
	struct cursor *cursor = &fetch->parser->cursor;

	if (cursor_take_char(cursor, '(')) {
		do
			item_take(fetch);
		while (!cursor->failed && cursor_take_char(cursor, ' '));
		if (!cursor_take_char(cursor, ')'))
			cursor_fail(cursor);
		return;
	}
	struct cursor before = *cursor;
	struct str word = cursor_take_while(cursor, is_item_char);
	unsigned macro = row_find(macro_rows, sizeof(macro_rows) / sizeof(macro_rows[0]), word);
	if (macro != 0) {
		fetch->fetch->items |= macro;
		return;
	}
	*cursor = before;
	item_take(fetch);
}

/* Takes ` (CHANGEDSINCE n)`. */
static void modifier_take(struct imap_parser *parser, struct imap_fetch *fetch)
{
	struct cursor *cursor = &parser->cursor;

	if (!cursor_take_str(cursor, STR(" (")))
		return;
	if (!cursor_take_nocase(cursor, STR("CHANGEDSINCE ")))
		imap_parser_fail(parser, "unknown option");
	fetch->has_changed_since = true;
	fetch->changed_since = imap_modseq_take(cursor);
	/* RFC 7162: it implies MODSEQ. */
	fetch->items |= IMAP_FETCH_MODSEQ;
	if (!cursor_take_char(cursor, ')'))
		cursor_fail(cursor);
}

void imap_fetch_parse(struct imap_parser *parser, struct imap_command *command)
{
	struct fetch_parser fetch = {.parser = parser,
				     .fetch = &command->fetch,
				     .tail = &command->fetch.sections};

	imap_space_take(&parser->cursor);
	imap_set_take(&parser->cursor, parser->arena, &command->fetch.set);
	imap_space_take(&parser->cursor);
	items_take(&fetch);
	modifier_take(parser, &command->fetch);
	/* RFC 3501 section 6.4.8: the UID is always in the answer of UID FETCH. */
	if (command->is_uid)
		command->fetch.items |= IMAP_FETCH_UID;
}

static void fields_write(struct buf *to, const struct imap_words *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		buf_append_char(to, i == 0 ? '(' : ' ');
		imap_astring_write(to, fields->items[i]);
	}
	buf_append_char(to, ')');
}

static void section_word_write(struct buf *to, const struct imap_section *section)
{
	static const char *const words[] = {
		[IMAP_SECTION_WHOLE] = "",
		[IMAP_SECTION_HEADER] = "HEADER",
		[IMAP_SECTION_FIELDS] = "HEADER.FIELDS ",
		[IMAP_SECTION_FIELDS_NOT] = "HEADER.FIELDS.NOT ",
		[IMAP_SECTION_TEXT] = "TEXT",
		[IMAP_SECTION_MIME] = "MIME",
	};

	if (section->path_len > 0 && section->part != IMAP_SECTION_WHOLE)
		buf_append_char(to, '.');
	buf_append_c(to, words[section->part]);
	if (section->part == IMAP_SECTION_FIELDS || section->part == IMAP_SECTION_FIELDS_NOT)
		fields_write(to, &section->fields);
}

void imap_section_write(struct buf *to, const struct imap_section *section)
{
	for (size_t i = 0; i < sizeof(old_rows) / sizeof(old_rows[0]); i++)
		if (section->name == old_rows[i].section) {
			buf_append_str(to, old_rows[i].name);
			return;
		}
	buf_append_c(to, "BODY[");
	for (size_t i = 0; i < section->path_len; i++) {
		if (i > 0)
			buf_append_char(to, '.');
		buf_append_u64(to, section->path[i]);
	}
	section_word_write(to, section);
	buf_append_char(to, ']');
	if (section->is_partial)
		buf_printf(to, "<%u>", section->from);
}
