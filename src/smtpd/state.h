/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an SMTP session remembers between commands.
 */
#ifndef POSTERN_SMTPD_STATE_H
#define POSTERN_SMTPD_STATE_H

#include "smtpd/envelope.h"

enum smtpd_state {
	SMTPD_START,  /* no EHLO yet, or not since STARTTLS */
	SMTPD_READY,  /* greeted */
	SMTPD_MAIL,   /* a sender */
	SMTPD_RCPT,   /* and recipients */
	SMTPD_CHUNKS, /* and a first chunk of the message (BDAT) */
	SMTPD_STATE_COUNT
};

struct smtpd {
	enum smtpd_state state; /* written by smtpd_state_set only */
	bool is_extended;	/* EHLO, not HELO */
	char *helo;		/* the name it said; owned; NULL before */
	unsigned talk_count;	/* commands that bring no message, since the last one */
	bool is_observed;	/* below a TLS floor, and mail.log has said so */
	const struct smtp_mail *mail; /* a MAIL that waits for the peer's name; in the command's arena */
	bool is_partner_observed; /* likewise of a row of TlsPolicy */
	struct envelope envelope;
	const struct smtp_status *chunk_refusal; /* what to say behind an unwanted chunk */
	bool chunk_is_last;
	char queue_id[QUEUE_ID_BYTES]; /* of the message at hand */
};

/* The state behind a session of smtpd_protocol. */
static inline struct smtpd *smtpd_of(const struct session *session)
{
	return session->state;
}

/* Tells whether users log in at the session's service: Submission and SMTPS. */
bool smtpd_has_users(const struct session *session);

#endif
