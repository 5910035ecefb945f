/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking mail client for load makers: lines over TCP or TLS to loopback.
 *
 * It ends the program with a message when the connection or the server fails
 * it: a measure with a failed client is no measure. It checks no certificate.
 */
#ifndef POSTERN_BENCH_CLIENT_H
#define POSTERN_BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <openssl/ssl.h>

struct client {
	int fd;
	SSL *ssl; /* NULL in plain text */
	char in[16384];
	size_t from;
	size_t until;
};

/* Ends the program with status 1 after "bench: " and the message. */
__attribute__((noreturn, format(printf, 1, 2))) void client_fail(const char *format, ...);

/* Gives a context without certificate checks, for exactly this TLS version (0: any). */
SSL_CTX *client_context_new(int version);

/* Parses a whole number of at most `max`, or fails. */
long client_number(const char *text, long max);

/*
 * Connects to 127.0.0.1; with a context it shakes hands at once, resuming
 * `resume` if that is not NULL (borrowed).
 */
void client_open(struct client *client, int port, SSL_CTX *context, SSL_SESSION *resume);
void client_close(struct client *client);

void client_send(struct client *client, const char *bytes, size_t len);
__attribute__((format(printf, 2, 3))) void client_printf(struct client *client, const char *format,
							 ...);

/* Reads what has come, waiting for the first byte; 0 at the end. */
size_t client_read(struct client *client, char *bytes, size_t size);

/* Reads a line without its CRLF into `line`, cut off at `size`. */
void client_line(struct client *client, char *line, size_t size);

/* Reads an SMTP reply to its last line; fails unless its code begins with `wanted`. */
void client_smtp_reply(struct client *client, char wanted);

/* Reads to the line that begins with `prefix`; fails at a line that begins "TAG NO" or "TAG BAD". */
void client_imap_until(struct client *client, const char *prefix, const char *tag);

/* Greeting, LOGIN and SELECT. */
void client_imap_login(struct client *client, const char *user, const char *password,
		       const char *mailbox);

double client_seconds(void);

#endif
