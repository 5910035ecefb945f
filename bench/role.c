/* SPDX-License-Identifier: Apache-2.0 */
/* A role for a measure: see role.h. */
#include "role.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static enum fault role_connect(struct connector *connector, enum role kind, int *fd_out)
{
	const struct bench_role *role = (const struct bench_role *)connector;
	int fds[2];

	CHECK(kind == role->parent.peer && channel_pair(fds) == FAULT_NONE);
	struct msg_channel_offered offered = {.client = connector->self, .fd = fds[1]};
	enum fault fault = channel_send(&role->parent, MSG_channel_offered, 0, &offered);
	close(fds[1]);
	*fd_out = fds[0];
	return fault;
}

void bench_role_start(struct bench_role *role, enum role kind, const char *argument)
{
	char *arguments[] = {(char *)(uintptr_t) "role", (char *)(uintptr_t) "--role",
			     (char *)(uintptr_t)argument, NULL};
	posix_spawn_file_actions_t actions;
	int fds[2];

	CHECK(channel_pair(fds) == FAULT_NONE && fds[1] != BENCH_PARENT_FD);
	CHECK(posix_spawn_file_actions_init(&actions) == 0);
	CHECK(posix_spawn_file_actions_adddup2(&actions, fds[1], BENCH_PARENT_FD) == 0);
	CHECK(posix_spawn(&role->pid, "/proc/self/exe", &actions, NULL, arguments, environ) == 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	role->parent = (struct channel){.fd = fds[0], .self = ROLE_PARENT, .peer = kind};
	role->connector = (struct connector){.self = ROLE_FRONT, .connect = role_connect};
}

void bench_role_end(struct bench_role *role)
{
	channel_close(&role->parent);
	CHECK(waitpid(role->pid, NULL, 0) == role->pid);
}

double bench_seconds(clockid_t clock)
{
	struct timespec now;

	CHECK(clock_gettime(clock, &now) == 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_role_cpu_s(const struct bench_role *role)
{
	clockid_t clock;

	CHECK(clock_getcpuclockid(role->pid, &clock) == 0);
	return bench_seconds(clock);
}
