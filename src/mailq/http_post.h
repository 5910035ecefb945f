/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request over plain HTTP, by libcurl: nothing comes from a proxy of the
 * environment, a redirect or a file; what comes back is bounded in size and time.
 * For what is signed anyway.
 */
#ifndef POSTERN_MAILQ_HTTP_POST_H
#define POSTERN_MAILQ_HTTP_POST_H

#include "base/buf.h"
#include "base/fault.h"

struct http_post {
	struct str url; /* http://... */
	const char *content_type;
	struct str body;
	/* Appends a host's addresses in numbers, separated by commas. May block. */
	enum fault (*resolve)(void *context, struct str host, struct buf *addresses,
			      struct buf *why);
	/* True when what is under way is to be given up. */
	bool (*is_ending)(void *context);
	void *context;
};

enum { HTTP_POST_CONNECT_S = 15, HTTP_POST_ALL_S = 30 };

/*
 * Appends the answer's body. UNAVAILABLE with the reason in words when there is none,
 * it does not fit, or the status is not 200. Blocks; any thread.
 */
must_check enum fault http_post_do(const struct http_post *post, struct buf *answer,
				   struct buf *why);

#endif
