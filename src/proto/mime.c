/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/mime.h"

#include "proto/message.h"

struct reader {
	struct str message;
	const struct mime_limits *limits;
	struct arena *arena;
	struct mime_part *current; /* the innermost open part */
	size_t parts;
	size_t boundaries; /* open ones; none: lines need not be looked at */
	size_t at;	   /* begin of the line being read */
	size_t lines;	   /* line ends before `at` */
	bool in_header;
	bool is_full; /* the arena */
};

/* Opens a part whose header begins at `at`. */
static void part_open(struct reader *reader, struct mime_part *parent, size_t at)
{
	struct mime_part *part = arena_new(reader->arena, struct mime_part);

	if (part == NULL) {
		reader->is_full = true;
		return;
	}
	part->parent = parent;
	part->depth = parent == NULL ? 0 : parent->depth + 1;
	part->header_from = at;
	if (parent != NULL) {
		if (parent->last_child == NULL)
			parent->first_child = part;
		else
			parent->last_child->next = part;
		parent->last_child = part;
		parent->child_count++;
	}
	/* Past the limit the last part holds whatever comes: boundaries are not looked for. */
	if (++reader->parts >= reader->limits->parts)
		reader->boundaries = 0;
	reader->current = part;
	reader->in_header = true;
}

static void content_replace(struct mime_content *content, struct str type, struct str subtype)
{
	content->type = type;
	content->subtype = subtype;
	content->parameters = NULL;
}

/* True where the bytes of a message part are its lines (RFC 2046 section 5.2.1). */
static bool is_readable_inside(const struct mime_content *content)
{
	return content->encoding.ptr == NULL ||
	       mime_encoding_from_name(content->encoding) == MIME_ENCODING_IDENTITY;
}

/* Decides what the part is; see the top of mime.h for what is simplified. */
static void kind_decide(const struct reader *reader, struct mime_part *part)
{
	struct mime_content *content = &part->content;
	bool is_multipart = mime_content_is(content, STR("multipart"), str_make(NULL, 0));
	bool is_deep = part->depth >= reader->limits->depth;

	/* RFC 2046 section 5.1.5: the default inside a digest. */
	if (!content->has_type && part->parent != NULL && part->parent->kind == MIME_MULTIPART &&
	    mime_content_is(&part->parent->content, STR("multipart"), STR("digest")))
		content_replace(content, STR("message"), STR("rfc822"));
	bool is_message = mime_content_is(content, STR("message"), STR("rfc822"));
	part->boundary = mime_parameter_find(content->parameters, STR("boundary"));
	if (is_multipart && part->boundary.len == 0)
		content_replace(content, STR("text"), STR("plain"));
	else if ((is_multipart || is_message) && is_deep)
		content_replace(content, STR("application"), STR("octet-stream"));
	else if (is_message && !is_readable_inside(content))
		content_replace(content, STR("application"), STR("octet-stream"));
	else if (is_multipart)
		part->kind = MIME_MULTIPART;
	else if (is_message)
		part->kind = MIME_MESSAGE;
}

/* The header of the current part ends, its body begins at `body_from`. */
static void header_end(struct reader *reader, size_t header_end_at, size_t body_lines_from)
{
	struct mime_part *part = reader->current;

	part->header_len = header_end_at - part->header_from;
	part->body_from = header_end_at;
	/* Counted from the begin of the message until the end is known. */
	part->body_lines = body_lines_from;
	reader->in_header = false;
	struct str header = str_sub(mime_part_header(part, reader->message), 0,
				    reader->limits->header_bytes);
	if (!mime_content_parse(reader->arena, header, &part->content)) {
		reader->is_full = true;
		return;
	}
	kind_decide(reader, part);
	if (part->kind == MIME_MULTIPART && reader->parts < reader->limits->parts)
		reader->boundaries++;
}

/*
 * Closes the current part at `end`, before which lie `lines` line ends; its parent is
 * current then.
 */
static void part_close(struct reader *reader, size_t end, size_t lines)
{
	struct mime_part *part = reader->current;

	if (reader->in_header) {
		/* Nothing but a boundary followed: an empty part. */
		if (end < part->header_from)
			part->header_from = end;
		header_end(reader, end, lines);
	}
	/* The empty line of the header was the boundary's (RFC 2046 section 5.1.1: body-part). */
	if (end < part->body_from) {
		part->header_len = end - part->header_from;
		part->body_from = end;
		lines = part->body_lines;
	}
	part->body_len = end - part->body_from;
	part->body_lines = lines - part->body_lines;
	if (part->kind == MIME_MULTIPART && !part->is_closed && reader->boundaries > 0)
		reader->boundaries--;
	reader->current = part->parent;
}

/* The open multipart with the longest boundary that begins the line, or NULL. */
static struct mime_part *boundary_match(const struct reader *reader, struct str line)
{
	struct mime_part *best = NULL;

	if (reader->boundaries == 0 || !str_has_prefix(line, STR("--")))
		return NULL;
	struct str rest = str_from(line, 2);
	for (struct mime_part *part = reader->current; part != NULL; part = part->parent)
		if (part->kind == MIME_MULTIPART && !part->is_closed &&
		    (best == NULL || part->boundary.len > best->boundary.len) &&
		    str_has_prefix(rest, part->boundary))
			best = part;
	return best;
}

/* The line end before a boundary line belongs to the boundary (RFC 2046 section 5.1.1). */
static size_t before_line_end(const struct reader *reader, size_t *lines)
{
	size_t end = reader->at;

	if (end == 0)
		return end;
	(*lines)--;
	end--;
	if (end > 0 && reader->message.ptr[end - 1] == '\r')
		end--;
	return end;
}

static void boundary_take(struct reader *reader, struct mime_part *multipart, struct str line)
{
	size_t lines = reader->lines;
	size_t end = before_line_end(reader, &lines);

	while (reader->current != multipart && !reader->is_full)
		part_close(reader, end, lines);
	if (reader->is_full)
		return;
	if (str_has_prefix(str_from(line, 2 + multipart->boundary.len), STR("--"))) {
		multipart->is_closed = true;
		reader->boundaries--;
		return;
	}
	part_open(reader, multipart, reader->at + line.len);
}

static void line_take(struct reader *reader, struct str line)
{
	struct mime_part *multipart = boundary_match(reader, line);
	bool has_end = line.ptr[line.len - 1] == '\n';
	size_t next = reader->at + line.len;

	if (multipart != NULL) {
		boundary_take(reader, multipart, line);
	} else if (reader->in_header && has_end && message_line_strip(line).len == 0) {
		header_end(reader, next, reader->lines + 1);
		bool may_open = reader->parts < reader->limits->parts && !reader->is_full;
		if (reader->current->kind == MIME_MESSAGE && may_open)
			part_open(reader, reader->current, next);
	}
	reader->at = next;
	reader->lines += has_end;
}

/*
 * A multipart whose boundary never came is text, so that somebody can read it;
 * a message without a child (its header was cut off, or no more parts may be
 * made) is an opaque part.
 */
static void childless_simplify(struct mime_part *root)
{
	for (struct mime_part *part = root; part != NULL; part = mime_part_next(part)) {
		if (part->kind == MIME_LEAF || part->child_count > 0)
			continue;
		if (part->kind == MIME_MULTIPART)
			content_replace(&part->content, STR("text"), STR("plain"));
		else
			content_replace(&part->content, STR("application"), STR("octet-stream"));
		part->kind = MIME_LEAF;
	}
}

enum fault mime_parse(struct arena *arena, struct str message, const struct mime_limits *limits,
		      struct mime_part **root_out)
{
	struct reader reader = {.message = message, .limits = limits, .arena = arena};

	part_open(&reader, NULL, 0);
	struct mime_part *root = reader.current;
	for (struct str rest = message; rest.len > 0 && !reader.is_full;)
		line_take(&reader, message_line_take(&rest));
	while (reader.current != NULL && !reader.is_full)
		part_close(&reader, message.len, reader.lines);
	if (reader.is_full)
		return FAULT_TOO_LARGE;
	childless_simplify(root);
	*root_out = root;
	return FAULT_NONE;
}

struct mime_part *mime_part_next(struct mime_part *part)
{
	if (part->first_child != NULL)
		return part->first_child;
	while (part != NULL && part->next == NULL)
		part = part->parent;
	return part == NULL ? NULL : part->next;
}
