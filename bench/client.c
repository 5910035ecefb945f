/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void client_fail(const char *format, ...)
{
	va_list arguments;

	fputs("bench: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	_exit(1);
}

long client_number(const char *text, long max)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end != '\0' || end == text || value < 0 || value > max)
		client_fail("%s is no number up to %ld", text, max);
	return value;
}

SSL_CTX *client_context_new(int version)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (context == NULL || SSL_CTX_set_min_proto_version(context, version) != 1 ||
	    SSL_CTX_set_max_proto_version(context, version) != 1)
		client_fail("no TLS context");
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	return context;
}

static void handshake(struct client *client, SSL_CTX *context, SSL_SESSION *resume)
{
	client->ssl = SSL_new(context);
	if (client->ssl == NULL || SSL_set_fd(client->ssl, client->fd) != 1)
		client_fail("no TLS connection");
	if (resume != NULL && SSL_set_session(client->ssl, resume) != 1)
		client_fail("no session to resume");
	if (SSL_connect(client->ssl) != 1) {
		ERR_print_errors_fp(stderr);
		client_fail("the TLS handshake failed");
	}
}

void client_open(struct client *client, int port, SSL_CTX *context, SSL_SESSION *resume)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client->from = client->until = 0;
	client->ssl = NULL;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 ||
	    connect(client->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		client_fail("no connection to port %d: %s", port, strerror(errno));
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (context != NULL)
		handshake(client, context, resume);
}

/* The close_notify keeps OpenSSL from calling the session unfit for resumption. */
void client_close(struct client *client)
{
	if (client->ssl != NULL) {
		SSL_shutdown(client->ssl);
		SSL_free(client->ssl);
		client->ssl = NULL;
	}
	close(client->fd);
	client->fd = -1;
}

void client_send(struct client *client, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent;
		if (client->ssl != NULL)
			sent = SSL_write(client->ssl, bytes, len > 65536 ? 65536 : (int)len);
		else
			sent = send(client->fd, bytes, len, MSG_NOSIGNAL);
		if (sent <= 0)
			client_fail("the server takes nothing more");
		bytes += sent;
		len -= (size_t)sent;
	}
}

void client_printf(struct client *client, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	int len = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (len < 0 || (size_t)len >= sizeof(text))
		client_fail("a command too long");
	client_send(client, text, (size_t)len);
}

static size_t receive(struct client *client, char *bytes, size_t size)
{
	ssize_t got = client->ssl != NULL ? SSL_read(client->ssl, bytes, (int)size)
					  : recv(client->fd, bytes, size, 0);

	return got > 0 ? (size_t)got : 0;
}

size_t client_read(struct client *client, char *bytes, size_t size)
{
	size_t held = client->until - client->from;

	if (held == 0)
		return receive(client, bytes, size);
	if (held > size)
		held = size;
	memcpy(bytes, client->in + client->from, held);
	client->from += held;
	return held;
}

static char next_byte(struct client *client)
{
	if (client->from == client->until) {
		client->from = 0;
		client->until = receive(client, client->in, sizeof(client->in));
		if (client->until == 0)
			client_fail("the server ended the connection");
	}
	return client->in[client->from++];
}

void client_line(struct client *client, char *line, size_t size)
{
	size_t len = 0;

	for (char c = next_byte(client); c != '\n'; c = next_byte(client)) {
		if (len + 1 < size && c != '\r')
			line[len++] = c;
	}
	line[len] = '\0';
}

void client_smtp_reply(struct client *client, char wanted)
{
	char line[1024];

	do {
		client_line(client, line, sizeof(line));
	} while (strlen(line) > 3 && line[3] == '-');
	if (line[0] != wanted)
		client_fail("the server said: %s", line);
}

void client_imap_until(struct client *client, const char *prefix, const char *tag)
{
	char line[1024];
	size_t tag_len = strlen(tag);

	for (;;) {
		client_line(client, line, sizeof(line));
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			return;
		if (strncmp(line, tag, tag_len) == 0 && line[tag_len] == ' ')
			client_fail("the server said: %s", line);
	}
}

void client_imap_login(struct client *client, const char *user, const char *password,
		       const char *mailbox)
{
	client_imap_until(client, "* OK", "*");
	client_printf(client, "l LOGIN %s %s\r\n", user, password);
	client_imap_until(client, "l OK", "l");
	client_printf(client, "s SELECT %s\r\n", mailbox);
	client_imap_until(client, "s OK", "s");
}

double client_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
