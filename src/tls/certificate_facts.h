/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate says of itself beside names and dates: who issued it, whether
 * it was logged, and where its revocation can be asked.
 */
#ifndef POSTERN_TLS_CERTIFICATE_FACTS_H
#define POSTERN_TLS_CERTIFICATE_FACTS_H

#include "tls/certificate.h"

/* Appends the common name of its subject, or of its issuer; foreign bytes are escaped. */
void tls_certificate_append_subject(const struct tls_certificate *certificate, struct buf *to);
void tls_certificate_append_issuer(const struct tls_certificate *certificate, struct buf *to);

/* How many certificates there are: the leaf and those behind it. */
size_t tls_certificate_link_count(const struct tls_certificate *certificate);
/* Appends both names of one of them, 0 being the leaf; returns until when it is good. */
int64_t tls_certificate_append_link(const struct tls_certificate *certificate, size_t index,
				    struct buf *subject, struct buf *issuer);

/* "RSA" or "ECDSA". */
const char *tls_key_kind_name(enum tls_key_kind kind);

/* The SHA-256 of the leaf in DER form, and of any certificate; false when that fails. */
bool tls_certificate_fingerprint(const struct tls_certificate *certificate,
				 unsigned char fingerprint_out[TLS_KEY_ID_BYTES]);
bool tls_fingerprint(const X509 *certificate, unsigned char fingerprint_out[TLS_KEY_ID_BYTES]);

/* True when timestamps of certificate logs are embedded (RFC 6962 section 3.3). */
bool tls_certificate_has_scts(const struct tls_certificate *certificate);

/* True when clients are to refuse it without a stapled answer (RFC 7633, status_request). */
bool tls_certificate_must_staple(const struct tls_certificate *certificate);

/*
 * Appends the address of its OCSP responder (RFC 5280 section 4.2.2.1), the first
 * that is plain HTTP; false when it names none.
 */
bool tls_certificate_append_responder(const struct tls_certificate *certificate, struct buf *url);

/* The certificate in the chain that issued the leaf; NULL when it is not there. Borrowed. */
X509 *tls_certificate_issuer(const struct tls_certificate *certificate);

/* Appends the chain in PEM form, leaf first, and nothing else that stood in the file. */
void tls_certificate_append_pem(const struct tls_certificate *certificate, struct buf *to);

#endif
