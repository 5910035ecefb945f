/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate authority says and is told in JSON (RFC 8555 section 7).
 *
 * Reading is pure and bounded: what is longer than it may be, is no URL of
 * https, or is a token with foreign characters makes the whole message invalid.
 * Members that are not used here are passed over.
 */
#ifndef POSTERN_ACME_MESSAGE_H
#define POSTERN_ACME_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"

enum {
	ACME_MESSAGE_MAX = 256 * 1024,
	ACME_URL_MAX = 2048,
	ACME_TOKEN_MAX = 256,
	ACME_TEXT_MAX = 1024,
	ACME_DOMAINS_MAX = 100,
	ACME_SUBPROBLEMS_MAX = 16,
};

/* Section 7.1.6; UNKNOWN for a word that the RFC does not have. */
enum acme_status {
	ACME_STATUS_UNKNOWN,
	ACME_STATUS_PENDING,
	ACME_STATUS_PROCESSING,
	ACME_STATUS_READY,
	ACME_STATUS_VALID,
	ACME_STATUS_INVALID,
	ACME_STATUS_DEACTIVATED,
	ACME_STATUS_EXPIRED,
	ACME_STATUS_REVOKED
};

/* One name's part of a problem (section 6.7.1). */
struct acme_subproblem {
	struct str type; /* "dns", ...: without the common beginning */
	struct str detail;
	struct str domain;
};

/* A problem document (RFC 7807; section 6.7). Without a problem `type` is empty. */
struct acme_problem {
	struct str type; /* "badNonce", ...; of foreign types the whole URI */
	struct str detail;
	size_t sub_count;
	struct acme_subproblem subs[ACME_SUBPROBLEMS_MAX];
};

/* Section 7.1.1. */
struct acme_directory {
	struct str new_nonce;
	struct str new_account;
	struct str new_order;
	struct str terms; /* may be empty */
	bool wants_external_account;
};

/* Section 7.1.3. */
struct acme_order {
	enum acme_status status;
	size_t authorization_count;
	struct str authorizations[ACME_DOMAINS_MAX];
	struct str finalize;
	struct str certificate; /* empty before it is there */
	struct acme_problem problem;
};

/* Section 7.1.4, and of its challenges the one of the type that was asked for. */
struct acme_authorization {
	enum acme_status status;
	struct str domain;
	bool has_challenge;
	enum acme_status challenge_status;
	struct str challenge_url;
	struct str token;
	struct acme_problem problem;
};

/*
 * Each reads one message into the arena. FAULT_INVALID when it is none, or
 * lacks what it must have.
 */
must_check enum fault acme_directory_parse(struct str json, struct arena *arena,
					   struct acme_directory *out);
must_check enum fault acme_order_parse(struct str json, struct arena *arena,
				       struct acme_order *out);
must_check enum fault acme_authorization_parse(struct str json, struct str challenge_type,
					       struct arena *arena,
					       struct acme_authorization *out);
must_check enum fault acme_problem_parse(struct str json, struct arena *arena,
					 struct acme_problem *out);

/* True for https://, as long as ACME_URL_MAX, in visible ASCII. */
bool acme_url_is_good(struct str url);

/* Appends the payload of newAccount (section 7.3); the contact may be empty. */
void acme_account_append(struct buf *to, struct str contact, bool agrees_terms);
/* Appends the payload of newOrder (section 7.4). */
void acme_order_append(struct buf *to, const struct str *domains, size_t count);
/* Appends the payload of finalize: the request for the certificate in DER form. */
void acme_finalize_append(struct buf *to, struct str request_der);

/*
 * Appends what a problem means and what to do about it, in one line; foreign
 * text in it is escaped.
 */
void acme_problem_explain(const struct acme_problem *problem, struct buf *to);

#endif
