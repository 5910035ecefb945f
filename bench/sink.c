/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes mail and throws it away: sink PORT CERTIFICATE KEY.
 *
 * One thread, one epoll loop, every address of the machine: SMTP with PIPELINING and
 * STARTTLS, which smtp-sink lacks. It takes every command in its order; tickets are given as
 * OpenSSL does by itself. After each turn of the loop in which mail came it prints the number
 * of messages so far, of sessions, of handshakes and of those resumed, on one line.
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 128, BACKLOG = 4096, LINE_MAX_BYTES = 4096, OUT_MAX = 64 * 1024 };

struct sink {
	int epoll_fd;
	int listener;
	SSL_CTX *context;
	unsigned long messages, sessions, handshakes, resumed;
	unsigned long told;
};

struct guest {
	int fd;
	SSL *ssl; /* NULL in the clear */
	bool is_shaking;
	bool is_content;
	bool is_over;
	char line[LINE_MAX_BYTES];
	size_t line_len;
	unsigned ending; /* bytes of "\r\n.\r\n" that were seen */
	char out[OUT_MAX];
	size_t out_len;
};

static SSL_CTX *sink_context_new(const char *certificate, const char *key)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		client_fail("no TLS context of %s and %s", certificate, key);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
	return context;
}

static int sink_listen(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* What is accepted inherits it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		client_fail("no listener on port %d: %s", port, strerror(errno));
	return fd;
}

static void sink_watch(const struct sink *sink, int fd, void *data)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = data};

	if (epoll_ctl(sink->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		client_fail("epoll_ctl: %s", strerror(errno));
}

static void say(struct guest *guest, const char *text)
{
	size_t len = strlen(text);

	if (guest->out_len + len > OUT_MAX)
		client_fail("a client that sends and does not read");
	memcpy(guest->out + guest->out_len, text, len);
	guest->out_len += len;
}

static void guests_accept(struct sink *sink)
{
	int fd;

	while ((fd = accept4(sink->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct guest *guest = calloc(1, sizeof(*guest));
		if (guest == NULL)
			client_fail("no memory");
		guest->fd = fd;
		sink->sessions++;
		sink_watch(sink, fd, guest);
		if (send(fd, "220 sink ESMTP\r\n", 16, MSG_NOSIGNAL) != 16)
			guest->is_over = true;
	}
}

static void guest_end(struct guest *guest)
{
	if (guest->ssl != NULL) {
		SSL_shutdown(guest->ssl);
		SSL_free(guest->ssl);
	}
	close(guest->fd);
	free(guest);
	ERR_clear_error();
}

static bool is_command(const struct guest *guest, const char *verb)
{
	return strncasecmp(guest->line, verb, strlen(verb)) == 0;
}

static void tls_begin(const struct sink *sink, struct guest *guest)
{
	guest->ssl = SSL_new(sink->context);
	if (guest->ssl == NULL || SSL_set_fd(guest->ssl, guest->fd) != 1)
		client_fail("no TLS connection");
	SSL_set_accept_state(guest->ssl);
	guest->is_shaking = true;
}

static void command_take(struct guest *guest)
{
	if (is_command(guest, "EHLO"))
		say(guest, guest->ssl == NULL
				   ? "250-sink\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
				   : "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
	else if (is_command(guest, "DATA")) {
		guest->is_content = true;
		/* The line end of the command counts as the one before a dot. */
		guest->ending = 2;
		say(guest, "354 go on\r\n");
	} else if (is_command(guest, "QUIT")) {
		guest->is_over = true;
		say(guest, "221 bye\r\n");
	} else
		say(guest, "250 2.0.0 ok\r\n");
}

/* Returns the bytes of the content that were passed over. */
static size_t content_take(struct sink *sink, struct guest *guest, const char *bytes, size_t len)
{
	static const char end[] = "\r\n.\r\n";

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == end[guest->ending])
			guest->ending++;
		else
			guest->ending = bytes[i] == '\r';
		if (guest->ending == 0) {
			const char *next = memchr(bytes + i, '\r', len - i);
			i = next == NULL ? len - 1 : (size_t)(next - bytes) - 1;
		} else if (guest->ending == sizeof(end) - 1) {
			guest->is_content = false;
			sink->messages++;
			say(guest, "250 2.0.0 taken\r\n");
			return i + 1;
		}
	}
	return len;
}

/* Returns the bytes up to the end of a line, or all. */
static size_t line_take(const struct sink *sink, struct guest *guest, const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\n', len);
	size_t taken = end == NULL ? len : (size_t)(end - bytes) + 1;

	if (guest->line_len + taken >= LINE_MAX_BYTES)
		client_fail("a command too long");
	memcpy(guest->line + guest->line_len, bytes, taken);
	guest->line_len += taken;
	guest->line[guest->line_len] = '\0';
	if (end == NULL)
		return taken;
	guest->line_len = 0;
	if (guest->ssl == NULL && is_command(guest, "STARTTLS")) {
		if (send(guest->fd, "220 go on\r\n", 11, MSG_NOSIGNAL) != 11)
			guest->is_over = true;
		tls_begin(sink, guest);
		/* Nothing said in the clear counts behind it. */
		return len;
	}
	command_take(guest);
	return taken;
}

static void bytes_take(struct sink *sink, struct guest *guest, const char *bytes, size_t len)
{
	for (size_t at = 0; at < len;)
		at += guest->is_content ? content_take(sink, guest, bytes + at, len - at)
					: line_take(sink, guest, bytes + at, len - at);
}

/* 0: nothing there; -1: the end. */
static ssize_t guest_read(struct guest *guest, char *bytes, size_t size)
{
	if (guest->ssl == NULL) {
		ssize_t got = recv(guest->fd, bytes, size, 0);
		return got > 0 ? got : got < 0 && errno == EAGAIN ? 0 : -1;
	}
	ERR_clear_error();
	int got = SSL_read(guest->ssl, bytes, (int)size);
	return got > 0 ? got : SSL_get_error(guest->ssl, got) == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* Replies are short: a client that does not take them is at an end. */
static void guest_flush(struct guest *guest)
{
	ssize_t sent = 0;

	if (guest->out_len > 0 && guest->ssl == NULL)
		sent = send(guest->fd, guest->out, guest->out_len, MSG_NOSIGNAL);
	else if (guest->out_len > 0)
		sent = SSL_write(guest->ssl, guest->out, (int)guest->out_len);
	guest->is_over |= sent != (ssize_t)guest->out_len;
	guest->out_len = 0;
}

static void guest_shake(struct sink *sink, struct guest *guest)
{
	ERR_clear_error();
	int result = SSL_do_handshake(guest->ssl);

	if (result == 1) {
		guest->is_shaking = false;
		sink->handshakes++;
		sink->resumed += SSL_session_reused(guest->ssl) == 1;
	} else if (SSL_get_error(guest->ssl, result) != SSL_ERROR_WANT_READ)
		guest->is_over = true;
}

static void guest_ready(struct sink *sink, struct guest *guest)
{
	char bytes[32 * 1024];
	ssize_t got = 0;

	do {
		if (guest->is_shaking) {
			guest_shake(sink, guest);
			if (guest->is_shaking)
				break;
		}
		got = guest_read(guest, bytes, sizeof(bytes));
		if (got > 0)
			bytes_take(sink, guest, bytes, (size_t)got);
	} while (got > 0 && !guest->is_over);
	if (!guest->is_shaking)
		guest_flush(guest);
	if (guest->is_over || got < 0)
		guest_end(guest);
}

static void progress_tell(struct sink *sink)
{
	if (sink->messages == sink->told)
		return;
	sink->told = sink->messages;
	printf("%lu %lu %lu %lu\n", sink->messages, sink->sessions, sink->handshakes,
	       sink->resumed);
	fflush(stdout);
}

static void sink_run(struct sink *sink)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int count = epoll_wait(sink->epoll_fd, events, EVENTS, -1);
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == NULL)
				guests_accept(sink);
			else
				guest_ready(sink, events[i].data.ptr);
		}
		progress_tell(sink);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		client_fail("sink PORT CERTIFICATE KEY");
	struct sink sink = {.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
			    .listener = sink_listen((int)client_number(argv[1], 65535)),
			    .context = sink_context_new(argv[2], argv[3])};

	/* OpenSSL writes without MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	sink_watch(&sink, sink.listener, NULL);
	sink_run(&sink);
	return 0;
}
