/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking another role and waiting for its answer.
 *
 * A role_client keeps a pool of channels to one role: a call takes one, sends,
 * waits and gives it back, so any number of threads may call at once. When the
 * role was restarted, calls wait for the new one, up to `patience_ms`; a role
 * that hangs has `answer_ms` to answer.
 *
 * After either time has run out the role is suspect: until it answers again,
 * one call at a time tries and waits, and every other is told UNAVAILABLE at
 * once. Nor do more than `calls_max` calls wait at the same time; who is one too
 * many waits `turn_ms` for his turn, and when nobody had an answer meanwhile the
 * role is suspect, too. So a role that hangs never holds every thread.
 */
#ifndef POSTERN_IPC_CLIENT_H
#define POSTERN_IPC_CLIENT_H

#include <pthread.h>

#include "base/condition.h"
#include "base/secret.h"
#include "ipc/channel.h"

/*
 * How a process comes by a channel to a role: through the parent, or (offline
 * commands) by having started the role itself. Must be thread safe.
 */
struct connector {
	enum role self;
	/*
	 * Stores a connected socket in `*fd_out`; FAULT_UNAVAILABLE while the role is down, FAULT_IO
	 * when it is in vain to wait for it. May block shortly.
	 */
	enum fault (*connect)(struct connector *connector, enum role role, int *fd_out);
};

enum {
	ROLE_CLIENT_POOL = 128,
	ROLE_CLIENT_CALLS = 64,
	ROLE_CLIENT_ANSWER_MS = 30 * 1000,
	ROLE_CLIENT_TURN_MS = 5 * 1000
};

struct role_client {
	struct connector *connector;
	enum role role;
	int patience_ms;
	/* These three may be changed before the first call. */
	int answer_ms; /* 0: for ever */
	int turn_ms;
	size_t calls_max;
	pthread_mutex_t lock;
	struct condition call_ended;
	/* All below under the lock. */
	size_t calls;
	bool is_suspect;
	bool is_probed; /* a call is trying whether the suspect answers again */
	int64_t answered_ms; /* when the last answer came, monotonic */
	int idle[ROLE_CLIENT_POOL];
	size_t idle_count;
};

/* Borrows the connector, which must outlive the client. */
void role_client_init(struct role_client *client, struct connector *connector, enum role role,
		      int patience_ms);
void role_client_done(struct role_client *client);

/*
 * Sends a request and waits for its answer, which must be of kind `expected`.
 * The answer's texts live in `answer` until packet_done. Blocks.
 *
 * FAULT_UNAVAILABLE: the role could not be reached, nothing was asked.
 * FAULT_IO: the connection broke or the time ran out after the request was
 * sent; its fate is unknown. Any other fault is the channel's.
 */
must_check enum fault role_client_call(struct role_client *client, enum message_kind kind,
				       const void *request, enum message_kind expected,
				       struct packet *answer);

/*
 * Opens a channel of one's own (for feeds and for answers that arrive later).
 * The caller owns `channel_out`.
 */
must_check enum fault role_client_open(struct role_client *client, struct channel *channel_out);

#endif
