/* SPDX-License-Identifier: Apache-2.0 */
#include "config/document.h"

#include <expat.h>

#include "proto/message_text.h"

/* Newer releases of expat warn of the names that older ones have alone. */
#ifndef EXPAT_HAS_64
#define XML_GetCurrentLineNumber64 XML_GetCurrentLineNumber
#define XML_GetCurrentByteIndex64 XML_GetCurrentByteIndex
#define XML_GetCurrentByteCount64 XML_GetCurrentByteCount
#endif

enum {
	ARENA_BYTES = 64 << 20,
	VALUE_BYTES_MAX = 64 << 10,
	LOOK_BACK = 256 /* bytes before an error in which its cause is sought */
};

/* A document being read. */
struct document_reader {
	struct document *document;
	struct findings *findings;
	XML_Parser parser;
	struct element *open; /* the innermost element that is not closed */
	struct buf value;     /* of the open variable */
	size_t elements;
	int depth;
	bool failed; /* and said so */
};

static int line_now(const struct document_reader *reader)
{
	return (int)XML_GetCurrentLineNumber64(reader->parser);
}

static void reader_fail(struct document_reader *reader, const char *text)
{
	if (!reader->failed)
		finding_add(reader->findings, FINDING_ERROR,
			    (struct finding_place){.line = line_now(reader)}, "%s", text);
	reader->failed = true;
	XML_StopParser(reader->parser, XML_FALSE);
}

static enum element_kind kind_from_tag(const char *tag)
{
	static const struct {
		const char *tag;
		enum element_kind kind;
	} kinds[] = {
		{"table", ELEMENT_TABLE},
		{"list", ELEMENT_LIST},
		{"listitem", ELEMENT_ITEM},
		{"variable", ELEMENT_VARIABLE},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (str_equals_nocase(str_from_c(tag), str_from_c(kinds[i].tag)))
			return kinds[i].kind;
	}
	return ELEMENT_OTHER;
}

static struct str name_attribute(const XML_Char **attributes)
{
	for (size_t i = 0; attributes[i] != NULL; i += 2) {
		if (str_equals_nocase(str_from_c(attributes[i]), STR("name")))
			return str_trim(str_from_c(attributes[i + 1]));
	}
	return STR("");
}

static void element_link(struct document_reader *reader, struct element *element)
{
	struct element *parent = reader->open;

	element->parent = parent;
	if (parent == NULL) {
		reader->document->root = element;
		return;
	}
	if (parent->last == NULL)
		parent->first = element;
	else
		parent->last->next = element;
	parent->last = element;
}

static void XMLCALL on_start(void *context, const XML_Char *tag, const XML_Char **attributes)
{
	struct document_reader *reader = context;
	struct arena *arena = &reader->document->arena;
	struct element *element = arena_new(arena, struct element);

	if (element == NULL || ++reader->elements > DOCUMENT_ELEMENTS_MAX) {
		reader_fail(reader, "the file has more elements than Postern reads");
		return;
	}
	if (++reader->depth > DOCUMENT_DEPTH_MAX) {
		reader_fail(reader, "elements stand one in another deeper than Postern reads");
		return;
	}
	element->kind = kind_from_tag(tag);
	element->line = line_now(reader);
	element->name = arena_dup(arena, name_attribute(attributes));
	element->begin = (size_t)XML_GetCurrentByteIndex64(reader->parser);
	element->content_begin = element->begin + (size_t)XML_GetCurrentByteCount64(reader->parser);
	element_link(reader, element);
	reader->open = element;
	buf_reset(&reader->value);
}

static void XMLCALL on_end(void *context, const XML_Char *tag)
{
	struct document_reader *reader = context;
	struct element *element = reader->open;
	size_t len = (size_t)XML_GetCurrentByteCount64(reader->parser);

	if (element == NULL || reader->failed)
		return;
	/* For `<x/>` expat tells of the end with a length of nothing. */
	element->is_self_closed = len == 0;
	element->content_end =
		len == 0 ? element->content_begin : (size_t)XML_GetCurrentByteIndex64(reader->parser);
	element->end = element->content_end + len;
	if (element->kind == ELEMENT_VARIABLE)
		element->value = arena_dup(&reader->document->arena, buf_str(&reader->value));
	reader->open = element->parent;
	reader->depth--;
}

static void XMLCALL on_text(void *context, const XML_Char *text, int len)
{
	struct document_reader *reader = context;

	if (reader->open == NULL || reader->open->kind != ELEMENT_VARIABLE)
		return;
	buf_append(&reader->value, text, (size_t)len);
	if (reader->value.failed)
		reader_fail(reader, "the value of a variable is longer than Postern reads");
}

static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
			       const XML_Char *public_id, int has_internal_subset)
{
	reader_fail(context, "a document type declaration (<!DOCTYPE>) is refused; take it out");
}

/*
 * The vendor's own page shows `<variablename="X">`, the blank lost; people
 * paste it. Returns the tag that was meant, or NULL.
 */
static const char *lost_blank_tag(struct str text, size_t at)
{
	size_t from = at > LOOK_BACK ? at - LOOK_BACK : 0;
	struct str before = str_sub(text, from, at - from);
	size_t open = str_find_last_char(before, '<');

	if (open == STR_NONE)
		return NULL;
	struct str tag = str_from(text, from + open + 1);
	if (str_has_prefix_nocase(tag, STR("variablename")))
		return "variable";
	if (str_has_prefix_nocase(tag, STR("tablename")))
		return "table";
	return str_has_prefix_nocase(tag, STR("listname")) ? "list" : NULL;
}

/* The line around a place: what expat points at may stand a few bytes before or behind. */
static struct str line_around(struct str text, size_t at)
{
	size_t before = str_find_last_char(str_sub(text, 0, at), '\n');
	struct str line = str_from(text, before == STR_NONE ? 0 : before + 1);

	return str_sub(line, 0, str_find_char(line, '\n') == STR_NONE ? line.len
								     : str_find_char(line, '\n'));
}

/* What to do about an error of syntax. */
static const char *syntax_cure(enum XML_Error error, struct str line)
{
	switch (error) {
	case XML_ERROR_UNKNOWN_ENCODING:
	case XML_ERROR_INCORRECT_ENCODING:
		return "save the file as UTF-8";
	case XML_ERROR_INVALID_TOKEN:
	case XML_ERROR_PARTIAL_CHAR:
	case XML_ERROR_UNDEFINED_ENTITY:
		if (!utf8_check(line))
			return "the line holds bytes that are no UTF-8; save the file as UTF-8";
		return "inside a value, write &amp; for & and &lt; for <";
	case XML_ERROR_TAG_MISMATCH:
		return "each element ends with a tag of its own name";
	case XML_ERROR_NO_ELEMENTS:
	case XML_ERROR_UNCLOSED_TOKEN:
		return "the end of the file is missing, or that of a tag";
	case XML_ERROR_JUNK_AFTER_DOC_ELEMENT:
		return "nothing may stand behind the last end tag";
	default:
		return "compare the line with its neighbours, or with mailserver.cfg.bak";
	}
}

static void syntax_report(struct document_reader *reader)
{
	struct finding_place place = {.line = line_now(reader)};
	struct str text = reader->document->text;
	int64_t at = XML_GetCurrentByteIndex64(reader->parser);
	size_t offset = at < 0 || (size_t)at > text.len ? text.len : (size_t)at;
	const char *tag = lost_blank_tag(text, offset);
	enum XML_Error error = XML_GetErrorCode(reader->parser);
	const char *cure = syntax_cure(error, line_around(text, offset));

	if (tag != NULL)
		finding_add(
			reader->findings, FINDING_ERROR, place,
			"a blank is missing between \"%s\" and \"name\": write <%s name=\"...\">",
			tag, tag);
	else if (reader->open != NULL)
		finding_add(reader->findings, FINDING_ERROR, place,
			    "cannot be read (%s); the innermost element still open began on line %d; %s",
			    XML_ErrorString(error), reader->open->line, cure);
	else
		finding_add(reader->findings, FINDING_ERROR, place, "cannot be read (%s); %s",
			    XML_ErrorString(error), cure);
}

static bool size_check(struct str text, struct findings *findings)
{
	const char *what = NULL;

	if (text.len > DOCUMENT_BYTES_MAX)
		what = "the file is larger than 4 MiB";
	else if (str_find_char(text, '\0') != STR_NONE)
		what = "the file holds NUL bytes (UTF-16?); save it as UTF-8";
	else if (str_is_empty(str_trim(text)))
		what = "the file is empty; `postern init` writes a new one in a new home";
	if (what != NULL)
		finding_add(findings, FINDING_ERROR, (struct finding_place){.line = 0}, "%s", what);
	return what == NULL;
}

bool document_parse(struct document *document, struct str text, struct findings *findings)
{
	struct document_reader reader = {
		.document = document, .findings = findings, .value = BUF_INIT(VALUE_BYTES_MAX)};

	*document = (struct document){.text = text};
	arena_init(&document->arena, ARENA_BYTES);
	if (!size_check(text, findings))
		return false;
	reader.parser = XML_ParserCreate(NULL);
	CHECK(reader.parser != NULL);
	XML_SetUserData(reader.parser, &reader);
	XML_SetElementHandler(reader.parser, on_start, on_end);
	XML_SetCharacterDataHandler(reader.parser, on_text);
	XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
	bool is_read = XML_Parse(reader.parser, text.ptr, (int)text.len, XML_TRUE) == XML_STATUS_OK;
	if (!is_read && !reader.failed)
		syntax_report(&reader);
	XML_ParserFree(reader.parser);
	buf_done(&reader.value);
	return is_read && !reader.failed;
}

void document_done(struct document *document)
{
	arena_rewind(&document->arena);
	document->root = NULL;
}

static bool is_container(const struct element *element)
{
	return element->kind == ELEMENT_TABLE || element->kind == ELEMENT_LIST;
}

/* The element behind this one in the order of the file, not going into tables and lists. */
static struct element *element_after(const struct element *element)
{
	if (!is_container(element) && element->first != NULL)
		return element->first;
	while (element != NULL && element->next == NULL)
		element = element->parent;
	return element == NULL ? NULL : element->next;
}

struct element *document_next(const struct document *document, const struct element *after)
{
	struct element *element = after == NULL ? document->root : element_after(after);

	while (element != NULL && !is_container(element))
		element = element_after(element);
	return element;
}

struct element *document_find(const struct document *document, enum element_kind kind,
			      struct str name)
{
	for (struct element *at = document_next(document, NULL); at != NULL;
	     at = document_next(document, at)) {
		if (at->kind == kind && str_equals_nocase(at->name, name))
			return at;
	}
	return NULL;
}

struct element *element_child(const struct element *parent, enum element_kind kind, struct str name)
{
	for (struct element *at = parent->first; at != NULL; at = at->next) {
		if (at->kind == kind && str_equals_nocase(at->name, name))
			return at;
	}
	return NULL;
}

struct element *list_next(const struct element *list, const struct element *item)
{
	struct element *at = list == NULL ? NULL : item == NULL ? list->first : item->next;

	while (at != NULL && at->kind != ELEMENT_ITEM)
		at = at->next;
	return at;
}

size_t list_count(const struct element *list)
{
	size_t count = 0;

	for (struct element *at = list_next(list, NULL); at != NULL; at = list_next(list, at))
		count++;
	return count;
}

bool list_number_read(struct str name, size_t *number_out)
{
	uint64_t number;

	if (name.len < 2 || name.ptr[0] != '#' ||
	    !str_parse_u64(str_from(name, 1), DOCUMENT_ELEMENTS_MAX, &number))
		return false;
	*number_out = (size_t)number;
	return true;
}

static struct element *item_at(const struct element *list, size_t number)
{
	for (struct element *at = list_next(list, NULL); at != NULL; at = list_next(list, at))
		if (number-- == 1)
			return at;
	return NULL;
}

struct element *list_item(const struct element *list, struct str name)
{
	size_t number;

	if (list_number_read(name, &number))
		return item_at(list, number);
	for (struct element *at = list_next(list, NULL); at != NULL; at = list_next(list, at)) {
		struct element *named = element_child(at, ELEMENT_VARIABLE, STR("Name"));
		if (named != NULL && str_equals_nocase(str_trim(named->value), name))
			return at;
	}
	return NULL;
}

struct element *document_container(const struct document *document, struct str table,
				   struct str item)
{
	if (str_is_empty(item))
		return document_find(document, ELEMENT_TABLE, table);
	struct element *list = document_find(document, ELEMENT_LIST, table);
	return list == NULL ? NULL : list_item(list, item);
}

struct element *document_variable(const struct document *document, struct str table,
				  struct str item, struct str variable)
{
	struct element *container = document_container(document, table, item);

	return container == NULL ? NULL : element_child(container, ELEMENT_VARIABLE, variable);
}
