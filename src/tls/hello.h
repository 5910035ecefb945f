/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer's ClientHello or ServerHello, read by ourselves, and what else a
 * handshake leaves behind for the logs: alerts, and the first bytes of whoever
 * spoke no TLS.
 *
 * OpenSSL hands the hello over before it judges it, so that what a refused peer
 * offered or answered is known too. The parsers are pure, bounded and fuzzed; what
 * they cannot hold is counted and left out.
 */
#ifndef POSTERN_TLS_HELLO_H
#define POSTERN_TLS_HELLO_H

#include <openssl/types.h>

#include "policy/protocol.h"

enum { OFFER_SUITES_MAX = 256, OFFER_GROUPS_MAX = 32, OFFER_SCHEMES_MAX = 48 };

/* What a ClientHello offers, grease (RFC 8701) and signals left out. */
struct tls_offer {
	uint16_t legacy_version;
	bool is_sslv2;		   /* in the form of SSLv2 (RFC 5246 appendix E.2) */
	bool has_fallback;	   /* it says that it has fallen back (RFC 7507) */
	bool listed_versions;	   /* RFC 8446 section 4.2.1 */
	enum tls_protocol highest; /* TLS_PROTOCOL_COUNT: none that is known */
	tls_protocols versions;	   /* those it listed, or the one it named */
	uint16_t suites[OFFER_SUITES_MAX];
	size_t suite_count;
	/* supported_groups and signature_algorithms, which TLS 1.2 and older may leave out. */
	uint16_t groups[OFFER_GROUPS_MAX];
	size_t group_count;
	uint16_t schemes[OFFER_SCHEMES_MAX];
	size_t scheme_count;
	bool asks_challenge; /* its ALPN is acme-tls/1 and nothing else (RFC 8737 section 4) */
};

/*
 * Reads a ClientHello: the whole handshake message, or with `is_sslv2` the body of
 * an SSLv2 record. False when it is malformed; `*offer_out` then holds what came
 * before the fault.
 */
bool tls_offer_parse(struct str message, bool is_sslv2, struct tls_offer *offer_out);

/* What a ServerHello answers; zeroed before it came. */
struct tls_answer {
	bool is_given;
	uint16_t version; /* on the wire, whether listed (RFC 8446 section 4.2.1) or legacy */
	uint16_t suite;
	/* RFC 8446 section 4.1.3: its random says that it could do better than this version. */
	bool has_sentinel;
	int dh_bits; /* of the group of its DHE key; 0: none came */
};

/*
 * Reads a ServerHello or HelloRetryRequest, the whole handshake message. False when
 * it is malformed; `*answer_out` then holds what came before the fault. `dh_bits` is
 * left as it is.
 */
bool tls_answer_parse(struct str message, struct tls_answer *answer_out);

enum { HELLO_FIRST_MAX = 24 };

struct tls_hello {
	enum tls_protocol highest; /* TLS_PROTOCOL_COUNT before there was a hello */
	bool listed_versions;
	bool asks_challenge; /* as in the offer */
	bool gets_challenge; /* and there is one for the name (tls/challenge.h) */
	struct tls_offer *offer; /* until the handshake is done; NULL before the hello */
	struct tls_answer answer; /* where we are the client */
	char first[HELLO_FIRST_MAX]; /* what the peer sent first */
	size_t first_len;
	/* Fatal alerts; -1: none. */
	int alert_sent;
	int alert_received;
	int warning_received; /* the last one that was no fatal alert */
};

void tls_hello_init(struct tls_hello *hello);
/* Frees the offer, once nobody is going to ask for it. */
void tls_hello_rest(struct tls_hello *hello);

/* Notes what came from the peer, as long as its first bytes are wanted. */
void tls_hello_note_input(struct tls_hello *hello, const char *bytes, size_t len);

/*
 * Makes a context's connections note these things in the struct tls_hello that is
 * their SSL's app data, if any.
 */
void tls_hello_watch(SSL_CTX *openssl);

#endif
