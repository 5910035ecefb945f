/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/client.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/blocking.h"
#include "base/clock.h"
#include "base/file.h"

enum { RECONNECT_PAUSE_MS = 20 };

void role_client_init(struct role_client *client, struct connector *connector, enum role role,
		      int patience_ms)
{
	*client = (struct role_client){.connector = connector,
				       .role = role,
				       .patience_ms = patience_ms,
				       .answer_ms = ROLE_CLIENT_ANSWER_MS,
				       .turn_ms = ROLE_CLIENT_TURN_MS,
				       .calls_max = ROLE_CLIENT_CALLS};
	CHECK(pthread_mutex_init(&client->lock, NULL) == 0);
	condition_init(&client->call_ended);
}

void role_client_done(struct role_client *client)
{
	while (client->idle_count > 0)
		fd_close(&client->idle[--client->idle_count]);
	condition_done(&client->call_ended);
	pthread_mutex_destroy(&client->lock);
}

static int idle_take(struct role_client *client)
{
	int fd = -1;

	pthread_mutex_lock(&client->lock);
	if (client->idle_count > 0)
		fd = client->idle[--client->idle_count];
	pthread_mutex_unlock(&client->lock);
	return fd;
}

static void idle_give(struct role_client *client, int fd)
{
	pthread_mutex_lock(&client->lock);
	if (client->idle_count < ROLE_CLIENT_POOL) {
		client->idle[client->idle_count++] = fd;
		fd = -1;
	}
	pthread_mutex_unlock(&client->lock);
	fd_close(&fd);
}

enum fault role_client_open(struct role_client *client, struct channel *channel_out)
{
	int64_t give_up = clock_mono_ms() + client->patience_ms;

	for (;;) {
		int fd;
		enum fault fault =
			client->connector->connect(client->connector, client->role, &fd);
		if (fault == FAULT_NONE) {
			*channel_out = (struct channel){.fd = fd, .self = client->connector->self,
							.peer = client->role};
			return FAULT_NONE;
		}
		/* Whatever the reason, nothing was asked. */
		if (fault == FAULT_IO)
			return FAULT_UNAVAILABLE;
		if (fault != FAULT_UNAVAILABLE || clock_mono_ms() >= give_up)
			return fault;
		usleep(RECONNECT_PAUSE_MS * 1000);
	}
}

/* A receive waits for `answer_ms` and then says FAULT_BUSY. */
static void answer_limit(const struct role_client *client, const struct channel *channel)
{
	struct timeval limit = {.tv_sec = client->answer_ms / 1000,
				.tv_usec = client->answer_ms % 1000 * 1000};

	CHECK(setsockopt(channel->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
}

/*
 * Sends on an idle channel if one still lives, else on a new one: an idle
 * channel of a role that died refuses at once, before anything was asked.
 */
static enum fault send_somewhere(struct role_client *client, struct channel *channel,
				 enum message_kind kind, const void *request)
{
	for (;;) {
		int fd = idle_take(client);
		if (fd < 0)
			break;
		*channel = (struct channel){.fd = fd, .self = client->connector->self,
					    .peer = client->role};
		enum fault fault = channel_send(channel, kind, 0, request);
		if (fault != FAULT_UNAVAILABLE)
			return fault;
		channel_close(channel);
	}
	enum fault fault = role_client_open(client, channel);
	if (fault != FAULT_NONE)
		return fault;
	answer_limit(client, channel);
	return channel_send(channel, kind, 0, request);
}

/* ---- a role that hangs ---- */

/* With the lock held: waits until fewer calls are under way; who waits in vain suspects the role. */
static void crowd_wait(struct role_client *client)
{
	int64_t began = clock_mono_ms();

	while (client->calls >= client->calls_max && !client->is_suspect)
		if (!condition_wait_until(&client->call_ended, &client->lock,
					  began + client->turn_ms))
			break;
	if (client->calls >= client->calls_max && client->answered_ms < began)
		client->is_suspect = true;
}

/* False when the role is suspect and somebody else tries it already. */
static bool turn_take(struct role_client *client, bool *is_probe_out)
{
	pthread_mutex_lock(&client->lock);
	crowd_wait(client);
	bool is_mine = !client->is_suspect || !client->is_probed;
	*is_probe_out = client->is_suspect && is_mine;
	if (*is_probe_out)
		client->is_probed = true;
	if (is_mine)
		client->calls++;
	pthread_mutex_unlock(&client->lock);
	return is_mine;
}

/*
 * What the call's outcome says of the role: an answer clears it, a time that ran
 * out makes it suspect, unless others had an answer since `asked_ms`.
 */
static void turn_give(struct role_client *client, bool was_probe, int64_t asked_ms,
		      enum fault fault, bool is_late)
{
	pthread_mutex_lock(&client->lock);
	client->calls--;
	if (was_probe)
		client->is_probed = false;
	if (fault == FAULT_NONE) {
		client->is_suspect = false;
		client->answered_ms = clock_mono_ms();
	} else if (is_late && client->answered_ms < asked_ms)
		client->is_suspect = true;
	if (client->is_suspect)
		condition_broadcast(&client->call_ended);
	else
		condition_signal(&client->call_ended);
	pthread_mutex_unlock(&client->lock);
}

static enum fault answer_take(struct role_client *client, struct channel *channel,
			      enum message_kind expected, struct packet *answer, bool *is_late_out)
{
	enum fault fault = channel_receive(channel, answer);

	*is_late_out = fault == FAULT_BUSY;
	if (*is_late_out)
		fault = FAULT_IO;
	if (fault == FAULT_NONE && answer->header.kind != expected)
		fault = FAULT_INVALID;
	if (fault == FAULT_NONE) {
		idle_give(client, channel->fd);
		channel->fd = -1;
	}
	return fault == FAULT_UNAVAILABLE ? FAULT_IO : fault;
}

static enum fault call_blocking(struct role_client *client, enum message_kind kind,
				const void *request, enum message_kind expected,
				struct packet *answer)
{
	struct channel channel = {.fd = -1};
	int64_t asked_ms = clock_mono_ms();
	bool is_probe;

	if (!turn_take(client, &is_probe))
		return FAULT_UNAVAILABLE;
	enum fault fault = send_somewhere(client, &channel, kind, request);
	bool is_late = fault == FAULT_UNAVAILABLE;
	if (fault == FAULT_NONE) {
		fault = answer_take(client, &channel, expected, answer, &is_late);
	}
	channel_close(&channel);
	turn_give(client, is_probe, asked_ms, fault, is_late);
	return fault;
}

enum fault role_client_call(struct role_client *client, enum message_kind kind,
			    const void *request, enum message_kind expected, struct packet *answer)
{
	blocking_begin();
	enum fault fault = call_blocking(client, kind, request, expected, answer);
	blocking_end();
	return fault;
}
