/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of handshake cost: floor PORT CERTIFICATE KEY TICKETS GREETING.
 *
 * A bare epoll loop on OpenSSL, one thread, everything in one process: accepts,
 * shakes hands, says the greeting, waits for the peer to go. It is written as
 * one who cares would write it (no session cache beside tickets, read ahead,
 * released buffers, no Nagle), and does nothing else: no log, no limits, no
 * time-outs, and the key in the same process. TICKETS is the number that it
 * gives after a full TLS 1.3 handshake; OpenSSL's own is 2.
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 128, BACKLOG = 1024 };

struct floor {
	int epoll_fd;
	int listener;
	SSL_CTX *context;
	const char *greeting;
	int greeting_len;
};

struct guest {
	int fd;
	bool is_greeted;
	SSL *ssl;
};

static SSL_CTX *floor_context_new(const char *certificate, const char *key, size_t tickets)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1 ||
	    SSL_CTX_set_num_tickets(context, tickets) != 1)
		client_fail("no TLS context of %s and %s", certificate, key);
	SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(context, 1);
	return context;
}

static int floor_listen(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* What is accepted inherits it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		client_fail("no listener on port %d: %s", port, strerror(errno));
	return fd;
}

static void floor_watch(const struct floor *floor, int fd, void *data)
{
	/* On an edge: one call a connection; OpenSSL reads until nothing is left. */
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = data};

	if (epoll_ctl(floor->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		client_fail("epoll_ctl: %s", strerror(errno));
}

static void guests_accept(const struct floor *floor)
{
	int fd;

	while ((fd = accept4(floor->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct guest *guest = calloc(1, sizeof(*guest));
		if (guest == NULL)
			client_fail("no memory");
		guest->fd = fd;
		guest->ssl = SSL_new(floor->context);
		if (guest->ssl == NULL || SSL_set_fd(guest->ssl, fd) != 1)
			client_fail("no TLS connection");
		SSL_set_accept_state(guest->ssl);
		floor_watch(floor, fd, guest);
	}
}

static void guest_end(struct guest *guest)
{
	SSL_shutdown(guest->ssl);
	SSL_free(guest->ssl);
	close(guest->fd);
	free(guest);
	ERR_clear_error();
}

/* True when the peer has to do something first. */
static bool guest_waits(const struct guest *guest, int result)
{
	return result <= 0 && SSL_get_error(guest->ssl, result) == SSL_ERROR_WANT_READ;
}

static void guest_ready(const struct floor *floor, struct guest *guest)
{
	char bytes[4096];
	int result;

	ERR_clear_error();
	if (!guest->is_greeted) {
		result = SSL_do_handshake(guest->ssl);
		if (guest_waits(guest, result))
			return;
		if (result != 1 ||
		    SSL_write(guest->ssl, floor->greeting, floor->greeting_len) <= 0) {
			guest_end(guest);
			return;
		}
		guest->is_greeted = true;
	}
	do {
		result = SSL_read(guest->ssl, bytes, sizeof(bytes));
	} while (result > 0);
	if (!guest_waits(guest, result))
		guest_end(guest);
}

static void floor_run(const struct floor *floor)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int count = epoll_wait(floor->epoll_fd, events, EVENTS, -1);
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == NULL)
				guests_accept(floor);
			else
				guest_ready(floor, events[i].data.ptr);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 6)
		client_fail("floor PORT CERTIFICATE KEY TICKETS GREETING");
	struct floor floor = {.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
			      .listener = floor_listen((int)client_number(argv[1], 65535)),
			      .context = floor_context_new(argv[2], argv[3],
							   (size_t)client_number(argv[4], 16)),
			      .greeting = argv[5],
			      .greeting_len = (int)strlen(argv[5])};

	floor_watch(&floor, floor.listener, NULL);
	floor_run(&floor);
	return 0;
}
