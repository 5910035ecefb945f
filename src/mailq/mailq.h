/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the role mailq is made of: the server as a client.
 *
 * One thread, the waiter, hears the parent and everybody who asks something,
 * and holds the outbound sessions that wait; workers run them (net/waiter.h). A
 * request is a row of the table in mailq.c and one function, which runs in the
 * waiter's thread and must not block: it answers at once, or starts a task that
 * keeps the asker with role_peer_hold and answers later.
 *
 * The parent starts it as a process (proc/role_mailq.c), and a command without a
 * server starts it for itself (ctl/link.h); what is here knows neither.
 */
#ifndef POSTERN_MAILQ_MAILQ_H
#define POSTERN_MAILQ_MAILQ_H

#include <pthread.h>

#include "base/log.h"
#include "config/config.h"
#include "deliver/client_contexts.h"
#include "ipc/client.h"
#include "ipc/server.h"
#include "mailq/certificate_job.h"
#include "mailq/counts.h"
#include "mailq/dns_files.h"
#include "mailq/peer_names.h"
#include "mailq/staple_job.h"
#include "net/resolver.h"
#include "tls/key_source.h"

struct dkim_table;
struct dkim_watch;
struct downloads;
struct mailq;
struct sender;
struct signings;
struct store;

struct mailq_options {
	int parent_fd;
	struct log *log;
	/* How it reaches other roles; borrowed. */
	struct connector *connector;
	/* How long sessions may go on when the parent has gone; 0: not at all. */
	int grace_ms;
	/* Where it counts; NULL: in memory of its own. */
	struct counts *counts;
	/* A message of the parent, in the waiter's thread. May be NULL. */
	void (*parent_message)(struct mailq *mailq, struct packet *packet);
};

struct mailq {
	struct mailq_options options;
	struct role_client auth;
	struct role_client keys_client;
	struct key_source_remote keys;
	struct signings *signings; /* DKIM (signing.h) */
	struct dkim_watch *dkim_watch;
	struct role_server server;
	struct watch server_watch;
	struct waiter *waiter;
	struct resolver *resolver;
	struct peer_names *peer_names;
	struct list dns_requests; /* dns_requests.h */
	int64_t stop_deadline_ms; /* 0: not stopping */
	bool is_stopping;	  /* atomic */
	bool bogus_is_told;	  /* of the settings in force */
	struct dns_files dns_files;
	struct certificate_job *certificate_job; /* NULL: none is asked for */
	struct staple_job *staple_job; /* of a server's role, not of a command's */
	pthread_mutex_t config_lock;
	struct config *config; /* under the lock; NULL until the first came */
	struct client_contexts *contexts; /* the same */
	struct sender *sender; /* NULL: nothing is sent from here */
	struct downloads *downloads; /* NULL: nothing is fetched from here */
	struct counts own_counts;
	struct counts *counts; /* those above, or the options' */
};

/* Takes over the parent's descriptor. Starts no thread yet. */
struct mailq *mailq_new(const struct mailq_options *options);

/* Serves until the parent has gone, and the sessions have ended or had their time. */
void mailq_run(struct mailq *mailq);

/*
 * True when the role is about to end: nothing new is begun, and a session ends as
 * soon as it can do so in order. Thread safe.
 */
bool mailq_is_stopping(const struct mailq *mailq);

/* Ends every session that is left, and frees. */
void mailq_free(struct mailq **mailq);

/* What files say about DNS, copied; counts from the next mailq_config_set on. Where that may be called. */
void mailq_dns_files_set(struct mailq *mailq, struct str servers, struct str anchors);

/* Puts a configuration in force, taking over the reference. In the waiter's thread, or before mailq_run. */
void mailq_config_set(struct mailq *mailq, struct config *config);

/* The same with what our clients shake hands with. */
struct client_contexts *mailq_contexts_get(struct mailq *mailq);

/* Puts what signs mail in force, taking over the reference. As mailq_config_set. */
void mailq_dkim_set(struct mailq *mailq, struct dkim_table *table);

/* A reference to the configuration in force, to be given back; NULL until the first came. Thread safe. */
struct config *mailq_config_get(struct mailq *mailq);

/*
 * Has the queue sent from the store, and mail fetched into it; it is borrowed and outlives
 * this. Before mailq_run; without it the role asks and answers only.
 */
void mailq_send(struct mailq *mailq, struct store *store);

/*
 * The password that is kept under a name for other servers. As auth/remote.h, and
 * UNAVAILABLE. Blocks on the auth role.
 */
must_check enum fault mailq_remote_password(struct mailq *mailq, struct str name,
					    struct secret *password_out);

/* The server's name for other servers; borrowed from the configuration or static. */
struct str mailq_hostname(const struct config *config);

#endif
