/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of an SMTP server's replies (RFC 5321 section 4.2), as a client
 * reads them, and of what EHLO lists (section 4.1.1.1).
 *
 * A server is a stranger: lines and their number are bounded, every line of a
 * reply has the same code, and there is nothing in it but text. A line may end
 * with LF alone, as some old servers write it.
 */
#ifndef POSTERN_PROTO_SMTP_REPLY_H
#define POSTERN_PROTO_SMTP_REPLY_H

#include "base/str.h"

enum {
	/* RFC 5321 section 4.5.3.1.5 says 512; what is longer than this is a flood. */
	SMTP_REPLY_LINE_MAX = 2048,
	SMTP_REPLY_LINES_MAX = 128,
	SMTP_REPLY_MAX = 16 * 1024,
};

enum smtp_reply_state {
	SMTP_REPLY_MORE,   /* it is not whole yet */
	SMTP_REPLY_WHOLE,
	SMTP_REPLY_BROKEN, /* no reply, or past the bounds: there is nothing to go on with */
};

/* Views borrow from the input. */
struct smtp_reply {
	int code;	    /* 200 to 559 */
	struct str lines;   /* the whole reply as it came, with line ends */
	size_t line_count;
	struct str enhanced; /* "5.7.1" (RFC 3463), of the first line; empty: none */
};

/* Reads a reply at the beginning of the input; `*reply_out` is set when it is whole. */
enum smtp_reply_state smtp_reply_parse(struct str input, struct smtp_reply *reply_out);

/*
 * The text of the next line, without its code and line end. Begin with `*rest` =
 * reply->lines; false at the end.
 */
bool smtp_reply_line(struct str *rest, struct str *text_out);

/* 2 for success, 3 for "go on", 4 for now, 5 for good. */
static inline int smtp_reply_class(const struct smtp_reply *reply)
{
	return reply->code / 100;
}

/* X(identifier, keyword) */
#define SMTP_CAPABILITY_TABLE(X)                                                                   \
	X(STARTTLS, "STARTTLS")                                                                    \
	X(PIPELINING, "PIPELINING")                                                                \
	X(SIZE, "SIZE")                                                                            \
	X(EIGHTBITMIME, "8BITMIME")                                                                \
	X(SMTPUTF8, "SMTPUTF8")                                                                    \
	X(DSN, "DSN")                                                                              \
	X(CHUNKING, "CHUNKING")                                                                    \
	X(BINARYMIME, "BINARYMIME")                                                                \
	X(ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES")                                              \
	X(AUTH, "AUTH")                                                                            \
	X(REQUIRETLS, "REQUIRETLS")                                                                \
	X(LIMITS, "LIMITS")

enum smtp_capability {
#define X(id, keyword) SMTP_CAPABILITY_##id,
	SMTP_CAPABILITY_TABLE(X)
#undef X
	SMTP_CAPABILITY_COUNT
};

const char *smtp_capability_name(enum smtp_capability capability);

enum { SMTP_AUTH_PLAIN = 1, SMTP_AUTH_LOGIN = 2 };

struct smtp_capabilities {
	unsigned set;	     /* bit `1 << capability` */
	uint64_t size_limit; /* 0: none said */
	unsigned auth;	     /* of SMTP_AUTH_* */
};

static inline bool smtp_capabilities_has(const struct smtp_capabilities *capabilities,
					 enum smtp_capability capability)
{
	return (capabilities->set >> capability & 1) != 0;
}

/* Reads what a positive reply to EHLO lists; what is not known is passed over. */
struct smtp_capabilities smtp_capabilities_parse(const struct smtp_reply *reply);

#endif
