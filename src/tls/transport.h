/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS below a stream: handshake, reading, writing, facts for the logs, and
 * failures in words.
 *
 * Use: make a connection of a context, put it below the stream
 * (stream_transport_set), call tls_handshake until it is done, take the facts,
 * and go on with the stream as ever. For STARTTLS the caller first throws away
 * what the peer sent in the clear (stream_input_discard).
 */
#ifndef POSTERN_TLS_TRANSPORT_H
#define POSTERN_TLS_TRANSPORT_H

#include "net/stream.h"
#include "tls/context.h"

/* What is known of a connection's TLS. Zeroed, it says: none. */
struct tls_facts {
	bool is_active; /* the handshake is done */
	bool is_resumed;
	bool has_binding; /* tls/binding.h gives one */
	bool has_user;	  /* the client's certificate logs somebody in: tls/user_certificate.h */
	enum tls_protocol version;
	const char *version_name; /* "TLSv1.3" */
	const char *suite;	  /* IANA name */
	uint16_t suite_id;	  /* IANA number, for counters */
	const char *group;	  /* "x25519", "P-256", "ffdhe2048"; "" where none was agreed */
	const char
		*server_name; /* SNI, lives as long as the connection; foreign text; "" if none */

	/* Of the ClientHello; TLS_PROTOCOL_COUNT before it came. */
	enum tls_protocol peer_highest;
	/*
	 * It listed its versions (RFC 8446 section 4.2.1); without a list only the highest
	 * is known.
	 */
	bool peer_listed_versions;

	bool is_challenge; /* of a CA, which ends with the handshake (tls/challenge.h) */

	/* OBSERVE or REPLY where the version is below the floor in force; NONE where it is not. */
	enum tls_rung below_floor;
	enum tls_protocol floor; /* then */

	/* Fatal alerts, -1 for none (RFC 8446 section 6). */
	int alert_sent;
	int alert_received;
};

/* The transport's state; belongs to the stream once it is set there. */
struct tls_connection;

extern const struct transport transport_tls;

/* Makes a server's connection on `fd`, which the stream goes on owning. References the context. */
struct tls_connection *tls_connection_new(struct tls_context *context, int fd);
/* Frees; what transport_tls.free does. */
void tls_connection_free(struct tls_connection **connection);

/*
 * Goes on with the handshake. IO_DONE: done; IO_WANT_*: call again then;
 * IO_CLOSED, IO_BROKEN: it failed (tls_failure_append says why), an alert has
 * been sent where there was reason to. Blocks on the keys role, never on the peer.
 */
enum io tls_handshake(struct tls_connection *connection);

/* Says that the time for the handshake is over: for the words, before tls_failure_append. */
void tls_handshake_expire(struct tls_connection *connection);

void tls_connection_facts(const struct tls_connection *connection, struct tls_facts *facts_out);

/*
 * Appends why a handshake failed, for security.log: what the peer offered, what
 * the policy wants, which variable in which line says so:
 *   TLS: 192.0.2.26 (mx.old.example) offered at most TLSv1.1;
 *   SmtpSecurity/ServerTlsProtocols (mailserver.cfg:31) admits TLSv1.2, TLSv1.3
 * `name` may be empty. All that is foreign is escaped.
 */
void tls_failure_append(struct buf *to, const struct tls_connection *connection, struct str address,
			struct str name);

/*
 * Appends what there is to say of a session below a floor that is only observed:
 *   TLS: 192.0.2.26 negotiated TLSv1.1, which Security/TlsFloor (mailserver.cfg:12)
 *   observes: it wants TLSv1.2
 */
void tls_floor_append(struct buf *to, const struct tls_connection *connection, struct str address);

/* Appends "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519"; nothing while inactive. */
void tls_facts_append(const struct tls_facts *facts, struct buf *to);

#endif
