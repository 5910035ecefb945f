/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three threads: the loop of the role server receives and queues; the committer
 * takes all that is queued as a group, commits, answers, and does the
 * housekeeping when nothing is queued. Large bodies first pass the stager, which
 * writes them to the disk, so that the others do not wait for them; what their
 * client sent behind them passes it too and so keeps its order.
 */
#include "store/service.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/condition.h"
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
static const uint64_t default_stage_bytes = UINT64_C(1) << 20;

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
	pthread_t stager;
	bool is_started;
	uint64_t stage_bytes;
	pthread_mutex_t lock; /* over what follows */
	struct condition wake;
	struct list queue;
	size_t queue_count;
	struct condition stage_wake;
	struct list staging; /* the first is being staged */
	bool is_closing;     /* the stager ends when it has nothing left */
	bool is_stopping;    /* and then the committer */
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
	list_init(&service->staging);
	service->stage_bytes =
		options->stage_bytes == 0 ? default_stage_bytes : options->stage_bytes;
	CHECK(pthread_mutex_init(&service->lock, NULL) == 0);
	condition_init(&service->wake);
	condition_init(&service->stage_wake);
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

	if (patience_us > GATHER_MAX_US)
		patience_us = GATHER_MAX_US;
	int64_t until_us = now_us() + patience_us;
	while (service->queue_count < service->last_group && !service->is_stopping)
		if (!condition_wait_until_us(&service->wake, &service->lock, until_us))
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

static void pending_free(struct store_service *service, struct pending *pending)
{
	service->backend->ops->unstage(service->backend, &pending->item.staged,
				       pending->item.is_staged_named);
	role_peer_release(&pending->peer);
	fd_close(&pending->item.body);
	group_item_done(&pending->item);
	buf_done(&pending->bytes);
	free(pending);
}

static void pending_answer(struct store_service *service, struct pending *pending)
{
	struct msg_store_answered answered = {.fault = pending->item.fault,
					      .result = buf_str(&pending->item.result)};

	role_peer_answer(pending->peer, MSG_store_answered, pending->id, &answered);
	pending_free(service, pending);
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
		pending_answer(service, group[i]);
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
			condition_wait(&service->wake, &service->lock);
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

/* ---- the stager ---- */

/* The size of a body in a file; 0 for any other. What is no file is refused later. */
static uint64_t body_size(const struct group_item *item)
{
	struct stat status;

	if (item->body < 0 || fstat(item->body, &status) != 0 || !S_ISREG(status.st_mode))
		return 0;
	return (uint64_t)status.st_size;
}

/* Under the lock. */
static void queue_append(struct store_service *service, struct pending *pending)
{
	list_append(&service->queue, &pending->item.node);
	service->queue_count++;
	condition_signal(&service->wake);
}

/* Stages the body if it is large; false, answered and freed, when that cannot be done. */
static bool pending_stage(struct store_service *service, struct pending *pending)
{
	uint64_t size = body_size(&pending->item);

	if (size < service->stage_bytes)
		return true;
	pending->item.fault = service->backend->ops->stage(service->backend, pending->item.body,
							   size, &pending->item.staged);
	return pending->item.fault == FAULT_NONE;
}

static void *stager_run(void *argument)
{
	struct store_service *service = argument;

	pthread_mutex_lock(&service->lock);
	for (;;) {
		while (list_is_empty(&service->staging) && !service->is_closing)
			condition_wait(&service->stage_wake, &service->lock);
		if (list_is_empty(&service->staging))
			break;
		struct pending *pending =
			list_entry(service->staging.anchor.next, struct pending, item.node);
		pthread_mutex_unlock(&service->lock);
		bool is_staged = pending_stage(service, pending);
		pthread_mutex_lock(&service->lock);
		/* Only now: what the same client sends meanwhile must see it here. */
		list_remove(&pending->item.node);
		if (is_staged) {
			queue_append(service, pending);
			continue;
		}
		pthread_mutex_unlock(&service->lock);
		pending_answer(service, pending);
		pthread_mutex_lock(&service->lock);
	}
	pthread_mutex_unlock(&service->lock);
	return NULL;
}

/* Under the lock. */
static bool is_staging_for(struct store_service *service, const struct role_peer *peer)
{
	list_each(node, next,
		  &service->staging) if (list_entry(node, struct pending, item.node)->peer ==
					 peer) return true;
	return false;
}

/* ---- starting and closing ---- */

static void changed(void *context, uint64_t account, uint64_t sequence)
{
	struct store_service *service = context;

	watchers_note(&service->watchers, account, sequence);
}

static void threads_start(struct store_service *service)
{
	if (service->is_started)
		return;
	service->is_started = true;
	service->backend->changed = changed;
	service->backend->changed_context = service;
	CHECK(pthread_create(&service->committer, NULL, committer_run, service) == 0);
	CHECK(pthread_create(&service->stager, NULL, stager_run, service) == 0);
}

/* Tells a thread to end when its work is done, and waits for it. */
static void thread_end(struct store_service *service, bool *flag, struct condition *wake,
		       pthread_t thread)
{
	pthread_mutex_lock(&service->lock);
	*flag = true;
	condition_signal(wake);
	pthread_mutex_unlock(&service->lock);
	if (service->is_started)
		CHECK(pthread_join(thread, NULL) == 0);
}

void store_service_close(struct store_service **service)
{
	struct store_service *old = *service;

	*service = NULL;
	if (old == NULL)
		return;
	thread_end(old, &old->is_closing, &old->stage_wake, old->stager);
	thread_end(old, &old->is_stopping, &old->wake, old->committer);
	watchers_done(&old->watchers);
	old->backend->ops->close(&old->backend);
	condition_done(&old->wake);
	condition_done(&old->stage_wake);
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
	threads_start(service);
	bool is_large = body_size(&pending->item) >= service->stage_bytes;
	pthread_mutex_lock(&service->lock);
	if (is_large || is_staging_for(service, peer)) {
		list_append(&service->staging, &pending->item.node);
		condition_signal(&service->stage_wake);
	} else
		queue_append(service, pending);
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
		condition_signal(&service->wake);
	pthread_mutex_unlock(&service->lock);
	threads_start(service);
}

const struct role_server_ops store_service_ops = {
	.parent_message = parent_message,
	.request = request,
	.peer_gone = peer_gone,
	.status = status,
	.tick = tick,
	.tick_ms = TICK_MS,
};
