/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the auth role whether a password is right, or a message of SCRAM, without
 * waiting for it.
 *
 * Hashing takes tens of milliseconds and strangers can order it, so no worker
 * waits: the question goes out with auth_client_ask, the session parks, and it
 * is woken when the answer stands in the asker (ipc/asker.h), which any number of
 * threads may ask.
 *
 * Every question gets exactly one answer, even when the auth role dies: then
 * its fault is FAULT_UNAVAILABLE, and the next question finds the new role; and
 * when it hangs: then its fault is FAULT_IO, after AUTH_ANSWER_MS.
 * What to say to the peer for each verdict, and what to log, is session/'s.
 */
#ifndef POSTERN_AUTH_AUTH_H
#define POSTERN_AUTH_AUTH_H

#include "auth/scram_keeper.h"
#include "ipc/asker.h"
#include "proto/scram.h"

/*
 * X(name, text). A peer must not be told the refusals apart, but BLOCKED; the log is.
 */
#define LOGIN_VERDICT_TABLE(X)                                                                     \
	X(GRANTED, "granted")                                                                      \
	X(WRONG_PASSWORD, "wrong password")                                                        \
	X(UNKNOWN_USER, "unknown user")                                                            \
	X(DISABLED, "the account is disabled")                                                     \
	X(BLOCKED, "too many failed logins from this address")                                     \
	X(CONTINUES, "the exchange goes on")                                                       \
	X(NO_VERIFIER, "no SCRAM verifier is kept for the account")                                \
	X(WRONG_BINDING, "the right password over another connection")                             \
	X(WRONG_IDENTITY, "the certificate is another user's")                                     \
	X(NO_ROLE, "the account is neither administrator nor auditor")                             \
	X(NEEDS_CODE, "a code is wanted beside the password")                                      \
	X(WRONG_CODE, "wrong code")                                                                \
	X(ACCOUNT_BLOCKED, "too many wrong codes or old passwords for this account")

enum login_verdict {
#define X(name, text) LOGIN_##name,
	LOGIN_VERDICT_TABLE(X)
#undef X
	LOGIN_VERDICT_COUNT
};

const char *login_verdict_text(enum login_verdict verdict);

/* Flags of an account's credentials, as password_set carries and login_answered returns them. */
enum {
	LOGIN_FLAG_ADMIN = 1u << 0,    /* may administer the server */
	LOGIN_FLAG_DISABLED = 1u << 1, /* no login, whatever the password */
	LOGIN_FLAG_AUDITOR =
		1u << 2, /* may see all that an administrator sees, and change nothing */
	/* In lists alone, never kept with the others: has a second factor that is on. */
	LOGIN_FLAG_TOTP = 1u << 3,
};

/* "administrator", "auditor" or "user". */
const char *login_role_text(uint32_t flags);

enum login_question_kind {
	LOGIN_BY_PASSWORD,
	LOGIN_BY_SCRAM_FIRST, /* answered CONTINUES, with a message and a seal */
	LOGIN_BY_SCRAM_LAST,  /* GRANTED comes with the message that proves the server */
	LOGIN_BY_CERTIFICATE  /* which TLS has verified; auth knows limits and flags */
};

struct login_question {
	enum login_question_kind kind;
	struct str account;  /* in the form of address_append_account (proto/address.h) */
	struct str password; /* BY_PASSWORD: copied; the caller wipes its own */
	struct str address;  /* the peer's, numeric, without port */
	struct scram_attempt scram; /* BY_SCRAM: `first`, or all but `account` */
	enum login_verdict found; /* BY_CERTIFICATE: GRANTED, UNKNOWN_USER or WRONG_IDENTITY */
};

struct login_answer {
	/* FAULT_NONE, or BUSY (the queue is full: a temporary refusal), UNAVAILABLE, IO, or the store's. */
	enum fault fault;
	enum login_verdict verdict; /* holds when fault is NONE */
	uint32_t flags;		    /* LOGIN_FLAG_...; holds when granted */
	uint32_t wait_s;	    /* BLOCKED: how long this address stays so */
	size_t message_len;
	char message[SCRAM_MESSAGE_MAX];
	char seal[SCRAM_SEAL_BYTES]; /* CONTINUES */
};

/* A full queue of hashes and the longest delay of a refusal fit into it. */
enum { AUTH_ANSWER_MS = 60 * 1000 };

/* Starts an asker for role auth (asker_free). Borrows the connector, which must outlive it. */
struct asker *auth_client_new(struct connector *connector);

/*
 * Asks; `wake` is called when the answer stands there. Stores a ticket (never 0) for it, which
 * asker_cancel forgets. A fault is an answer too: nothing was asked, no ticket is open (BUSY when too
 * many questions are open, TOO_LARGE for texts beyond reason). Does not block.
 */
must_check enum fault auth_client_ask(struct asker *auth, const struct login_question *question,
				      asker_wake *wake, void *context, uint64_t *ticket_out);

/* Takes the answer and closes the ticket; false while there is none. */
must_check bool auth_client_take(struct asker *auth, uint64_t ticket,
				 struct login_answer *answer_out);

#endif
