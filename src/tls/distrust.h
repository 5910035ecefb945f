/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be wrong with a server's certificate, as data: each kind with its name,
 * its words, and what to do. docs/manual/failures.md shows the same.
 */
#ifndef POSTERN_TLS_DISTRUST_H
#define POSTERN_TLS_DISTRUST_H

#include "base/str.h"

/*
 * X(identifier, name, what, what to do). A text
 * in braces stands for a part that the certificate supplies (failure_client.c);
 * {whose} is "its certificate" or one of its chain, by name.
 */
#define TLS_DISTRUST_TABLE(X)                                                                      \
	X(EXPIRED, "expired", "{whose} expired on {not_after}",                                               \
	  "it has to be renewed; if it is valid, the clock here is wrong")                         \
	X(NOT_YET, "not-yet-valid", "{whose} is not good before {not_before}",                                      \
	  "if the day has come, the clock here is wrong")                                          \
	X(SELF_SIGNED, "self-signed", "{whose} is signed by itself, and not trusted here",                        \
	  "put it into sslca, if it is known to be right, or pin its key")                         \
	X(UNTRUSTED_ROOT, "untrusted-root", "its chain ends at {issuer}, which is not trusted here", \
	  "put that root into sslca, if it is known to be right, or pin its key")                  \
	X(UNKNOWN_CA, "unknown-ca", "{whose} comes from {issuer}, whose certificate is neither trusted here "    \
		      "nor sent along",                                                            \
	  "put the CA's root into sslca; or the server has to send the whole chain")               \
	X(WEAK, "weak", "{whose} has a key or a signature that is too weak ({openssl})",                   \
	  "it has to be replaced by one with at least 2048 bits and SHA-256")                      \
	X(PURPOSE, "wrong-purpose", "{whose} is not made for this purpose ({openssl})",                             \
	  "the server needs another certificate")                                                  \
	X(SIGNATURE, "bad-signature", "the signature of {whose} does not verify",                                   \
	  "the chain is damaged, or somebody has made it up")                                      \
	X(WRONG_NAME, "wrong-name", "its certificate is made for {names}, not for {wanted}",                     \
	  "the server needs a certificate with that name; or another name is to be expected")      \
	X(PIN_CHANGED, "pin-changed", "its key is {key}, which is not pinned",                                    \
	  "ask whoever runs it whether the key was replaced; pin the new one only then")           \
	X(OTHER, "other", "{whose} does not hold ({openssl})", "")

enum tls_distrust {
	TLS_DISTRUST_NONE,
#define X(id, name, what, cure) TLS_DISTRUST_##id,
	TLS_DISTRUST_TABLE(X)
#undef X
	TLS_DISTRUST_COUNT
};

struct tls_distrust_row {
	const char *name; /* "expired", "wrong-name", ...: for programs */
	const char *what;
	const char *cure;
};

/* NONE has "trusted" and empty texts. */
const struct tls_distrust_row *tls_distrust_row(enum tls_distrust distrust);

/* Maps OpenSSL's X509_V_ERR_* to the kind of fault; X509_V_OK to NONE. */
enum tls_distrust tls_distrust_of(int x509_error);

#endif
