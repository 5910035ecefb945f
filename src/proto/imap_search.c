/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of SEARCH (RFC 3501 section 6.4.4, RFC 4731, RFC 7162 section
 * 3.1.5): a tree of keys, bounded in number and depth.
 */
#include "proto/imap_parse.h"
#include "proto/imap_write.h"
#include "proto/message_date.h"

enum argument {
	ARGUMENT_NONE,
	ARGUMENT_TEXT,
	ARGUMENT_HEADER,
	ARGUMENT_KEYWORD,
	ARGUMENT_DATE,
	ARGUMENT_NUMBER,
	ARGUMENT_MODSEQ,
	ARGUMENT_SET,
	ARGUMENT_KEY,  /* one key */
	ARGUMENT_KEYS, /* two keys */
};

struct key_row {
	struct str word;
	enum imap_key_kind kind;
	enum argument argument;
	unsigned flags;
};

static const struct key_row key_rows[] = {
	{STR_INIT("ALL"), IMAP_KEY_ALL, ARGUMENT_NONE, 0},
	{STR_INIT("ANSWERED"), IMAP_KEY_FLAG, ARGUMENT_NONE, IMAP_FLAG_ANSWERED},
	{STR_INIT("BCC"), IMAP_KEY_BCC, ARGUMENT_TEXT, 0},
	{STR_INIT("BEFORE"), IMAP_KEY_BEFORE, ARGUMENT_DATE, 0},
	{STR_INIT("BODY"), IMAP_KEY_BODY, ARGUMENT_TEXT, 0},
	{STR_INIT("CC"), IMAP_KEY_CC, ARGUMENT_TEXT, 0},
	{STR_INIT("DELETED"), IMAP_KEY_FLAG, ARGUMENT_NONE, IMAP_FLAG_DELETED},
	{STR_INIT("DRAFT"), IMAP_KEY_FLAG, ARGUMENT_NONE, IMAP_FLAG_DRAFT},
	{STR_INIT("FLAGGED"), IMAP_KEY_FLAG, ARGUMENT_NONE, IMAP_FLAG_FLAGGED},
	{STR_INIT("FROM"), IMAP_KEY_FROM, ARGUMENT_TEXT, 0},
	{STR_INIT("HEADER"), IMAP_KEY_HEADER, ARGUMENT_HEADER, 0},
	{STR_INIT("KEYWORD"), IMAP_KEY_KEYWORD, ARGUMENT_KEYWORD, 0},
	{STR_INIT("LARGER"), IMAP_KEY_LARGER, ARGUMENT_NUMBER, 0},
	{STR_INIT("MODSEQ"), IMAP_KEY_MODSEQ, ARGUMENT_MODSEQ, 0},
	{STR_INIT("NEW"), IMAP_KEY_NEW, ARGUMENT_NONE, 0},
	{STR_INIT("NOT"), IMAP_KEY_NOT, ARGUMENT_KEY, 0},
	{STR_INIT("OLD"), IMAP_KEY_NOT_FLAG, ARGUMENT_NONE, IMAP_FLAG_RECENT},
	{STR_INIT("ON"), IMAP_KEY_ON, ARGUMENT_DATE, 0},
	{STR_INIT("OR"), IMAP_KEY_OR, ARGUMENT_KEYS, 0},
	{STR_INIT("RECENT"), IMAP_KEY_FLAG, ARGUMENT_NONE, IMAP_FLAG_RECENT},
	{STR_INIT("SEEN"), IMAP_KEY_FLAG, ARGUMENT_NONE, IMAP_FLAG_SEEN},
	{STR_INIT("SENTBEFORE"), IMAP_KEY_SENT_BEFORE, ARGUMENT_DATE, 0},
	{STR_INIT("SENTON"), IMAP_KEY_SENT_ON, ARGUMENT_DATE, 0},
	{STR_INIT("SENTSINCE"), IMAP_KEY_SENT_SINCE, ARGUMENT_DATE, 0},
	{STR_INIT("SINCE"), IMAP_KEY_SINCE, ARGUMENT_DATE, 0},
	{STR_INIT("SMALLER"), IMAP_KEY_SMALLER, ARGUMENT_NUMBER, 0},
	{STR_INIT("SUBJECT"), IMAP_KEY_SUBJECT, ARGUMENT_TEXT, 0},
	{STR_INIT("TEXT"), IMAP_KEY_TEXT, ARGUMENT_TEXT, 0},
	{STR_INIT("TO"), IMAP_KEY_TO, ARGUMENT_TEXT, 0},
	{STR_INIT("UID"), IMAP_KEY_UID, ARGUMENT_SET, 0},
	{STR_INIT("UNANSWERED"), IMAP_KEY_NOT_FLAG, ARGUMENT_NONE, IMAP_FLAG_ANSWERED},
	{STR_INIT("UNDELETED"), IMAP_KEY_NOT_FLAG, ARGUMENT_NONE, IMAP_FLAG_DELETED},
	{STR_INIT("UNDRAFT"), IMAP_KEY_NOT_FLAG, ARGUMENT_NONE, IMAP_FLAG_DRAFT},
	{STR_INIT("UNFLAGGED"), IMAP_KEY_NOT_FLAG, ARGUMENT_NONE, IMAP_FLAG_FLAGGED},
	{STR_INIT("UNKEYWORD"), IMAP_KEY_NOT_KEYWORD, ARGUMENT_KEYWORD, 0},
	{STR_INIT("UNSEEN"), IMAP_KEY_NOT_FLAG, ARGUMENT_NONE, IMAP_FLAG_SEEN},
};

struct search_parser {
	struct imap_parser *parser;
	struct imap_search *search;
	size_t keys;
	size_t depth;
};

static struct imap_key *key_new(struct search_parser *search, enum imap_key_kind kind)
{
	struct imap_key *key = NULL;

	if (search->keys < IMAP_SEARCH_MAX)
		key = arena_new(search->parser->arena, struct imap_key);
	if (key == NULL) {
		imap_parser_fail(search->parser, "too many search keys");
		return NULL;
	}
	search->keys++;
	key->kind = kind;
	return key;
}

/* Takes `1-Feb-1994`, with or without quotes. */
static int64_t date_take(struct imap_parser *parser)
{
	int64_t real_s = 0;

	if (!imap_date_parse(imap_astring_take(&parser->cursor, parser->arena), &real_s))
		imap_parser_fail(parser, "no valid date");
	return real_s;
}

/* Takes `["name" type] number`: the entry is of no use here (RFC 7162 section 3.1.5). */
static int64_t modseq_take(struct search_parser *search)
{
	struct imap_parser *parser = search->parser;

	if (cursor_peek(&parser->cursor) == '"') {
		imap_string_take(&parser->cursor, parser->arena);
		imap_space_take(&parser->cursor);
		imap_atom_take(&parser->cursor);
		imap_space_take(&parser->cursor);
	}
	search->search->has_modseq = true;
	return (int64_t)imap_modseq_take(&parser->cursor);
}

static struct imap_key *key_take(struct search_parser *search);

/* Takes `count` keys, each behind a blank, as children. */
static void children_take(struct search_parser *search, struct imap_key *key, int count)
{
	struct imap_key **tail = &key->child;

	for (int i = 0; i < count && !search->parser->cursor.failed; i++) {
		if (i > 0)
			imap_space_take(&search->parser->cursor);
		*tail = key_take(search);
		if (*tail == NULL)
			return;
		tail = &(*tail)->next;
	}
}

static void argument_take(struct search_parser *search, struct imap_key *key,
			  enum argument argument)
{
	struct imap_parser *parser = search->parser;
	struct cursor *cursor = &parser->cursor;

	if (argument != ARGUMENT_NONE)
		imap_space_take(cursor);
	switch (argument) {
	case ARGUMENT_NONE:
		return;
	case ARGUMENT_HEADER:
		key->name = imap_astring_take(cursor, parser->arena);
		imap_space_take(cursor);
		key->text = imap_astring_take(cursor, parser->arena);
		return;
	case ARGUMENT_TEXT:
		key->text = imap_astring_take(cursor, parser->arena);
		return;
	case ARGUMENT_KEYWORD:
		key->text = imap_atom_take(cursor);
		return;
	case ARGUMENT_DATE:
		key->number = date_take(parser);
		return;
	case ARGUMENT_NUMBER:
		key->number = (int64_t)cursor_number(cursor, INT64_MAX);
		return;
	case ARGUMENT_MODSEQ:
		key->number = modseq_take(search);
		return;
	case ARGUMENT_SET:
		imap_set_take(cursor, parser->arena, &key->set);
		return;
	case ARGUMENT_KEY:
		children_take(search, key, 1);
		return;
	case ARGUMENT_KEYS:
		children_take(search, key, 2);
		return;
	}
}

/* Takes keys separated by blanks as children of an AND. */
static void keys_take(struct search_parser *search, struct imap_key *parent)
{
	struct imap_key **tail = &parent->child;

	do {
		*tail = key_take(search);
		if (*tail == NULL)
			return;
		tail = &(*tail)->next;
	} while (cursor_take_char(&search->parser->cursor, ' '));
}

static struct imap_key *group_take(struct search_parser *search)
{
	struct imap_key *key = key_new(search, IMAP_KEY_AND);

	if (key == NULL)
		return NULL;
	keys_take(search, key);
	if (!cursor_take_char(&search->parser->cursor, ')'))
		cursor_fail(&search->parser->cursor);
	return key;
}

static struct imap_key *sequence_take(struct search_parser *search)
{
	struct imap_key *key = key_new(search, IMAP_KEY_SEQUENCE);

	if (key != NULL)
		imap_set_take(&search->parser->cursor, search->parser->arena, &key->set);
	return key;
}

static struct imap_key *word_take(struct search_parser *search)
{
	struct str word = imap_atom_take(&search->parser->cursor);

	for (size_t i = 0; i < sizeof(key_rows) / sizeof(key_rows[0]); i++) {
		if (!str_equals_nocase(word, key_rows[i].word))
			continue;
		struct imap_key *key = key_new(search, key_rows[i].kind);
		if (key == NULL)
			return NULL;
		key->flags = key_rows[i].flags;
		argument_take(search, key, key_rows[i].argument);
		return key;
	}
	imap_parser_fail(search->parser, "unknown search key");
	return NULL;
}

/* NULL after a failure. */
static struct imap_key *key_take(struct search_parser *search)
{
	struct cursor *cursor = &search->parser->cursor;
	struct imap_key *key;
	int next = cursor_peek(cursor);

	if (search->depth == IMAP_SEARCH_DEPTH) {
		imap_parser_fail(search->parser, "search keys nested too deep");
		return NULL;
	}
	search->depth++;
	if (cursor_take_char(cursor, '('))
		key = group_take(search);
	else if (next == '*' || (next >= '0' && next <= '9'))
		key = sequence_take(search);
	else
		key = word_take(search);
	search->depth--;
	return cursor->failed ? NULL : key;
}

static void returns_take(struct imap_parser *parser, struct imap_search *search)
{
	struct cursor *cursor = &parser->cursor;

	search->is_extended = true;
	if (!cursor_take_char(cursor, '('))
		cursor_fail(cursor);
	while (!cursor->failed && cursor_peek(cursor) != ')') {
		struct str word = imap_atom_take(cursor);
		if (str_equals_nocase(word, STR("MIN")))
			search->returns |= IMAP_RETURN_MIN;
		else if (str_equals_nocase(word, STR("MAX")))
			search->returns |= IMAP_RETURN_MAX;
		else if (str_equals_nocase(word, STR("ALL")))
			search->returns |= IMAP_RETURN_ALL;
		else if (str_equals_nocase(word, STR("COUNT")))
			search->returns |= IMAP_RETURN_COUNT;
		else
			imap_parser_fail(parser, "unknown option");
		if (cursor_peek(cursor) != ')')
			imap_space_take(cursor);
	}
	cursor_take_char(cursor, ')');
	imap_space_take(cursor);
	/* RFC 4731 section 3.1: () means ALL. */
	if (search->returns == 0)
		search->returns = IMAP_RETURN_ALL;
}

void imap_search_parse(struct imap_parser *parser, struct imap_command *command)
{
	struct search_parser search = {.parser = parser, .search = &command->search};

	imap_space_take(&parser->cursor);
	if (cursor_take_nocase(&parser->cursor, STR("RETURN ")))
		returns_take(parser, &command->search);
	if (cursor_take_nocase(&parser->cursor, STR("CHARSET "))) {
		command->search.charset = imap_astring_take(&parser->cursor, parser->arena);
		imap_space_take(&parser->cursor);
	}
	command->search.root = key_new(&search, IMAP_KEY_AND);
	if (command->search.root != NULL)
		keys_take(&search, command->search.root);
}
