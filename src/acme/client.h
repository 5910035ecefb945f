/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation with a CA (RFC 8555): its directory, nonces, signed requests,
 * and our account with it. One thread.
 */
#ifndef POSTERN_ACME_CLIENT_H
#define POSTERN_ACME_CLIENT_H

#include "acme/http.h"
#include "acme/jws.h"

/* Why something did not come about. */
struct acme_failure {
	struct buf words;
	int64_t retry_after_s; /* what the CA wants; 0: nothing */
	bool is_refusal; /* the CA said no, and would say so again */
};

void acme_failure_init(struct acme_failure *failure);
void acme_failure_done(struct acme_failure *failure);

struct acme_client {
	struct web_client *web;	   /* borrowed */
	const struct acme_key *key; /* borrowed */
	struct arena *arena;	   /* borrowed: what answers are read into */
	struct acme_directory directory;
	struct buf account; /* its URL; empty before acme_client_enter */
	struct buf nonce;   /* the next one; empty: none is left */
	struct acme_answer answer; /* the last one */
	struct acme_failure *failure; /* borrowed */
};

void acme_client_init(struct acme_client *client, struct web_client *web,
		      const struct acme_key *key, struct arena *arena,
		      struct acme_failure *failure);
void acme_client_done(struct acme_client *client);

/* All below tell in `failure` what hinders, and block. UNAVAILABLE, INVALID, DENIED (a problem). */

/* Reads the directory. */
must_check enum fault acme_client_open(struct acme_client *client, struct str directory_url);

/* Finds or makes the account of the key (section 7.3). */
must_check enum fault acme_client_enter(struct acme_client *client, struct str contact,
					bool agrees_terms);

/* Sends a signed request, again with a new nonce where the CA mislikes the one it has; `answer` is its. */
must_check enum fault acme_client_post(struct acme_client *client, struct str url,
				       struct str payload);

#endif
