/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiter and workers: who runs a session, and when.
 *
 * Idle tasks have no stack: one thread, the waiter, holds them in an epoll set
 * and in a wheel of deadlines. On input, on a deadline or on a wake-up a
 * worker of a bounded pool takes the task and calls run(), which is plain
 * sequential code until it has to wait for its peer.
 *
 * 1. A task is parked, queued or running, and only the waiter's lock moves it.
 * 2. run() is called by one worker at a time; between two runs the task's
 *    memory is handed over with the lock, so run() needs no lock of its own.
 * 3. A wake-up while the task runs is not lost: run() is called once more.
 * 4. A worker blocks on ourselves only (disk, store, keys), never on a peer.
 * 5. Of the workers, one share (an address) holds at most `share_workers`.
 *    At most `active` of them want a processor at the same time: who waits for
 *    another role says so (base/blocking.h) and lets another go on. Where nobody
 *    said so and the queue stands still, one more is called after some milliseconds.
 * 6. end() is called exactly once, in a worker, after the last run().
 */
#ifndef POSTERN_NET_WAITER_H
#define POSTERN_NET_WAITER_H

#include "base/list.h"
#include "base/str.h"

/* What a run ended with. */
enum step {
	STEP_WAIT_INPUT,  /* park until input, wake-up or deadline */
	STEP_WAIT_OUTPUT, /* park until the peer takes output, wake-up or deadline */
	STEP_WAIT_WAKE,   /* park until wake-up or deadline; input is left alone */
	STEP_AGAIN,       /* let others run, then run again at once */
	STEP_END          /* call end() */
};

struct task;

struct task_ops {
	enum step (*run)(struct task *task);
	/* Frees what the task stands in. Closes the descriptor. */
	void (*end)(struct task *task);
};

/* Tasks that together may hold only so many workers: those of one address. share_init it. */
struct share {
	unsigned running;
	struct list waiting; /* queued, but the share is used up */
};

static inline void share_init(struct share *share)
{
	share->running = 0;
	list_init(&share->waiting);
}

enum task_state { TASK_NEW, TASK_PARKED, TASK_QUEUED, TASK_RUNNING };

/* Stands in the session. The first four members are set before task_start. */
struct task {
	const struct task_ops *ops;
	int fd;
	struct share *share; /* may be NULL; outlives the task */
	/*
	 * When to run at the latest (monotonic), 0 for never; run() may change it.
	 */
	int64_t deadline_ms;

	/* Why this run: read by run(), written by the waiter. */
	bool is_expired;
	bool is_woken;

	/* The waiter's own. */
	enum task_state state;
	bool run_again; /* something happened while it ran */
	bool in_epoll;
	uint32_t slot;
	uint32_t slot_generation;
	struct list_node queue_node;
	struct list_node wheel_node;
	struct waiter *waiter;
};

/* A descriptor whose readiness calls a function in the waiter's thread: listeners, feeds. It must not block. */
struct watch {
	int fd;
	void (*ready)(struct watch *watch);
};

struct waiter;

struct waiter_limits {
	unsigned workers;       /* size of the pool */
	unsigned share_workers; /* how many of them one share may hold */
	unsigned active;        /* how many may compute at the same time; 0: all */
	int linger_ms;          /* how long a worker waits for a quick client */
};

/* Makes waiter and pool; the threads start with waiter_run. */
struct waiter *waiter_new(struct waiter_limits limits);

/* Starts the workers, waits and dispatches in this thread until waiter_stop. */
void waiter_run(struct waiter *waiter);

/* Lets waiter_run return: new tasks are refused, workers finish what they run. Thread safe. */
void waiter_stop(struct waiter *waiter);

/* Ends every task that is left (with end()) and frees. After waiter_run returned. */
void waiter_free(struct waiter **waiter);

void waiter_watch(struct waiter *waiter, struct watch *watch);
void waiter_unwatch(struct waiter *waiter, struct watch *watch);

/* Runs a function about every `interval_ms` in the waiter's thread. One per waiter. */
void waiter_tick_set(struct waiter *waiter, int interval_ms, void (*tick)(void *context),
		     void *context);

/* Hands a zeroed and filled task over; run() follows at once. Thread safe. */
void task_start(struct waiter *waiter, struct task *task);

/* Makes run() be called soon, with is_woken set. Thread safe, never blocks; the task must not have ended. */
void task_wake(struct task *task);

/*
 * Gives the task another descriptor to wait for, -1 for none; the former one is
 * the caller's to close, afterwards. From within run() alone.
 */
void task_fd_set(struct task *task, int fd);

struct waiter_counts {
	unsigned tasks;
	unsigned running;
	unsigned queued;
	unsigned active; /* workers that compute, as far as is known */
};
struct waiter_counts waiter_counts(struct waiter *waiter);

#endif
