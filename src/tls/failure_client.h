/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words for handshakes that failed where we are the client, as data: like
 * failure.h, and docs/manual/failures.md shows the same. What is said follows the
 * server's address; texts in braces are supplied by the handshake
 * (failure_client.c). What is wrong with a certificate is tls/distrust.h.
 */
#ifndef POSTERN_TLS_FAILURE_CLIENT_H
#define POSTERN_TLS_FAILURE_CLIENT_H

#include "tls/failure.h"
#include "tls/client.h"

/* X(identifier, what happened, what to do; empty where the variable named says it) */
#define TLS_CLIENT_FAILURE_TABLE(X)                                                                \
	X(VERSION, "answered with {version}; {protocols_by} offers {protocols}",                   \
	  "it has to be upgraded")                                                                 \
	X(DOWNGRADE,                                                                               \
	  "answered with {version} and the mark of a server that can do better (RFC 8446 section " \
	  "4.1.3); {protocols_by} offers {protocols}",                                             \
	  "something on the way changes handshakes, or its own list of versions has a hole")       \
	X(SUITE, "chose the suite {suite}, which was not offered; {ciphers_by} says what is",      \
	  "a fault in its TLS library")                                                            \
	X(DH_SMALL, "came with a DH group of {dh_bits} bits; {dh_by} wants {dh_min} or more",      \
	  "the next attempt offers no DHE; the server needs a larger group")                       \
	X(DH_WEAK, "came with DH numbers that cannot be used ({openssl})",                         \
	  "the next attempt offers no DHE; the server needs another group")                        \
	X(GROUP,                                                                                   \
	  "chose a group for the key exchange that was not offered; {groups_by} offers {groups}",  \
	  "a fault in its TLS library")                                                            \
	X(SIGNATURE, "signed in a way that is too weak for {version} or was not offered",          \
	  "it has to be upgraded, or needs another certificate")                                   \
	X(CERTIFICATE, "has no certificate that will do: {distrust}; {demanded_by} demands "       \
		       "{demanded}",                                                               \
	  "{distrust_cure}")                                                                       \
	X(RENEGOTIATION, "lacks safe renegotiation (RFC 5746)",                                    \
	  "it has to be upgraded; until then LegacyRenegotiation in a row of TlsPolicy admits it") \
	X(NOT_TLS, "spoke no TLS where TLS was expected ({first})",                                \
	  "the port may be one where TLS begins with STARTTLS")                                    \
	X(SILENT, "closed the connection when TLS began",                                          \
	  "its log says why; servers without a certificate often do so")                           \
	X(CLOSED, "closed the connection in the middle of the handshake", "its log says why")      \
	X(BROKEN, "broke the connection in the middle of the handshake ({system})",                \
	  "its log says why; or a firewall between does not let it pass")                          \
	X(TIMEOUT_SILENT, "said nothing to the hello until the time for the handshake was over",   \
	  "the port may be one where TLS begins with STARTTLS, or a firewall swallows large "      \
	  "packets")                                                                               \
	X(TIMEOUT, "did not finish the handshake in time",                                         \
	  "a slow line, or a firewall that swallows large packets")                                \
	X(RECORD, "sent a record that does not decrypt", "wrong keys, or tampering on the way")    \
	X(FINISHED, "sent a Finished that does not verify", "tampering on the way")                \
	X(MALFORMED, "sent a malformed message ({openssl})", "a fault in its TLS library")         \
	X(UNEXPECTED, "sent a message out of turn ({openssl})", "a fault in its TLS library")      \
	X(OTHER, "and this client did not agree: the handshake failed ({openssl})",                \
	  "`postern tls probe` shows more of what it does")

enum tls_client_failure {
#define X(id, what, cure) TLS_CLIENT_FAILURE_##id,
	TLS_CLIENT_FAILURE_TABLE(X)
#undef X
	TLS_CLIENT_FAILURE_COUNT
};

const struct tls_failure_row *tls_client_failure_row(enum tls_client_failure failure);

/*
 * What a server means by an alert, where that differs from what a client means by it
 * (TLS_ALERT_TABLE). X(number, what the server means, what to do)
 */
#define TLS_SERVER_ALERT_TABLE(X)                                                                  \
	X(40,                                                                                      \
	  "it found nothing acceptable in what was offered: {protocols}, the suites of "           \
	  "{ciphers_by}, the groups {groups}",                                                     \
	  "compare what it takes with the client's side of `postern tls show`")                    \
	X(41, "it wants a certificate of the client",                                              \
	  "none is sent between mail servers; its administrator has to switch that off")           \
	X(42, "it wants a certificate of the client",                                              \
	  "none is sent between mail servers; its administrator has to switch that off")           \
	X(43, "it wants a certificate of the client",                                              \
	  "none is sent between mail servers; its administrator has to switch that off")           \
	X(46, "it does not accept a certificate", "its log says why")                              \
	X(47, "it holds a value in what was offered to be wrong",                                  \
	  "a fault in its TLS library, or something in between")                                   \
	X(48, "it does not trust a certificate", "its log says why; none is sent from here")       \
	X(51, "a signature or a key exchange did not verify",                                      \
	  "a fault in one of the two TLS libraries, or tampering on the way")                      \
	X(70, "it speaks none of the versions offered; {protocols_by} offers {protocols}",         \
	  "it has to be upgraded")                                                                 \
	X(71, "it wants stronger algorithms than {ciphers_by} and {groups_by} offer",              \
	  "compare what it takes with the client's side of `postern tls show`")                    \
	X(80, "it failed inside",                                                                  \
	  "its log says why; some servers do so where a version or a hello is new to them")        \
	X(86, "it takes the versions offered for a fallback; {protocols_by} offers {protocols}",   \
	  "a fault in its TLS library")                                                            \
	X(112, "it does not know the name {host}",                                                 \
	  "the name of the server is wrong, or its certificate for that name is missing")          \
	X(116, "it wants a certificate of the client",                                             \
	  "none is sent between mail servers; its administrator has to switch that off")           \
	X(120, "it found no common application protocol", "another service listens there")

struct tls_server_alert_row {
	int alert;
	const char *meaning;
	const char *cure;
};

size_t tls_server_alert_count(void);
const struct tls_server_alert_row *tls_server_alert_at(size_t index);

/* What failed, for whoever decides what comes next. Not before the handshake failed. */
enum tls_client_failure tls_client_failure(const struct tls_connection *connection);

/*
 * Appends why a client's handshake failed, for security.log:
 *   TLS to 192.0.2.26 (mx.old.example): answered with TLSv1.1;
 *   SmtpSecurity/ClientTlsProtocols (mailserver.cfg:31) offers TLSv1.2, TLSv1.3
 * `name` may be empty. All that is foreign is escaped. tls_failure_append does this for
 * a client's connection.
 */
void tls_client_failure_append(struct buf *to, const struct tls_connection *connection,
			       struct str address, struct str name);

/* Appends how such a line begins: "TLS to 192.0.2.26 (mx.old.example): ". */
void tls_client_line_begin(struct buf *to, struct str address, struct str name);

/* The same without the first words and the address: from "answered with" on. */
void tls_client_reason_append(struct buf *to, const struct tls_connection *connection);

/*
 * Appends what is wrong with the certificate in words, after "trusted" nothing:
 *   its certificate expired on 2026-01-31T00:00:00Z
 */
void tls_verdict_append(struct buf *to, const struct tls_connection *connection,
			enum tls_distrust distrust);

/* Appends why a demand leaves nothing to offer. */
void tls_nothing_append(struct buf *to, const struct tls_words *words,
			const struct tls_demand *demand);

#endif
