/* SPDX-License-Identifier: Apache-2.0 */
/* One request to a CA and its answer, as RFC 8555 reads them. */
#ifndef POSTERN_ACME_HTTP_H
#define POSTERN_ACME_HTTP_H

#include "acme/message.h"
#include "tls/web_client.h"

enum { ACME_NONCE_MAX = 512, ACME_CONNECT_S = 20, ACME_REQUEST_S = 60 };

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
must_check enum fault acme_http_do(struct web_client *web, enum web_method method, struct str url,
				   struct str body, struct acme_answer *answer, struct buf *why);

#endif
