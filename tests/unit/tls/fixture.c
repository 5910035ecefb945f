/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/library.h"

struct world world;

int world_make(void **state)
{
	struct buf why = BUF_INIT(1024);
	unsigned char id[KEY_ID_BYTES];

	CHECK(tls_pairs_make(STR("mail.example.test"), &world.rsa_pem, &world.ec_pem, &why) ==
	      FAULT_NONE);
	CHECK(tls_certificate_parse(buf_str(&world.rsa_pem.chain), &why, &world.rsa) == FAULT_NONE);
	CHECK(tls_certificate_parse(buf_str(&world.ec_pem.chain), &why, &world.ec) == FAULT_NONE);
	world.ring = key_ring_new();
	CHECK(key_ring_add(world.ring, 1, KEY_RSA, buf_str(&world.rsa_pem.key), id, &why) ==
	      FAULT_NONE);
	CHECK(key_ring_add(world.ring, 1, KEY_EC, buf_str(&world.ec_pem.key), id, &why) ==
	      FAULT_NONE);
	key_source_ring_init(&world.source, world.ring);
	buf_done(&why);
	return 0;
}

int world_drop(void **state)
{
	tls_certificate_unref(&world.rsa);
	tls_certificate_unref(&world.ec);
	tls_pair_done(&world.rsa_pem);
	tls_pair_done(&world.ec_pem);
	key_ring_free(&world.ring);
	return 0;
}

void policy_set_protocols(struct tls_policy *policy, tls_protocols protocols)
{
	policy->protocols = protocols;
	policy->min = tls_protocols_min(protocols);
	policy->max = tls_protocols_max(protocols);
	policy->holes = 0;
	for (enum tls_protocol p = policy->min; p < policy->max; p++) {
		if (!tls_protocols_has(protocols, p))
			policy->holes |= TLS_PROTOCOL_BIT(p);
	}
	policy->relaxed[TLS_RELAXED_SIGNATURES] = tls_protocols_has(protocols, TLS_PROTOCOL_1_0) ||
						  tls_protocols_has(protocols, TLS_PROTOCOL_1_1);
}

struct tls_policy policy_make(tls_protocols protocols)
{
	struct tls_policy policy = {
		.direction = TLS_LISTENER,
		.table = STR("SmtpSecurity"),
		.cipher_string = STR("AESGCM:HIGH:!aNULL:!eNULL"),
		.suite13_count = 3,
		.suites13_string = STR("TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
				       "TLS_AES_128_GCM_SHA256"),
		.groups_string = STR("X25519:P-256:P-384:ffdhe2048"),
		.has_ecdhe = true,
		.dhe_bits = 2048,
		.server_preference = true,
		.session_tickets = true,
		.protocols_source = {.line = 31,
				     .table = STR("SmtpSecurity"),
				     .variable = STR("ServerTlsProtocols")},
		.text = STR("a policy"),
	};

	for (size_t i = 0; i < tls_group_count(); i++) {
		const struct tls_group *group = tls_group_at(i);
		if (group->kind == TLS_GROUP_EC ? group->bits <= 384
						: group->bits == 2048)
			policy.groups[policy.group_count++] = group;
	}
	policy_set_protocols(&policy, protocols);
	return policy;
}

struct tls_context *context_make_with(const struct tls_policy *policy, int with,
				      struct tls_tickets *tickets, struct key_source *source)
{
	struct tls_identity identities[2];
	struct buf why = BUF_INIT(1024);
	struct tls_context *context = NULL;
	size_t count = 0;

	if ((with & WITH_RSA) != 0)
		identities[count++] = (struct tls_identity){world.rsa, KEY_RSA, true};
	if ((with & WITH_EC) != 0)
		identities[count++] = (struct tls_identity){world.ec, KEY_EC, true};
	struct tls_context_parts parts = {
		.policy = policy,
		.identities = identities,
		.identity_count = count,
		.keys = source,
		.tickets = tickets,
		.file_name = STR("mailserver.cfg"),
	};
	if (tls_context_new(&parts, &why, &context) != FAULT_NONE)
		fprintf(stderr, "no context: %.*s\n", STR_ARG(buf_str(&why)));
	CHECK(context != NULL);
	buf_done(&why);
	return context;
}

struct tls_context *context_make(const struct tls_policy *policy, int with,
				 struct tls_tickets *tickets)
{
	return context_make_with(policy, with, tickets, &world.source.source);
}

SSL_CTX *client_make(int min_version, int max_version)
{
	SSL_CTX *client = SSL_CTX_new_ex(crypto_library(), NULL, TLS_client_method());

	CHECK(client != NULL);
	SSL_CTX_set_security_level(client, 0);
	CHECK(SSL_CTX_set_cipher_list(client, "ALL:COMPLEMENTOFALL") == 1);
	CHECK(SSL_CTX_set_min_proto_version(client, min_version) == 1);
	CHECK(SSL_CTX_set_max_proto_version(client, max_version) == 1);
	SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
	return client;
}

static void client_note(const SSL *ssl, int where, int value)
{
	int *alert = SSL_get_app_data(ssl);

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
		*alert = value & 0xff;
}

static bool would_wait(const SSL *ssl, int result)
{
	int error = SSL_get_error(ssl, result);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static void handshake_begin(struct handshake *shake, struct tls_context *context, SSL_CTX *client,
			    const char *server_name, SSL_SESSION *session)
{
	*shake = (struct handshake){.client_alert = -1};
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, shake->fds) == 0);
	shake->server = tls_connection_new(context, shake->fds[0]);
	shake->client = SSL_new(client);
	CHECK(shake->client != NULL && SSL_set_fd(shake->client, shake->fds[1]) == 1);
	CHECK(SSL_set_app_data(shake->client, &shake->client_alert) == 1);
	SSL_set_info_callback(shake->client, client_note);
	if (server_name != NULL)
		CHECK(SSL_set_tlsext_host_name(shake->client, server_name) == 1);
	if (session != NULL)
		CHECK(SSL_set_session(shake->client, session) == 1);
}

void handshake_run(struct handshake *shake, struct tls_context *context, SSL_CTX *client,
		   const char *server_name, SSL_SESSION *session)
{
	bool client_failed = false;

	handshake_begin(shake, context, client, server_name, session);
	shake->server_result = IO_WANT_INPUT;
	for (int round = 0; round < 20; round++) {
		if (!shake->client_is_done && !client_failed) {
			ERR_clear_error();
			int result = SSL_connect(shake->client);
			shake->client_is_done = result == 1;
			client_failed = result != 1 && !would_wait(shake->client, result);
			ERR_clear_error();
			if (client_failed)
				(void)shutdown(shake->fds[1], SHUT_WR);
		}
		if (shake->server_result == IO_WANT_INPUT || shake->server_result == IO_WANT_OUTPUT)
			shake->server_result = tls_handshake(shake->server);
		/* What was held back at the end goes out when somebody reads. */
		char none[1];
		size_t got;
		if (shake->server_result == IO_DONE && !shake->client_is_done)
			(void)transport_tls.read(shake->server, shake->fds[0], none, sizeof(none),
						 &got);
	}
	tls_connection_facts(shake->server, &shake->facts);
}

bool handshake_is_good(const struct handshake *shake)
{
	return shake->client_is_done && shake->server_result == IO_DONE;
}

bool handshake_talk(struct handshake *shake)
{
	char got[16];
	size_t count = 0;

	if (transport_tls.write(shake->server, shake->fds[0], "hello", 5, &count) != IO_DONE ||
	    count != 5 || SSL_read_ex(shake->client, got, sizeof(got), &count) != 1 || count != 5 ||
	    memcmp(got, "hello", 5) != 0)
		return false;
	return SSL_write_ex(shake->client, "quit", 4, &count) == 1 &&
	       transport_tls.read(shake->server, shake->fds[0], got, sizeof(got), &count) ==
		       IO_DONE &&
	       count == 4 && memcmp(got, "quit", 4) == 0;
}

SSL_SESSION *handshake_session(struct handshake *shake)
{
	SSL_SESSION *session = SSL_get1_session(shake->client);

	if (session != NULL && SSL_SESSION_is_resumable(session) == 1)
		return session;
	SSL_SESSION_free(session);
	return NULL;
}

void handshake_done(struct handshake *shake)
{
	/* Without a goodbye OpenSSL would not offer the session again. */
	if (shake->client_is_done)
		(void)SSL_shutdown(shake->client);
	SSL_free(shake->client);
	tls_connection_free(&shake->server);
	fd_close(&shake->fds[0]);
	fd_close(&shake->fds[1]);
	ERR_clear_error();
}

struct buf handshake_words(const struct handshake *shake)
{
	struct buf words = BUF_INIT(4096);

	tls_failure_append(&words, shake->server, STR("192.0.2.26"), STR("mx.old.example"));
	buf_append_char(&words, '\0');
	return words;
}
