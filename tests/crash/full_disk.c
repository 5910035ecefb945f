/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills the disk, in a simulation, at each write in turn of a batch of requests:
 * each request is done or refused with FAULT_NO_SPACE, nothing is half done, and
 * when there is room again the store goes on.
 *
 *   crash_full_disk PRELOAD.so
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "base/check.h"
#include "base/file.h"
#include "full_disk.h"
#include "place.h"
#include "store/directory.h"
#include "store/mail.h"
#include "store/mailbox.h"
#include "store/store_internal.h"

enum { CLIENTS = 4, EACH = 3, BODY = 5000, BIG_BODY = 300 * 1024, WRITES_MAX = 40 };

struct client {
	struct store *store;
	uint64_t account;
	unsigned number;
	unsigned stored;
	unsigned refused;
	bool is_good;
};

/* Bodies of the clients differ, so that what is read back can be told. */
static void *client_run(void *argument)
{
	struct client *client = argument;
	size_t len = client->number == 0 ? BIG_BODY : BODY;
	char *body = malloc(len);

	CHECK(body != NULL);
	memset(body, 'a' + (int)client->number, len);
	for (unsigned i = 0; i < EACH; i++) {
		struct mail_target target = {.account = client->account};
		struct mail_append append = {.body = {.bytes = str_make(body, len), .fd = -1},
					     .targets = &target,
					     .target_count = 1};
		enum fault fault = mail_append(client->store, &append);
		client->stored += fault == FAULT_NONE;
		client->refused += fault == FAULT_NO_SPACE;
		if (fault != FAULT_NONE && fault != FAULT_NO_SPACE) {
			fprintf(stderr, "client %u: %s\n", client->number, fault_text(fault));
			client->is_good = false;
		}
	}
	free(body);
	return NULL;
}

static uint32_t messages_in(struct store *store, uint64_t account, bool *is_good)
{
	struct view *view;
	struct mailbox inbox;
	struct mail_rows rows;
	struct mail mail;

	CHECK(view_open(store, &view) == FAULT_NONE);
	CHECK(mailbox_find(view, account, STR("INBOX"), &inbox) == FAULT_NONE);
	mail_rows_open(view, account, inbox.id, 1, &rows);
	while (mail_rows_next(&rows, &mail)) {
		struct mail_content content;
		*is_good &= mail_content_open(view, account, mail.message, &content) == FAULT_NONE;
		mail_content_close(&content);
	}
	view_close(&view);
	return inbox.messages;
}

/* One round, in which the disk is full from the nth write on. */
static bool round_run(struct store *store, const uint64_t *accounts, unsigned nth,
		      unsigned *refused_out)
{
	struct client clients[CLIENTS];
	pthread_t threads[CLIENTS];
	uint32_t before[CLIENTS];
	bool is_good = true;

	for (unsigned i = 0; i < CLIENTS; i++)
		before[i] = messages_in(store, accounts[i], &is_good);
	full_disk_set(nth);
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){
			.store = store, .account = accounts[i], .number = i, .is_good = true};
		CHECK(pthread_create(&threads[i], NULL, client_run, &clients[i]) == 0);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	full_disk_set(0);
	for (unsigned i = 0; i < CLIENTS; i++) {
		uint32_t now = messages_in(store, accounts[i], &is_good);
		is_good &= clients[i].is_good && now - before[i] == clients[i].stored;
		*refused_out += clients[i].refused;
	}
	return is_good && audit_index(store->index);
}

static uint64_t account_make(struct store *store, unsigned number)
{
	char address[40];
	uint64_t account;

	snprintf(address, sizeof(address), "u%u@full.test", number);
	struct user user = {.address = str_from_c(address)};
	CHECK(directory_user_add(store, &user, &account) == FAULT_NONE);
	return account;
}

static int test_run(const char *folder)
{
	struct place place;
	uint64_t accounts[CLIENTS];
	unsigned refused = 0;
	bool is_good = true;

	CHECK(full_disk_set != NULL);
	CHECK(place_start_thread(&place, folder));
	struct store *store =
		store_new_over(store_service_index(place.service), folder, &place.client);
	CHECK(directory_domain_add(store, STR("full.test")) == FAULT_NONE);
	for (unsigned i = 0; i < CLIENTS; i++)
		accounts[i] = account_make(store, i);
	for (unsigned nth = 1; nth <= WRITES_MAX && is_good; nth++) {
		is_good = round_run(store, accounts, nth, &refused);
		if (!is_good)
			fprintf(stderr, "full from write %u on: not good\n", nth);
		/* With room all goes on. */
		unsigned refused_with_room = 0;
		is_good = is_good && round_run(store, accounts, 0, &refused_with_room) &&
			  refused_with_room == 0;
	}
	store_close(&store);
	place_stop_thread(&place);
	printf("%u requests were refused for want of room: %s\n", refused,
	       is_good && refused > 0 ? "nothing half done" : "NOT GOOD");
	return is_good && refused > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/postern-full-XXXXXX";
	char command[80];
	int status;

	if (argc == 3 && strcmp(argv[1], "--run") == 0)
		return test_run(argv[2]);
	CHECK(argc == 2 && mkdtemp(folder) != NULL);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char *path = path_join(folder, "store");
		setenv("LD_PRELOAD", argv[1], 1);
		execl("/proc/self/exe", "crash_full_disk", "--run", path, NULL);
		_exit(127);
	}
	CHECK(waitpid(child, &status, 0) == child);
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	CHECK(system(command) == 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
