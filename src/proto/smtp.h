/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of SMTP's command lines and replies (RFC 5321, with SIZE 1870,
 * 8BITMIME 6152, CHUNKING 3030, STARTTLS 3207, AUTH 4954, enhanced codes 2034,
 * DSN 3461, SMTPUTF8 6531).
 *
 * Strict where leniency lets a peer smuggle: a line ends with CRLF and holds
 * neither CR nor LF nor NUL. Lenient where only sloppy peers profit: blanks
 * after "FROM:" and "TO:" and at the end of a line. What a command means is
 * not here; nor is the message body (smtp_body.h).
 */
#ifndef POSTERN_PROTO_SMTP_H
#define POSTERN_PROTO_SMTP_H

#include "base/buf.h"
#include "proto/address.h"

/* X(name, word) */
#define SMTP_VERB_TABLE(X) \
	X(HELO, "HELO")    \
	X(EHLO, "EHLO")    \
	X(MAIL, "MAIL")    \
	X(RCPT, "RCPT")    \
	X(DATA, "DATA")    \
	X(BDAT, "BDAT")    \
	X(RSET, "RSET")    \
	X(NOOP, "NOOP")    \
	X(QUIT, "QUIT")    \
	X(VRFY, "VRFY")    \
	X(EXPN, "EXPN")    \
	X(HELP, "HELP")    \
	X(AUTH, "AUTH")    \
	X(STARTTLS, "STARTTLS")

enum smtp_verb {
#define X(name, word) SMTP_##name,
	SMTP_VERB_TABLE(X)
#undef X
		SMTP_VERB_COUNT
};

/* What can be wrong with a line, and the reply that says so: X(name, code, enhanced, text). */
#define SMTP_ERROR_TABLE(X)                                                          \
	X(NONE, 250, "2.0.0", "OK")                                                  \
	X(BARE_LINE_END, 500, "5.5.2", "Bare CR, bare LF or NUL in a command line")  \
	X(LINE_LENGTH, 500, "5.5.6", "Command line too long")                        \
	X(VERB, 500, "5.5.1", "Command not recognized")                              \
	X(ARGUMENT, 501, "5.5.4", "Syntax error in the arguments")                   \
	X(NAME, 501, "5.5.4", "The argument must be a domain or an address literal") \
	X(SENDER, 501, "5.1.7", "Bad sender address syntax")                         \
	X(RECIPIENT, 501, "5.1.3", "Bad recipient address syntax")                   \
	X(NON_ASCII, 553, "5.6.7", "Such an address needs SMTPUTF8")                 \
	X(PARAMETER, 555, "5.5.4", "Parameter not recognized or not implemented")    \
	X(PARAMETER_VALUE, 501, "5.5.4", "Bad or repeated parameter value")

enum smtp_error {
#define X(name, code, enhanced, text) SMTP_ERROR_##name,
	SMTP_ERROR_TABLE(X)
#undef X
		SMTP_ERROR_COUNT
};

/* A reply in its parts. `enhanced` is NULL where RFC 2034 wants none (greeting, EHLO, 3xx). */
struct smtp_status {
	int code;
	const char *enhanced;
	const char *text;
};

/* The reply to a line with that fault; static. */
const struct smtp_status *smtp_error_status(enum smtp_error error);

enum {
	SMTP_LINE_MAX = 512,	   /* RFC 5321 section 4.5.3.1.4, with CRLF */
	/* With SIZE (+26), BODY (+17), AUTH (+500), RET and ENVID (+112), SMTPUTF8 (+10). */
	SMTP_MAIL_LINE_MAX = 1180,
	SMTP_RCPT_LINE_MAX = 1040, /* with NOTIFY and ORCPT (+528) */
	SMTP_AUTH_LINE_MAX = 12288 /* RFC 4954 section 4 */
};

/* A reverse or forward path; what stood in a source route is dropped (RFC 5321 section 4.1.1.3). */
struct smtp_path {
	bool is_null;	    /* "<>" */
	bool is_postmaster; /* "<Postmaster>" without a domain: the address is empty */
	struct address address;
};

enum smtp_body_type { SMTP_BODY_UNSAID, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };

enum smtp_return { SMTP_RETURN_UNSAID, SMTP_RETURN_FULL, SMTP_RETURN_HEADERS };

struct smtp_mail {
	struct smtp_path path;
	bool has_size;
	uint64_t size_bytes;
	enum smtp_body_type body;
	struct str auth; /* xtext or "<>" as written; empty when unsaid */
	bool is_utf8;	 /* SMTPUTF8 */
	enum smtp_return returns;
	struct str envid; /* xtext as written; empty when unsaid */
};

/* NOTIFY, as bits; 0 when unsaid. */
enum smtp_notify {
	SMTP_NOTIFY_NEVER = 1,
	SMTP_NOTIFY_SUCCESS = 2,
	SMTP_NOTIFY_FAILURE = 4,
	SMTP_NOTIFY_DELAY = 8,
};

struct smtp_rcpt {
	struct smtp_path path;
	uint32_t notify;
	struct str original; /* ORCPT as written, "rfc822;" and xtext; empty when unsaid */
};

struct smtp_bdat {
	uint64_t size_bytes;
	bool is_last;
};

struct smtp_auth {
	struct str mechanism;
	bool has_initial;
	struct str initial; /* base64, or "=" for an empty response */
};

/* All views borrow from the line. `text` is the argument of HELO, EHLO, VRFY, EXPN, HELP, NOOP. */
struct smtp_command {
	enum smtp_verb verb;
	union {
		struct str text;
		struct smtp_mail mail;
		struct smtp_rcpt rcpt;
		struct smtp_bdat bdat;
		struct smtp_auth auth;
	};
};

/* The upper-case word of a command; static. */
const char *smtp_verb_name(enum smtp_verb verb);

/*
 * Parses one line, without its CRLF. Each verb has its own limit of length
 * (the enum above). `verb` is set as soon as the word is known, even when the
 * arguments are at fault; otherwise it is SMTP_VERB_COUNT.
 */
must_check enum smtp_error smtp_command_parse(struct str line, struct smtp_command *command_out);

/*
 * Appends a reply: code, enhanced code (may be NULL) and text, CRLF. A line
 * feed in the text begins a further line ("250-"), on which the enhanced code
 * is repeated (RFC 2034 section 4). Other controls and bytes that are not
 * ASCII come out as "?", so that foreign text cannot forge a reply; each line
 * is cut at SMTP_LINE_MAX.
 */
void smtp_reply(struct buf *to, int code, const char *enhanced, struct str text);

#endif
