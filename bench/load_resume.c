/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a server resumes TLS sessions: load_resume PORT 1.2|1.3 COUNT OPEN [http].
 *
 * COUNT connections after a first one, each of which offers the newest ticket
 * that any of them was given. OPEN of them stay connected, so that a server with several processes uses
 * several. Prints the handshakes that were resumed, as JSON.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MAX_COUNT 256

static SSL_SESSION *newest;

/* Keeps the session that a server has just given. */
static int session_given(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(newest);
	newest = session;
	return 1;
}

/* TLS 1.3 tickets come after the handshake: they are seen by whoever reads. */
static void greeting_read(struct client *client, bool is_http)
{
	char bytes[4096];

	if (is_http)
		client_printf(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	if (client_read(client, bytes, sizeof(bytes)) == 0)
		client_fail("no greeting");
}

int main(int argc, char **argv)
{
	static struct client clients[OPEN_MAX_COUNT];

	if (argc < 5)
		client_fail("load_resume PORT 1.2|1.3 COUNT OPEN [http]");
	int port = (int)client_number(argv[1], 65535);
	int version = strcmp(argv[2], "1.3") == 0 ? TLS1_3_VERSION : TLS1_2_VERSION;
	long count = client_number(argv[3], 1000000);
	long open_count = client_number(argv[4], OPEN_MAX_COUNT);
	bool is_http = argc > 5;
	long resumed = 0;

	if (open_count == 0)
		client_fail("OPEN is 1 at least");
	SSL_CTX *context = client_context_new(version);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, session_given);
	double start = client_seconds();
	for (long i = 0; i <= count; i++) {
		struct client *client = &clients[i % open_count];
		if (i >= open_count)
			client_close(client);
		client_open(client, port, context, newest);
		resumed += SSL_session_reused(client->ssl);
		greeting_read(client, is_http);
	}
	printf("{\"connections\": %ld, \"resumed\": %ld, \"seconds\": %.3f}\n", count, resumed,
	       client_seconds() - start);
	return 0;
}
