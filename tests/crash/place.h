/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the store role runs in these tests, and how clients reach it: in a
 * thread of the test, or in a process that can be killed.
 */
#ifndef POSTERN_TESTS_CRASH_PLACE_H
#define POSTERN_TESTS_CRASH_PLACE_H

#include <pthread.h>
#include <sys/types.h>

#include "store/service.h"
#include "store/store.h"

enum {
	/* Small, so that segments fill, are rewritten and removed, and the map has to grow. */
	PLACE_SEGMENT_BYTES = 96 * 1024,
	PLACE_MAP_BYTES = 128 * 1024,
	PLACE_STAGE_BYTES = 80 * 1024,
	PLACE_HOUSEKEEPING_MS = 250,
};

struct place {
	struct connector connector;
	struct role_client client;
	pthread_mutex_t lock;
	struct channel parent; /* fd -1 while the role is down */
	/* in a thread */
	struct store_service *service;
	struct role_server server;
	struct log log;
	pthread_t loop;
	/* in a process */
	pid_t pid;
};

struct store_service_options place_options(const char *path);

/* Opens the service and runs the role in a thread; false on a fault. */
bool place_start_thread(struct place *place, const char *path);
void place_stop_thread(struct place *place);

/* For a role in a process of its own, begun with place_process_start. */
void place_init(struct place *place);
/* Starts this program again as `PROGRAM --role PATH`, the parent's channel at descriptor 3. */
void place_process_start(struct place *place, const char *path);
/* Kills it at once (SIGKILL) or lets it end in peace; returns when it is gone. */
void place_process_kill(struct place *place);
void place_process_end(struct place *place);
void place_done(struct place *place);

/* What `--role PATH` does; returns the exit code. */
int place_role(const char *path);

#endif
