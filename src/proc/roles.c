/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "proc/home_file.h"
#include "proc/parent.h"
#include "proc/role.h"
#include "proc/watchdog.h"

struct child *role_find(struct parent *parent, enum role role)
{
	for (size_t i = 0; i < parent->child_count; i++)
		if (parent->children[i].role == role)
			return &parent->children[i];
	return NULL;
}

bool roles_are_ready(struct parent *parent, enum role role)
{
	bool any = false;

	for (size_t i = 0; i < parent->child_count; i++) {
		if (parent->children[i].role != role)
			continue;
		if (parent->children[i].state != CHILD_READY)
			return false;
		any = true;
	}
	return any;
}

bool roles_all_gone(const struct parent *parent)
{
	for (size_t i = 0; i < parent->child_count; i++)
		if (parent->children[i].pid > 0)
			return false;
	return true;
}

static struct child *child_of_channel(struct parent *parent, struct source *source, bool is_broker)
{
	for (size_t i = 0; i < parent->child_count; i++)
		if (source == (is_broker ? &parent->child_sources[i].broker
					 : &parent->child_sources[i].channel))
			return &parent->children[i];
	CHECK(!"a source without a role");
	return NULL;
}

static struct child_source *sources_of(struct parent *parent, const struct child *child)
{
	return &parent->child_sources[child - parent->children];
}

/* ---- channels between roles ---- */

enum fault role_channel(struct parent *parent, enum role role, enum role client, int *fd_out)
{
	struct child *child = role_find(parent, role);
	int fds[2];

	if (role != ROLE_KEYS && role != ROLE_AUTH && role != ROLE_STORE && role != ROLE_MAILQ &&
	    role != ROLE_ADMIN)
		return FAULT_DENIED;
	if (child == NULL || child->state != CHILD_READY)
		return FAULT_UNAVAILABLE;
	enum fault fault = channel_pair(fds);
	if (fault != FAULT_NONE)
		return fault;
	struct msg_channel_offered offered = {.client = client, .fd = fds[0]};
	fault = child_send(child, MSG_channel_offered, 0, &offered);
	fd_close(&fds[0]);
	if (fault != FAULT_NONE) {
		fd_close(&fds[1]);
		return FAULT_UNAVAILABLE;
	}
	*fd_out = fds[1];
	return FAULT_NONE;
}

static void broker_answer(struct parent *parent, struct child *child, const struct packet *packet)
{
	struct msg_channel_given given = {.fd = -1};

	given.fault = role_channel(parent, packet->message.channel_wanted.role, child->role,
				   &given.fd);
	(void)!channel_send(&child->broker, MSG_channel_given, packet->header.id, &given);
	fd_close(&given.fd);
}

/* A command of the page, as if it came from the command line. */
static void control_answer(struct parent *parent, struct child *child, const struct packet *packet)
{
	const struct msg_control_wanted *wanted = &packet->message.control_wanted;
	struct msg_control_given given = {.fd = -1};

	given.fault = control_client_make(parent, wanted->author, wanted->address, &given.fd);
	(void)!channel_send(&child->broker, MSG_control_given, packet->header.id, &given);
	fd_close(&given.fd);
}

static void upload_answer(struct parent *parent, struct child *child, const struct packet *packet)
{
	uint64_t bytes = packet->message.upload_file_wanted.bytes;
	struct msg_upload_file_given given = {
		.limit_bytes = parent->config == NULL ? 0 : parent->config->limits.import_bytes,
		.fd = -1};

	given.fault = bytes > given.limit_bytes ? FAULT_TOO_LARGE
						: home_file_make_unnamed(parent->home, bytes, &given.fd);
	(void)!channel_send(&child->broker, MSG_upload_file_given, packet->header.id, &given);
	fd_close(&given.fd);
}

static void broker_ready(struct parent *parent, struct source *source)
{
	struct child *child = child_of_channel(parent, source, true);
	struct packet packet;
	enum fault fault;

	packet_init(&packet);
	while ((fault = channel_receive(&child->broker, &packet)) == FAULT_NONE)
		if (packet.header.kind == MSG_channel_wanted)
			broker_answer(parent, child, &packet);
		else if (packet.header.kind == MSG_control_wanted)
			control_answer(parent, child, &packet);
		else if (packet.header.kind == MSG_upload_file_wanted)
			upload_answer(parent, child, &packet);
	/* A closed channel is seen on the other one, and by SIGCHLD. */
	if (fault != FAULT_BUSY)
		parent_unwatch(parent, source);
	packet_done(&packet);
}

/* ---- messages of roles ---- */

static void role_became_ready(struct parent *parent, struct child *child, struct str sandbox)
{
	child->state = CHILD_READY;
	if (!str_copy_c(sandbox, child->sandbox, sizeof(child->sandbox)))
		child->sandbox[0] = '\0';
	acme_desk_role_ready(parent, child);
	dkim_desk_role_ready(parent, child);
	apply_role_ready(parent, child);
}

static void channel_ready(struct parent *parent, struct source *source)
{
	struct child *child = child_of_channel(parent, source, false);
	struct packet packet;
	enum fault fault;

	packet_init(&packet);
	while ((fault = channel_receive(&child->channel, &packet)) == FAULT_NONE) {
		if (packet.header.kind == MSG_role_ready)
			role_became_ready(parent, child, packet.message.role_ready.sandbox);
		else if (packet.header.kind == MSG_status_given)
			watchdog_answered(child);
		else if (!dkim_desk_take(parent, child, &packet) &&
			 !acme_desk_take(parent, child, &packet))
			apply_role_answered(parent, child, &packet);
	}
	if (fault == FAULT_INVALID) {
		log_printf(&parent->logs.log, LOG_ERROR,
			   "role %s sent what it may not send; it is ended", role_name(child->role));
		kill(child->pid, SIGKILL);
	}
	if (fault != FAULT_BUSY)
		parent_unwatch(parent, source);
	packet_done(&packet);
}

/* ---- start and end ---- */

static void role_start(struct parent *parent, struct child *child)
{
	struct child_start start = {.home = parent->home,
				    .user = parent->user.name,
				    .log = &parent->logs.log,
				    .metrics_fd = parent->metrics_fd};

	if (child_start(child, &start) != FAULT_NONE) {
		log_printf(&parent->logs.log, LOG_ERROR, "role %s could not be started: %s",
			   role_name(child->role), strerror(errno));
		child_died(child);
		return;
	}
	struct child_source *sources = sources_of(parent, child);
	parent_watch(parent, &sources->channel, child->channel.fd, channel_ready);
	if (child->broker.fd >= 0)
		parent_watch(parent, &sources->broker, child->broker.fd, broker_ready);
}

bool role_meets_peers(enum role role)
{
	return role == ROLE_FRONT || role == ROLE_MAILQ || role == ROLE_ADMIN;
}

/* What a role that meets peers asks others for must be there. */
static bool others_are_ready(struct parent *parent)
{
	return roles_are_ready(parent, ROLE_KEYS) && roles_are_ready(parent, ROLE_AUTH) &&
	       roles_are_ready(parent, ROLE_STORE) && parent->config != NULL;
}

void roles_start_due(struct parent *parent)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < parent->child_count; i++) {
		struct child *child = &parent->children[i];
		if (child->state != CHILD_DOWN || now < child->start_at_ms)
			continue;
		if (role_meets_peers(child->role) && !others_are_ready(parent))
			continue;
		role_start(parent, child);
	}
}

static void child_add(struct parent *parent, enum role role, unsigned index)
{
	size_t at = parent->child_count++;

	CHECK(at < CHILDREN_MAX);
	child_init(&parent->children[at], role, index);
	parent->child_sources[at].channel.fd = -1;
	parent->child_sources[at].broker.fd = -1;
}

void roles_init(struct parent *parent)
{
	uint32_t fronts = parent->next_config->server.fronts;

	child_add(parent, ROLE_KEYS, 0);
	child_add(parent, ROLE_AUTH, 0);
	child_add(parent, ROLE_STORE, 0);
	for (unsigned i = 0; i < fronts || i == 0; i++)
		child_add(parent, ROLE_FRONT, i);
	child_add(parent, ROLE_MAILQ, 0);
	child_add(parent, ROLE_ADMIN, 0);
	roles_start_due(parent);
}

static void log_death(const struct parent *parent, const struct child *child, int status)
{
	if (WIFSIGNALED(status))
		log_printf(&parent->logs.log, LOG_ERROR,
			   "role %s (process %d) died of signal %d (%s); it is started again",
			   role_name(child->role), (int)child->pid, WTERMSIG(status),
			   strsignal(WTERMSIG(status)));
	else
		log_printf(&parent->logs.log, LOG_ERROR,
			   "role %s (process %d) ended with code %d; it is started again",
			   role_name(child->role), (int)child->pid, WEXITSTATUS(status));
}

static void child_ended(struct parent *parent, struct child *child, int status)
{
	struct child_source *sources = sources_of(parent, child);
	bool never_served = child->state == CHILD_STARTING && !parent->was_ready;

	parent_unwatch(parent, &sources->channel);
	parent_unwatch(parent, &sources->broker);
	if (parent->is_stopping) {
		child_stop(child);
		child->pid = 0;
		child->state = CHILD_DOWN;
		return;
	}
	/* What the role itself has said on standard error is the reason; starting it again would not help. */
	if (never_served && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_USAGE) {
		child_died(child);
		parent->exit_code = EXIT_USAGE;
		parent_stop(parent);
		return;
	}
	log_death(parent, child, status);
	child_died(child);
	apply_role_died(parent, child);
	acme_desk_role_died(parent, child);
	dkim_desk_role_died(parent, child);
}

void roles_reap(struct parent *parent)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < parent->child_count; i++)
			if (parent->children[i].pid == pid)
				child_ended(parent, &parent->children[i], status);
}

void roles_send_log(struct parent *parent, enum log_file file)
{
	struct msg_log_rotated rotated = {.file = file, .fd = parent->logs.log.fds[file]};

	for (size_t i = 0; i < parent->child_count; i++)
		if (child_send(&parent->children[i], MSG_log_rotated, 0, &rotated) == FAULT_BUSY)
			log_printf(&parent->logs.log, LOG_ERROR,
				   "role %s did not take its new %s.log",
				   role_name(parent->children[i].role), log_file_name(file));
}
