/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes tls/client, tls/hello and tls/failure_client: any bytes where a server's
 * answer belongs end in words.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/tls/fixture.h"
#include "tls/failure_client.h"
#include "tls/shown.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_context *context;
static struct tls_demand demand;

static void start(void)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_proof proof = {
		.kind = TLS_LEVEL_VERIFY, .names = {STR("mx.example.test")}, .name_count = 1};

	policy.direction = TLS_CLIENT;
	demand = demand_may();
	demand_prove(&demand, &proof);
	context = context_make(&policy, 0, NULL);
}

static void shown_read(const struct tls_connection *connection)
{
	struct tls_shown shown;

	for (size_t i = 0; i < tls_client_shown_count(connection); i++) {
		tls_client_shown(connection, i, &shown);
		tls_shown_done(&shown);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf words = BUF_INIT(64 * 1024), why = BUF_INIT(1024);
	struct tls_connection *connection = NULL;
	enum io io = IO_WANT_INPUT;
	int fds[2];

	if (context == NULL)
		start();
	if (size > 32 * 1024)
		return 0;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	CHECK(write(fds[1], data, size) == (ssize_t)size);
	CHECK(shutdown(fds[1], SHUT_WR) == 0);
	struct tls_client_parts parts = {.context = context,
					 .fd = fds[0],
					 .host = STR("mx.example.test"),
					 .demand = &demand};
	CHECK(tls_client_new(&parts, &why, &connection) == FAULT_NONE);
	for (int i = 0; i < 10 && (io == IO_WANT_INPUT || io == IO_WANT_OUTPUT); i++)
		io = tls_handshake(connection);
	/* No bytes made up beforehand can finish a handshake whose certificate is to be proven. */
	CHECK(io == IO_BROKEN || io == IO_CLOSED);
	tls_failure_append(&words, connection, STR("192.0.2.26"), STR(""));
	CHECK(!words.failed && words.len > 0);
	shown_read(connection);
	tls_connection_free(&connection);
	close(fds[0]);
	close(fds[1]);
	buf_done(&words);
	buf_done(&why);
	return 0;
}
