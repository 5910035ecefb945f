/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What failure.c and failure_client.c have in common: sentences whose braces are
 * filled by what a handshake supplies.
 */
#ifndef POSTERN_TLS_FAILURE_PARTS_H
#define POSTERN_TLS_FAILURE_PARTS_H

#include "tls/connection.h"

/* One word that may stand in braces. */
struct failure_part {
	const char *name;
	void (*append)(struct buf *to, const struct tls_connection *self);
};

/* Appends the text, each part in its place; CHECKs that every part is among `all`. */
void tls_parts_append(struct buf *to, const struct tls_connection *self, const char *text,
		      const struct failure_part *all, size_t count);

/*
 * Appends "SmtpSecurity/ServerTlsProtocols (mailserver.cfg:31)"; a default has no line, and
 * then `variable` is its name.
 */
void tls_source_append(struct buf *to, const struct tls_words *words,
		       const struct finding_place *place, const char *variable);

/* Appends a suite's IANA name; its number where OpenSSL has none. */
void tls_suite_append(struct buf *to, const struct tls_connection *self, uint16_t number);

/* The groups of our own policy, separated by commas. */
void tls_own_groups_append(struct buf *to, const struct tls_connection *self);

/* What was sent instead of TLS, to its first line end: "it began with ...". */
void tls_first_append(struct buf *to, const struct tls_connection *self);
/* The system's reason, and OpenSSL's. */
void tls_system_append(struct buf *to, const struct tls_connection *self);
void tls_openssl_append(struct buf *to, const struct tls_connection *self);

/* Appends "; " and the cure, if there is one. */
void tls_cure_append(struct buf *to, const char *cure);

/* What the peer was told, to be found in its log; nothing for -1. */
void tls_alert_sent_append(struct buf *to, int alert);

/* True when it began with a record of a handshake or an alert, or with an SSLv2 hello. */
bool tls_began_as_tls(const struct tls_hello *hello);

#endif
