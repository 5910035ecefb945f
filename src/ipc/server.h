/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main loop of a role that serves others: keys, auth, store, mailq.
 *
 * One thread waits on the parent's channel and on the channels of all clients
 * and hands each message to the role. Answers may be sent at once, after the
 * batch, or later from another thread: a client stays valid while it is
 * referenced. The loop ends when the parent's channel closes.
 */
#ifndef POSTERN_IPC_SERVER_H
#define POSTERN_IPC_SERVER_H

#include "base/list.h"
#include "base/log.h"
#include "ipc/channel.h"

struct role_server;

/* A connected client; reference counted, because answers may come late. */
struct role_peer {
	struct channel channel;
	struct list_node node;
	int references;  /* atomic */
	bool is_feed;    /* the role's own mark */
	void *role_data; /* the role's own */
};

struct role_server_ops {
	/*
	 * A message of the parent (role's own business: keys, configuration). The
	 * server itself handles channel_offered, log_rotated and status_wanted.
	 */
	void (*parent_message)(struct role_server *server, struct packet *packet);
	/* A request of a client. To answer later, keep a reference with role_peer_hold. */
	void (*request)(struct role_server *server, struct role_peer *peer, struct packet *packet);
	/* No more requests are waiting right now: commit and answer. May be NULL. */
	void (*batch_end)(struct role_server *server);
	/* A client has gone. May be NULL. */
	void (*peer_gone)(struct role_server *server, struct role_peer *peer);
	/* Appends the role's own members to a JSON object, each led by a comma. May be NULL. */
	void (*status)(struct role_server *server, struct buf *json);
	/* Called about every `tick_ms` from the loop. May be NULL. */
	void (*tick)(struct role_server *server);
	int tick_ms;
};

struct role_server {
	const struct role_server_ops *ops;
	enum role self;
	struct channel parent;
	struct log *log;
	void *role_data; /* the role's own */
	int epoll_fd;
	struct list peers;
	size_t waiting;	  /* requests known to wait behind the one in hand */
	size_t batch_max; /* requests taken before batch_end is called even if more wait */
};

/* Takes over `parent_fd`, or -1 in a private role that has no parent. */
void role_server_init(struct role_server *server, const struct role_server_ops *ops, enum role self,
		      int parent_fd, struct log *log, void *role_data);

/* Adds a connected client's socket directly (private roles). */
void role_server_add(struct role_server *server, enum role client, int fd);

/* Runs until the parent closes, or in a private role until the last client has gone. */
void role_server_run(struct role_server *server);

/*
 * Takes and answers what waits now, without blocking; for a role that has another
 * loop around, which waits for `epoll_fd` to become readable and does without
 * `tick`. False when the parent has gone.
 */
must_check bool role_server_take(struct role_server *server);

void role_server_done(struct role_server *server);

/*
 * Sends an answer; a client that has gone is no fault. Thread safe. Never
 * blocks long: what a client does not take within two seconds is lost.
 */
void role_peer_answer(struct role_peer *peer, enum message_kind kind, uint64_t id,
		      const void *message);
/* The commonest answer: MSG_done with a fault and a text (may be empty). */
void role_peer_done(struct role_peer *peer, uint64_t id, enum fault fault, struct str text);
void role_peer_hold(struct role_peer *peer);
void role_peer_release(struct role_peer **peer);

#endif
