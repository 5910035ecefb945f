/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates that a server showed, for reports: `postern tls probe`.
 */
#ifndef POSTERN_TLS_SHOWN_H
#define POSTERN_TLS_SHOWN_H

#include "tls/client.h"

/* One certificate as the server sent it. All texts but `key` and `signature` are foreign. */
struct tls_shown {
	struct buf subject; /* "CN=mx.example.net,O=Example", RFC 2253 */
	struct buf issuer;
	struct buf names;     /* of the subjectAltName, separated by ", " */
	struct buf key;	      /* "RSA 2048", "P-256" */
	struct buf signature; /* "RSA-SHA256" */
	int64_t not_before;   /* seconds since 1970 */
	int64_t not_after;
	unsigned char key_pin[DEMAND_PIN_BYTES];
};

/* How many certificates came; 0 before they did. */
size_t tls_client_shown_count(const struct tls_connection *connection);
/* Describes one of them, 0 is the server's own; the caller frees with tls_shown_done. */
void tls_client_shown(const struct tls_connection *connection, size_t index,
		      struct tls_shown *shown_out);
void tls_shown_done(struct tls_shown *shown);

#endif
