/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rewrite.h"

#include "config/document.h"

enum { INDENT_MAX = 80 };

/* A document and where in it an address leads. */
struct target {
	struct document document;
	struct element *list;	   /* the list, for an address with an item */
	struct element *container; /* the table, or the item */
	struct element *variable;
};

static enum fault target_open(struct target *target, struct str text,
			      const struct config_address *address, struct findings *findings)
{
	*target = (struct target){.list = NULL};
	if (!document_parse(&target->document, text, findings)) {
		document_done(&target->document);
		return FAULT_INVALID;
	}
	if (str_is_empty(address->item)) {
		target->container = document_find(&target->document, ELEMENT_TABLE, address->table);
	} else {
		target->list = document_find(&target->document, ELEMENT_LIST, address->table);
		if (target->list != NULL)
			target->container = list_item(target->list, address->item);
	}
	if (target->container != NULL)
		target->variable =
			element_child(target->container, ELEMENT_VARIABLE, address->variable);
	return FAULT_NONE;
}

/* One code point off the front of UTF-8 text; false when it is not well formed. */
static bool code_point_take(struct str *text, uint32_t *code_out)
{
	const unsigned char *at = (const unsigned char *)text->ptr;
	size_t len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t code = len == 1 ? at[0] : at[0] & (0x7fu >> len);

	if (len > text->len || (at[0] >= 0x80 && at[0] < 0xc2) || at[0] > 0xf4)
		return false;
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return false;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return false;
	*text = str_from(*text, len);
	*code_out = code;
	return true;
}

/* Writes text as content or attribute value, in ASCII: so the file's encoding does not matter. */
static bool escape_append(struct buf *to, struct str text)
{
	uint32_t code;

	while (text.len > 0) {
		if (!code_point_take(&text, &code) || (code < 0x20 && code != '\t') || code == 0x7f)
			return false;
		if (code > 0x7f || code == '\t')
			buf_printf(to, "&#%u;", code);
		else if (code == '<')
			buf_append_c(to, "&lt;");
		else if (code == '>')
			buf_append_c(to, "&gt;");
		else if (code == '&')
			buf_append_c(to, "&amp;");
		else if (code == '"')
			buf_append_c(to, "&quot;");
		else
			buf_append_char(to, (char)code);
	}
	return true;
}

/* The line end of the file: that of its first line. */
static const char *line_end_of(struct str text)
{
	size_t at = str_find_char(text, '\n');

	return at != STR_NONE && at > 0 && text.ptr[at - 1] == '\r' ? "\r\n" : "\n";
}

static bool is_blank_run(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!ascii_is_blank(text.ptr[i]))
			return false;
	}
	return true;
}

/* The offset behind the last line feed before `at`. */
static size_t line_begin(struct str text, size_t at)
{
	size_t feed = str_find_last_char(str_sub(text, 0, at), '\n');

	return feed == STR_NONE ? 0 : feed + 1;
}

/* The white space before an element that begins its line; empty when it does not. */
static struct str indent_of(struct str text, const struct element *element)
{
	size_t begin = line_begin(text, element->begin);
	struct str before = str_sub(text, begin, element->begin - begin);

	return is_blank_run(before) && before.len <= INDENT_MAX ? before : STR("");
}

/* A place where a line can be inserted, and how. */
struct gap {
	size_t at;
	bool on_new_line;
};

/* True when a line may be cut here: what stands before is blank or whole comments. */
static bool is_clean_rest(struct str rest)
{
	while (!str_is_empty(rest = str_trim(rest))) {
		size_t close = str_find(rest, STR("-->"));
		if (!str_has_prefix(rest, STR("<!--")) || close == STR_NONE)
			return false;
		rest = str_from(rest, close + 3);
	}
	return true;
}

/* The end of the line behind the last child, past a comment that belongs to it. */
static struct gap gap_find(struct str text, const struct element *container)
{
	size_t after = container->last != NULL ? container->last->end : container->content_begin;
	struct str rest = str_sub(text, after, container->content_end - after);
	size_t feed = str_find_char(rest, '\n');

	if (feed == STR_NONE)
		return (struct gap){.at = after};
	if (feed > 0 && rest.ptr[feed - 1] == '\r')
		feed--;
	if (!is_clean_rest(str_sub(rest, 0, feed)))
		return (struct gap){.at = after};
	return (struct gap){.at = after + feed, .on_new_line = true};
}

/* A text under construction: its indentation, and the line end to use. */
struct writer {
	struct buf *to;
	const char *line_end;
	bool multi_line;
	struct buf indent;
	const char *unit;
};

/* Begins a line `depth` steps further in; nothing when all goes on one line. */
static void line_start(struct writer *writer, int depth)
{
	if (!writer->multi_line)
		return;
	buf_append_c(writer->to, writer->line_end);
	buf_append_str(writer->to, buf_str(&writer->indent));
	for (int i = 0; i < depth; i++)
		buf_append_c(writer->to, writer->unit);
}

static bool variable_write(struct writer *writer, struct str name, struct str value)
{
	buf_append_c(writer->to, "<variable name=\"");
	bool is_good = escape_append(writer->to, name);
	buf_append_c(writer->to, "\">");
	is_good = escape_append(writer->to, value) && is_good;
	buf_append_c(writer->to, "</variable>");
	return is_good;
}

static bool item_write(struct writer *writer, const struct config_address *address,
		       struct str value, int depth)
{
	bool is_good = true;
	size_t number;

	buf_append_c(writer->to, "<listitem>");
	if (!list_number_read(address->item, &number)) {
		line_start(writer, depth + 1);
		is_good = variable_write(writer, STR("Name"), address->item);
	}
	line_start(writer, depth + 1);
	is_good = variable_write(writer, address->variable, value) && is_good;
	line_start(writer, depth);
	buf_append_c(writer->to, "</listitem>");
	return is_good;
}

/* A table or list with the one variable in it. */
static bool container_write(struct writer *writer, const struct config_address *address,
			    struct str value)
{
	bool is_table = str_is_empty(address->item);

	buf_append_c(writer->to, is_table ? "<table name=\"" : "<list name=\"");
	bool is_good = escape_append(writer->to, address->table);
	buf_append_c(writer->to, "\">");
	line_start(writer, 1);
	is_good = (is_table ? variable_write(writer, address->variable, value)
			    : item_write(writer, address, value, 1)) &&
		  is_good;
	line_start(writer, 0);
	buf_append_c(writer->to, is_table ? "</table>" : "</list>");
	return is_good;
}

/* The indentation of a new child: that of its elder brother, else one step more than the parent's.
 */
static void indent_choose(struct writer *writer, struct str text, const struct element *container)
{
	struct str own = indent_of(text, container);
	struct str indent = container->last != NULL ? indent_of(text, container->last) : own;

	writer->unit = own.len > 0 && own.ptr[0] == '\t' ? "\t" : "  ";
	buf_append_str(&writer->indent, indent);
	if (container->last == NULL)
		buf_append_c(&writer->indent, writer->unit);
}

/* What is missing, made inside the nearest element that is there. */
static bool missing_write(struct writer *writer, const struct target *target,
			  const struct config_address *address, struct str value)
{
	if (target->container != NULL)
		return variable_write(writer, address->variable, value);
	return target->list != NULL ? item_write(writer, address, value, 0)
				    : container_write(writer, address, value);
}

/* The tag's own name as written, for an end tag that fits: `<Table name="x"/>`. */
static struct str tag_name(struct str text, const struct element *element)
{
	size_t from = element->begin + 1;
	size_t at = from;

	while (at < element->content_begin && !ascii_is_space(text.ptr[at]) &&
	       text.ptr[at] != '/' && text.ptr[at] != '>')
		at++;
	return str_sub(text, from, at - from);
}

/* `<x a="b"/>` up to and without the `/>`, and a `>` instead. */
static void tag_open(struct buf *to, struct str text, const struct element *element)
{
	buf_append_str(to,
		       str_sub(text, element->begin, element->content_begin - 2 - element->begin));
	buf_append_char(to, '>');
}

static void tag_close(struct buf *to, struct str text, const struct element *element)
{
	buf_append_c(to, "</");
	buf_append_str(to, tag_name(text, element));
	buf_append_char(to, '>');
}

static bool insert(const struct target *target, const struct config_address *address,
		   struct str value, struct buf *to)
{
	struct str text = target->document.text;
	const struct element *container = target->container != NULL ? target->container
					  : target->list != NULL    ? target->list
								    : target->document.root;
	struct gap gap = gap_find(text, container);
	struct writer writer = {.to = to,
				.line_end = line_end_of(text),
				.multi_line = gap.on_new_line,
				.indent = BUF_INIT(2 * INDENT_MAX)};

	indent_choose(&writer, text, container);
	if (container->is_self_closed) {
		buf_append_str(to, str_sub(text, 0, container->begin));
		tag_open(to, text, container);
		gap.at = container->end;
	} else {
		buf_append_str(to, str_sub(text, 0, gap.at));
	}
	line_start(&writer, 0);
	bool is_good = missing_write(&writer, target, address, value);
	if (container->is_self_closed)
		tag_close(to, text, container);
	buf_append_str(to, str_from(text, gap.at));
	buf_done(&writer.indent);
	return is_good;
}

static bool replace(const struct target *target, struct str value, struct buf *to)
{
	struct str text = target->document.text;
	const struct element *variable = target->variable;

	if (str_equals(str_trim(variable->value), str_trim(value))) {
		buf_append_str(to, text);
		return true;
	}
	if (!variable->is_self_closed) {
		buf_append_str(to, str_sub(text, 0, variable->content_begin));
		bool is_good = escape_append(to, value);
		buf_append_str(to, str_from(text, variable->content_end));
		return is_good;
	}
	buf_append_str(to, str_sub(text, 0, variable->begin));
	tag_open(to, text, variable);
	bool is_good = escape_append(to, value);
	tag_close(to, text, variable);
	buf_append_str(to, str_from(text, variable->end));
	return is_good;
}

/* What a rewrite came to; takes back what it appended when it is no good. */
static enum fault rewrite_end(struct buf *to, size_t before, bool is_good)
{
	enum fault fault = !is_good ? FAULT_INVALID : to->failed ? FAULT_TOO_LARGE : FAULT_NONE;

	if (fault != FAULT_NONE && !to->failed)
		buf_truncate(to, before);
	return fault;
}

enum fault config_set_variable(struct str text, const struct config_address *address,
			       struct str value, struct findings *findings, struct buf *to)
{
	struct target target;
	size_t before = to->len;
	enum fault fault = target_open(&target, text, address, findings);

	if (fault != FAULT_NONE)
		return fault;
	bool is_good = target.variable != NULL ? replace(&target, value, to)
					       : insert(&target, address, value, to);
	document_done(&target.document);
	return rewrite_end(to, before, is_good);
}

/* The element, and its lines when it stands alone on them: the line feed before them goes too. */
static void delete_range(struct str text, const struct element *element, size_t *from_out,
			 size_t *to_out)
{
	size_t begin = line_begin(text, element->begin);
	size_t end = element->end;

	*from_out = element->begin;
	*to_out = element->end;
	while (end < text.len && ascii_is_blank(text.ptr[end]))
		end++;
	bool ends_line = end == text.len || text.ptr[end] == '\n' || text.ptr[end] == '\r';
	if (begin == 0 || !ends_line || !is_blank_run(str_sub(text, begin, element->begin - begin)))
		return;
	*from_out = begin - (begin >= 2 && text.ptr[begin - 2] == '\r' ? 2 : 1);
	*to_out = end;
}

static void element_delete(struct str text, const struct element *element, struct buf *to)
{
	size_t from, end;

	delete_range(text, element, &from, &end);
	buf_append_str(to, str_sub(text, 0, from));
	buf_append_str(to, str_from(text, end));
}

enum fault config_delete_variable(struct str text, const struct config_address *address,
				  struct findings *findings, struct buf *to)
{
	struct target target;
	size_t before = to->len;
	enum fault fault = target_open(&target, text, address, findings);

	if (fault != FAULT_NONE)
		return fault;
	if (target.variable != NULL)
		element_delete(text, target.variable, to);
	else
		fault = FAULT_NOT_FOUND;
	document_done(&target.document);
	return fault != FAULT_NONE ? fault : rewrite_end(to, before, true);
}

enum fault config_delete_item(struct str text, struct str list, struct str item,
			      struct findings *findings, struct buf *to)
{
	struct config_address address = {.table = list, .item = item};
	struct target target;
	size_t before = to->len;
	enum fault fault = target_open(&target, text, &address, findings);

	if (fault != FAULT_NONE)
		return fault;
	if (target.container != NULL)
		element_delete(text, target.container, to);
	else
		fault = FAULT_NOT_FOUND;
	document_done(&target.document);
	return fault != FAULT_NONE ? fault : rewrite_end(to, before, true);
}

/* A whole list where there was none, before the end of the root. */
static void list_insert(struct str text, const struct element *root, struct str bytes,
			struct buf *to)
{
	struct gap gap = gap_find(text, root);
	struct writer writer = {.to = to,
				.line_end = line_end_of(text),
				.multi_line = gap.on_new_line,
				.indent = BUF_INIT(2 * INDENT_MAX)};

	indent_choose(&writer, text, root);
	buf_append_str(to, str_sub(text, 0, gap.at));
	line_start(&writer, 0);
	buf_append_str(to, bytes);
	buf_append_str(to, str_from(text, gap.at));
	buf_done(&writer.indent);
}

static void list_put(const struct document *document, const struct element *there, struct str from,
		     const struct element *wanted, struct buf *to)
{
	struct str text = document->text;

	if (wanted == NULL && there != NULL) {
		element_delete(text, there, to);
		return;
	}
	struct str bytes = wanted == NULL
				   ? STR("")
				   : str_sub(from, wanted->begin, wanted->end - wanted->begin);
	if (there != NULL) {
		buf_append_str(to, str_sub(text, 0, there->begin));
		buf_append_str(to, bytes);
		buf_append_str(to, str_from(text, there->end));
	} else if (wanted != NULL)
		list_insert(text, document->root, bytes, to);
	else
		buf_append_str(to, text);
}

enum fault config_list_replace(struct str text, struct str list, struct str from,
			       struct findings *findings, struct buf *to)
{
	struct document document, other;
	size_t before = to->len;
	bool is_good = document_parse(&document, text, findings);

	is_good = document_parse(&other, from, findings) && is_good;
	/* A root without content has no place for it: `<config/>`. */
	is_good = is_good && !document.root->is_self_closed;
	if (is_good)
		list_put(&document, document_find(&document, ELEMENT_LIST, list), from,
			 document_find(&other, ELEMENT_LIST, list), to);
	document_done(&document);
	document_done(&other);
	return rewrite_end(to, before, is_good);
}

enum fault config_get_variable(struct str text, const struct config_address *address,
			       struct findings *findings, struct buf *to)
{
	struct target target;
	enum fault fault = target_open(&target, text, address, findings);

	if (fault != FAULT_NONE)
		return fault;
	if (target.variable != NULL)
		buf_append_str(to, str_trim(target.variable->value));
	else
		fault = FAULT_NOT_FOUND;
	document_done(&target.document);
	return fault;
}
