/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of the SASL mechanisms PLAIN (RFC 4616) and LOGIN, as
 * SMTP (RFC 4954), POP3 (RFC 5034) and IMAP carry them: base64 lines in,
 * base64 challenges out, at the end a user name and a password.
 *
 * Whether they are right is for auth/ to say, and whether a mechanism may be
 * used without TLS for the server. Passwords live in a struct secret; whoever
 * owns the input lines must wipe them.
 */
#ifndef POSTERN_PROTO_SASL_H
#define POSTERN_PROTO_SASL_H

#include "base/secret.h"

enum sasl_mechanism { SASL_PLAIN, SASL_LOGIN, SASL_MECHANISM_COUNT };

/* Finds a mechanism by its name, without regard to case; false when it is not one of ours. */
must_check bool sasl_mechanism_find(struct str name, enum sasl_mechanism *mechanism_out);

/* "PLAIN", "LOGIN"; static. */
const char *sasl_mechanism_name(enum sasl_mechanism mechanism);

enum sasl_step {
	SASL_CHALLENGE, /* send `challenge` and feed the next line */
	SASL_DONE,	/* user and password are there */
	SASL_CANCELLED, /* the peer sent "*" */
	SASL_INVALID	/* not base64, or not of the mechanism's form */
};

enum { SASL_USER_MAX = 320 };

struct sasl {
	enum sasl_mechanism mechanism;
	int stage;
	struct str challenge; /* base64, static; empty: an empty challenge */
	size_t user_len;
	char user_bytes[SASL_USER_MAX];
	struct secret password;
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

/* Wipes what was collected; safe as a cleanup handler. */
void sasl_wipe(struct sasl *sasl);

#endif
