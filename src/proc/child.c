/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "proc/role.h"

enum { PAUSE_FIRST_MS = 50, PAUSE_MAX_MS = 10 * 1000, STEADY_MS = 60 * 1000, DOUBLINGS_MAX = 8 };

/* Above every number that a role inherits. */
enum { FD_ASIDE = 64 };

void child_init(struct child *child, enum role role, unsigned index)
{
	*child = (struct child){.role = role,
				.index = index,
				.channel = {.fd = -1, .self = ROLE_PARENT, .peer = role},
				.broker = {.fd = -1, .self = ROLE_PARENT, .peer = role}};
}

/* What the role inherits: `fds` by number, -1 for none; everything else is close-on-exec. */
static void descriptors_place(int fds[ROLE_FD_END])
{
	for (int number = 0; number < ROLE_FD_END; number++)
		if (fds[number] >= 0) {
			fds[number] = fcntl(fds[number], F_DUPFD_CLOEXEC, FD_ASIDE);
			CHECK(fds[number] >= 0);
		}
	for (int number = 3; number < ROLE_FD_END; number++)
		if (fds[number] >= 0)
			CHECK(dup2(fds[number], number) == number);
}

__attribute__((noreturn)) static void child_exec(const struct child *child,
						 const struct child_start *start,
						 int fds[ROLE_FD_END])
{
	char index[16];
	sigset_t none;

	snprintf(index, sizeof(index), "%u", child->index);
	const char *arguments[] = {"postern",   "role",	     role_name(child->role), start->home,
				   start->user, index, NULL};
	descriptors_place(fds);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* execv changes nothing in them; its type is older than const. */
	execv("/proc/self/exe", (char **)(uintptr_t)arguments);
	perror("postern: the role could not be started");
	_exit(EXIT_USAGE);
}

/* Those that ask other roles. */
static bool child_has_broker(enum role role)
{
	return role == ROLE_FRONT || role == ROLE_MAILQ || role == ROLE_ADMIN;
}

static enum fault pairs_make(struct child *child, int theirs[2])
{
	int pair[2];

	theirs[0] = theirs[1] = -1;
	if (channel_pair(pair) != FAULT_NONE)
		return FAULT_IO;
	child->channel.fd = pair[0];
	theirs[0] = pair[1];
	fd_set_nonblocking(pair[0]);
	if (!child_has_broker(child->role))
		return FAULT_NONE;
	if (channel_pair(pair) != FAULT_NONE)
		return FAULT_IO;
	child->broker.fd = pair[0];
	theirs[1] = pair[1];
	fd_set_nonblocking(pair[0]);
	return FAULT_NONE;
}

enum fault child_start(struct child *child, const struct child_start *start)
{
	int fds[ROLE_FD_END];
	int theirs[2];
	enum fault fault = pairs_make(child, theirs);

	memset(fds, -1, sizeof(fds));
	fds[ROLE_FD_PARENT] = theirs[0];
	fds[ROLE_FD_BROKER] = theirs[1];
	if (child->role == ROLE_FRONT || child->role == ROLE_ADMIN || child->role == ROLE_MAILQ)
		fds[ROLE_FD_METRICS] = start->metrics_fd;
	for (int i = 0; i < LOG_FILE_COUNT; i++)
		fds[ROLE_FD_LOG + i] = start->log->fds[i];
	if (fault == FAULT_NONE) {
		child->pid = fork();
		if (child->pid == 0)
			child_exec(child, start, fds);
		if (child->pid < 0)
			fault = FAULT_IO;
	}
	fd_close(&theirs[0]);
	fd_close(&theirs[1]);
	if (fault != FAULT_NONE) {
		child_stop(child);
		return fault;
	}
	child->state = CHILD_STARTING;
	child->started_ms = clock_mono_ms();
	return FAULT_NONE;
}

void child_ask_to_end(struct child *child)
{
	channel_close(&child->channel);
}

void child_stop(struct child *child)
{
	channel_close(&child->channel);
	channel_close(&child->broker);
}

void child_died(struct child *child)
{
	int64_t now = clock_mono_ms();

	child_stop(child);
	child->state = CHILD_DOWN;
	child->unanswered_rounds = 0;
	child->pid = 0;
	if (now - child->started_ms > STEADY_MS)
		child->crashes = 0;
	unsigned doublings = child->crashes < DOUBLINGS_MAX ? child->crashes : DOUBLINGS_MAX;
	int64_t pause = (int64_t)PAUSE_FIRST_MS << doublings;
	child->start_at_ms = now + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
	child->crashes++;
	child->restarts++;
}

enum fault child_send(struct child *child, enum message_kind kind, uint64_t id, const void *message)
{
	int64_t give_up = clock_mono_ms() + CHILD_STUCK_MS;

	if (child->channel.fd < 0)
		return FAULT_UNAVAILABLE;
	for (;;) {
		enum fault fault = channel_send(&child->channel, kind, id, message);
		int64_t left = give_up - clock_mono_ms();
		if (fault != FAULT_BUSY || left <= 0)
			return fault;
		struct pollfd room = {.fd = child->channel.fd, .events = POLLOUT};
		(void)poll(&room, 1, (int)left);
	}
}
