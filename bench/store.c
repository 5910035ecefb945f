/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the store takes messages, and how fast it reads: without SMTP and
 * IMAP, to know what is left for them.
 *
 *   bench_store FOLDER [CLIENTS [MESSAGES [BYTES]]]     20 clients, 40000 messages of 4096 bytes
 *
 * The role runs in a process of its own, on the disk that FOLDER (made anew) lies on.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role.h"
#include "store/directory.h"
#include "store/mail.h"
#include "store/mailbox.h"
#include "store/service.h"

enum { ACCOUNTS = 50, ROWS = 100000 };

static int role_main(const char *path)
{
	struct store_service_options options = {.path = path};
	struct store_service *service;
	struct role_server server;
	struct log log;

	enum fault fault = store_service_open(&options, &service);
	if (fault != FAULT_NONE) {
		fprintf(stderr, "bench_store: %s: %s\n", path, fault_text(fault));
		return 1;
	}
	log_init(&log, true);
	role_server_init(&server, &store_service_ops, ROLE_STORE, BENCH_PARENT_FD, &log, service);
	role_server_run(&server);
	role_server_done(&server);
	store_service_close(&service);
	return 0;
}

/* The role's flushes so far, from its status. */
static unsigned long role_flushes(struct role_client *client)
{
	struct msg_status_wanted wanted;
	struct packet answer;
	unsigned long flushes = 0;

	packet_init(&answer);
	CHECK(role_client_call(client, MSG_status_wanted, &wanted, MSG_status_given, &answer) ==
	      FAULT_NONE);
	struct str json = answer.message.status_given.json;
	size_t at = str_find(json, STR("\"flushes\":"));
	CHECK(at != STR_NONE);
	for (at += 10; at < json.len && ascii_is_digit(json.ptr[at]); at++)
		flushes = flushes * 10 + (unsigned long)(json.ptr[at] - '0');
	packet_done(&answer);
	return flushes;
}

struct writer {
	struct store *store;
	uint64_t accounts[ACCOUNTS];
	struct str body;
	long left; /* atomic: messages still to store */
};

static void *writer_run(void *argument)
{
	struct writer *writer = argument;

	for (long left; (left = __atomic_sub_fetch(&writer->left, 1, __ATOMIC_RELAXED)) >= 0;) {
		struct mail_target target = {.account = writer->accounts[left % ACCOUNTS]};
		struct mail_append append = {.body = {.bytes = writer->body, .fd = -1},
					     .summary = str_sub(writer->body, 0, 400),
					     .received_s = 1,
					     .targets = &target,
					     .target_count = 1};
		CHECK(mail_append(writer->store, &append) == FAULT_NONE);
	}
	return NULL;
}

static void measure_writing(struct writer *writer, struct role_client *client, const struct bench_role *role,
			    unsigned clients, long messages)
{
	pthread_t *threads = calloc(clients, sizeof(*threads));
	unsigned long flushes = role_flushes(client);
	double cpu = bench_role_cpu_s(role);
	double began = bench_seconds(CLOCK_MONOTONIC);

	CHECK(threads != NULL);
	writer->left = messages;
	for (unsigned i = 0; i < clients; i++)
		CHECK(pthread_create(&threads[i], NULL, writer_run, writer) == 0);
	for (unsigned i = 0; i < clients; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	double took = bench_seconds(CLOCK_MONOTONIC) - began;
	/* The role counts after it has answered. */
	usleep(100000);
	flushes = role_flushes(client) - flushes;
	printf("writing: %u clients, %ld messages of %zu bytes: %.0f/s, %.3f flushes each, "
	       "%.0f us CPU of the role each\n",
	       clients, messages, writer->body.len, (double)messages / took,
	       (double)flushes / (double)messages,
	       (bench_role_cpu_s(role) - cpu) * 1e6 / (double)messages);
	free(threads);
}

static void rows_fill(struct store *store, uint64_t account, uint32_t inbox)
{
	struct uid_range every = {1, UINT32_MAX};
	struct uid_set all = {.ranges = &every, .count = 1};
	struct mailbox mailbox = {0};
	struct mail_copied copied;

	while (mailbox.messages < ROWS) {
		struct view *view;
		CHECK(view_open(store, &view) == FAULT_NONE);
		CHECK(mailbox_get(view, account, inbox, &mailbox) == FAULT_NONE);
		view_close(&view);
		if (mailbox.messages > ROWS / 2)
			every.last = ROWS - mailbox.messages;
		if (mailbox.messages < ROWS) {
			CHECK(mail_copy(store, account, inbox, &all, inbox, &copied) == FAULT_NONE);
			uid_set_done(&copied.from);
		}
	}
}

static void measure_marking(struct store *store, uint64_t account, uint32_t inbox, const struct bench_role *role)
{
	struct uid_range every = {1, UINT32_MAX};
	struct uid_set all = {.ranges = &every, .count = 1};
	struct mail_flags_change change = {
		.mode = MAIL_FLAGS_ADD, .flags = MAIL_SEEN, .unchanged_since = UINT64_MAX};
	double cpu = bench_role_cpu_s(role);
	double began = bench_seconds(CLOCK_MONOTONIC);

	CHECK(mail_flags_change(store, account, inbox, &all, &change) == FAULT_NONE);
	printf("marking: %lu messages in %.0f ms, %.0f ms CPU of the role\n",
	       (unsigned long)uid_set_size(&change.changed),
	       (bench_seconds(CLOCK_MONOTONIC) - began) * 1e3, (bench_role_cpu_s(role) - cpu) * 1e3);
	uid_set_done(&change.changed);
}

static void measure_reading(struct store *store, uint64_t account, const struct bench_role *role)
{
	struct view *view;
	struct mailbox inbox;
	struct mail_rows rows;
	struct mail mail;
	uint64_t sum = 0;
	size_t count = 0;

	CHECK(view_open(store, &view) == FAULT_NONE);
	CHECK(mailbox_find(view, account, STR("INBOX"), &inbox) == FAULT_NONE);
	view_close(&view);
	rows_fill(store, account, inbox.id);
	for (int round = 0; round < 3; round++) {
		count = 0;
		double began = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
		CHECK(view_open(store, &view) == FAULT_NONE);
		mail_rows_open(view, account, inbox.id, 1, &rows);
		while (mail_rows_next(&rows, &mail)) {
			sum += mail.size + mail.flags;
			count++;
		}
		double rows_took = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - began;
		mail_rows_open(view, account, inbox.id, 1, &rows);
		while (mail_rows_next(&rows, &mail))
			sum += (uint64_t)mail_summary(view, account, mail.message).ptr[0];
		double both_took = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - began - rows_took;
		view_close(&view);
		printf("reading: %zu rows in %.1f ms CPU; with their summaries in %.1f ms (%lu)\n",
		       count, rows_took * 1e3, both_took * 1e3, (unsigned long)sum);
	}
	measure_marking(store, account, inbox.id, role);
}

static void accounts_make(struct writer *writer)
{
	CHECK(directory_domain_add(writer->store, STR("bench.test")) == FAULT_NONE);
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		char address[40];
		snprintf(address, sizeof(address), "u%u@bench.test", i);
		struct user user = {.address = str_from_c(address)};
		CHECK(directory_user_add(writer->store, &user, &writer->accounts[i]) == FAULT_NONE);
	}
}

static struct store *reader_open(const char *path, struct role_client *client)
{
	struct store *store = NULL;

	for (int attempt = 0; attempt < 500; attempt++) {
		if (store_open(path, client, &store) == FAULT_NONE)
			return store;
		usleep(10000);
	}
	fprintf(stderr, "bench_store: the store role did not start\n");
	exit(1);
}

int main(int argc, char **argv)
{
	struct bench_role role;
	struct role_client client;
	unsigned clients = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 20;
	long messages = argc > 3 ? strtol(argv[3], NULL, 10) : 40000;
	size_t bytes = argc > 4 ? strtoul(argv[4], NULL, 10) : 4096;

	if (argc == 3 && strcmp(argv[1], "--role") == 0)
		return role_main(argv[2]);
	if (argc < 2 || access(argv[1], F_OK) == 0 || clients == 0 || bytes < 400 ||
	    bytes > MESSAGE_INLINE_MAX) {
		fprintf(stderr, "usage: bench_store NEW-FOLDER [CLIENTS [MESSAGES [BYTES]]]\n");
		return 2;
	}
	bench_role_start(&role, ROLE_STORE, argv[1]);
	role_client_init(&client, &role.connector, ROLE_STORE, 5000);
	struct writer writer = {.store = reader_open(argv[1], &client)};
	char *body = malloc(bytes);
	CHECK(body != NULL);
	memset(body, 'x', bytes);
	writer.body = str_make(body, bytes);
	accounts_make(&writer);
	measure_writing(&writer, &client, &role, clients, messages);
	measure_reading(writer.store, writer.accounts[0], &role);
	store_close(&writer.store);
	role_client_done(&client);
	bench_role_end(&role);
	free(body);
	return 0;
}
