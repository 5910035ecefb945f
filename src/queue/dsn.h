/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery status notifications: the message that tells a sender what became of
 * his (RFC 3464, in the container of RFC 6522; RFC 6533 for addresses beyond
 * ASCII). Pure: facts in, message out.
 *
 * Foreign text (replies of servers, addresses) is cut to length, and its
 * controls are made harmless, so that it cannot forge fields or parts.
 */
#ifndef POSTERN_QUEUE_DSN_H
#define POSTERN_QUEUE_DSN_H

#include "base/buf.h"

/* X(name, word of RFC 3464 section 2.3.3) */
#define DSN_ACTION_TABLE(X)                                                    \
	X(FAILED, "failed")                                                    \
	X(DELAYED, "delayed")                                                  \
	X(DELIVERED, "delivered")                                              \
	X(RELAYED, "relayed") /* to a server that knows no DSN */

enum dsn_action {
#define X(name, word) DSN_##name,
	DSN_ACTION_TABLE(X)
#undef X
	DSN_ACTION_COUNT
};

struct dsn_recipient {
	struct str address;
	struct str original;   /* ORCPT as it was said: "rfc822;" and xtext; or empty */
	struct str status;     /* "5.7.5"; what is no such code becomes 5.0.0 or 4.0.0 */
	struct str host;       /* the server that was asked, or empty */
	struct str diagnostic; /* its reply, "550 5.1.1 no such user"; or empty */
	struct str reason;     /* in words, where there is no reply or it does not tell */
	int64_t attempted_s;   /* the last attempt; 0: none */
};

struct dsn {
	enum dsn_action action;
	struct str hostname;   /* ours */
	struct str sender;     /* to whom it goes; not empty */
	struct str envid;      /* xtext as it was said, or empty */
	struct str queue_id;   /* of the message it tells about */
	struct str unique;     /* letters and digits that occur nowhere else; at most 64 */
	int64_t arrived_s;
	int64_t now_s;
	int64_t retry_until_s; /* of a delay */
	const struct dsn_recipient *recipients;
	size_t recipient_count;
	struct str message; /* the one it tells about */
	bool returns_body;  /* else its header only */
	bool is_utf8;	    /* the sender asked for SMTPUTF8 */
};

/* Appends the whole message, lines ended by CRLF. */
void dsn_append(struct buf *to, const struct dsn *dsn);

#endif
