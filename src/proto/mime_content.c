/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime_content.h"

#include "proto/message.h"

/* A parameter as it stands: RFC 2231 marks still in the name. */
struct raw_parameter {
	struct str base;
	struct str value;
	int section; /* of a continuation, or -1 */
	bool is_extended;
	bool is_done;
};

struct raw_parameters {
	struct raw_parameter items[MIME_PARAMETERS_MAX];
	size_t count;
};

enum { SECTION_MAX = 999 };

/* Splits `title*1*` into its parts; a name of another form is a name like any other. */
static void raw_name_split(struct raw_parameter *raw, struct str name)
{
	uint64_t section;

	raw->base = name;
	raw->section = -1;
	if (name.len > 1 && name.ptr[name.len - 1] == '*') {
		raw->is_extended = true;
		raw->base.len--;
	}
	size_t star = str_find_last_char(raw->base, '*');
	if (star != STR_NONE && star > 0 &&
	    str_parse_u64(str_from(raw->base, star + 1), SECTION_MAX, &section)) {
		raw->section = (int)section;
		raw->base.len = star;
	}
}

static bool is_bare_value_char(char c)
{
	return c != ';' && c != '(';
}

/*
 * A value without quotes. Mailers leave out the quotes where there are blanks
 * (`name=my file.pdf`) and also the semicolon before the next parameter.
 */
static struct str bare_value_take(struct cursor *cursor)
{
	struct cursor before = *cursor;
	struct str value = cursor_take_while(cursor, is_bare_value_char);
	size_t blank = 0;

	while (blank < value.len && !ascii_is_space(value.ptr[blank]))
		blank++;
	if (str_find_char(str_from(value, blank), '=') != STR_NONE) {
		*cursor = before;
		value = cursor_bytes(cursor, blank);
	}
	return str_trim(value);
}

/* Takes a value into the arena or as a view; ptr is NULL when the arena is full. */
static struct str value_take(struct arena *arena, struct cursor *cursor)
{
	if (cursor_peek(cursor) != '"')
		return message_value_unfold_dup(arena, bare_value_take(cursor));
	struct buf text = BUF_INIT(cursor_left(cursor));
	message_quoted_take(cursor, &text);
	struct str value = arena_dup(arena, buf_str(&text));
	buf_done(&text);
	return value;
}

/* Takes `; attribute = value` as often as it comes; false when the arena is full. */
static bool raw_parameters_take(struct arena *arena, struct cursor *cursor,
				struct raw_parameters *raws)
{
	while (raws->count < MIME_PARAMETERS_MAX) {
		message_cfws_skip(cursor, NULL);
		if (cursor_left(cursor) == 0)
			return true;
		struct str name = cursor_take_while(cursor, message_is_token_char);
		message_cfws_skip(cursor, NULL);
		if (name.len == 0 || !cursor_take_char(cursor, '=')) {
			/* A semicolon, or a word that is no parameter. */
			if (name.len == 0)
				cursor_bytes(cursor, 1);
			continue;
		}
		message_cfws_skip(cursor, NULL);
		struct raw_parameter *raw = &raws->items[raws->count++];
		*raw = (struct raw_parameter){.value = value_take(arena, cursor)};
		raw_name_split(raw, name);
		if (raw->value.ptr == NULL)
			return false;
	}
	return true;
}

static struct raw_parameter *raw_section_find(struct raw_parameters *raws, struct str base,
					      int section)
{
	for (size_t i = 0; i < raws->count; i++)
		if (raws->items[i].section == section && !raws->items[i].is_done &&
		    str_equals_nocase(raws->items[i].base, base))
			return &raws->items[i];
	return NULL;
}

/* RFC 2231 section 7: attribute-char. */
static bool is_attribute_char(char c)
{
	return message_is_token_char(c) && (unsigned char)c < 0x80 && c != '*' && c != '\'' &&
	       c != '%';
}

static void append_piece(struct buf *to, const struct raw_parameter *piece, bool is_extended)
{
	if (!is_extended || piece->is_extended) {
		buf_append_str(to, piece->value);
		return;
	}
	for (size_t i = 0; i < piece->value.len; i++) {
		char c = piece->value.ptr[i];
		if (is_attribute_char(c))
			buf_append_char(to, c);
		else
			buf_printf(to, "%%%02X", (unsigned char)c);
	}
}

/* Joins the pieces of `base` from section 0 on; false when the arena is full. */
static bool sections_join(struct arena *arena, struct raw_parameters *raws, struct str base,
			  struct raw_parameter *joined)
{
	struct raw_parameter *piece;
	size_t bytes = 3;

	*joined = (struct raw_parameter){.base = base, .section = -1};
	for (int section = 0; (piece = raw_section_find(raws, base, section)) != NULL; section++) {
		joined->is_extended |= piece->is_extended;
		bytes += piece->value.len * 3;
	}
	struct buf text = BUF_INIT(bytes);
	for (int section = 0; (piece = raw_section_find(raws, base, section)) != NULL; section++) {
		/* Without a character set in the first piece there is none. */
		if (section == 0 && joined->is_extended && !piece->is_extended)
			buf_append_c(&text, "''");
		append_piece(&text, piece, joined->is_extended);
		piece->is_done = true;
	}
	joined->value = arena_dup(arena, buf_str(&text));
	buf_done(&text);
	return joined->value.ptr != NULL;
}

/* Adds to the list; false when the arena is full. */
static bool parameter_add(struct arena *arena, struct mime_parameter ***tail,
			  const struct raw_parameter *raw)
{
	struct mime_parameter *parameter = arena_new(arena, struct mime_parameter);
	struct buf name = BUF_INIT(raw->base.len + 2);

	if (parameter == NULL)
		return false;
	buf_append_str(&name, raw->base);
	if (raw->is_extended)
		buf_append_char(&name, '*');
	parameter->name = arena_dup(arena, buf_str(&name));
	parameter->value = raw->value;
	buf_done(&name);
	**tail = parameter;
	*tail = &parameter->next;
	return parameter->name.ptr != NULL;
}

/* Reads all parameters at the cursor into a list; false when the arena is full. */
static bool parameters_parse(struct arena *arena, struct cursor *cursor,
			     struct mime_parameter **list_out)
{
	struct raw_parameters raws = {.count = 0};
	struct mime_parameter **tail = list_out;

	if (!raw_parameters_take(arena, cursor, &raws))
		return false;
	for (size_t i = 0; i < raws.count; i++) {
		struct raw_parameter raw = raws.items[i];
		if (raw.is_done)
			continue;
		if (raw.section >= 0 && raw_section_find(&raws, raw.base, 0) != NULL &&
		    !sections_join(arena, &raws, raw.base, &raw))
			return false;
		if (!parameter_add(arena, &tail, &raw))
			return false;
	}
	return true;
}

static bool type_parse(struct arena *arena, struct str value, struct mime_content *content)
{
	struct cursor cursor = cursor_make(value);

	message_cfws_skip(&cursor, NULL);
	struct str type = cursor_take_while(&cursor, message_is_token_char);
	message_cfws_skip(&cursor, NULL);
	if (type.len == 0 || !cursor_take_char(&cursor, '/'))
		return true;
	message_cfws_skip(&cursor, NULL);
	struct str subtype = cursor_take_while(&cursor, message_is_token_char);
	if (subtype.len == 0)
		return true;
	content->type = type;
	content->subtype = subtype;
	content->has_type = true;
	return parameters_parse(arena, &cursor, &content->parameters);
}

static bool encoding_parse(struct arena *arena, struct str value, struct mime_content *content)
{
	struct cursor cursor = cursor_make(value);

	message_cfws_skip(&cursor, NULL);
	struct str token = cursor_take_while(&cursor, message_is_token_char);
	if (token.len > 0)
		content->encoding = token;
	return true;
}

static bool disposition_parse(struct arena *arena, struct str value, struct mime_content *content)
{
	struct cursor cursor = cursor_make(value);

	message_cfws_skip(&cursor, NULL);
	struct str token = cursor_take_while(&cursor, message_is_token_char);
	if (token.len == 0)
		return true;
	content->disposition = token;
	return parameters_parse(arena, &cursor, &content->disposition_parameters);
}

static bool language_parse(struct arena *arena, struct str value, struct mime_content *content)
{
	struct cursor cursor = cursor_make(value);
	struct mime_language **tail = &content->languages;

	for (size_t count = 0; count < MIME_LANGUAGES_MAX;) {
		message_cfws_skip(&cursor, NULL);
		if (cursor_left(&cursor) == 0)
			break;
		struct str tag = cursor_take_while(&cursor, message_is_token_char);
		if (tag.len == 0) {
			cursor_bytes(&cursor, 1);
			continue;
		}
		*tail = arena_new(arena, struct mime_language);
		if (*tail == NULL)
			return false;
		(*tail)->tag = tag;
		tail = &(*tail)->next;
		count++;
	}
	return true;
}

static bool text_keep(struct arena *arena, struct str value, struct str *text)
{
	*text = message_value_unfold_dup(arena, value);
	return text->ptr != NULL;
}

static bool id_parse(struct arena *arena, struct str value, struct mime_content *content)
{
	return text_keep(arena, value, &content->id);
}

static bool description_parse(struct arena *arena, struct str value, struct mime_content *content)
{
	return text_keep(arena, value, &content->description);
}

static bool location_parse(struct arena *arena, struct str value, struct mime_content *content)
{
	return text_keep(arena, value, &content->location);
}

static bool md5_parse(struct arena *arena, struct str value, struct mime_content *content)
{
	return text_keep(arena, value, &content->md5);
}

struct content_field {
	struct str name;
	bool (*parse)(struct arena *, struct str, struct mime_content *);
};

/* Names behind "Content-". */
static const struct content_field content_fields[] = {
	{STR_INIT("Type"), type_parse},
	{STR_INIT("Transfer-Encoding"), encoding_parse},
	{STR_INIT("Disposition"), disposition_parse},
	{STR_INIT("ID"), id_parse},
	{STR_INIT("Description"), description_parse},
	{STR_INIT("Language"), language_parse},
	{STR_INIT("Location"), location_parse},
	{STR_INIT("MD5"), md5_parse},
};

enum { CONTENT_FIELD_COUNT = sizeof(content_fields) / sizeof(content_fields[0]) };

/* Which row a field belongs to, or CONTENT_FIELD_COUNT. */
static size_t content_field_index(struct str name)
{
	if (!str_has_prefix_nocase(name, STR("Content-")))
		return CONTENT_FIELD_COUNT;
	struct str rest = str_from(name, 8);
	size_t i = 0;
	while (i < CONTENT_FIELD_COUNT && !str_equals_nocase(rest, content_fields[i].name))
		i++;
	return i;
}

bool mime_content_parse(struct arena *arena, struct str header, struct mime_content *content_out)
{
	struct mime_content content = {.type = STR("text"), .subtype = STR("plain")};
	struct message_field field;
	unsigned seen = 0;

	while (message_field_next(&header, &field)) {
		size_t index = content_field_index(field.name);
		if (index == CONTENT_FIELD_COUNT || (seen & 1u << index) != 0)
			continue;
		seen |= 1u << index;
		if (!content_fields[index].parse(arena, field.value, &content))
			return false;
	}
	*content_out = content;
	return true;
}

struct str mime_parameter_find(const struct mime_parameter *parameters, struct str name)
{
	for (; parameters != NULL; parameters = parameters->next)
		if (str_equals_nocase(parameters->name, name))
			return parameters->value;
	return str_make(NULL, 0);
}

bool mime_content_is(const struct mime_content *content, struct str type, struct str subtype)
{
	return str_equals_nocase(content->type, type) &&
	       (subtype.len == 0 || str_equals_nocase(content->subtype, subtype));
}
