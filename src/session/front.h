/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all sessions of a front process share: the waiter, the store, the
 * channel to auth, the counters, the present configuration, the peers by
 * address, and who watches which account.
 */
#ifndef POSTERN_SESSION_FRONT_H
#define POSTERN_SESSION_FRONT_H

#include <pthread.h>

#include "base/hash.h"
#include "config/partner.h"
#include "session/admin_client.h"
#include "session/names.h"
#include "session/session.h"
#include "tls/context.h"

/*
 * A configuration with what was built from it; immutable, reference counted.
 * Sessions keep the one they began with.
 */
/* What reports say of a certificate that the contexts were made with. */
struct snapshot_certificate {
	char *name; /* of the pair */
	const char *kind; /* "RSA"; static */
	int64_t not_after_s;
	struct tls_certificate *certificate; /* referenced */
	bool is_public; /* a root of the system vouches for it */
};

struct snapshot {
	int references; /* atomic */
	struct config *config;
	char hostname[256]; /* as configured, or the machine's own */
	struct tls_context *tls[SERVICE_COUNT]; /* NULL for a service without certificates or not enabled */
	struct snapshot_certificate *certificates;
	size_t certificate_count;
	/* For each row of TlsPolicy; NULL where the service's own holds. Rows may share one. */
	struct tls_context *(*partner_tls)[SERVICE_COUNT];
};

/* Adds such a certificate, copying its name and taking a reference. Before the snapshot is the present one. */
void snapshot_certificate_add(struct snapshot *snapshot,
			      const struct snapshot_certificate *certificate);

/* True when certificates name that host (without port), and all that do are public. */
bool snapshot_is_public(const struct snapshot *snapshot, struct str host);

/* Takes over one reference of `config` and the contexts. */
struct snapshot *snapshot_new(struct config *config, struct tls_context *tls[SERVICE_COUNT]);
/* Puts the contexts of the rows of TlsPolicy, one array a row, into a new snapshot, and takes them over. */
void snapshot_partners_set(struct snapshot *snapshot, struct tls_context *(*tls)[SERVICE_COUNT]);

/* What sessions of a service shake hands with; `partner` is their row, or NULL. Borrowed; may be NULL. */
struct tls_context *snapshot_tls(const struct snapshot *snapshot, enum service_id service,
				 const struct partner *partner);

struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot **snapshot);

/* Connections of one address (of an IPv6 /64): the share of workers, and the count. */
struct peer_share {
	struct share share;
	unsigned connections;
	int64_t refused_log_ms; /* when a refusal was last told, monotonic; 0: never */
	uint8_t address[16];
	struct peer_share *next;
};

enum { PEER_BUCKETS = 1024, FEED_BUCKETS = 1024 };

struct front {
	struct waiter *waiter;
	struct store *store;
	struct asker *auth;
	struct role_client *mailq; /* borrowed; asked for its counters; NULL: nobody is */
	struct asker *admin; /* who answers the page's requests; NULL: nobody */
	struct asker *names; /* who knows the names of peers; NULL: nobody */
	struct metrics metrics;
	struct metrics own_metrics; /* where sessions with ourselves count: nobody reads it */
	struct metrics_slot own_slot;
	const struct log *log;
	struct tls_challenges *challenges; /* borrowed; NULL: none are answered */
	bool is_stopping; /* atomic */
	uint32_t queue_counter; /* atomic */

	/* Guards everything below. */
	pthread_mutex_t lock;
	struct snapshot *snapshot;
	struct list sessions;	 /* in the order they began */
	uint64_t session_number; /* of the one that began last */
	unsigned connections[SERVICE_COUNT];
	struct hash_key hash_key;
	struct peer_share *peers[PEER_BUCKETS];
	struct list watchers[FEED_BUCKETS];
};

/* Borrows everything it is given. */
void front_init(struct front *front, struct waiter *waiter, struct store *store,
		struct asker *auth, const struct metrics *metrics, const struct log *log);
void front_done(struct front *front);

/* Makes a snapshot the present one for sessions to come; takes over the reference. */
void front_snapshot_set(struct front *front, struct snapshot *snapshot);
struct snapshot *front_snapshot_get(struct front *front);

/*
 * Begins a session on an accepted, non-blocking socket, which it takes over.
 * Refuses in the protocol's words when a limit is reached.
 */
void front_accept(struct front *front, enum service_id service, const struct protocol *protocol,
		  int fd, const struct sockaddr_in6 *peer);

/* Wakes the sessions that watch the account; account 0: all that watch anything. Any thread. */
void front_feed_notify(struct front *front, uint64_t account);

/* Tells every session to say goodbye; front_is_empty tells when all have. */
void front_stop(struct front *front);
bool front_is_empty(struct front *front);

/* ---- for session.c ---- */

/* Counts the connection; false and the refusal when a limit says no. */
bool front_enter(struct front *front, struct session *session, enum refusal *refusal_out);
/* Tells whether a refusal is to be logged: one a second and address, or a flood would fill the disk. */
bool front_refusal_is_news(struct front *front, const struct session *session, int64_t now_ms);
void front_leave(struct front *front, struct session *session);
/* Publishes what the session now knows of its TLS and its user (session->shown). */
void front_show(struct front *front, struct session *session);
void front_watch(struct front *front, struct session *session, uint64_t account);
void front_unwatch(struct front *front, struct session *session);

#endif
