/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two threads: the loop of the role server receives and queues; the committer
 * takes all that is queued as a group, commits, answers, and does the
 * housekeeping when nothing is queued.
 */
#include "store/service.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/embedded.h"
#include "store/group.h"
#include "store/watchers.h"

enum {
	TICK_MS = 250,
	DEFAULT_HOUSEKEEPING_MS = 2000,
	GROUP_MAX = 1024,
	GROUP_BYTES_MAX = 64 * 1024 * 1024, /* of operations; bodies in files come on top */
	DEFAULT_READERS = 1024,
	READERS_SPARE = 64,
	GATHER_MAX_US = 2000,
};

static const size_t default_map_bytes = (size_t)64 << 30;
static const uint64_t default_segment_bytes = UINT64_C(64) << 20;

struct pending {
	struct group_item item; /* first */
	struct role_peer *peer;
	uint64_t id;
	struct buf bytes; /* the packet, which the item's text borrows */
};

struct store_service {
	struct backend *backend;
	struct watchers watchers;
	pthread_t committer;
	bool is_started;
	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t wake;
	struct list queue;
	size_t queue_count;
	bool is_stopping;
	bool has_reader_died;
	bool is_housekeeping_due;
	int housekeeping_ms;
	int64_t housekept_ms; /* the loop's own */
	/* For the status. */
	uint64_t requests;
	uint64_t groups;
	uint64_t flushes;
	/* The committer's own. */
	size_t last_group;
	int64_t last_commit_us;
};

enum fault store_service_open(const struct store_service_options *options,
			      struct store_service **service_out)
{
	struct backend *backend;
	size_t readers = options->readers == 0 ? DEFAULT_READERS : options->readers;
	struct embedded_options embedded = {
		.path = options->path,
		.readers = (unsigned)readers + READERS_SPARE,
		.map_bytes = options->map_bytes == 0 ? default_map_bytes : options->map_bytes,
		.segment_bytes = options->segment_bytes == 0 ? default_segment_bytes
							     : options->segment_bytes};

	enum fault fault = embedded_open(&embedded, &backend);
	if (fault != FAULT_NONE)
		return fault;
	struct store_service *service = calloc(1, sizeof(*service));
	CHECK(service != NULL);
	service->backend = backend;
	service->housekeeping_ms =
		options->housekeeping_ms == 0 ? DEFAULT_HOUSEKEEPING_MS : options->housekeeping_ms;
	watchers_init(&service->watchers);
	list_init(&service->queue);
	CHECK(pthread_mutex_init(&service->lock, NULL) == 0);
	pthread_condattr_t attributes;
	CHECK(pthread_condattr_init(&attributes) == 0);
	CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&service->wake, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
	*service_out = service;
	return FAULT_NONE;
}

struct index *store_service_index(struct store_service *service)
{
	return embedded_index(service->backend);
}

/* ---- the committer ---- */

static int64_t now_us(void)
{
	struct timespec now;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/*
 * After a group its clients come back at about the same time. Waits a part of
 * what a commit takes for as many as there were last time: that costs each
 * little and saves most of the flushes. Under the lock.
 */
static void queue_gather(struct store_service *service)
{
	int64_t patience_us = service->last_commit_us / 2;
	struct timespec until;

	if (patience_us > GATHER_MAX_US)
		patience_us = GATHER_MAX_US;
	int64_t until_us = now_us() + patience_us;
	until.tv_sec = until_us / 1000000;
	until.tv_nsec = until_us % 1000000 * 1000;
	while (service->queue_count < service->last_group && !service->is_stopping)
		if (pthread_cond_timedwait(&service->wake, &service->lock, &until) != 0)
			break;
}

/* Takes a group from the queue. Under the lock. */
static size_t queue_take(struct store_service *service, struct pending **group)
{
	size_t count = 0;
	size_t bytes = 0;

	while (count < GROUP_MAX && bytes < GROUP_BYTES_MAX) {
		struct list_node *node = list_take_first(&service->queue);
		if (node == NULL)
			break;
		group[count] = list_entry(node, struct pending, item.node);
		bytes += group[count++]->bytes.len;
	}
	service->queue_count -= count;
	return count;
}

static void pending_free(struct pending *pending)
{
	role_peer_release(&pending->peer);
	fd_close(&pending->item.body);
	group_item_done(&pending->item);
	buf_done(&pending->bytes);
	free(pending);
}

static void pending_answer(struct pending *pending)
{
	struct msg_store_answered answered = {.fault = pending->item.fault,
					      .result = buf_str(&pending->item.result)};

	role_peer_answer(pending->peer, MSG_store_answered, pending->id, &answered);
	pending_free(pending);
}

static void pendings_commit(struct store_service *service, struct pending **group, size_t count)
{
	struct group_item *items[GROUP_MAX];

	for (size_t i = 0; i < count; i++)
		items[i] = &group[i]->item;
	int64_t began_us = now_us();
	group_commit(service->backend, items, count);
	service->last_commit_us = now_us() - began_us;
	service->last_group = count;
	for (size_t i = 0; i < count; i++)
		pending_answer(group[i]);
	watchers_send(&service->watchers);
}

static void *committer_run(void *argument)
{
	struct store_service *service = argument;
	struct pending *group[GROUP_MAX];

	pthread_mutex_lock(&service->lock);
	for (;;) {
		while (service->queue_count == 0 && !service->is_stopping &&
		       !service->has_reader_died && !service->is_housekeeping_due)
			pthread_cond_wait(&service->wake, &service->lock);
		if (service->queue_count == 0 && service->is_stopping)
			break;
		if (service->queue_count > 0)
			queue_gather(service);
		size_t count = queue_take(service, group);
		bool has_reader_died = service->has_reader_died;
		service->has_reader_died = false;
		pthread_mutex_unlock(&service->lock);
		bool is_more_due = false;
		if (count > 0)
			pendings_commit(service, group, count);
		else if (has_reader_died)
			service->backend->ops->reader_died(service->backend);
		else
			is_more_due = service->backend->ops->maintain(service->backend);
		pthread_mutex_lock(&service->lock);
		service->requests += count;
		service->groups += count > 0;
		service->flushes = service->backend->ops->flushes(service->backend);
		if (count == 0 && !has_reader_died)
			service->is_housekeeping_due = is_more_due;
		else if (count > 0)
			service->has_reader_died |= has_reader_died;
	}
	pthread_mutex_unlock(&service->lock);
	return NULL;
}

static void changed(void *context, uint64_t account, uint64_t sequence)
{
	struct store_service *service = context;

	watchers_note(&service->watchers, account, sequence);
}

static void committer_start(struct store_service *service)
{
	if (service->is_started)
		return;
	service->is_started = true;
	service->backend->changed = changed;
	service->backend->changed_context = service;
	CHECK(pthread_create(&service->committer, NULL, committer_run, service) == 0);
}

void store_service_close(struct store_service **service)
{
	struct store_service *old = *service;

	*service = NULL;
	if (old == NULL)
		return;
	pthread_mutex_lock(&old->lock);
	old->is_stopping = true;
	pthread_cond_signal(&old->wake);
	pthread_mutex_unlock(&old->lock);
	if (old->is_started)
		CHECK(pthread_join(old->committer, NULL) == 0);
	watchers_done(&old->watchers);
	old->backend->ops->close(&old->backend);
	pthread_cond_destroy(&old->wake);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

/* ---- the loop ---- */

static void parent_message(struct role_server *server, struct packet *packet)
{
	/* Configuration does not concern the store; its sizes are fixed at the start. */
	(void)server;
	(void)packet;
}

static void request_queue(struct store_service *service, struct role_peer *peer,
			  struct packet *packet)
{
	struct pending *pending = calloc(1, sizeof(*pending));
	const struct msg_store_asked *asked = &packet->message.store_asked;

	CHECK(pending != NULL);
	group_item_init(&pending->item, asked->transaction, asked->operation,
			packet_take_fd(packet));
	pending->peer = peer;
	role_peer_hold(peer);
	pending->id = packet->header.id;
	/* The text stays where it is: the packet's memory changes its owner. */
	pending->bytes = packet->bytes;
	packet->bytes = BUF_INIT(MESSAGE_MAX);
	committer_start(service);
	pthread_mutex_lock(&service->lock);
	list_append(&service->queue, &pending->item.node);
	service->queue_count++;
	pthread_cond_signal(&service->wake);
	pthread_mutex_unlock(&service->lock);
}

static void request(struct role_server *server, struct role_peer *peer, struct packet *packet)
{
	struct store_service *service = server->role_data;

	if (packet->header.kind == MSG_store_asked)
		request_queue(service, peer, packet);
	else if (packet->header.kind == MSG_feed_wanted) {
		watchers_add(&service->watchers, peer);
		watchers_send(&service->watchers);
	}
}

static void peer_gone(struct role_server *server, struct role_peer *peer)
{
	struct store_service *service = server->role_data;

	watchers_remove(&service->watchers, peer);
	pthread_mutex_lock(&service->lock);
	service->has_reader_died = true;
	pthread_mutex_unlock(&service->lock);
}

static void status(struct role_server *server, struct buf *json)
{
	struct store_service *service = server->role_data;
	size_t watchers = watchers_count(&service->watchers);

	pthread_mutex_lock(&service->lock);
	buf_printf(json, ",\"requests\":%lu,\"groups\":%lu,\"flushes\":%lu,\"watchers\":%zu",
		   (unsigned long)service->requests, (unsigned long)service->groups,
		   (unsigned long)service->flushes, watchers);
	pthread_mutex_unlock(&service->lock);
}

/* Wakes the committer for what is not a request. */
static void tick(struct role_server *server)
{
	struct store_service *service = server->role_data;
	int64_t now_ms = clock_mono_ms();

	watchers_send(&service->watchers);
	pthread_mutex_lock(&service->lock);
	if (now_ms - service->housekept_ms >= service->housekeeping_ms) {
		service->is_housekeeping_due = true;
		service->housekept_ms = now_ms;
	}
	if (service->has_reader_died || service->is_housekeeping_due)
		pthread_cond_signal(&service->wake);
	pthread_mutex_unlock(&service->lock);
	committer_start(service);
}

const struct role_server_ops store_service_ops = {
	.parent_message = parent_message,
	.request = request,
	.peer_gone = peer_gone,
	.status = status,
	.tick = tick,
	.tick_ms = TICK_MS,
};
