/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channel bindings: what both ends of a TLS connection know and nobody between
 * them does, for SCRAM-SHA-256-PLUS.
 *
 * tls-exporter (RFC 9266) with TLS 1.3 only: older versions leave open what an empty
 * context means. tls-unique (RFC 5929 section 3) with the extended master secret of TLS 1.2 and
 * before only: without it a man in the middle can make it equal on two connections (RFC 7627).
 * tls-server-end-point (RFC 5929 section 4) with any version, where it is certain
 * which certificate the peer was shown.
 */
#ifndef POSTERN_TLS_BINDING_H
#define POSTERN_TLS_BINDING_H

#include "tls/transport.h"

/* The longest binding: a digest of 64 bytes. */
enum { TLS_BINDING_MAX = 64 };

/* True when the finished handshake gives at least one binding. */
bool tls_connection_has_binding(const struct tls_connection *connection);

/*
 * Appends the data of the binding of that name; false, and nothing appended, when it is
 * unknown or not to be had of this connection.
 */
must_check bool tls_connection_binding(const struct tls_connection *connection, struct str name,
				       struct buf *to);

#endif
