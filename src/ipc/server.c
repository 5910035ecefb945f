/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { EVENTS = 64, BATCH_MAX = 1024, STUCK_CLIENT_MS = 2000 };

void role_server_init(struct role_server *server, const struct role_server_ops *ops, enum role self,
		      int parent_fd, struct log *log, void *role_data)
{
	*server = (struct role_server){.ops = ops,
				       .self = self,
				       .parent = {.fd = parent_fd, .self = self, .peer = ROLE_PARENT},
				       .log = log,
				       .role_data = role_data,
				       .batch_max = BATCH_MAX};
	list_init(&server->peers);
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	CHECK(server->epoll_fd >= 0);
	if (parent_fd >= 0) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
		fd_set_nonblocking(parent_fd);
		CHECK(epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, parent_fd, &event) == 0);
	}
}

void role_server_add(struct role_server *server, enum role client, int fd)
{
	struct role_peer *peer = calloc(1, sizeof(*peer));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

	CHECK(peer != NULL);
	fd_set_nonblocking(fd);
	peer->channel = (struct channel){.fd = fd, .self = server->self, .peer = client};
	peer->references = 1;
	list_append(&server->peers, &peer->node);
	CHECK(epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

void role_peer_hold(struct role_peer *peer)
{
	__atomic_add_fetch(&peer->references, 1, __ATOMIC_RELAXED);
}

void role_peer_release(struct role_peer **peer)
{
	struct role_peer *held = *peer;

	*peer = NULL;
	if (held == NULL || __atomic_sub_fetch(&held->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	channel_close(&held->channel);
	free(held);
}

static void peer_drop(struct role_server *server, struct role_peer *peer)
{
	/* The socket is closed with the last reference: a late answer must not reach another's socket. */
	epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, peer->channel.fd, NULL);
	list_remove(&peer->node);
	if (server->ops->peer_gone != NULL)
		server->ops->peer_gone(server, peer);
	role_peer_release(&peer);
}

void role_peer_answer(struct role_peer *peer, enum message_kind kind, uint64_t id,
		      const void *message)
{
	int64_t give_up = clock_mono_ms() + STUCK_CLIENT_MS;

	while (channel_send(&peer->channel, kind, id, message) == FAULT_BUSY) {
		struct pollfd waiting = {.fd = peer->channel.fd, .events = POLLOUT};
		int left = (int)(give_up - clock_mono_ms());
		if (left <= 0)
			return;
		(void)poll(&waiting, 1, left);
	}
}

void role_peer_done(struct role_peer *peer, uint64_t id, enum fault fault, struct str text)
{
	struct msg_done done = {.fault = fault, .text = text};

	role_peer_answer(peer, MSG_done, id, &done);
}

static void status_answer(struct role_server *server, const struct channel *to, uint64_t id)
{
	struct buf json = BUF_INIT(MESSAGE_INLINE_MAX);
	size_t clients = 0;

	list_each(node, next, &server->peers)
		clients++;
	buf_printf(&json, "{\"role\":\"%s\",\"pid\":%d,\"clients\":%zu", role_name(server->self),
		   (int)getpid(), clients);
	if (server->ops->status != NULL)
		server->ops->status(server, &json);
	buf_append_char(&json, '}');
	struct msg_status_given given = {.json = buf_str(&json)};
	if (channel_send(to, MSG_status_given, id, &given) != FAULT_NONE)
		log_printf(server->log, LOG_DEBUG, "%s: a status answer could not be sent",
			   role_name(server->self));
	buf_done(&json);
}

static void parent_packet(struct role_server *server, struct packet *packet)
{
	switch (packet->header.kind) {
	case MSG_channel_offered:
		CHECK(packet->message.channel_offered.client < ROLE_COUNT);
		role_server_add(server, packet->message.channel_offered.client,
				packet_take_fd(packet));
		break;
	case MSG_log_rotated:
		CHECK(packet->message.log_rotated.file < LOG_FILE_COUNT);
		/* Behind the same number, so that writers in other threads need no lock. */
		if (dup3(packet->fd, server->log->fds[packet->message.log_rotated.file], O_CLOEXEC) < 0)
			log_printf(server->log, LOG_ERROR, "a rotated log could not be taken over");
		break;
	case MSG_status_wanted:
		status_answer(server, &server->parent, packet->header.id);
		break;
	default:
		CHECK(server->ops->parent_message != NULL);
		server->ops->parent_message(server, packet);
	}
}

/* False when the parent has gone. */
static bool parent_read(struct role_server *server, struct packet *packet)
{
	for (;;) {
		enum fault fault = channel_receive(&server->parent, packet);
		if (fault == FAULT_BUSY)
			return true;
		if (fault != FAULT_NONE)
			return false;
		parent_packet(server, packet);
	}
}

static void peer_read(struct role_server *server, struct role_peer *peer, struct packet *packet)
{
	enum fault fault = channel_receive(&peer->channel, packet);

	if (fault == FAULT_BUSY)
		return;
	if (fault != FAULT_NONE) {
		if (fault == FAULT_INVALID)
			log_printf(server->log, LOG_ERROR,
				   "%s: role %s sent a message that it may not send; its channel is closed",
				   role_name(server->self), role_name(peer->channel.peer));
		peer_drop(server, peer);
	} else if (packet->header.kind == MSG_status_wanted)
		status_answer(server, &peer->channel, packet->header.id);
	else
		server->ops->request(server, peer, packet);
}

static int wait_ms(const struct role_server *server, int64_t next_tick)
{
	if (server->ops->tick == NULL)
		return -1;
	int64_t left = next_tick - clock_mono_ms();
	return left < 0 ? 0 : (int)left;
}

/*
 * Takes what waits, one request a client and round, until nothing waits or the
 * batch is full. False when the loop has to end.
 */
static bool batch_take(struct role_server *server, struct packet *packet, int first_wait_ms)
{
	struct epoll_event events[EVENTS];
	size_t taken = 0;
	int wait = first_wait_ms;

	while (taken < server->batch_max) {
		int count = epoll_wait(server->epoll_fd, events, EVENTS, wait);
		if (count < 0 && errno == EINTR)
			continue;
		CHECK(count >= 0);
		if (count == 0)
			break;
		for (int i = 0; i < count; i++) {
			server->waiting = (size_t)(count - i - 1);
			if (events[i].data.ptr == NULL) {
				if (!parent_read(server, packet))
					return false;
			} else
				peer_read(server, events[i].data.ptr, packet);
		}
		taken += (size_t)count;
		wait = 0;
	}
	return true;
}

void role_server_run(struct role_server *server)
{
	struct packet packet;
	int64_t next_tick = clock_mono_ms() + server->ops->tick_ms;
	bool is_private = server->parent.fd < 0;

	packet_init_roomy(&packet);
	while (batch_take(server, &packet, wait_ms(server, next_tick))) {
		if (server->ops->batch_end != NULL)
			server->ops->batch_end(server);
		if (server->ops->tick != NULL && clock_mono_ms() >= next_tick) {
			server->ops->tick(server);
			next_tick = clock_mono_ms() + server->ops->tick_ms;
		}
		if (is_private && list_is_empty(&server->peers))
			break;
	}
	packet_done(&packet);
}

bool role_server_take(struct role_server *server)
{
	struct packet packet;

	packet_init(&packet);
	bool goes_on = batch_take(server, &packet, 0);
	packet_done(&packet);
	if (goes_on && server->ops->batch_end != NULL)
		server->ops->batch_end(server);
	return goes_on;
}

void role_server_done(struct role_server *server)
{
	list_each(node, next, &server->peers)
		peer_drop(server, list_entry(node, struct role_peer, node));
	channel_close(&server->parent);
	fd_close(&server->epoll_fd);
}
