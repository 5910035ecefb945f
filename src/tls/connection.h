/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a TLS connection, shared by transport.c and failure.c.
 */
#ifndef POSTERN_TLS_CONNECTION_H
#define POSTERN_TLS_CONNECTION_H

#include "tls/hello.h"
#include "tls/transport.h"

struct tls_connection {
	struct tls_hello hello; /* the SSL's app data */
	struct tls_context *context;
	SSL *ssl;
	int fd;		 /* the stream's */
	bool is_done;	 /* handshake */
	bool is_expired; /* the time for the handshake was over */
	bool is_drained; /* the last read took all there was */
	size_t read_left; /* encrypted bytes that the read under way may still take */
	bool has_more;	 /* another write follows at once the one under way */
	/* Encrypted bytes that wait for the next write: the end of the handshake, records of a long text. */
	struct buf held;
	/* Why it failed. */
	unsigned long error; /* OpenSSL's code; 0: the peer just went */
	int system_error;
};

#endif
