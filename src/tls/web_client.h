/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to servers of the web, by libcurl.
 *
 * TLS is governed by our own client policy and verified against our own anchors. Nothing
 * comes from openssl.cnf, a proxy of the environment, a redirect or a file; names are asked
 * for by whoever made the client. What comes back is bounded in size and time.
 */
#ifndef POSTERN_TLS_WEB_CLIENT_H
#define POSTERN_TLS_WEB_CLIENT_H

#include "base/buf.h"
#include "base/fault.h"
#include "policy/policy.h"
#include "tls/anchors.h"

struct web_client_parts {
	/* Of a client; borrowed while it lives. NULL: plain HTTP alone, for what is signed anyway. */
	const struct tls_policy *policy;
	struct tls_anchors *anchors; /* referenced; with a policy */
	/*
	 * Appends a host's addresses in numeric form, separated by commas, or in `why` the
	 * reason that there is none. May block.
	 */
	enum fault (*resolve)(void *context, struct str host, struct buf *addresses,
			      struct buf *why);
	/* True when what is under way is to be given up. */
	bool (*is_ending)(void *context);
	void *context;
	long connect_s; /* the longest time to connect */
	long all_s;	/* and for a whole request */
};

struct web_client;

/* INVALID with the reason in words: the policy cannot be used. */
must_check enum fault web_client_new(const struct web_client_parts *parts, struct buf *why,
				     struct web_client **out);
void web_client_free(struct web_client **client);

enum web_method { WEB_GET, WEB_HEAD, WEB_POST };

struct web_request {
	enum web_method method;
	struct str url;
	const char *content_type; /* of the body; NULL without one */
	struct str body;	  /* for POST */
	/* Told each field of the answer's head; may be NULL. */
	void (*field_take)(void *context, struct str name, struct str value);
	void *context;
};

/*
 * One request: appends the answer's body, which must fit, and gives its status. UNAVAILABLE, with
 * the reason in words, when there is no answer; an answer of any status is none. Blocks; a
 * client serves one thread at a time.
 */
must_check enum fault web_client_do(struct web_client *client, const struct web_request *request,
				    struct buf *body, long *status_out, struct buf *why);

#endif
