/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of tls/ share: keys and certificates made once, policies, and
 * handshakes over a socket pair with OpenSSL itself as the client.
 */
#ifndef POSTERN_TESTS_TLS_FIXTURE_H
#define POSTERN_TESTS_TLS_FIXTURE_H

#include <openssl/ssl.h>

#include "tls/key_ring.h"
#include "tls/transport.h"

enum { KEY_RSA = 1, KEY_EC = 2 };

/* Made once for a program: the two pairs of `init`, and a ring with both keys. */
struct world {
	struct tls_pair rsa_pem;
	struct tls_pair ec_pem;
	struct tls_certificate *rsa;
	struct tls_certificate *ec;
	struct key_ring *ring;
	struct key_source_ring source;
};

extern struct world world;

int world_make(void **state);
int world_drop(void **state);

/*
 * A listener's policy as the defaults give it, to be changed by the test.
 * `protocols` is a contiguous set or has its holes named.
 */
struct tls_policy policy_make(tls_protocols protocols);
void policy_set_protocols(struct tls_policy *policy, tls_protocols protocols);
#define ONLY(protocol) TLS_PROTOCOL_BIT(TLS_PROTOCOL_##protocol)

enum { WITH_RSA = 1, WITH_EC = 2, WITH_BOTH = 3 };

/* A context for the policy; aborts the test when it cannot be made. */
struct tls_context *context_make(const struct tls_policy *policy, int with,
				 struct tls_tickets *tickets);

/* The same, with keys from a source of the test's own. */
struct tls_context *context_make_with(const struct tls_policy *policy, int with,
				      struct tls_tickets *tickets, struct key_source *source);

/* A client of any kind: level 0, all suites, trusting nobody in particular. */
SSL_CTX *client_make(int min_version, int max_version);

/* A handshake's two ends, and how it ended. */
struct handshake {
	struct tls_connection *server;
	SSL *client;
	int fds[2]; /* 0: the server's */
	enum io server_result;
	bool client_is_done;
	int client_alert; /* fatal one that the client got, or -1 */
	struct tls_facts facts;
};

/* Carries a handshake through. `session` may be NULL; it is offered for resumption. */
void handshake_run(struct handshake *shake, struct tls_context *context, SSL_CTX *client,
		   const char *server_name, SSL_SESSION *session);
/* Sends a few bytes both ways through transport_tls; false when that fails. */
bool handshake_talk(struct handshake *shake);
/* The session for resumption, after handshake_talk; the caller frees. NULL without a ticket. */
SSL_SESSION *handshake_session(struct handshake *shake);
void handshake_done(struct handshake *shake);

/* True when both ends are done. */
bool handshake_is_good(const struct handshake *shake);

/* The failure in words, for the address 192.0.2.26; the caller frees the buffer. */
struct buf handshake_words(const struct handshake *shake);

#endif
