/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words for handshakes that failed, as data: every kind of failure and every
 * alert that a peer may send, each with what it means and what to do.
 * docs/manual/failures.md shows the same; a test compares them.
 *
 * A text in braces stands for a part that the handshake itself supplies
 * (failure.c). What is said follows the peer's address.
 */
#ifndef POSTERN_TLS_FAILURE_H
#define POSTERN_TLS_FAILURE_H

#include "base/str.h"

/* X(identifier, what happened, what to do; empty where the variable named says it) */
#define TLS_FAILURE_TABLE(X)                                                                       \
	X(VERSION_AT_MOST, "offered at most {highest}; {protocols_by} admits {protocols}", "")     \
	X(VERSION_LISTED, "offered {versions}; {protocols_by} admits {protocols}", "")             \
	X(VERSION_UNKNOWN,                                                                         \
	  "offered a version that is not known here; {protocols_by} admits {protocols}", "")       \
	X(SSLV2, "sent a hello of SSLv2; {protocols_by} admits {protocols}",                       \
	  "nothing but a scanner or a program of the nineties does so")                            \
	X(FALLBACK,                                                                                \
	  "had fallen back to an older version, {highest}, though a newer one is possible "        \
	  "(RFC 7507)",                                                                            \
	  "something on the way may have disturbed its first attempt")                             \
	X(SUITES, "offered no usable suite, only {suites}; {ciphers_by} admits none of these", "") \
	X(CERTIFICATE_KIND,                                                                        \
	  "offered only suites for another kind of certificate ({suites}) than there is "          \
	  "({certificates})",                                                                      \
	  "put a pair of the other kind beside it, as sslcert/server.crt (RSA) or "                \
	  "server-ecdsa.crt")                                                                      \
	X(CERTIFICATE_CURVE,                                                                       \
	  "offered only suites for an ECDSA certificate ({suites}), and not its curve, {curve}, "  \
	  "among its groups ({groups})",                                                           \
	  "an RSA certificate beside it helps peers that have suites for it")                      \
	X(GROUPS,                                                                                  \
	  "offered no group for the key exchange that is admitted, {groups}; {groups_by} admits "  \
	  "{own_groups}",                                                                          \
	  "")                                                                                      \
	X(SIGNATURES,                                                                              \
	  "accepts no kind of signature that the certificates can give and that is strong enough " \
	  "for the version, {schemes}; there is {certificates}",                                   \
	  "a peer that knows SHA-1 only, in TLSv1.2, has to be upgraded")                          \
	X(HTTP, "spoke plain HTTP where TLS was expected ({first})",                               \
	  "its address has to begin with https:")                                                  \
	X(MAIL, "spoke plain SMTP, IMAP or POP3 where TLS was expected ({first})",                 \
	  "set the client to SSL/TLS on this port, or to STARTTLS on the port for it")             \
	X(NOT_TLS, "spoke no TLS where TLS was expected ({first})",                                \
	  "a scanner, or a client of another service")                                             \
	X(SILENT, "closed the connection before it said anything",                                 \
	  "a port check, most often")                                                              \
	X(CLOSED, "closed the connection in the middle of the handshake",                          \
	  "clients that mislike the certificate often do so without a word; look into the "        \
	  "client's log")                                                                          \
	X(BROKEN, "broke the connection in the middle of the handshake ({system})",                \
	  "clients that mislike the certificate often do so without a word; look into the "        \
	  "client's log")                                                                          \
	X(TIMEOUT_SILENT, "said nothing until the time for the handshake was over",                \
	  "perhaps it waits for a greeting: here TLS comes first")                                 \
	X(TIMEOUT, "did not finish the handshake in time",                                         \
	  "a slow line, a firewall that swallows large packets, or a scanner")                     \
	X(KEY, "came while the private key could not be used: {fault}",                            \
	  "error.log says more")                                                                   \
	X(RECORD, "sent a record that does not decrypt",                                           \
	  "wrong keys, or tampering on the way")                                                   \
	X(FINISHED, "sent a Finished that does not verify", "tampering on the way")                \
	X(MALFORMED, "sent a malformed message ({openssl})",                                       \
	  "a scanner, or a fault in its TLS library")                                              \
	X(UNEXPECTED, "sent a message out of turn ({openssl})",                                    \
	  "a scanner, or a fault in its TLS library")                                              \
	X(OTHER, "and this server did not agree: the handshake failed ({openssl})",                \
	  "compare what it offers with `postern tls show`")

enum tls_failure {
#define X(id, what, cure) TLS_FAILURE_##id,
	TLS_FAILURE_TABLE(X)
#undef X
	TLS_FAILURE_COUNT
};

struct tls_failure_row {
	const char *what;
	const char *cure;
};

const struct tls_failure_row *tls_failure_row(enum tls_failure failure);

/* The identifier, "VERSION_AT_MOST": for metrics. */
const char *tls_failure_name(enum tls_failure failure);

struct tls_connection;

/* Which kind a handshake of a listener was that failed; TLS_FAILURE_COUNT: the peer refused, by an alert. */
enum tls_failure tls_failure_kind(const struct tls_connection *connection);

/*
 * Alerts (RFC 8446 section 6.2, RFC 5246 section 7.2.2; 41 is of SSLv3).
 * X(number, name, what the peer means by it, what to do)
 */
#define TLS_ALERT_TABLE(X)                                                                         \
	X(10, "unexpected_message", "it did not expect what it got",                               \
	  "a fault in one of the two TLS libraries, or something in between")                      \
	X(20, "bad_record_mac", "what it got did not decrypt",                                     \
	  "wrong keys, or tampering on the way")                                                   \
	X(21, "decryption_failed", "what it got did not decrypt",                                  \
	  "wrong keys, or tampering on the way")                                                   \
	X(22, "record_overflow", "what it got was too long",                                       \
	  "a fault in one of the two TLS libraries, or something in between")                      \
	X(30, "decompression_failure", "what it got did not unpack", "it has to be upgraded")      \
	X(40, "handshake_failure", "it found nothing acceptable in what was chosen",               \
	  "compare its settings with `postern tls show`")                                          \
	X(41, "no_certificate", "it has no certificate of its own", "nothing: none is needed")     \
	X(42, "bad_certificate", "it holds the certificate to be damaged",                         \
	  "see with `postern check` whether the chain in sslcert is whole")                        \
	X(43, "unsupported_certificate", "it does not support the kind of certificate",            \
	  "offer an RSA and an ECDSA certificate side by side")                                    \
	X(44, "certificate_revoked", "it holds the certificate to be revoked",                     \
	  "replace the certificate")                                                               \
	X(45, "certificate_expired", "it holds the certificate to be expired",                     \
	  "renew the certificate; if it is valid, the peer's clock is wrong")                      \
	X(46, "certificate_unknown", "it does not accept the certificate",                         \
	  "its log says why; often it connected to a name that the certificate does not hold")     \
	X(47, "illegal_parameter", "it holds a value to be wrong",                                 \
	  "a list of protocols with a hole does that to peers of TLSv1.1; see `postern check`")    \
	X(48, "unknown_ca", "it does not trust whoever issued the certificate",                    \
	  "give it the root, or install a certificate of a public CA with its whole chain")        \
	X(49, "access_denied", "it does not want to go on", "its log says why")                    \
	X(50, "decode_error", "it could not read what it got",                                     \
	  "a fault in one of the two TLS libraries, or something in between")                      \
	X(51, "decrypt_error", "a signature or a key exchange did not verify",                     \
	  "see with `postern check` whether key and certificate fit")                              \
	X(60, "export_restriction", "it takes weak keys only", "it has to be upgraded")            \
	X(70, "protocol_version", "it does not speak the version that was chosen",                 \
	  "compare its versions with `postern tls show`")                                          \
	X(71, "insufficient_security", "it wants stronger algorithms",                             \
	  "compare its settings with `postern tls show`; a larger EphemeralDHKeySize may do")      \
	X(80, "internal_error", "it failed inside", "its log says why")                            \
	X(86, "inappropriate_fallback", "it had fallen back to an older version without need",     \
	  "something on the way may have disturbed its first attempt")                             \
	X(90, "user_canceled", "its user gave up",                                                 \
	  "nothing; perhaps a question about the certificate was answered with no")                \
	X(100, "no_renegotiation", "it does not want to negotiate again", "nothing")               \
	X(109, "missing_extension", "it misses an extension",                                      \
	  "a fault in one of the two TLS libraries")                                               \
	X(110, "unsupported_extension", "it got an extension that it had not asked for",           \
	  "a fault in one of the two TLS libraries")                                               \
	X(111, "certificate_unobtainable", "it could not fetch a certificate", "its log says why") \
	X(112, "unrecognized_name", "it does not know the name", "its log says why")               \
	X(113, "bad_certificate_status_response", "it does not accept the OCSP response",          \
	  "renew the response, or compare the clocks of both")                                     \
	X(115, "unknown_psk_identity", "it does not know the session", "nothing: it comes again")  \
	X(116, "certificate_required", "it wants a certificate", "its log says why")               \
	X(120, "no_application_protocol", "it found no common application protocol",               \
	  "a client of another service")

struct tls_alert_row {
	int alert;
	const char *name;
	const char *meaning;
	const char *cure;
};

size_t tls_alert_count(void);
const struct tls_alert_row *tls_alert_at(size_t index);

/* NULL when nobody knows the number. */
const struct tls_alert_row *tls_alert_row(int alert);

#endif
