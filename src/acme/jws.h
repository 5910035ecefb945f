/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a CA, signed by the account's key (RFC 8555 section 6.2; RFC 7515,
 * ES256 of RFC 7518 section 3.4). The key itself is in the keys role.
 */
#ifndef POSTERN_ACME_JWS_H
#define POSTERN_ACME_JWS_H

#include "base/buf.h"
#include "tls/key_source.h"

enum { ACME_COORDINATE_BYTES = 32, ACME_THUMBPRINT_MAX = 64 };

/* The account's key: on P-256. */
struct acme_key {
	struct key_source *source; /* borrowed */
	uint32_t number;
	unsigned char x[ACME_COORDINATE_BYTES];
	unsigned char y[ACME_COORDINATE_BYTES];
};

/* Takes the public key in DER form (SubjectPublicKeyInfo). FAULT_UNSUPPORTED: not on P-256. */
must_check enum fault acme_key_init(struct acme_key *key, struct key_source *source,
				    uint32_t number, struct str public_key_der);

/* Appends the key's thumbprint (RFC 7638) in base64url. */
void acme_thumbprint_append(const struct acme_key *key, struct buf *to);

/* Appends the key authorization of a challenge (RFC 8555 section 8.1). */
void acme_authorization_append(const struct acme_key *key, struct str token, struct buf *to);

struct acme_request {
	struct str url;
	struct str nonce;
	struct str account; /* its URL; empty: the key itself is sent, for newAccount */
	struct str payload; /* empty: a GET in the form of a POST (section 6.3) */
};

/*
 * Appends the request in flattened JSON form. Blocks on the keys role; its
 * faults. INVALID: what was signed is no ECDSA signature.
 */
must_check enum fault acme_jws_append(const struct acme_key *key,
				      const struct acme_request *request, struct buf *to);

#endif
