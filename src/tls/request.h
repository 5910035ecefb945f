/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests for a CA (PKCS#10, RFC 2986): made with a key, and read to know whose key
 * it was. For commands, never for a server.
 */
#ifndef POSTERN_TLS_REQUEST_H
#define POSTERN_TLS_REQUEST_H

#include "tls/certificate.h"

/*
 * Appends a request in PEM form for a key and DNS names, the first of which is the subject.
 * INVALID with the reason in `why`.
 */
must_check enum fault tls_request_make(struct str key_pem, const struct str *names, size_t count,
				       struct buf *pem, struct buf *why);

/* Makes a private key, RSA of 2048 bits or P-256, and appends it in PEM form. `pem` is to be wiped. */
must_check enum fault tls_request_key_make(bool is_rsa, struct buf *pem);

struct tls_request_facts {
	unsigned char key_id[TLS_KEY_ID_BYTES]; /* as of certificates */
	enum tls_key_kind kind;
	int bits;
};

/* Reads a request of ours; appends its DNS names, a line each. False when it is none. */
must_check bool tls_request_read(struct str pem, struct tls_request_facts *facts_out,
				 struct buf *names);

#endif
