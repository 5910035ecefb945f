/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle IMAP sessions over TLS: load_idle PORT COUNT PASSWORD DOMAIN USERS.
 *
 * Session n logs in as u(n mod USERS)@DOMAIN, selects INBOX and sends IDLE.
 * Prints "ready" when the server has answered all, then holds them until standard input ends.
 */
#include "client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 8

struct load {
	int port;
	long count;
	const char *password;
	const char *domain;
	long users;
	SSL_CTX *context;
	struct client *clients;
	atomic_long taken;
};

static void session_open(struct load *load, long number)
{
	struct client *client = &load->clients[number];
	char user[256];

	snprintf(user, sizeof(user), "u%ld@%s", number % load->users, load->domain);
	client_open(client, load->port, load->context, NULL);
	client_imap_login(client, user, load->password, "INBOX");
	client_printf(client, "i IDLE\r\n");
	client_imap_until(client, "+", "i");
}

static void *opener_run(void *argument)
{
	struct load *load = argument;

	for (long i = atomic_fetch_add(&load->taken, 1); i < load->count;
	     i = atomic_fetch_add(&load->taken, 1))
		session_open(load, i);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	char byte;

	if (argc != 6)
		client_fail("load_idle PORT COUNT PASSWORD DOMAIN USERS");
	struct load load = {.port = (int)client_number(argv[1], 65535),
			    .count = client_number(argv[2], 100000),
			    .password = argv[3],
			    .domain = argv[4],
			    .users = client_number(argv[5], 1000)};
	load.context = client_context_new(0);
	load.clients = calloc((size_t)load.count, sizeof(*load.clients));
	if (load.clients == NULL || load.users == 0)
		client_fail("no memory, or no users");
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, opener_run, &load) != 0)
			client_fail("no thread");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
