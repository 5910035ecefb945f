/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a message: where it ends, its fields, and the white space and
 * comments inside a field (RFC 5322 sections 2.2 and 3.2.2).
 *
 * Everything here is total: any bytes have an answer. A line ends at LF, with
 * or without CR before it; a bare CR is a byte like any other. A line that is
 * neither a field nor a continuation (an mbox "From " line, say) is passed over.
 */
#ifndef POSTERN_PROTO_MESSAGE_H
#define POSTERN_PROTO_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"

/* One field; all views borrow the header. */
struct message_field {
	struct str name;  /* without the colon and blanks before it */
	struct str value; /* behind the colon, folded as it came, without the last line end */
	struct str whole; /* all lines of the field with their line ends */
};

/* Takes the line at the front of `*rest`, with its line end. Empty when nothing is left. */
struct str message_line_take(struct str *rest);

/* The line without LF or CR LF at its end. */
struct str message_line_strip(struct str line);

/*
 * The length of the header at the front of `message`, with the empty line that
 * ends it. Without an empty line all is header.
 */
size_t message_header_length(struct str message);

/* Takes the next field from the front of `*rest`; false at the end of the header. */
bool message_field_next(struct str *rest, struct message_field *field_out);

/*
 * Finds the first field of that name in `header`, without regard to case; gives its
 * value, or false.
 */
bool message_field_find(struct str header, struct str name, struct str *value_out);

/* The first field of that name on one line, cut at `max` bytes; nothing without one. */
void message_field_append(struct buf *to, struct str header, struct str name, size_t max);

/* The content of Message-ID without its angle brackets, for logs; nothing without one. */
void message_id_append(struct buf *to, struct str header, size_t max);

enum {
	/* More Received fields than that are a loop (RFC 5321 section 6.3). */
	MESSAGE_HOPS_MAX = 100
};

/* The number of Received fields in a header. */
size_t message_hops_count(struct str header);

/*
 * Appends the value on one line: a fold with the blanks around it becomes one
 * blank (RFC 5322 section 2.2.3 would keep them all, which nobody wants to
 * see), NUL a blank, blanks at both ends go.
 */
void message_value_unfold(struct buf *to, struct str value);

/* The same into an arena; ptr is NULL when its maximum is reached. */
struct str message_value_unfold_dup(struct arena *arena, struct str value);

/*
 * Skips white space and comments. When `comment_out` is not NULL it receives
 * the inside of the last comment met, as it stands; it is left alone without one.
 */
void message_cfws_skip(struct cursor *cursor, struct str *comment_out);

/*
 * Takes a quoted string, whose opening quote comes next, and appends its
 * content, without backslashes and line ends. A missing end quote is forgiven.
 */
void message_quoted_take(struct cursor *cursor, struct buf *to);

/* RFC 2045 token characters, and 8-bit bytes, which real mail has there. */
bool message_is_token_char(char c);

/* RFC 5322 atext, and 8-bit bytes (RFC 6532 section 3.2). */
bool message_is_atom_char(char c);

#endif
