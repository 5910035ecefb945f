/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { PARENT_FD = 3, PATIENCE_MS = 20000 };

extern char **environ;

struct store_service_options place_options(const char *path)
{
	return (struct store_service_options){.path = path,
					      .readers = 32,
					      .map_bytes = PLACE_MAP_BYTES,
					      .segment_bytes = PLACE_SEGMENT_BYTES,
					      .stage_bytes = PLACE_STAGE_BYTES,
					      .housekeeping_ms = PLACE_HOUSEKEEPING_MS};
}

static enum fault place_connect(struct connector *connector, enum role role, int *fd_out)
{
	struct place *place = (struct place *)connector;
	int fds[2];

	if (channel_pair(fds) != FAULT_NONE)
		return FAULT_IO;
	struct msg_channel_offered offered = {.client = connector->self, .fd = fds[1]};
	pthread_mutex_lock(&place->lock);
	enum fault fault = place->parent.fd < 0
				   ? FAULT_UNAVAILABLE
				   : channel_send(&place->parent, MSG_channel_offered, 0, &offered);
	pthread_mutex_unlock(&place->lock);
	close(fds[1]);
	if (fault != FAULT_NONE)
		close(fds[0]);
	else
		*fd_out = fds[0];
	return fault;
}

void place_init(struct place *place)
{
	*place = (struct place){.connector = {.self = ROLE_FRONT, .connect = place_connect},
				.parent = {.fd = -1}};
	CHECK(pthread_mutex_init(&place->lock, NULL) == 0);
	role_client_init(&place->client, &place->connector, ROLE_STORE, PATIENCE_MS);
}

void place_done(struct place *place)
{
	role_client_done(&place->client);
	channel_close(&place->parent);
	pthread_mutex_destroy(&place->lock);
}

/* ---- in a thread ---- */

static void *loop_run(void *argument)
{
	role_server_run(argument);
	return NULL;
}

bool place_start_thread(struct place *place, const char *path)
{
	struct store_service_options options = place_options(path);
	int fds[2];

	place_init(place);
	enum fault fault = store_service_open(&options, &place->service);
	if (fault != FAULT_NONE) {
		fprintf(stderr, "the store does not open: %s\n", fault_text(fault));
		return false;
	}
	CHECK(channel_pair(fds) == FAULT_NONE);
	place->parent = (struct channel){.fd = fds[0], .self = ROLE_PARENT, .peer = ROLE_STORE};
	log_init(&place->log, true);
	role_server_init(&place->server, &store_service_ops, ROLE_STORE, fds[1], &place->log,
			 place->service);
	CHECK(pthread_create(&place->loop, NULL, loop_run, &place->server) == 0);
	return true;
}

void place_stop_thread(struct place *place)
{
	place_done(place);
	CHECK(pthread_join(place->loop, NULL) == 0);
	role_server_done(&place->server);
	store_service_close(&place->service);
}

/* ---- in a process ---- */

int place_role(const char *path)
{
	struct store_service_options options = place_options(path);
	struct store_service *service;
	struct role_server server;
	struct log log;

	enum fault fault = store_service_open(&options, &service);
	if (fault != FAULT_NONE) {
		fprintf(stderr, "the store does not open: %s\n", fault_text(fault));
		return 1;
	}
	log_init(&log, true);
	role_server_init(&server, &store_service_ops, ROLE_STORE, PARENT_FD, &log, service);
	role_server_run(&server);
	role_server_done(&server);
	store_service_close(&service);
	return 0;
}

void place_process_start(struct place *place, const char *path)
{
	char *arguments[] = {(char *)(uintptr_t) "store", (char *)(uintptr_t) "--role",
			     (char *)(uintptr_t)path, NULL};
	posix_spawn_file_actions_t actions;
	int fds[2];

	CHECK(channel_pair(fds) == FAULT_NONE);
	CHECK(posix_spawn_file_actions_init(&actions) == 0);
	/* The same number on both sides would keep close-on-exec. */
	int end = fcntl(fds[1], F_DUPFD_CLOEXEC, PARENT_FD + 1);
	CHECK(end >= 0);
	CHECK(posix_spawn_file_actions_adddup2(&actions, end, PARENT_FD) == 0);
	CHECK(posix_spawn(&place->pid, "/proc/self/exe", &actions, NULL, arguments, environ) == 0);
	posix_spawn_file_actions_destroy(&actions);
	close(end);
	close(fds[1]);
	pthread_mutex_lock(&place->lock);
	place->parent = (struct channel){.fd = fds[0], .self = ROLE_PARENT, .peer = ROLE_STORE};
	pthread_mutex_unlock(&place->lock);
}

static void process_forget(struct place *place)
{
	pthread_mutex_lock(&place->lock);
	channel_close(&place->parent);
	pthread_mutex_unlock(&place->lock);
}

void place_process_kill(struct place *place)
{
	CHECK(kill(place->pid, SIGKILL) == 0);
	process_forget(place);
	CHECK(waitpid(place->pid, NULL, 0) == place->pid);
}

void place_process_end(struct place *place)
{
	process_forget(place);
	CHECK(waitpid(place->pid, NULL, 0) == place->pid);
}
