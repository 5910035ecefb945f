/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages over SMTP: load_smtp PORT SESSIONS MESSAGES BYTES DOMAIN [DOMAINS [USER PASSWORD]].
 *
 * SESSIONS threads send MESSAGES / SESSIONS each, one message after another in one connection,
 * envelope pipelined (RFC 2920). Session n writes to un@DOMAIN; with DOMAINS to un@dk.DOMAIN, k
 * being 0 to DOMAINS - 1 in turn over all messages. With USER it logs in first, and USER is the
 * sender. Prints how many messages each sent and the seconds to the last 250, as JSON.
 */
#include "client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAX 256
#define BYTES_MAX 16777216

struct load {
	int port;
	long messages_each;
	size_t message_bytes;
	const char *domain;
	long domains; /* 0: DOMAIN itself */
	const char *user; /* NULL: nobody logs in */
	const char *password;
};

struct sender {
	struct load *load;
	int number;
	pthread_t thread;
	struct client client;
};

/* Writes whom the message goes to. */
static void recipient_write(const struct sender *sender, long number, char *out, size_t size)
{
	const struct load *load = sender->load;
	long overall = sender->number * load->messages_each + number;

	if (load->domains == 0)
		snprintf(out, size, "u%d@%s", sender->number, load->domain);
	else
		snprintf(out, size, "u%d@d%ld.%s", sender->number, overall % load->domains,
			 load->domain);
}

/* Writes a message with its final dot; returns its length. */
static size_t message_write(const struct sender *sender, const char *recipient, long number,
			    char *out, size_t size)
{
	int len = snprintf(out, size,
			   "From: Load <load@client.example>\r\nTo: <%s>\r\n"
			   "Subject: Message %ld of the load\r\n"
			   "Date: Fri, 21 Nov 2025 12:00:00 +0000\r\n"
			   "Message-ID: <%ld.%d@client.example>\r\nMIME-Version: 1.0\r\n"
			   "Content-Type: text/plain; charset=us-ascii\r\n\r\n",
			   recipient, number, number, sender->number);
	size_t at = (size_t)len;

	for (unsigned line = 0; at + 80 < sender->load->message_bytes; line++) {
		len = snprintf(out + at, size - at,
			       "%06u of message %09ld: the quick brown fox jumps over the lazy dog.\r\n",
			       line, number);
		at += (size_t)len;
	}
	len = snprintf(out + at, size - at, ".\r\n");
	return at + (size_t)len;
}

static void message_send(struct sender *sender, long number, char *text, size_t size)
{
	struct client *client = &sender->client;
	const char *user = sender->load->user;
	char recipient[512];

	recipient_write(sender, number, recipient, sizeof(recipient));
	client_printf(client, "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n",
		      user == NULL ? "load@client.example" : user, recipient);
	client_smtp_reply(client, '2');
	client_smtp_reply(client, '2');
	client_smtp_reply(client, '3');
	client_send(client, text, message_write(sender, recipient, number, text, size));
	client_smtp_reply(client, '2');
}

/* AUTH PLAIN (RFC 4616). */
static void login(struct sender *sender)
{
	const struct load *load = sender->load;
	unsigned char plain[256], encoded[400];

	int len = snprintf((char *)plain, sizeof(plain), "%c%s%c%s", 0, load->user, 0, load->password);
	if (len < 0 || (size_t)len >= sizeof(plain))
		client_fail("a name too long");
	EVP_EncodeBlock(encoded, plain, len);
	client_printf(&sender->client, "AUTH PLAIN %s\r\n", encoded);
	client_smtp_reply(&sender->client, '2');
}

static void *session_run(void *argument)
{
	struct sender *sender = argument;
	struct load *load = sender->load;
	size_t size = load->message_bytes + 4096;
	char *text = malloc(size);

	if (text == NULL)
		client_fail("no memory");
	client_open(&sender->client, load->port, NULL, NULL);
	client_smtp_reply(&sender->client, '2');
	client_printf(&sender->client, "EHLO client.example\r\n");
	client_smtp_reply(&sender->client, '2');
	if (load->user != NULL)
		login(sender);
	for (long i = 0; i < load->messages_each; i++)
		message_send(sender, i, text, size);
	client_printf(&sender->client, "QUIT\r\n");
	client_smtp_reply(&sender->client, '2');
	client_close(&sender->client);
	free(text);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct sender senders[SESSIONS_MAX];

	if (argc != 6 && argc != 7 && argc != 9)
		client_fail("load_smtp PORT SESSIONS MESSAGES BYTES DOMAIN [DOMAINS [USER PASSWORD]]");
	long sessions = client_number(argv[2], SESSIONS_MAX);
	if (sessions == 0)
		client_fail("SESSIONS is 1 at least");
	struct load load = {.port = (int)client_number(argv[1], 65535),
			    .messages_each = client_number(argv[3], 100000000) / sessions,
			    .message_bytes = (size_t)client_number(argv[4], BYTES_MAX),
			    .domain = argv[5],
			    .domains = argc > 6 ? client_number(argv[6], 1000000) : 0,
			    .user = argc > 7 ? argv[7] : NULL,
			    .password = argc > 7 ? argv[8] : NULL};
	double start = client_seconds();

	for (int i = 0; i < sessions; i++) {
		senders[i].load = &load;
		senders[i].number = i;
		if (pthread_create(&senders[i].thread, NULL, session_run, &senders[i]) != 0)
			client_fail("no thread");
	}
	for (int i = 0; i < sessions; i++)
		pthread_join(senders[i].thread, NULL);
	printf("{\"each\": %ld, \"seconds\": %.3f}\n", load.messages_each, client_seconds() - start);
	return 0;
}
