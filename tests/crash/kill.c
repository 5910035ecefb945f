/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills the store role again and again while clients store, move, expunge,
 * queue and settle, and then looks whether what they were told is true.
 *
 *   crash_kill [KILLS [SEED]]      20 kills by default
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "base/check.h"
#include "base/file.h"
#include "base/random.h"
#include "load.h"
#include "place.h"
#include "store/store_internal.h"

enum { DEFAULT_KILLS = 20, KILL_AFTER_MAX_MS = 150 };

static struct load_journal *journal;
static pthread_mutex_t journal_lock = PTHREAD_MUTEX_INITIALIZER;

static void note(const char *text, size_t len)
{
	pthread_mutex_lock(&journal_lock);
	load_journal_note(journal, str_make(text, len));
	pthread_mutex_unlock(&journal_lock);
}

struct killer {
	struct place *place;
	const char *path;
	unsigned kills;
	bool *stop;
};

static void *killer_run(void *argument)
{
	struct killer *killer = argument;

	for (unsigned i = 0; i < killer->kills; i++) {
		/* Sometimes so early that it dies while it opens the store. */
		usleep(random_below(KILL_AFTER_MAX_MS * 1000));
		place_process_kill(killer->place);
		place_process_start(killer->place, killer->path);
	}
	__atomic_store_n(killer->stop, true, __ATOMIC_RELAXED);
	return NULL;
}

/* The reader's handle: it may have to wait for the role to make the store. */
static struct store *reader_open(const char *path, struct role_client *client)
{
	struct store *store;

	for (int attempt = 0; attempt < 500; attempt++) {
		enum fault fault = store_open(path, client, &store);
		if (fault == FAULT_NONE)
			return store;
		CHECK(fault == FAULT_NOT_FOUND);
		usleep(10000);
	}
	return NULL;
}

static bool kills_run(const char *path, unsigned kills, uint64_t seed)
{
	bool stop = false;
	struct place place;
	struct killer killer = {.place = &place, .path = path, .kills = kills, .stop = &stop};
	pthread_t thread;

	place_init(&place);
	place_process_start(&place, path);
	struct store *store = reader_open(path, &place.client);
	CHECK(store != NULL && load_prepare(store));
	CHECK(pthread_create(&thread, NULL, killer_run, &killer) == 0);
	struct load load = {.store = store,
			    .journal = journal,
			    .messages = LOAD_MESSAGES_MAX,
			    .seed = seed,
			    .stop = &stop,
			    .note = note};
	bool is_good = load_run(&load);
	/* Whichever ends first, the other has to. */
	CHECK(pthread_join(thread, NULL) == 0);
	place_process_end(&place);
	is_good &= load_check(store, journal) && audit_index(store->index);
	store_close(&store);
	place_done(&place);
	return is_good;
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/postern-kill-XXXXXX";
	unsigned kills = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : DEFAULT_KILLS;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	size_t count = 0;

	if (argc == 3 && strcmp(argv[1], "--role") == 0)
		return place_role(argv[2]);
	CHECK(mkdtemp(folder) != NULL);
	char *path = path_join(folder, "store");
	journal = load_journal_new();
	bool is_good = kills_run(path, kills, seed);
	for (unsigned i = 0; i < LOAD_CLIENTS; i++)
		for (size_t n = 0; n < journal->counts[i]; n++)
			count += journal->messages[i][n].was_acknowledged;
	printf("%u kills, %zu messages acknowledged: %s\n", kills, count,
	       is_good ? "all is as it was told" : "NOT GOOD");
	if (is_good) {
		char command[80];
		snprintf(command, sizeof(command), "rm -r '%s'", folder);
		is_good = system(command) == 0;
	} else
		printf("left for a look: %s\n", folder);
	free(path);
	load_journal_free(&journal);
	return is_good ? 0 : 1;
}
