/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is made with a key that is in the keys role: the request for a
 * certificate (RFC 2986), and the certificate by which tls-alpn-01 shows that a
 * name is ours (RFC 8737 section 3).
 */
#ifndef POSTERN_ACME_CERTIFICATE_H
#define POSTERN_ACME_CERTIFICATE_H

#include "base/buf.h"
#include "tls/key_source.h"

/* A key by its number, and its public part in DER form. */
struct acme_signer {
	struct key_source *source;
	uint32_t number;
	struct str public_key;
};

enum { ACME_CERTIFICATE_MAX = 64 * 1024 };

/*
 * Appends the request for these names in DER form. Blocks on the keys role.
 * FAULT_INVALID when the key cannot sign or the names are none.
 */
must_check enum fault acme_certificate_request(const struct acme_signer *signer,
					       const struct str *domains, size_t count,
					       struct buf *der);

/*
 * Appends the certificate that answers tls-alpn-01 for `domain` in PEM form: signed
 * by itself, with the digest of the key authorization in it. Faults as above.
 */
must_check enum fault acme_challenge_certificate(const struct acme_signer *signer,
						 struct str domain, struct str authorization,
						 struct buf *pem);

#endif
