/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/mailq.h"

#include <stdlib.h>

enum {
	/* More than may wait for one role at a time, so that one that hangs leaves some. */
	WORKERS = ROLE_CLIENT_CALLS + 16,
	SHARE_WORKERS = 16,
	LINGER_MS = 2,
};

static struct mailq *mailq_of(struct role_server *server)
{
	return list_entry(server, struct mailq, server);
}

static void parent_message(struct role_server *server, struct packet *packet)
{
	struct mailq *mailq = mailq_of(server);

	if (mailq->options.parent_message != NULL)
		mailq->options.parent_message(mailq, packet);
}

/* What the table of messages lets through and nobody here has a use for is dropped. */
static void request(struct role_server *server, struct role_peer *peer, struct packet *packet)
{
	log_printf(server->log, LOG_DEBUG, "mailq: %s of role %s is not for this role",
		   message_name(packet->header.kind), role_name(peer->channel.peer));
}

static void status(struct role_server *server, struct buf *json)
{
	struct waiter_counts counts = waiter_counts(mailq_of(server)->waiter);

	buf_printf(json, ",\"sessions\":%u,\"running\":%u", counts.tasks, counts.running);
}

static const struct role_server_ops ops = {
	.parent_message = parent_message,
	.request = request,
	.status = status,
};

static void server_ready(struct watch *watch)
{
	struct mailq *mailq = list_entry(watch, struct mailq, server_watch);

	if (!role_server_take(&mailq->server)) {
		waiter_unwatch(mailq->waiter, watch);
		waiter_stop(mailq->waiter);
	}
}

struct mailq *mailq_new(const struct mailq_options *options)
{
	struct mailq *mailq = calloc(1, sizeof(*mailq));

	CHECK(mailq != NULL && pthread_mutex_init(&mailq->config_lock, NULL) == 0);
	mailq->options = *options;
	role_server_init(&mailq->server, &ops, ROLE_MAILQ, options->parent_fd, options->log, mailq);
	mailq->waiter = waiter_new((struct waiter_limits){
		.workers = WORKERS, .share_workers = SHARE_WORKERS, .linger_ms = LINGER_MS});
	mailq->server_watch = (struct watch){.fd = mailq->server.epoll_fd, .ready = server_ready};
	waiter_watch(mailq->waiter, &mailq->server_watch);
	return mailq;
}

void mailq_run(struct mailq *mailq)
{
	waiter_run(mailq->waiter);
}

void mailq_free(struct mailq **mailq)
{
	struct mailq *old = *mailq;

	*mailq = NULL;
	waiter_free(&old->waiter);
	role_server_done(&old->server);
	config_unref(&old->config);
	pthread_mutex_destroy(&old->config_lock);
	free(old);
}

void mailq_config_set(struct mailq *mailq, struct config *config)
{
	pthread_mutex_lock(&mailq->config_lock);
	struct config *former = mailq->config;
	mailq->config = config;
	pthread_mutex_unlock(&mailq->config_lock);
	config_unref(&former);
}

struct config *mailq_config_get(struct mailq *mailq)
{
	pthread_mutex_lock(&mailq->config_lock);
	struct config *config = mailq->config == NULL ? NULL : config_ref(mailq->config);
	pthread_mutex_unlock(&mailq->config_lock);
	return config;
}
