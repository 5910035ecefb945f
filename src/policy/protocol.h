/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The versions of TLS, and sets of them.
 */
#ifndef POSTERN_POLICY_PROTOCOL_H
#define POSTERN_POLICY_PROTOCOL_H

#include "base/str.h"

/* In order of age, so that < means older. */
enum tls_protocol {
	TLS_PROTOCOL_SSLV3,
	TLS_PROTOCOL_1_0,
	TLS_PROTOCOL_1_1,
	TLS_PROTOCOL_1_2,
	TLS_PROTOCOL_1_3,
	TLS_PROTOCOL_COUNT
};

/* A set: bit `1 << protocol`. */
typedef unsigned tls_protocols;

#define TLS_PROTOCOL_BIT(protocol) (1u << (protocol))

/* What an absent or empty list means: TLSv1 to TLSv1.3 (tls-policy rule 1). */
#define TLS_PROTOCOLS_DEFAULT                                                                      \
	(TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_0) | TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_1) |                 \
	 TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_2) | TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_3))

/* TLS 1.2 and older: those whose suites a cipher string chooses. */
#define TLS_PROTOCOLS_BEFORE_1_3                                                                   \
	(TLS_PROTOCOLS_DEFAULT & ~TLS_PROTOCOL_BIT(TLS_PROTOCOL_1_3))

static inline bool tls_protocols_has(tls_protocols set, enum tls_protocol protocol)
{
	return (set & TLS_PROTOCOL_BIT(protocol)) != 0;
}

/* The oldest and the newest member; TLS_PROTOCOL_COUNT of an empty set. */
enum tls_protocol tls_protocols_min(tls_protocols set);
enum tls_protocol tls_protocols_max(tls_protocols set);

/* Names as mailserver.cfg, SSL_get_version and our logs write them: "TLSv1", "TLSv1.1", ... */
const char *tls_protocol_name(enum tls_protocol protocol);

/* Reads a name without regard to case, `TLSv1.0` as TLSv1; false when it is none. */
must_check bool tls_protocol_from_name(struct str name, enum tls_protocol *protocol_out);

/* The version number on the wire (0x0300 to 0x0304), which is also what OpenSSL takes. */
static inline int tls_protocol_wire(enum tls_protocol protocol)
{
	return 0x0300 + (int)protocol;
}

#endif
