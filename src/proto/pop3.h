/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of POP3: command lines (RFC 1939, CAPA 2449, STLS 2595, AUTH
 * 5034) and the multi-line response, dot-stuffed as it streams out.
 */
#ifndef POSTERN_PROTO_POP3_H
#define POSTERN_PROTO_POP3_H

#include "base/buf.h"

/* X(name, arguments): how a command's arguments are read, see pop3.c. */
#define POP3_VERB_TABLE(X)         \
	X(USER, word)              \
	X(PASS, text)              \
	X(QUIT, nothing)           \
	X(STAT, nothing)           \
	X(LIST, number_or_nothing) \
	X(RETR, number)            \
	X(DELE, number)            \
	X(NOOP, nothing)           \
	X(RSET, nothing)           \
	X(TOP, number_and_lines)   \
	X(UIDL, number_or_nothing) \
	X(CAPA, nothing)           \
	X(STLS, nothing)           \
	X(AUTH, mechanism)

enum pop3_verb {
#define X(name, arguments) POP3_##name,
	POP3_VERB_TABLE(X)
#undef X
		POP3_VERB_COUNT
};

enum pop3_error {
	POP3_ERROR_NONE,
	POP3_ERROR_VERB,	  /* unknown word */
	POP3_ERROR_ARGUMENT,	  /* too many, too few, or not of that form */
	POP3_ERROR_BARE_LINE_END, /* a CR, LF or NUL inside the line */
	POP3_ERROR_COUNT
};

/* Words for people, static: what follows "-ERR ". */
const char *pop3_error_text(enum pop3_error error);

enum { POP3_NUMBER_MAX = 0x7fffffff };

/* All views borrow from the line; that of PASS and AUTH is a secret of its sender. */
struct pop3_command {
	enum pop3_verb verb;
	struct str text;  /* USER, PASS (blanks belong to it); AUTH: the mechanism, may be empty */
	uint32_t number;  /* the message, 1 or more; 0: none was given */
	uint32_t lines;	  /* TOP */
	bool has_initial; /* AUTH */
	struct str initial; /* AUTH: base64, or "=" for an empty response */
};

/* The upper-case word of a command; static. */
const char *pop3_verb_name(enum pop3_verb verb);

/* Parses one line, without its CRLF. `verb` is set as soon as the word is known. */
must_check enum pop3_error pop3_command_parse(struct str line, struct pop3_command *command_out);

/*
 * A message on its way out as a multi-line response: lines that begin with a
 * dot get another, a bare LF becomes CRLF, and a message that ends inside a
 * line gets its CRLF; so no client, however lax, sees an end too early.
 */
struct pop3_encoder {
	bool is_line_empty; /* nothing of the line but perhaps its CR was given out */
	bool is_after_cr;
	bool is_stuffed; /* the line's extra dot was given out */
	bool is_in_header;
	bool has_line_limit;
	uint32_t lines_left; /* of the body, for TOP */
	bool is_full;	     /* TOP: enough was given, feed no more */
};

/* For RETR. */
void pop3_encoder_init(struct pop3_encoder *encoder);
/* For TOP: the header, the empty line and `lines` lines of the body. */
void pop3_encoder_init_top(struct pop3_encoder *encoder, uint32_t lines);

/*
 * Takes bytes from the front of `*input` and returns the next run to send: a
 * view into the input, or static text. Empty when the input is used up or
 * `is_full` is set. Feed the message in pieces of any size.
 */
struct str pop3_encoder_step(struct pop3_encoder *encoder, struct str *input);

/* What must follow the last run: CRLF if one is missing, and the dot line; static. */
struct str pop3_encoder_end(const struct pop3_encoder *encoder);

#endif
