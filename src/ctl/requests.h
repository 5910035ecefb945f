/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that were made for a CA and whose certificate has not come: HOME/sslcert/requests holds
 * NAME.key, the private key, and NAME.csr, what was sent. Written as pairs are (ctl/pair_files.h);
 * the key is read by nobody before it becomes a pair's.
 */
#ifndef POSTERN_CTL_REQUESTS_H
#define POSTERN_CTL_REQUESTS_H

#include "ctl/ctl.h"
#include "tls/request.h"

enum { REQUESTS_MAX = 64 };

struct request {
	char *name;
	struct buf pem;
	struct buf names; /* a line each */
	struct tls_request_facts facts;
	int64_t since_s;
};

struct requests {
	size_t count;
	struct request items[REQUESTS_MAX];
};

/* Reads those that there are, by name; what cannot be read is none. Blocks on the disk. */
void requests_read(const struct ctl *ctl, struct requests *requests);
void requests_done(struct requests *requests);

/* The one of that name, NULL when there is none. Borrowed. */
const struct request *requests_find(const struct requests *requests, struct str name);

/* One as JSON; the caller frees. */
json_t *request_json(const struct request *request);

/* Writes both files, the key first. Its exit code after it said why not. Blocks on the disk. */
must_check int request_put(const struct ctl *ctl, const char *name, struct str key, struct str pem);

/* Makes the key of a request that of a pair; the request stays. The exit code as above. */
must_check int request_key_take(const struct ctl *ctl, const char *request, const char *name);

/* Removes a request with its key. The exit code as above. */
must_check int request_remove(const struct ctl *ctl, const char *name);

#endif
