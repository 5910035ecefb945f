/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message through an open SMTP session: MAIL, RCPT, DATA and the content, and
 * what became of each recipient (RFC 5321 section 3.3).
 *
 * 1. With PIPELINING everything up to DATA goes in one piece (RFC 2920); a recipient's
 *    fate is its own reply, and for those taken the reply to the content.
 * 2. What the server cannot do (SMTPUTF8, the size) is not tried: FAILED, in words.
 * 3. A connection that breaks leaves those without a reply LATER. After the last byte
 *    of the content a server may have taken it all the same: there a second copy
 *    cannot be ruled out.
 * 4. 421 to any command ends the session.
 * 5. Nothing blocks. All that is foreign is cut; it is not escaped.
 */
#ifndef POSTERN_DELIVER_TRANSACTION_H
#define POSTERN_DELIVER_TRANSACTION_H

#include "deliver/smtp_client.h"
#include "store/queue.h"

enum transaction_fate {
	TRANSACTION_OPEN,  /* nothing is known */
	TRANSACTION_TAKEN, /* the recipient is accepted, the content not yet */
	TRANSACTION_SENT,
	TRANSACTION_LATER, /* no for now */
	TRANSACTION_FAILED /* no for good */
};

enum { TRANSACTION_REPLY_MAX = 1024, TRANSACTION_PIECES = 3 };

struct transaction_recipient {
	const struct queue_recipient *recipient; /* borrowed */
	enum transaction_fate fate;
	bool is_reply; /* `text` is a server's reply, else our words */
	char status[16]; /* "5.1.1" */
	char *text;	 /* on one line, "550 5.1.1 no such user"; NULL: none */
};

struct transaction_parts {
	struct smtp_client *client; /* borrowed; OUTBOUND_READY was seen */
	const struct queue_envelope *envelope; /* borrowed, as the rest */
	const struct queue_recipient *recipients;
	size_t recipient_count;
	struct str pieces[TRANSACTION_PIECES]; /* the content, in order; lines end with CRLF */
	uint32_t min_bytes_per_s; /* at least so fast must the content go */
	bool after_reset; /* the session was left amid a transaction: RSET comes first */
};

enum transaction_phase { TRANSACTION_ENVELOPE, TRANSACTION_CONTENT, TRANSACTION_END };

struct transaction {
	struct transaction_parts parts;
	struct transaction_recipient *recipients;
	enum transaction_phase phase;
	bool is_pipelined;
	bool has_data;	 /* DATA was said */
	bool is_ended;
	bool wants_reset; /* the session is left amid a transaction */
	size_t said;	/* commands: RSET, MAIL, the recipients, DATA */
	size_t answered;
	size_t taken; /* recipients */
	size_t piece; /* of the content */
	size_t piece_at;
	char last; /* byte that was sent */
	bool is_line_start;
};

enum transaction_step {
	TRANSACTION_WAIT_INPUT,
	TRANSACTION_WAIT_OUTPUT,
	TRANSACTION_DONE,  /* every recipient has a fate; the session may go on, see wants_reset */
	TRANSACTION_BROKEN /* the same, and the session is over */
};

void transaction_init(struct transaction *transaction, const struct transaction_parts *parts);
void transaction_done(struct transaction *transaction);

enum transaction_step transaction_step(struct transaction *transaction);

/*
 * True of a BROKEN one that another server can be given as it is: no recipient was
 * settled by a reply, and the content was not said to its end.
 */
bool transaction_is_untouched(const struct transaction *transaction);

/* The deadline of the stream has passed: as TRANSACTION_BROKEN. */
void transaction_expire(struct transaction *transaction);

#endif
