/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handshake leaves behind for the logs, whether it succeeds or not: the
 * versions of the ClientHello, and alerts.
 *
 * OpenSSL calls back before it chooses a version, so what a refused peer
 * offered is known too.
 */
#ifndef POSTERN_TLS_HELLO_H
#define POSTERN_TLS_HELLO_H

#include <openssl/types.h>

#include "policy/protocol.h"

struct tls_hello {
	enum tls_protocol highest; /* TLS_PROTOCOL_COUNT before there was a hello */
	bool listed_versions;	   /* RFC 8446 section 4.2.1 */
	tls_protocols versions;	   /* those it listed, or the one it named */
	int alert_sent;		   /* -1: none */
	int alert_received;
};

void tls_hello_init(struct tls_hello *hello);

/*
 * Makes a context's connections note these things in the struct tls_hello that is
 * their SSL's app data, if any.
 */
void tls_hello_watch(SSL_CTX *openssl);

#endif
