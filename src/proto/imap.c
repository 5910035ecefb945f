/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/imap.h"

#include "proto/imap_parse.h"
#include "proto/imap_write.h"
#include "proto/message_date.h"

struct named_bit {
	struct str name;
	unsigned bit;
};

static const struct named_bit flag_names[] = {
	{STR_INIT("\\Answered"), IMAP_FLAG_ANSWERED}, {STR_INIT("\\Flagged"), IMAP_FLAG_FLAGGED},
	{STR_INIT("\\Deleted"), IMAP_FLAG_DELETED},   {STR_INIT("\\Seen"), IMAP_FLAG_SEEN},
	{STR_INIT("\\Draft"), IMAP_FLAG_DRAFT},	      {STR_INIT("\\Recent"), IMAP_FLAG_RECENT},
};

static const struct named_bit use_names[] = {
	{STR_INIT("\\All"), IMAP_USE_ALL},	   {STR_INIT("\\Archive"), IMAP_USE_ARCHIVE},
	{STR_INIT("\\Drafts"), IMAP_USE_DRAFTS}, {STR_INIT("\\Flagged"), IMAP_USE_FLAGGED},
	{STR_INIT("\\Junk"), IMAP_USE_JUNK},	   {STR_INIT("\\Sent"), IMAP_USE_SENT},
	{STR_INIT("\\Trash"), IMAP_USE_TRASH},
};

static const struct named_bit status_names[] = {
	{STR_INIT("MESSAGES"), IMAP_STATUS_MESSAGES},
	{STR_INIT("RECENT"), IMAP_STATUS_RECENT},
	{STR_INIT("UIDNEXT"), IMAP_STATUS_UIDNEXT},
	{STR_INIT("UIDVALIDITY"), IMAP_STATUS_UIDVALIDITY},
	{STR_INIT("UNSEEN"), IMAP_STATUS_UNSEEN},
	{STR_INIT("HIGHESTMODSEQ"), IMAP_STATUS_HIGHESTMODSEQ},
};

static const struct named_bit selection_names[] = {
	{STR_INIT("SUBSCRIBED"), IMAP_LIST_SUBSCRIBED},
	{STR_INIT("SPECIAL-USE"), IMAP_LIST_SPECIAL_USE},
	{STR_INIT("REMOTE"), IMAP_LIST_REMOTE},
	{STR_INIT("RECURSIVEMATCH"), IMAP_LIST_RECURSIVEMATCH},
};

static const struct named_bit return_names[] = {
	{STR_INIT("SUBSCRIBED"), IMAP_LIST_SUBSCRIBED},
	{STR_INIT("SPECIAL-USE"), IMAP_LIST_SPECIAL_USE},
	{STR_INIT("CHILDREN"), IMAP_LIST_CHILDREN},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static unsigned bit_find(const struct named_bit *names, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equals_nocase(name, names[i].name))
			return names[i].bit;
	return 0;
}

void imap_parser_fail(struct imap_parser *parser, const char *error)
{
	if (parser->error == NULL)
		parser->error = error;
	cursor_fail(&parser->cursor);
}

void imap_words_add(struct imap_parser *parser, struct imap_words *words, struct str word)
{
	if (parser->cursor.failed)
		return;
	/* Grown by doubling; what is left behind dies with the arena. */
	bool is_power = (words->count & (words->count - 1)) == 0;
	if (words->count == 0 || (is_power && words->count >= 4)) {
		size_t room = words->count == 0 ? 4 : words->count * 2;
		struct str *items = arena_array(parser->arena, room, sizeof(*items));
		if (items == NULL || words->count >= IMAP_WORDS_MAX) {
			imap_parser_fail(parser, "too many words in a list");
			return;
		}
		if (words->count > 0)
			memcpy(items, words->items, words->count * sizeof(*items));
		words->items = items;
	}
	words->items[words->count++] = word;
}

void imap_words_take(struct imap_parser *parser, struct imap_words *words,
		     struct str (*take)(struct cursor *, struct arena *), bool may_be_empty)
{
	struct cursor *cursor = &parser->cursor;

	if (!cursor_take_char(cursor, '('))
		cursor_fail(cursor);
	if (may_be_empty && cursor_take_char(cursor, ')'))
		return;
	do
		imap_words_add(parser, words, take(cursor, parser->arena));
	while (!cursor->failed && cursor_take_char(cursor, ' '));
	if (!cursor_take_char(cursor, ')'))
		cursor_fail(cursor);
}

static struct str atom_take(struct cursor *cursor, struct arena *arena)
{
	return imap_atom_take(cursor);
}

bool imap_flag_parse(struct str word, unsigned *system_out)
{
	unsigned bit = bit_find(flag_names, COUNT(flag_names), word);

	if (bit == 0 && (word.len == 0 || word.len > IMAP_KEYWORD_BYTES || word.ptr[0] == '\\'))
		return false;
	*system_out = bit;
	return true;
}

static void flag_take(struct imap_parser *parser, struct imap_flags *flags)
{
	struct cursor *cursor = &parser->cursor;
	const char *from = cursor->at;
	unsigned system = 0;

	cursor_take_char(cursor, '\\');
	imap_atom_take(cursor);
	if (cursor->failed)
		return;
	struct str word = str_make(from, (size_t)(cursor->at - from));
	if (!imap_flag_parse(word, &system) || system == IMAP_FLAG_RECENT)
		imap_parser_fail(parser, "no such flag can be set");
	else if (system != 0)
		flags->system |= system;
	else
		imap_words_add(parser, &flags->keywords, word);
}

void imap_flags_take(struct imap_parser *parser, struct imap_flags *flags)
{
	struct cursor *cursor = &parser->cursor;
	bool is_list = cursor_take_char(cursor, '(');

	if (is_list && cursor_take_char(cursor, ')'))
		return;
	do
		flag_take(parser, flags);
	while (!cursor->failed && cursor_take_char(cursor, ' '));
	if (is_list && !cursor_take_char(cursor, ')'))
		cursor_fail(cursor);
}

/* Takes `(NAME NAME)` of the table into bits. */
static unsigned bits_take(struct imap_parser *parser, const struct named_bit *names, size_t count,
			  bool may_be_empty)
{
	struct imap_words words = {0};
	unsigned bits = 0;

	imap_words_take(parser, &words, atom_take, may_be_empty);
	for (size_t i = 0; i < words.count; i++) {
		unsigned bit = bit_find(names, count, words.items[i]);
		if (bit == 0)
			imap_parser_fail(parser, "unknown item or option");
		bits |= bit;
	}
	return bits;
}

static struct str mailbox_take(struct imap_parser *parser)
{
	imap_space_take(&parser->cursor);
	return imap_astring_take(&parser->cursor, parser->arena);
}

static void nothing_parse(struct imap_parser *parser, struct imap_command *command)
{
}

static void mailbox_parse(struct imap_parser *parser, struct imap_command *command)
{
	command->mailbox.mailbox = mailbox_take(parser);
}

static void select_parse(struct imap_parser *parser, struct imap_command *command)
{
	struct imap_words options = {0};

	mailbox_parse(parser, command);
	if (!cursor_take_char(&parser->cursor, ' '))
		return;
	imap_words_take(parser, &options, atom_take, false);
	for (size_t i = 0; i < options.count; i++) {
		if (!str_equals_nocase(options.items[i], STR("CONDSTORE")))
			imap_parser_fail(parser, "unknown option");
		command->mailbox.has_condstore = true;
	}
}

static void uses_take(struct imap_parser *parser, struct imap_command *command)
{
	struct cursor *cursor = &parser->cursor;

	if (!cursor_take_char(cursor, '('))
		cursor_fail(cursor);
	do {
		const char *from = cursor->at;
		cursor_take_char(cursor, '\\');
		imap_atom_take(cursor);
		struct str word = str_make(from, (size_t)(cursor->at - from));
		unsigned use = bit_find(use_names, COUNT(use_names), word);
		if (use == 0)
			imap_parser_fail(parser, "no such special use");
		command->mailbox.uses |= use;
	} while (!cursor->failed && cursor_take_char(cursor, ' '));
	if (!cursor_take_char(cursor, ')'))
		cursor_fail(cursor);
}

/* RFC 6154 section 3: CREATE name (USE (\Drafts)). */
static void create_parse(struct imap_parser *parser, struct imap_command *command)
{
	struct cursor *cursor = &parser->cursor;

	mailbox_parse(parser, command);
	if (!cursor_take_char(cursor, ' '))
		return;
	if (!cursor_take_nocase(cursor, STR("(USE ")))
		imap_parser_fail(parser, "unknown option");
	uses_take(parser, command);
	if (!cursor_take_char(cursor, ')'))
		cursor_fail(cursor);
}

static void status_parse(struct imap_parser *parser, struct imap_command *command)
{
	mailbox_parse(parser, command);
	imap_space_take(&parser->cursor);
	command->mailbox.items = bits_take(parser, status_names, COUNT(status_names), false);
}

static void rename_parse(struct imap_parser *parser, struct imap_command *command)
{
	command->rename.from = mailbox_take(parser);
	command->rename.to = mailbox_take(parser);
}

static void login_parse(struct imap_parser *parser, struct imap_command *command)
{
	command->login.user = mailbox_take(parser);
	command->login.password = mailbox_take(parser);
}

static bool is_base64_char(char c)
{
	return ascii_is_alnum(c) || c == '+' || c == '/' || c == '=';
}

/* RFC 4959: the first response may stand behind the mechanism. */
static void authenticate_parse(struct imap_parser *parser, struct imap_command *command)
{
	struct cursor *cursor = &parser->cursor;

	imap_space_take(cursor);
	command->authenticate.mechanism = imap_atom_take(cursor);
	if (cursor_take_char(cursor, ' '))
		command->authenticate.initial = cursor_take_while(cursor, is_base64_char);
}

static void enable_parse(struct imap_parser *parser, struct imap_command *command)
{
	imap_space_take(&parser->cursor);
	do
		imap_words_add(parser, &command->enable, imap_atom_take(&parser->cursor));
	while (!parser->cursor.failed && cursor_take_char(&parser->cursor, ' '));
}

static void id_parse(struct imap_parser *parser, struct imap_command *command)
{
	imap_space_take(&parser->cursor);
	if (imap_word_take(&parser->cursor, STR("NIL")))
		return;
	imap_words_take(parser, &command->id, imap_nstring_take, true);
	if (command->id.count % 2 != 0)
		imap_parser_fail(parser, "a name without a value");
}

static void patterns_take(struct imap_parser *parser, struct imap_list *list)
{
	if (cursor_peek(&parser->cursor) == '(')
		imap_words_take(parser, &list->patterns, imap_list_mailbox_take, false);
	else
		imap_words_add(parser, &list->patterns,
			       imap_list_mailbox_take(&parser->cursor, parser->arena));
}

static void list_parse(struct imap_parser *parser, struct imap_command *command)
{
	struct cursor *cursor = &parser->cursor;
	struct imap_list *list = &command->list;

	imap_space_take(cursor);
	if (cursor_peek(cursor) == '(') {
		list->selection =
			bits_take(parser, selection_names, COUNT(selection_names), true);
		imap_space_take(cursor);
	}
	list->reference = imap_astring_take(cursor, parser->arena);
	imap_space_take(cursor);
	patterns_take(parser, list);
	if (!cursor_take_char(cursor, ' '))
		return;
	if (!cursor_take_nocase(cursor, STR("RETURN ")))
		imap_parser_fail(parser, "unknown option");
	list->has_returns = true;
	list->returns = bits_take(parser, return_names, COUNT(return_names), true);
}

static void lsub_parse(struct imap_parser *parser, struct imap_command *command)
{
	command->list.reference = mailbox_take(parser);
	imap_space_take(&parser->cursor);
	imap_words_add(parser, &command->list.patterns,
		       imap_list_mailbox_take(&parser->cursor, parser->arena));
}

/* Takes what may stand before the literal: mailbox, flags and date, each followed by a blank. */
static void append_parse(struct imap_parser *parser, struct imap_command *command)
{
	struct cursor *cursor = &parser->cursor;
	struct imap_append *append = &command->append;

	append->mailbox = mailbox_take(parser);
	imap_space_take(cursor);
	if (cursor_peek(cursor) == '(') {
		imap_flags_take(parser, &append->flags);
		imap_space_take(cursor);
	}
	if (cursor_peek(cursor) == '"') {
		struct str date = imap_string_take(cursor, parser->arena);
		if (!imap_date_time_parse(date, &append->date_s))
			imap_parser_fail(parser, "no valid date-time");
		append->has_date = true;
		imap_space_take(cursor);
	}
	struct str rest = cursor_rest(cursor);
	bool is_literal = rest.len > 0 && rest.ptr[0] == '{' &&
			  imap_literal_announced(rest, &append->literal) &&
			  str_find_last_char(rest, '{') == 0;
	if (!is_literal)
		imap_parser_fail(parser, "the message must be a literal");
	cursor_bytes(cursor, rest.len);
}

static void expunge_parse(struct imap_parser *parser, struct imap_command *command)
{
	if (!command->is_uid)
		return;
	imap_space_take(&parser->cursor);
	imap_set_take(&parser->cursor, parser->arena, &command->expunge);
}

static void copy_parse(struct imap_parser *parser, struct imap_command *command)
{
	imap_space_take(&parser->cursor);
	imap_set_take(&parser->cursor, parser->arena, &command->copy.set);
	command->copy.mailbox = mailbox_take(parser);
}

/* RFC 7162 section 3.1.3: STORE set (UNCHANGEDSINCE n) ... */
static void store_modifier_take(struct imap_parser *parser, struct imap_store *store)
{
	struct cursor *cursor = &parser->cursor;

	if (!cursor_take_char(cursor, '('))
		return;
	if (!cursor_take_nocase(cursor, STR("UNCHANGEDSINCE ")))
		imap_parser_fail(parser, "unknown option");
	store->has_unchanged_since = true;
	store->unchanged_since = imap_modseq_take(cursor);
	if (!cursor_take_str(cursor, STR(") ")))
		cursor_fail(cursor);
}

static void store_parse(struct imap_parser *parser, struct imap_command *command)
{
	struct cursor *cursor = &parser->cursor;
	struct imap_store *store = &command->store;

	imap_space_take(cursor);
	imap_set_take(cursor, parser->arena, &store->set);
	imap_space_take(cursor);
	store_modifier_take(parser, store);
	if (cursor_take_char(cursor, '+'))
		store->mode = IMAP_STORE_ADD;
	else if (cursor_take_char(cursor, '-'))
		store->mode = IMAP_STORE_REMOVE;
	if (!cursor_take_nocase(cursor, STR("FLAGS")))
		imap_parser_fail(parser, "only FLAGS can be stored");
	store->is_silent = cursor_take_nocase(cursor, STR(".SILENT"));
	imap_space_take(cursor);
	imap_flags_take(parser, &store->flags);
}

struct verb_row {
	struct str word;
	bool has_uid;
	void (*parse)(struct imap_parser *, struct imap_command *);
};

#define X(name, text, uid) [IMAP_##name] = {.word = STR_INIT(text), .has_uid = uid},
static const struct verb_row verb_rows[IMAP_VERB_COUNT] = {IMAP_VERB_TABLE(X)};
#undef X

static void (*const verb_parsers[IMAP_VERB_COUNT])(struct imap_parser *, struct imap_command *) = {
	[IMAP_CAPABILITY] = nothing_parse,
	[IMAP_NOOP] = nothing_parse,
	[IMAP_LOGOUT] = nothing_parse,
	[IMAP_ID] = id_parse,
	[IMAP_STARTTLS] = nothing_parse,
	[IMAP_AUTHENTICATE] = authenticate_parse,
	[IMAP_LOGIN] = login_parse,
	[IMAP_ENABLE] = enable_parse,
	[IMAP_SELECT] = select_parse,
	[IMAP_EXAMINE] = select_parse,
	[IMAP_CREATE] = create_parse,
	[IMAP_DELETE] = mailbox_parse,
	[IMAP_RENAME] = rename_parse,
	[IMAP_SUBSCRIBE] = mailbox_parse,
	[IMAP_UNSUBSCRIBE] = mailbox_parse,
	[IMAP_LIST] = list_parse,
	[IMAP_LSUB] = lsub_parse,
	[IMAP_NAMESPACE] = nothing_parse,
	[IMAP_STATUS] = status_parse,
	[IMAP_APPEND] = append_parse,
	[IMAP_IDLE] = nothing_parse,
	[IMAP_CHECK] = nothing_parse,
	[IMAP_CLOSE] = nothing_parse,
	[IMAP_UNSELECT] = nothing_parse,
	[IMAP_EXPUNGE] = expunge_parse,
	[IMAP_SEARCH] = imap_search_parse,
	[IMAP_FETCH] = imap_fetch_parse,
	[IMAP_STORE] = store_parse,
	[IMAP_COPY] = copy_parse,
	[IMAP_MOVE] = copy_parse,
};

static enum imap_verb verb_take(struct cursor *cursor, bool *is_uid)
{
	struct str word = imap_atom_take(cursor);
	int verb = 0;

	*is_uid = str_equals_nocase(word, STR("UID"));
	if (*is_uid) {
		imap_space_take(cursor);
		word = imap_atom_take(cursor);
	}
	while (verb < IMAP_VERB_COUNT && (cursor->failed || (*is_uid && !verb_rows[verb].has_uid) ||
					  !str_equals_nocase(word, verb_rows[verb].word)))
		verb++;
	return (enum imap_verb)verb;
}

bool imap_command_parse(struct arena *arena, struct str text, struct imap_command *command_out)
{
	struct imap_parser parser = {.cursor = cursor_make(text), .arena = arena};
	struct imap_command command = {.verb = IMAP_VERB_COUNT};
	struct str tag = imap_tag_take(&parser.cursor);

	if (parser.cursor.failed || cursor_peek(&parser.cursor) != ' ') {
		command.error = "no tag";
		*command_out = command;
		return false;
	}
	command.tag = tag;
	imap_space_take(&parser.cursor);
	command.verb = verb_take(&parser.cursor, &command.is_uid);
	if (command.verb == IMAP_VERB_COUNT) {
		command.error = "unknown command";
		*command_out = command;
		return false;
	}
	verb_parsers[command.verb](&parser, &command);
	bool is_good = cursor_is_done(&parser.cursor);
	if (!is_good)
		command.error = parser.error != NULL ? parser.error : "wrong arguments";
	*command_out = command;
	return is_good;
}

bool imap_is_append_message(struct arena *arena, struct str text)
{
	struct imap_command command;
	struct cursor cursor = cursor_make(text);

	/* Most literals are short-cut here. */
	imap_tag_take(&cursor);
	imap_space_take(&cursor);
	if (!imap_word_take(&cursor, STR("APPEND")))
		return false;
	return imap_command_parse(arena, text, &command) && command.verb == IMAP_APPEND;
}

static void blank_append(struct buf *to, bool *is_first)
{
	if (!*is_first)
		buf_append_char(to, ' ');
	*is_first = false;
}

void imap_flags_write(struct buf *to, unsigned system, const struct str *keywords, size_t count)
{
	bool is_first = true;

	for (size_t i = 0; i < COUNT(flag_names); i++)
		if ((system & flag_names[i].bit) != 0) {
			blank_append(to, &is_first);
			buf_append_str(to, flag_names[i].name);
		}
	for (size_t i = 0; i < count; i++) {
		blank_append(to, &is_first);
		buf_append_str(to, keywords[i]);
	}
}
