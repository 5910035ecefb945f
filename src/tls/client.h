/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our end of TLS where we are the client: a handshake under a demand.
 *
 * 1. The context brings the policy of the client (Client*); the demand narrows it
 *    for one connection and says what the certificate has to prove.
 * 2. Every certificate is judged, whatever is demanded, and the verdict kept. Only
 *    one that does not prove what is demanded ends the handshake.
 * 3. Nothing falls back: what does not come about under the demand fails, with a
 *    reason in words.
 * 4. No session is ever resumed: one that is would skip the certificate.
 *
 * Use as in tls/transport.h; tls_handshake, the facts and the transport are the same.
 */
#ifndef POSTERN_TLS_CLIENT_H
#define POSTERN_TLS_CLIENT_H

#include "policy/demand.h"
#include "tls/distrust.h"
#include "tls/transport.h"

enum { TLS_HOST_MAX = 256, TLS_GROUP_NAME_MAX = 32 };

struct tls_client_parts {
	struct tls_context *context; /* a client's; referenced */
	int fd;			     /* which the stream goes on owning */
	/*
	 * Whom we mean: a host name in A-labels, which is sent as SNI, or an address,
	 * which is not. The certificate is held against it even where nobody demands so.
	 */
	struct str host;
	const struct tls_demand *demand; /* copied; its texts outlive the connection */
};

/*
 * Makes a client's connection. FAULT_INVALID, with the reason in words, when the
 * demand leaves nothing of the policy to offer, or when it wants no TLS at all.
 */
must_check enum fault tls_client_new(const struct tls_client_parts *parts, struct buf *why,
				     struct tls_connection **out);

/* What became of the server's certificate. */
struct tls_verdict {
	bool is_given;		  /* it was judged */
	enum tls_distrust chain;  /* NONE: it leads to a trusted CA */
	int chain_error;	  /* X509_V_* */
	bool has_name;		  /* it is made for the host */
	const struct tls_proof *unmet; /* what it does not prove of the demand; NULL: nothing */
	enum tls_distrust why;	  /* for `unmet` */
};

/* Borrowed; lives as long as the connection, which is a client's. */
const struct tls_verdict *tls_client_verdict(const struct tls_connection *connection);

/* The verdict in one value: the chain's fault, or WRONG_NAME, or NONE. */
enum tls_distrust tls_verdict_result(const struct tls_verdict *verdict);

/* ---- for context.c ---- */

/* Sets a context up for clients: who is trusted, how certificates are judged. */
void tls_client_prepare(SSL_CTX *openssl, const struct tls_anchors *anchors);

#endif
