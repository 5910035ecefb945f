/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes tls/transport, tls/hello and tls/failure: any bytes where a ClientHello
 * belongs end in words.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/tls/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_context *context;

static void start(void)
{
	(void)world_make(NULL);
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	context = context_make(&policy, WITH_BOTH, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf words = BUF_INIT(64 * 1024);
	struct tls_facts facts;
	enum io io = IO_WANT_INPUT;
	int fds[2];

	if (context == NULL)
		start();
	if (size > 32 * 1024)
		return 0;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	CHECK(write(fds[1], data, size) == (ssize_t)size);
	CHECK(shutdown(fds[1], SHUT_WR) == 0);
	struct tls_connection *connection = tls_connection_new(context, fds[0]);
	for (int i = 0; i < 10 && (io == IO_WANT_INPUT || io == IO_WANT_OUTPUT); i++)
		io = tls_handshake(connection);
	tls_connection_facts(connection, &facts);
	CHECK(io == IO_BROKEN || io == IO_CLOSED || facts.is_active);
	tls_failure_append(&words, connection, STR("192.0.2.26"), STR(""));
	CHECK(!words.failed && words.len > 0);
	tls_connection_free(&connection);
	close(fds[0]);
	close(fds[1]);
	buf_done(&words);
	return 0;
}
