/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of a message on its way in: who sends it, to whom, and which
 * accounts that means. Refusals are given as the status to reply with, and
 * those that tell of an attack stand in security.log.
 */
#ifndef POSTERN_SMTPD_ENVELOPE_H
#define POSTERN_SMTPD_ENVELOPE_H

#include "proto/smtp.h"
#include "session/session.h"
#include "store/queue.h"

/* Zeroed, it is empty. */
struct envelope {
	char *sender; /* as said, "" for the null reverse path; NULL: no MAIL yet */
	uint64_t size_said;
	char **recipients; /* as said */
	size_t recipient_count;
	uint64_t *accounts; /* each once, ascending */
	size_t account_count;
	bool is_overfull; /* there were more recipients than the limit allows */
	bool is_utf8;
	enum smtp_return returns;
	char *envid; /* xtext; NULL when unsaid */
	/* What goes into the queue; their texts are owned. */
	struct queue_recipient *queued;
	size_t queued_count;
};

/* Frees what it holds; it is empty. */
void envelope_reset(struct envelope *envelope);

/*
 * Begins the envelope with a sender. Returns the refusal, static, or NULL: done.
 * Who has logged in may only use addresses of his own (RFC 6409 section 6.1).
 * Reads the store's index; does not block.
 */
const struct smtp_status *envelope_sender_set(struct session *session, struct envelope *envelope,
					      const struct smtp_mail *mail);

/*
 * Adds a recipient: resolved to accounts whose quotas have room for what was said of the
 * size, or, from a user who has logged in, of another server.
 */
const struct smtp_status *envelope_recipient_add(struct session *session, struct envelope *envelope,
						 const struct smtp_rcpt *rcpt);

/*
 * Holds a sender to the TLS floor (tls-policy section 4). True when the rung in force
 * refuses MAIL: then `*status_out` is what to reply, its text made in the session's
 * arena, and the line is written. Under observe, one line a session is written.
 */
bool envelope_floor_refuses(struct session *session, struct str sender,
			    struct smtp_status *status_out);

/*
 * Holds a sender to the rows of TlsPolicy: that of his address or confirmed name,
 * and that of the domain of MAIL FROM, which anybody may write but which can only
 * demand. As envelope_floor_refuses.
 */
bool envelope_partner_refuses(struct session *session, const struct address *sender,
			      struct smtp_status *status_out);

/* Writes the line of a refused message or sender to mail.log and counts it. */
void envelope_reject_log(struct session *session, struct str sender,
			 const struct smtp_status *status);

#endif
