/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate that a client showed at a listener: whether it logs somebody in
 * (AUTH EXTERNAL), and whom. What it was judged by is tls/user_anchors.h.
 */
#ifndef POSTERN_TLS_USER_CERTIFICATE_H
#define POSTERN_TLS_USER_CERTIFICATE_H

#include "tls/transport.h"

enum { TLS_USER_NAMES_MAX = 8, TLS_USER_NAME_MAX = 254 };

struct tls_user_certificate {
	bool is_presented;
	bool is_good; /* chain, dates, purpose, strength and revocation hold, and it names somebody */
	char why[128]; /* in words, when it is not */
	/* Mail addresses of its subjectAltName (rfc822Name, RFC 5280 section 4.2.1.6); foreign text. */
	size_t name_count;
	char names[TLS_USER_NAMES_MAX][TLS_USER_NAME_MAX + 1];
};

/*
 * Reads it off a finished handshake. Of a resumed session the judgement is that of the first
 * handshake, which anchors or lists that changed since do not let be resumed; its dates are
 * looked at again.
 */
void tls_user_certificate_read(const struct tls_connection *connection,
			       struct tls_user_certificate *certificate_out);

/*
 * Appends what there is to say of a certificate that logs nobody in, for security.log:
 *   TLS: 192.0.2.26 showed a certificate (CN=anna) that logs nobody in: it has expired
 */
void tls_user_certificate_append(struct buf *to, const struct tls_connection *connection,
				 const struct tls_user_certificate *certificate,
				 struct str address);

#endif
