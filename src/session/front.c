/* SPDX-License-Identifier: Apache-2.0 */
#include "session/front.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

enum { REFUSAL_LOG_MS = 1000 };

static void hostname_find(struct snapshot *snapshot)
{
	if (snapshot->config->server.hostname.len > 0 &&
	    str_copy_c(snapshot->config->server.hostname, snapshot->hostname,
		       sizeof(snapshot->hostname)))
		return;
	if (gethostname(snapshot->hostname, sizeof(snapshot->hostname) - 1) != 0 ||
	    snapshot->hostname[0] == '\0')
		CHECK(str_copy_c(STR("localhost"), snapshot->hostname, sizeof(snapshot->hostname)));
}

struct snapshot *snapshot_new(struct config *config, struct tls_context *tls[SERVICE_COUNT])
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	CHECK(snapshot != NULL);
	snapshot->references = 1;
	snapshot->config = config;
	hostname_find(snapshot);
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		snapshot->tls[i] = tls[i];
	return snapshot;
}

void snapshot_certificate_add(struct snapshot *snapshot,
			      const struct snapshot_certificate *certificate)
{
	size_t count = snapshot->certificate_count + 1;

	snapshot->certificates = reallocarray(snapshot->certificates, count,
					      sizeof(*snapshot->certificates));
	CHECK(snapshot->certificates != NULL);
	snapshot->certificates[count - 1] = *certificate;
	snapshot->certificates[count - 1].name = str_dup_c(str_from_c(certificate->name));
	snapshot->certificates[count - 1].certificate =
		tls_certificate_ref(certificate->certificate);
	snapshot->certificate_count = count;
}

static void certificates_free(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->certificate_count; i++) {
		free(snapshot->certificates[i].name);
		tls_certificate_unref(&snapshot->certificates[i].certificate);
	}
	free(snapshot->certificates);
}

bool snapshot_is_public(const struct snapshot *snapshot, struct str host)
{
	bool is_public = false;

	for (size_t i = 0; i < snapshot->certificate_count; i++) {
		const struct snapshot_certificate *row = &snapshot->certificates[i];
		if (tls_certificate_match(row->certificate, host) == 0)
			continue;
		if (!row->is_public)
			return false;
		is_public = true;
	}
	return is_public;
}

void snapshot_partners_set(struct snapshot *snapshot, struct tls_context *(*tls)[SERVICE_COUNT])
{
	CHECK(snapshot->partner_tls == NULL);
	snapshot->partner_tls = tls;
}

struct tls_context *snapshot_tls(const struct snapshot *snapshot, enum service_id service,
				 const struct partner *partner)
{
	if (partner != NULL && snapshot->partner_tls != NULL) {
		size_t row = (size_t)(partner - snapshot->config->partners);
		CHECK(row < snapshot->config->partner_count);
		if (snapshot->partner_tls[row][service] != NULL)
			return snapshot->partner_tls[row][service];
	}
	return snapshot->tls[service];
}

static void partner_tls_free(struct snapshot *snapshot)
{
	if (snapshot->partner_tls == NULL)
		return;
	for (size_t i = 0; i < snapshot->config->partner_count; i++)
		for (size_t j = 0; j < SERVICE_COUNT; j++)
			tls_context_unref(&snapshot->partner_tls[i][j]);
	free(snapshot->partner_tls);
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
	__atomic_add_fetch(&snapshot->references, 1, __ATOMIC_RELAXED);
	return snapshot;
}

void snapshot_unref(struct snapshot **snapshot)
{
	struct snapshot *held = *snapshot;

	*snapshot = NULL;
	if (held == NULL || __atomic_sub_fetch(&held->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		tls_context_unref(&held->tls[i]);
	certificates_free(held);
	partner_tls_free(held);
	config_unref(&held->config);
	free(held);
}

void front_init(struct front *front, struct waiter *waiter, struct store *store,
		struct asker *auth, const struct metrics *metrics, const struct log *log)
{
	memset(front, 0, sizeof(*front));
	front->waiter = waiter;
	front->store = store;
	front->auth = auth;
	front->metrics = *metrics;
	front->own_metrics = (struct metrics){.shared = metrics->shared, .own = &front->own_slot};
	front->log = log;
	CHECK(pthread_mutex_init(&front->lock, NULL) == 0);
	list_init(&front->sessions);
	hash_key_init(&front->hash_key);
	for (size_t i = 0; i < FEED_BUCKETS; i++)
		list_init(&front->watchers[i]);
}

void front_done(struct front *front)
{
	CHECK(list_is_empty(&front->sessions));
	snapshot_unref(&front->snapshot);
	pthread_mutex_destroy(&front->lock);
}

void front_snapshot_set(struct front *front, struct snapshot *snapshot)
{
	pthread_mutex_lock(&front->lock);
	struct snapshot *old = front->snapshot;
	front->snapshot = snapshot;
	pthread_mutex_unlock(&front->lock);
	snapshot_unref(&old);
}

struct snapshot *front_snapshot_get(struct front *front)
{
	pthread_mutex_lock(&front->lock);
	struct snapshot *snapshot = snapshot_ref(front->snapshot);
	pthread_mutex_unlock(&front->lock);
	return snapshot;
}

/* ---- peers by address ---- */

/* Who owns an IPv6 /64 owns 2^64 addresses of it; they count as one peer. */
static void peer_key(const struct sockaddr_in6 *peer, uint8_t key[16])
{
	memcpy(key, &peer->sin6_addr, 16);
	if (!IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr))
		memset(key + 8, 0, 8);
}

static struct peer_share **peer_find(struct front *front, const uint8_t key[16])
{
	uint64_t hash = hash_keyed(&front->hash_key, str_make(key, 16));
	struct peer_share **at = &front->peers[hash % PEER_BUCKETS];

	while (*at != NULL && memcmp((*at)->address, key, 16) != 0)
		at = &(*at)->next;
	return at;
}

static struct peer_share *peer_enter(struct front *front, const struct sockaddr_in6 *address)
{
	uint8_t key[16];

	peer_key(address, key);
	struct peer_share **at = peer_find(front, key);
	if (*at == NULL) {
		*at = calloc(1, sizeof(**at));
		CHECK(*at != NULL);
		share_init(&(*at)->share);
		memcpy((*at)->address, key, 16);
	}
	(*at)->connections++;
	return *at;
}

static void peer_leave(struct front *front, const struct sockaddr_in6 *address)
{
	uint8_t key[16];

	peer_key(address, key);
	struct peer_share **at = peer_find(front, key);
	struct peer_share *peer = *at;
	CHECK(peer != NULL && peer->connections > 0);
	if (--peer->connections == 0) {
		*at = peer->next;
		free(peer);
	}
}

bool front_enter(struct front *front, struct session *session, enum refusal *refusal_out)
{
	enum service_id service = session->service->id;
	bool is_allowed = true;

	pthread_mutex_lock(&front->lock);
	list_append(&front->sessions, &session->front_node);
	session->shown = (struct session_shown){.number = ++front->session_number,
						.since_s = clock_real_s()};
	if (session->is_own) {
		pthread_mutex_unlock(&front->lock);
		return true;
	}
	struct peer_share *peer = peer_enter(front, &session->peer);
	if (!session->is_exempt)
		session->task.share = &peer->share;
	if (++front->connections[service] > session->service->max_connections) {
		*refusal_out = REFUSAL_SERVICE_FULL;
		is_allowed = false;
	} else if (!session->is_exempt &&
		   peer->connections > session->limits->connections_per_address) {
		*refusal_out = REFUSAL_TOO_MANY_CONNECTIONS;
		is_allowed = false;
	}
	pthread_mutex_unlock(&front->lock);
	return is_allowed;
}

bool front_refusal_is_news(struct front *front, const struct session *session, int64_t now_ms)
{
	uint8_t key[16];

	peer_key(&session->peer, key);
	pthread_mutex_lock(&front->lock);
	struct peer_share *peer = *peer_find(front, key);
	CHECK(peer != NULL);
	bool is_news = peer->refused_log_ms == 0 || now_ms - peer->refused_log_ms >= REFUSAL_LOG_MS;
	if (is_news)
		peer->refused_log_ms = now_ms;
	pthread_mutex_unlock(&front->lock);
	return is_news;
}

void front_leave(struct front *front, struct session *session)
{
	pthread_mutex_lock(&front->lock);
	list_remove(&session->front_node);
	if (!session->is_own) {
		front->connections[session->service->id]--;
		peer_leave(front, &session->peer);
	}
	pthread_mutex_unlock(&front->lock);
}

void front_show(struct front *front, struct session *session)
{
	const struct tls_facts *tls = &session->tls;

	pthread_mutex_lock(&front->lock);
	session->shown.user = session->user.name;
	if (tls->is_active) {
		session->shown.version = tls->version_name;
		session->shown.suite = tls->suite;
		session->shown.group = tls->group;
		session->shown.is_resumed = tls->is_resumed;
	}
	pthread_mutex_unlock(&front->lock);
}

/* ---- the change feed ---- */

static struct list *watchers_of(struct front *front, uint64_t account)
{
	return &front->watchers[account % FEED_BUCKETS];
}

void front_watch(struct front *front, struct session *session, uint64_t account)
{
	pthread_mutex_lock(&front->lock);
	if (list_node_is_linked(&session->feed_node))
		list_remove(&session->feed_node);
	session->feed_account = account;
	list_append(watchers_of(front, account), &session->feed_node);
	pthread_mutex_unlock(&front->lock);
}

void front_unwatch(struct front *front, struct session *session)
{
	pthread_mutex_lock(&front->lock);
	if (list_node_is_linked(&session->feed_node))
		list_remove(&session->feed_node);
	pthread_mutex_unlock(&front->lock);
}

static void watchers_wake(struct list *watchers, uint64_t account)
{
	list_each(node, next, watchers) {
		struct session *session = list_entry(node, struct session, feed_node);
		if (account != 0 && session->feed_account != account)
			continue;
		__atomic_store_n(&session->feed_changed, true, __ATOMIC_RELEASE);
		task_wake(&session->task);
	}
}

void front_feed_notify(struct front *front, uint64_t account)
{
	pthread_mutex_lock(&front->lock);
	if (account != 0)
		watchers_wake(watchers_of(front, account), account);
	else
		for (size_t i = 0; i < FEED_BUCKETS; i++)
			watchers_wake(&front->watchers[i], 0);
	pthread_mutex_unlock(&front->lock);
}

/* ---- stopping ---- */

void front_stop(struct front *front)
{
	__atomic_store_n(&front->is_stopping, true, __ATOMIC_RELEASE);
	pthread_mutex_lock(&front->lock);
	list_each(node, next, &front->sessions)
		task_wake(&list_entry(node, struct session, front_node)->task);
	pthread_mutex_unlock(&front->lock);
}

bool front_is_empty(struct front *front)
{
	pthread_mutex_lock(&front->lock);
	bool is_empty = list_is_empty(&front->sessions);
	pthread_mutex_unlock(&front->lock);
	return is_empty;
}
