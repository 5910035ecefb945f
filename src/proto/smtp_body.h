/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message as it comes over SMTP: DATA (RFC 5321 section 4.5.2) and the
 * chunks of BDAT (RFC 3030), taken apart as the bytes arrive.
 *
 * A state machine over borrowed chunks; it copies nothing and holds nothing
 * back but a dot at a border. The end of DATA is CRLF "." CRLF and nothing
 * else: a bare LF or a bare CR never is part of it. They are noted, wherever a
 * border between chunks falls, and the message must then be refused after its
 * real end, so that what follows is never taken for commands (SMTP smuggling).
 */
#ifndef POSTERN_PROTO_SMTP_BODY_H
#define POSTERN_PROTO_SMTP_BODY_H

#include "base/str.h"

/* What is known of the lines of a message seen so far. */
struct smtp_lines {
	uint64_t bytes;
	uint64_t line_count;
	uint64_t header_bytes; /* up to and with the empty line; grows until is_header_done */
	size_t longest_line;   /* bytes, with CRLF */
	size_t line_bytes;     /* of the line at hand */
	bool has_bare_cr;
	bool has_bare_lf;
	bool has_nul;
	bool is_header_done;
	bool ends_with_cr; /* the last byte was a CR whose LF may still come */
};

struct smtp_body {
	struct smtp_lines lines;
	int state;
	uint64_t chunk_left_bytes;
	bool is_done; /* the end of DATA or of the chunk was read */
};

/* Begins a message; then smtp_body_data_begin once, or smtp_body_chunk_begin once a chunk. */
void smtp_body_init(struct smtp_body *body);
void smtp_body_data_begin(struct smtp_body *body);
void smtp_body_chunk_begin(struct smtp_body *body, uint64_t size_bytes);

/*
 * Takes bytes from the front of `*input` and returns the next run of message
 * bytes: a view into the input, or into static text. Empty when the input is
 * used up or `is_done` is set; what then stands in `*input` is the peer's next
 * command. A message's own last CRLF belongs to it, the dot line does not.
 */
struct str smtp_body_step(struct smtp_body *body, struct str *input);

/* Ends a message: a CR left at its very end is bare. Call it before the verdict. */
void smtp_body_end(struct smtp_body *body);

/* Tells whether the message's line ends are all CRLF. */
static inline bool smtp_body_is_clean(const struct smtp_body *body)
{
	return !body->lines.has_bare_cr && !body->lines.has_bare_lf;
}

/* Counts a further piece of message; smtp_body_step does it by itself. */
void smtp_lines_scan(struct smtp_lines *lines, struct str piece);

#endif
