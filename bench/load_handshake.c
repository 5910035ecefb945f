/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes, one like the other: load_handshake PORT 1.2|1.3 full|resumed COUNT PEERS [http].
 *
 * PEERS processes connect at the same time, COUNT times together; each connection
 * shakes hands, waits for the greeting and goes. `resumed` offers the ticket that
 * came on the connection before. Suite and group are the same for every server.
 * Prints, as JSON, how many handshakes there were, how many of them resumed, and the
 * seconds they took.
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PEERS_MAX = 256 };

struct plan {
	int port;
	int version;
	bool is_resuming;
	bool is_http;
	long count; /* of one peer */
};

static SSL_SESSION *newest;

static int session_given(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(newest);
	newest = session;
	return 1;
}

static SSL_CTX *context_new(const struct plan *plan)
{
	SSL_CTX *context = client_context_new(plan->version);

	if (SSL_CTX_set1_groups_list(context, "X25519:P-256") != 1 ||
	    SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") != 1 ||
	    SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES256-GCM-SHA384:"
					     "ECDHE-RSA-AES256-GCM-SHA384") != 1)
		client_fail("no suite or no group");
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	if (plan->is_resuming)
		SSL_CTX_sess_set_new_cb(context, session_given);
	return context;
}

/* Tickets of TLS 1.3 come before the greeting: who has read it has them. */
static bool visit(const struct plan *plan, SSL_CTX *context)
{
	struct client client;
	char bytes[4096];

	client_open(&client, plan->port, context, newest);
	bool is_resumed = SSL_session_reused(client.ssl) == 1;
	if (plan->is_http)
		client_printf(&client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	if (client_read(&client, bytes, sizeof(bytes)) == 0)
		client_fail("no greeting");
	client_close(&client);
	return is_resumed;
}

/* One peer: tells its number of resumed handshakes when it is through. */
static void peer_run(const struct plan *plan, int tell)
{
	SSL_CTX *context = context_new(plan);
	long resumed = 0;

	for (long i = 0; i < plan->count; i++)
		resumed += visit(plan, context);
	if (write(tell, &resumed, sizeof(resumed)) != sizeof(resumed))
		client_fail("write: %s", strerror(errno));
}

static void peers_start(const struct plan *plan, long peers, int tell)
{
	for (long i = 0; i < peers; i++) {
		pid_t pid = fork();
		if (pid < 0)
			client_fail("fork: %s", strerror(errno));
		if (pid == 0) {
			peer_run(plan, tell);
			_exit(0);
		}
	}
}

static long peers_wait(long peers, int heard)
{
	long resumed = 0;

	for (long i = 0; i < peers; i++) {
		int status;
		long told;
		if (wait(&status) < 0 || status != 0 ||
		    read(heard, &told, sizeof(told)) != sizeof(told))
			client_fail("a peer failed");
		resumed += told;
	}
	return resumed;
}

int main(int argc, char **argv)
{
	if (argc < 6)
		client_fail("load_handshake PORT 1.2|1.3 full|resumed COUNT PEERS [http]");
	long peers = client_number(argv[5], PEERS_MAX);
	struct plan plan = {.port = (int)client_number(argv[1], 65535),
			    .version = strcmp(argv[2], "1.3") == 0 ? TLS1_3_VERSION
								   : TLS1_2_VERSION,
			    .is_resuming = strcmp(argv[3], "resumed") == 0,
			    .is_http = argc > 6};
	int pipes[2];

	if (peers == 0 || pipe(pipes) != 0)
		client_fail("PEERS is 1 at least");
	plan.count = client_number(argv[4], 1000000) / peers;
	double start = client_seconds();
	peers_start(&plan, peers, pipes[1]);
	long resumed = peers_wait(peers, pipes[0]);
	printf("{\"handshakes\": %ld, \"resumed\": %ld, \"seconds\": %.3f}\n", plan.count * peers,
	       resumed, client_seconds() - start);
	return 0;
}
