/* SPDX-License-Identifier: Apache-2.0 */
#include "store/watchers.h"

#include <stdlib.h>

enum { PENDING_MAX = 256 };

struct watcher {
	struct list_node node;
	struct role_peer *peer;
	bool must_look_at_all;
	size_t count;
	struct msg_feed_changed pending[PENDING_MAX];
};

void watchers_init(struct watchers *watchers)
{
	*watchers = (struct watchers){0};
	list_init(&watchers->list);
	CHECK(pthread_mutex_init(&watchers->lock, NULL) == 0);
}

static void watcher_free(struct watchers *watchers, struct watcher *watcher)
{
	list_remove(&watcher->node);
	watchers->count--;
	watcher->peer->role_data = NULL;
	role_peer_release(&watcher->peer);
	free(watcher);
}

void watchers_done(struct watchers *watchers)
{
	list_each(node, next, &watchers->list)
		watcher_free(watchers, list_entry(node, struct watcher, node));
	pthread_mutex_destroy(&watchers->lock);
}

void watchers_add(struct watchers *watchers, struct role_peer *peer)
{
	pthread_mutex_lock(&watchers->lock);
	if (peer->role_data == NULL) {
		struct watcher *watcher = calloc(1, sizeof(*watcher));
		CHECK(watcher != NULL);
		watcher->peer = peer;
		role_peer_hold(peer);
		peer->role_data = watcher;
		peer->is_feed = true;
		list_append(&watchers->list, &watcher->node);
		watchers->count++;
	}
	((struct watcher *)peer->role_data)->must_look_at_all = true;
	pthread_mutex_unlock(&watchers->lock);
}

void watchers_remove(struct watchers *watchers, struct role_peer *peer)
{
	pthread_mutex_lock(&watchers->lock);
	if (peer->role_data != NULL)
		watcher_free(watchers, peer->role_data);
	pthread_mutex_unlock(&watchers->lock);
}

static void watcher_note(struct watcher *watcher, uint64_t account, uint64_t sequence)
{
	if (watcher->must_look_at_all)
		return;
	for (size_t i = 0; i < watcher->count; i++) {
		if (watcher->pending[i].account == account) {
			watcher->pending[i].sequence = sequence;
			return;
		}
	}
	if (watcher->count == PENDING_MAX) {
		watcher->must_look_at_all = true;
		watcher->count = 0;
		return;
	}
	watcher->pending[watcher->count++] =
		(struct msg_feed_changed){.account = account, .sequence = sequence};
}

void watchers_note(struct watchers *watchers, uint64_t account, uint64_t sequence)
{
	pthread_mutex_lock(&watchers->lock);
	list_each(node, next, &watchers->list)
		watcher_note(list_entry(node, struct watcher, node), account, sequence);
	pthread_mutex_unlock(&watchers->lock);
}

/* A client that has gone is removed by the loop; until then sending to it only fails. */
static bool notice_send(struct watcher *watcher, const struct msg_feed_changed *notice)
{
	return channel_send(&watcher->peer->channel, MSG_feed_changed, 0, notice) != FAULT_BUSY;
}

static void watcher_send(struct watcher *watcher)
{
	static const struct msg_feed_changed look_at_all = {.sequence = 0};
	size_t sent = 0;

	if (watcher->must_look_at_all) {
		watcher->must_look_at_all = !notice_send(watcher, &look_at_all);
		return;
	}
	while (sent < watcher->count && notice_send(watcher, &watcher->pending[sent]))
		sent++;
	watcher->count -= sent;
	memmove(watcher->pending, watcher->pending + sent,
		watcher->count * sizeof(watcher->pending[0]));
}

void watchers_send(struct watchers *watchers)
{
	pthread_mutex_lock(&watchers->lock);
	list_each(node, next, &watchers->list) watcher_send(list_entry(node, struct watcher, node));
	pthread_mutex_unlock(&watchers->lock);
}

size_t watchers_count(struct watchers *watchers)
{
	pthread_mutex_lock(&watchers->lock);
	size_t count = watchers->count;
	pthread_mutex_unlock(&watchers->lock);
	return count;
}
