/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a configuration means: the TLS policies of its services and clients,
 * for people and as JSON (its members are part of the product).
 */
#ifndef POSTERN_CTL_EFFECTIVE_H
#define POSTERN_CTL_EFFECTIVE_H

#include <jansson.h>

#include "config/config.h"

/* What stands around the policies. */
struct effective {
	const struct config *config;
	const struct suite_catalog *catalog;
	struct tls_certificates certificates; /* which suites listeners can really use */
	bool has_service;		      /* only `service`, and no client */
	enum service_id service;
};

/* Which kinds of certificates the home has: the suites of the other kind cannot be used. */
struct tls_certificates effective_certificates(const char *home);

/* {"services":[...],"clients":[...]}; the caller frees. */
json_t *effective_json(const struct effective *effective);

/* ["TLSv1.2","TLSv1.3"]; the caller frees. */
json_t *effective_protocols_json(tls_protocols protocols);

/* Appends the same for people. `is_short` leaves the suites out. */
void effective_append(const struct effective *effective, bool is_short, struct buf *to);

#endif
