/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a TLS connection, shared by transport.c, client.c and failure*.c.
 */
#ifndef POSTERN_TLS_CONNECTION_H
#define POSTERN_TLS_CONNECTION_H

#include "tls/client.h"
#include "tls/hello.h"

/* What a client's connection has besides. */
struct tls_client {
	struct tls_demand demand;
	char host[TLS_HOST_MAX];
	struct tls_verdict verdict;
	struct stack_st_X509 *shown; /* what the server sent, its own first; NULL before */
	X509 *culprit;		     /* whose fault the verdict is; NULL: nobody's */
	char group[TLS_GROUP_NAME_MAX];
};

/* Makes the connection on `fd`, one end or the other; references the context. */
struct tls_connection *tls_connection_make(struct tls_context *context, int fd, bool is_client);
void tls_client_free(struct tls_client **client);

/* SHA-256 of the SubjectPublicKeyInfo as it stands in the certificate (RFC 7469 section 2.4). */
void tls_key_pin(X509 *certificate, unsigned char pin_out[DEMAND_PIN_BYTES]);

/* Appends a name as RFC 2253 writes it. */
void tls_name_append(struct buf *to, const X509_NAME *name);
/* Seconds since 1970. */
int64_t tls_time_seconds(const ASN1_TIME *when);

/* The name of the group that a server's DHE key is of: "ffdhe2048", "dh1024". */
const char *tls_client_dh_name(const struct tls_connection *connection);

struct tls_connection {
	struct tls_hello hello; /* the SSL's app data */
	struct tls_context *context;
	struct tls_client *client; /* NULL: a server's */
	SSL *ssl;
	int fd;		 /* the stream's */
	bool is_done;	 /* handshake */
	bool is_expired; /* the time for the handshake was over */
	bool is_drained; /* the last read took all there was */
	size_t read_left; /* encrypted bytes that the read under way may still take */
	bool has_more;	 /* another write follows at once the one under way */
	bool is_write_due; /* OpenSSL keeps a record for the next write */
	/* Encrypted bytes that wait for the next write: the end of the handshake, records of a long text. */
	struct buf held;
	/* Why it failed. */
	unsigned long error; /* OpenSSL's code; 0: the peer just went */
	int system_error;
};

#endif
