/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front's part of a SCRAM login: it reads from the client's messages for whom and
 * over which channel binding, relays them to auth, and keeps what the next question
 * needs. Secrets, proofs and verifiers are auth's.
 */
#ifndef POSTERN_SESSION_LOGIN_SCRAM_H
#define POSTERN_SESSION_LOGIN_SCRAM_H

#include "session/session.h"
#include "tls/binding.h"

struct login_scram {
	struct buf first;     /* the client's first message */
	struct buf challenge; /* auth's answer to it, with its seal */
	char seal[SCRAM_SEAL_BYTES];
	struct buf binding; /* of this connection; empty: none was asked for */
	uint32_t flags;	    /* of the account, once auth has granted the login */
};

struct login_scram *login_scram_new(void);
/* Frees and sets to NULL. */
void login_scram_free(struct login_scram **scram);

/*
 * Reads the client's first message: appends the name, prepared (proto/saslprep.h), and
 * fills in the question but for its account. False, with what to tell the peer, when it
 * is malformed or asks for what cannot be; the latter stands in warning.log.
 */
must_check bool login_scram_first(struct session *session, struct str message, struct buf *name,
				  struct login_question *question,
				  enum login_outcome_kind *outcome_out);

/* Keeps auth's answer to it. */
void login_scram_keep(struct login_scram *scram, const struct login_answer *answer);

/* Fills in the question about the client's last message but for its account; false when it is malformed. */
must_check bool login_scram_last(const struct session *session, struct str message,
				 struct login_question *question);

#endif
