/* SPDX-License-Identifier: Apache-2.0 */
/* One channel, one reading thread, a table of open requests. */
#include "session/admin_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/file.h"

enum { OPEN_MAX = 256, PATIENCE_MS = 1000, RECONNECT_PAUSE_MS = 50 };

/* One open request. A ticket is round * OPEN_MAX + slot, rounds counted from 1, no two alike. */
struct request {
	uint64_t ticket; /* 0: the slot is free */
	admin_wake *wake;
	void *context;
	bool has_reply;
	struct admin_reply reply;
};

struct admin_client {
	struct role_client role;
	pthread_t thread;
	int stop_fd;
	pthread_mutex_t lock;
	/* All below under the lock; the channel is closed by the thread alone. */
	pthread_cond_t connected;
	struct channel channel;
	uint64_t round;
	struct request requests[OPEN_MAX];
};

static struct request *request_find(struct admin_client *client, uint64_t ticket)
{
	struct request *request = &client->requests[ticket % OPEN_MAX];

	return ticket != 0 && request->ticket == ticket ? request : NULL;
}

static struct request *request_open(struct admin_client *client)
{
	for (size_t slot = 0; slot < OPEN_MAX; slot++) {
		struct request *request = &client->requests[slot];
		if (request->ticket != 0)
			continue;
		*request = (struct request){.ticket = ++client->round * OPEN_MAX + slot};
		return request;
	}
	return NULL;
}

static void request_close(struct request *request)
{
	if (request->has_reply && !request->reply.is_lost)
		packet_done(&request->reply.packet);
	*request = (struct request){0};
}

/* ---- the thread ---- */

/* Takes the packet over, unless nobody waits for it any more. */
static void packet_deliver(struct admin_client *client, struct packet *packet)
{
	pthread_mutex_lock(&client->lock);
	struct request *request = request_find(client, packet->header.id);
	/* A part that was not asked for would have to be kept beside one that was not taken. */
	if (request != NULL && !request->has_reply) {
		request->reply = (struct admin_reply){.packet = *packet};
		request->has_reply = true;
		packet_init(packet);
		request->wake(request->context);
	}
	pthread_mutex_unlock(&client->lock);
}

/* The role has gone: closes the channel and tells everybody who waits. */
static void channel_lose(struct admin_client *client)
{
	pthread_mutex_lock(&client->lock);
	channel_close(&client->channel);
	for (size_t i = 0; i < OPEN_MAX; i++) {
		struct request *request = &client->requests[i];
		if (request->ticket == 0)
			continue;
		if (request->has_reply && !request->reply.is_lost)
			packet_done(&request->reply.packet);
		request->reply = (struct admin_reply){.is_lost = true};
		request->has_reply = true;
		request->wake(request->context);
	}
	pthread_mutex_unlock(&client->lock);
}

/* Waits for input or the end; false at the end. A descriptor of -1 is passed over. */
static bool wait_input(const struct admin_client *client, int fd, int timeout_ms)
{
	struct pollfd waiting[2] = {{.fd = client->stop_fd, .events = POLLIN},
				    {.fd = fd, .events = POLLIN}};

	while (poll(waiting, 2, timeout_ms) < 0)
		CHECK(errno == EINTR);
	return waiting[0].revents == 0;
}

static bool channel_gain(struct admin_client *client)
{
	struct channel channel;

	if (role_client_open(&client->role, &channel) != FAULT_NONE)
		return false;
	fd_set_nonblocking(channel.fd);
	pthread_mutex_lock(&client->lock);
	client->channel = channel;
	pthread_cond_broadcast(&client->connected);
	pthread_mutex_unlock(&client->lock);
	return true;
}

static void *replies_read(void *argument)
{
	struct admin_client *client = argument;
	struct packet packet;

	packet_init(&packet);
	while (wait_input(client, client->channel.fd,
			  client->channel.fd < 0 ? RECONNECT_PAUSE_MS : -1)) {
		if (client->channel.fd < 0) {
			(void)!channel_gain(client);
			continue;
		}
		enum fault fault = channel_receive(&client->channel, &packet);
		if (fault == FAULT_NONE)
			packet_deliver(client, &packet);
		else if (fault != FAULT_BUSY)
			channel_lose(client);
	}
	packet_done(&packet);
	return NULL;
}

struct admin_client *admin_client_new(struct connector *connector)
{
	struct admin_client *client = calloc(1, sizeof(*client));
	pthread_condattr_t monotonic;

	CHECK(client != NULL);
	client->channel.fd = -1;
	client->stop_fd = eventfd(0, EFD_CLOEXEC);
	CHECK(client->stop_fd >= 0);
	role_client_init(&client->role, connector, ROLE_ADMIN, 0);
	CHECK(pthread_mutex_init(&client->lock, NULL) == 0);
	CHECK(pthread_condattr_init(&monotonic) == 0);
	CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&client->connected, &monotonic) == 0);
	pthread_condattr_destroy(&monotonic);
	CHECK(pthread_create(&client->thread, NULL, replies_read, client) == 0);
	return client;
}

void admin_client_free(struct admin_client **client)
{
	struct admin_client *freed = *client;

	*client = NULL;
	if (freed == NULL)
		return;
	CHECK(eventfd_write(freed->stop_fd, 1) == 0);
	CHECK(pthread_join(freed->thread, NULL) == 0);
	for (size_t i = 0; i < OPEN_MAX; i++)
		request_close(&freed->requests[i]);
	channel_close(&freed->channel);
	role_client_done(&freed->role);
	fd_close(&freed->stop_fd);
	pthread_cond_destroy(&freed->connected);
	pthread_mutex_destroy(&freed->lock);
	free(freed);
}

/* ---- asking ---- */

/* Waits, with the lock held, until there is a channel; false when patience ends. */
static bool channel_await(struct admin_client *client)
{
	struct timespec give_up;

	clock_gettime(CLOCK_MONOTONIC, &give_up);
	give_up.tv_sec += PATIENCE_MS / 1000;
	while (client->channel.fd < 0)
		if (pthread_cond_timedwait(&client->connected, &client->lock, &give_up) != 0)
			return client->channel.fd >= 0;
	return true;
}

static enum fault ask_locked(struct admin_client *client, const struct msg_api_asked *asked,
			     admin_wake *wake, void *context, uint64_t *ticket_out)
{
	if (!channel_await(client))
		return FAULT_UNAVAILABLE;
	struct request *request = request_open(client);
	if (request == NULL)
		return FAULT_BUSY;
	request->wake = wake;
	request->context = context;
	/* The socket does not block: a full queue is FAULT_BUSY, and the lock is held shortly. */
	enum fault fault = channel_send(&client->channel, MSG_api_asked, request->ticket, asked);
	if (fault == FAULT_NONE)
		*ticket_out = request->ticket;
	else
		request_close(request);
	return fault;
}

enum fault admin_client_ask(struct admin_client *client, const struct msg_api_asked *request,
			    admin_wake *wake, void *context, uint64_t *ticket_out)
{
	pthread_mutex_lock(&client->lock);
	enum fault fault = ask_locked(client, request, wake, context, ticket_out);
	pthread_mutex_unlock(&client->lock);
	return fault;
}

/* Whether nothing comes behind a reply. */
static bool is_last(const struct request *request)
{
	const struct packet *packet = &request->reply.packet;

	if (request->reply.is_lost)
		return true;
	return packet->header.kind == MSG_api_part ? packet->message.api_part.is_last != 0
						   : packet->message.api_answered.is_stream == 0;
}

bool admin_client_take(struct admin_client *client, uint64_t ticket, struct admin_reply *reply_out)
{
	bool is_taken = false;

	pthread_mutex_lock(&client->lock);
	struct request *request = request_find(client, ticket);
	if (request != NULL && request->has_reply) {
		*reply_out = request->reply;
		request->has_reply = false;
		if (is_last(request))
			*request = (struct request){0};
		is_taken = true;
	}
	pthread_mutex_unlock(&client->lock);
	return is_taken;
}

/* With the lock held. What cannot be sent is lost with the channel, or the role is stuck. */
static void tell(struct admin_client *client, enum message_kind kind, uint64_t ticket)
{
	struct msg_api_cancelled nothing = {};

	if (client->channel.fd >= 0)
		(void)!channel_send(&client->channel, kind, ticket, &nothing);
}

void admin_client_go_on(struct admin_client *client, uint64_t ticket)
{
	pthread_mutex_lock(&client->lock);
	if (request_find(client, ticket) != NULL)
		tell(client, MSG_api_part_taken, ticket);
	pthread_mutex_unlock(&client->lock);
}

void admin_client_cancel(struct admin_client *client, uint64_t ticket)
{
	pthread_mutex_lock(&client->lock);
	struct request *request = request_find(client, ticket);
	if (request != NULL) {
		request_close(request);
		tell(client, MSG_api_cancelled, ticket);
	}
	pthread_mutex_unlock(&client->lock);
}
