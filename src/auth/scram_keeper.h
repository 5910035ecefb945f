/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's part of a SCRAM exchange (RFC 5802 section 5), without disk and
 * without state: what has to be known again at the second message goes out with the
 * first answer under a seal, so a flood of first messages costs no memory.
 *
 * 1. An account without a verifier, or no account at all, takes the same steps with a
 *    decoy, and nothing that a peer sees tells it apart: the salt is a keyed MAC of
 *    the name for everybody, so it neither differs nor changes when a user is made.
 * 2. A seal holds in this process alone, for SCRAM_EXCHANGE_MS, for this account and
 *    these messages.
 *
 * Immutable after init: any thread may call.
 */
#ifndef POSTERN_AUTH_SCRAM_KEEPER_H
#define POSTERN_AUTH_SCRAM_KEEPER_H

#include "base/buf.h"
#include "base/fault.h"
#include "crypto/scram.h"

enum {
	SCRAM_EXCHANGE_MS = 5 * 60 * 1000,
	SCRAM_SEAL_BYTES = 8 + MAC_BYTES,
};

struct scram_keeper {
	struct mac_key seal_key;
	struct mac_key salt_key;
	struct scram_verifier decoy;
};

/* Copies the key of the salts, which must be the same at every start. */
void scram_keeper_init(struct scram_keeper *keeper, const struct mac_key *salt_key);
void scram_keeper_done(struct scram_keeper *keeper);

/* Computes the account's salt. */
void scram_keeper_salt(const struct scram_keeper *keeper, struct str account,
		       uint8_t salt_out[SCRAM_SALT_BYTES]);

/*
 * Answers a client-first-message: appends the server-first-message and its seal.
 * `verifier` is NULL for an account that has none. INVALID when the message is none.
 */
must_check enum fault scram_keeper_begin(const struct scram_keeper *keeper, struct str account,
					 const struct scram_verifier *verifier, struct str first,
					 int64_t now_ms, struct buf *challenge, struct buf *seal);

/* A client-final-message with what belongs to it. */
struct scram_attempt {
	struct str account;
	struct str first;     /* the client-first-message */
	struct str challenge; /* our answer to it, and its seal */
	struct str seal;
	struct str last; /* the client-final-message */
	struct str binding; /* what the connection gives for the binding asked for; empty: none */
};

enum scram_verdict {
	SCRAM_WRONG,
	SCRAM_RIGHT,
	/* The client knows the password, but speaks over another connection than this one. */
	SCRAM_WRONG_BINDING
};

/*
 * Checks an attempt; appends the server-final-message when it is right. INVALID when a message
 * is none, CONFLICT when the seal is not ours or too old.
 */
must_check enum fault scram_keeper_finish(const struct scram_keeper *keeper,
					  const struct scram_verifier *verifier,
					  const struct scram_attempt *attempt, int64_t now_ms,
					  enum scram_verdict *verdict_out, struct buf *answer);

#endif
