/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One IMAP command over TLS whose answer is read and thrown away:
 * load_fetch PORT USER PASSWORD MAILBOX COMMAND.
 *
 * Logs in, selects, prints "selected". For each line on standard input it
 * sends the command and prints the bytes and seconds of the answer, as JSON.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How the line that ends the answer begins; no message of the corpus holds it. */
static const char end_mark[] = "\nzq7end ";

/* Reads to the end of the line after `end_mark`; returns the bytes of all. */
static size_t answer_discard(struct client *client)
{
	static char bytes[sizeof(end_mark) + 65536];
	size_t carried = 1;
	size_t total = 0;

	bytes[0] = '\n';
	for (;;) {
		size_t got = client_read(client, bytes + carried, 65536);
		if (got == 0)
			client_fail("the server ended the connection");
		total += got;
		size_t held = carried + got;
		char *mark = memmem(bytes, held, end_mark, sizeof(end_mark) - 1);
		if (mark != NULL && bytes[held - 1] == '\n') {
			if (strncmp(mark + sizeof(end_mark) - 1, "OK", 2) != 0)
				client_fail("the server said: %.*s", (int)(bytes + held - mark), mark);
			return total;
		}
		if (mark != NULL)
			carried = (size_t)(bytes + held - mark);
		else
			carried = held < sizeof(end_mark) - 1 ? held : sizeof(end_mark) - 1;
		if (carried > sizeof(end_mark))
			client_fail("a last line too long");
		memmove(bytes, bytes + held - carried, carried);
	}
}

int main(int argc, char **argv)
{
	static struct client client;
	char line[64];

	if (argc != 6)
		client_fail("load_fetch PORT USER PASSWORD MAILBOX COMMAND");
	client_open(&client, (int)client_number(argv[1], 65535), client_context_new(0), NULL);
	client_imap_login(&client, argv[2], argv[3], argv[4]);
	puts("selected");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		double start = client_seconds();
		client_printf(&client, "zq7end %s\r\n", argv[5]);
		size_t total = answer_discard(&client);
		printf("{\"bytes\": %zu, \"seconds\": %.3f}\n", total, client_seconds() - start);
		fflush(stdout);
	}
	client_printf(&client, "o LOGOUT\r\n");
	client_close(&client);
	return 0;
}
