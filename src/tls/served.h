/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificates a client gets by the name that it asks for (SNI, RFC 6066 section 3): the same
 * rule for handshakes and for reports. Pure.
 */
#ifndef POSTERN_TLS_SERVED_H
#define POSTERN_TLS_SERVED_H

#include "tls/certificate.h"

/* One of the certificates that a server has; borrowed. */
struct tls_served {
	const struct tls_certificate *certificate;
	bool is_default; /* for clients that ask for no name, or for an unknown one */
};

/* How well one answers for a host; 0: not at all. The best of all decides: tls_served_is_chosen. */
int tls_served_rank(const struct tls_served *one, struct str host);

/* True when the defaults answer, `best` being the highest rank for what was asked for, or 0. */
bool tls_served_is_default(int best);

/*
 * True when this one is sent to who asks for `host`. Of several of one kind of key the last is; a
 * client gets the kind it can use.
 */
bool tls_served_is_chosen(const struct tls_served *one, struct str host, int best);

#endif
