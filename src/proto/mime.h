/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure of a message: the tree of its parts (RFC 2045, 2046).
 *
 * One pass over the bytes, without copying them; any bytes give a tree. What
 * cannot be believed becomes something simpler:
 *  - a multipart without a boundary, or in which its boundary never comes, is
 *    text/plain;
 *  - a multipart or message nested deeper than the limit, and a message/rfc822
 *    whose encoding hides its lines, is application/octet-stream;
 *  - past the limit of parts, boundaries are no longer looked for;
 *  - a part whose header has no end is a header only.
 * A boundary line counts when it begins with the boundary of any open
 * multipart (RFC 2046 section 5.1.1); of several the longest wins.
 */
#ifndef POSTERN_PROTO_MIME_H
#define POSTERN_PROTO_MIME_H

#include "base/fault.h"
#include "proto/mime_content.h"

struct mime_limits {
	size_t parts;	     /* of the whole message, the root too */
	size_t depth;	     /* of multiparts and messages in each other */
	size_t header_bytes; /* of one header that are read; the rest is carried along unread */
};

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* one child or more */
	MIME_MESSAGE,	/* message/rfc822; one child: the message inside */
};

/* Offsets count from the begin of the whole message. */
struct mime_part {
	struct mime_part *parent;
	struct mime_part *next; /* sibling */
	struct mime_part *first_child;
	struct mime_part *last_child;
	size_t child_count;
	size_t depth;
	enum mime_kind kind;
	size_t header_from;
	size_t header_len; /* with the empty line */
	size_t body_from;
	size_t body_len;
	size_t body_lines; /* line ends within the body */
	struct str boundary;
	bool is_closed; /* the closing boundary line was seen */
	struct mime_content content;
};

/*
 * Parses `message`; the tree lives in the arena and borrows the message.
 * FAULT_TOO_LARGE when the arena's maximum is reached.
 */
must_check enum fault mime_parse(struct arena *arena, struct str message,
				 const struct mime_limits *limits, struct mime_part **root_out);

/* The next part of the tree in the order of the message, or NULL. */
struct mime_part *mime_part_next(struct mime_part *part);

static inline struct str mime_part_header(const struct mime_part *part, struct str message)
{
	return str_sub(message, part->header_from, part->header_len);
}

static inline struct str mime_part_body(const struct mime_part *part, struct str message)
{
	return str_sub(message, part->body_from, part->body_len);
}

#endif
