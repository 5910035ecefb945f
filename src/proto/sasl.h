/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of the SASL mechanisms PLAIN (RFC 4616), LOGIN, EXTERNAL and
 * SCRAM-SHA-256 (RFC 7677), as SMTP (RFC 4954), POP3 (RFC 5034) and IMAP carry
 * them: base64 lines in, base64 challenges out; at the end a user name and a password,
 * or on the way messages for somebody else to answer.
 *
 * Whether they are right is for auth/ to say, and whether a mechanism may be
 * used without TLS for the server. Passwords live in a struct secret; whoever
 * owns the input lines must wipe them.
 */
#ifndef POSTERN_PROTO_SASL_H
#define POSTERN_PROTO_SASL_H

#include "base/buf.h"
#include "base/secret.h"

/* The strongest first: so they are announced. */
enum sasl_mechanism {
	SASL_EXTERNAL, /* by what TLS knows of the client: RFC 4422 appendix A */
	SASL_SCRAM_SHA_256_PLUS, /* bound to the TLS connection */
	SASL_SCRAM_SHA_256,
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_MECHANISM_COUNT
};

/* A set of mechanisms: the sum of their bits. */
#define SASL_BIT(mechanism) (1u << (mechanism))

/* Finds a mechanism by its name, without regard to case; false when it is not one of ours. */
must_check bool sasl_mechanism_find(struct str name, enum sasl_mechanism *mechanism_out);

/* "PLAIN", "SCRAM-SHA-256-PLUS"; static. */
const char *sasl_mechanism_name(enum sasl_mechanism mechanism);

static inline bool sasl_is_scram(enum sasl_mechanism mechanism)
{
	return mechanism == SASL_SCRAM_SHA_256 || mechanism == SASL_SCRAM_SHA_256_PLUS;
}

/* Appends the names of a set's mechanisms, each between `before` and `behind`. */
void sasl_append_mechanisms(struct buf *to, unsigned set, struct str before, struct str behind);

enum sasl_step {
	SASL_CHALLENGE, /* send `challenge` and feed the next line */
	SASL_MESSAGE,	/* `message` waits for its answer: sasl_answer */
	/*
	 * User and password are there; of EXTERNAL: whom the client wants to be, or nobody
	 * in particular; of SCRAM: the peer has seen the last answer.
	 */
	SASL_DONE,
	SASL_CANCELLED, /* the peer sent "*" */
	SASL_INVALID	/* not base64, or not of the mechanism's form */
};

enum { SASL_USER_MAX = 320, SASL_MESSAGE_MAX = 1536, SASL_ANSWER_MAX = 768 };

struct sasl {
	enum sasl_mechanism mechanism;
	int stage;
	struct str challenge; /* base64; empty: an empty challenge */
	size_t user_len;
	char user_bytes[SASL_USER_MAX];
	struct secret password;
	size_t message_len;
	char message_bytes[SASL_MESSAGE_MAX];
	char challenge_bytes[SASL_ANSWER_MAX]; /* behind `challenge` where it is no constant */
};

/*
 * Begins an exchange. `initial` is the initial response as it stood in the
 * command, "=" for an empty one; it is looked at only if `has_initial`.
 */
enum sasl_step sasl_begin(struct sasl *sasl, enum sasl_mechanism mechanism, bool has_initial,
			  struct str initial);

/* Goes on with the peer's next line, without its CRLF. */
enum sasl_step sasl_respond(struct sasl *sasl, struct str line);

/* The authentication identity, as sent; borrowed, valid after SASL_DONE. */
static inline struct str sasl_user(const struct sasl *sasl)
{
	return str_make(sasl->user_bytes, sasl->user_len);
}

/* The peer's decoded message; borrowed, valid after SASL_MESSAGE until the next step. */
static inline struct str sasl_message(const struct sasl *sasl)
{
	return str_make(sasl->message_bytes, sasl->message_len);
}

/*
 * Answers the message: `answer`, at most SASL_ANSWER_MAX in base64, becomes the
 * challenge. Behind the answer to SCRAM's second message the peer sends an empty
 * line, for none of our protocols carries data with its success.
 */
enum sasl_step sasl_answer(struct sasl *sasl, struct str answer);

/* Wipes what was collected; safe as a cleanup handler. */
void sasl_wipe(struct sasl *sasl);

#endif
