/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking HTTPS with a CA, by libcurl.
 *
 * TLS is governed by our own client policy and verified against our own anchors;
 * nothing comes from openssl.cnf, a proxy of the environment or a redirect.
 * Names are asked for by whoever made it. What a CA sends is bounded in size and
 * time. One thread.
 */
#ifndef POSTERN_ACME_HTTP_H
#define POSTERN_ACME_HTTP_H

#include "acme/message.h"
#include "tls/context.h"

struct acme_http;

struct acme_http_parts {
	const struct tls_policy *policy; /* of a client; borrowed while it lives */
	struct tls_anchors *anchors;	 /* referenced */
	/*
	 * Appends a host's addresses in numeric form, separated by commas, or in `why`
	 * the reason that there is none. May block.
	 */
	enum fault (*resolve)(void *context, struct str host, struct buf *addresses,
			      struct buf *why);
	/* True when what is under way is to be given up. */
	bool (*is_ending)(void *context);
	void *context;
};

/* INVALID with the reason in words: the policy cannot be used. */
must_check enum fault acme_http_new(const struct acme_http_parts *parts, struct buf *why,
				    struct acme_http **out);
void acme_http_free(struct acme_http **http);

enum { ACME_NONCE_MAX = 512, ACME_CONNECT_S = 20, ACME_REQUEST_S = 60 };

enum acme_method { ACME_GET, ACME_HEAD, ACME_POST };

struct acme_answer {
	long status;
	struct buf body;
	struct buf nonce; /* Replay-Nonce */
	struct buf location;
	int64_t retry_after_s; /* 0: it does not say, or as a date */
};

void acme_answer_init(struct acme_answer *answer);
void acme_answer_done(struct acme_answer *answer);

/*
 * One request; `body` is a signed one, for POST. UNAVAILABLE, with the reason in
 * words, when there is no answer; an answer of any status is none. Blocks.
 */
must_check enum fault acme_http_do(struct acme_http *http, enum acme_method method, struct str url,
				   struct str body, struct acme_answer *answer, struct buf *why);

#endif
