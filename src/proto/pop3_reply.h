/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of a POP3 server's short answers (RFC 1939 section 3), as a client
 * reads them, and of what CAPA lists (RFC 2449). Messages are not read here.
 *
 * Of LIST and UIDL the lines are read one by one, however many there are.
 *
 * Bounded: a server is a stranger. A line may end with LF alone.
 */
#ifndef POSTERN_PROTO_POP3_REPLY_H
#define POSTERN_PROTO_POP3_REPLY_H

#include "base/str.h"

enum {
	POP3_REPLY_LINE_MAX = 1024, /* RFC 2449 section 4 says 512 */
	POP3_REPLY_MAX = 16 * 1024,
};

enum pop3_reply_state {
	POP3_REPLY_MORE,   /* it is not whole yet */
	POP3_REPLY_WHOLE,
	POP3_REPLY_BROKEN, /* no reply, or past the bounds */
};

/* Views borrow from the input. */
struct pop3_reply {
	bool is_ok;	 /* +OK, else -ERR */
	struct str text; /* behind that word */
	struct str list; /* lines of a multi-line answer, without the last one; as they came */
	size_t len;	 /* of the whole, with line ends */
};

/*
 * Reads an answer at the beginning of the input; `has_list` where a positive one is
 * followed by lines and a dot.
 */
enum pop3_reply_state pop3_reply_parse(struct str input, bool has_list,
				       struct pop3_reply *reply_out);

/*
 * Takes the next line from the front of `*rest`, without its end. MORE: it is not whole
 * yet; BROKEN: it is longer than POP3_REPLY_LINE_MAX, or holds a NUL.
 */
enum pop3_reply_state pop3_line_cut(struct str *rest, struct str *line_out);

enum { POP3_UIDL_MAX = 128 /* RFC 1939 section 7 says 70 */ };

/* "1 120", a line of LIST; the size as the server tells it. False when it is none. */
must_check bool pop3_list_line_parse(struct str line, uint32_t *number_out, uint64_t *bytes_out);

/*
 * "1 whqtswO00WBw418f9t5JxYwZ", a line of UIDL. False when it is none; an unusable
 * identifier (too long, or of other bytes than RFC 1939 allows) comes out empty.
 */
must_check bool pop3_uidl_line_parse(struct str line, uint32_t *number_out, struct str *uidl_out);

/* X(identifier, keyword) */
#define POP3_CAPABILITY_TABLE(X)                                                                   \
	X(STLS, "STLS")                                                                            \
	X(USER, "USER")                                                                            \
	X(SASL, "SASL")                                                                            \
	X(TOP, "TOP")                                                                              \
	X(UIDL, "UIDL")                                                                            \
	X(PIPELINING, "PIPELINING")                                                                \
	X(RESP_CODES, "RESP-CODES")

enum pop3_capability {
#define X(id, keyword) POP3_CAPABILITY_##id,
	POP3_CAPABILITY_TABLE(X)
#undef X
	POP3_CAPABILITY_COUNT
};

const char *pop3_capability_name(enum pop3_capability capability);

/* Reads the list of a positive answer to CAPA: bits `1 << capability`; others are passed over. */
unsigned pop3_capabilities_parse(const struct pop3_reply *reply);

static inline bool pop3_capabilities_has(unsigned capabilities, enum pop3_capability capability)
{
	return (capabilities >> capability & 1) != 0;
}

#endif
