/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be sent, in memory: which job is next, and to which destination how
 * many connections may go.
 *
 * A job is a message and those of its recipients that go the same way. It is
 * waiting until its time, then ready, then taken by a connection, which gives it
 * back: done, or waiting until a later time.
 *
 * 1. Ready jobs of a destination are taken by turns of their senders, so that one
 *    who sends ten thousand does not hold up one who sends one.
 * 2. Destinations with ready jobs are served by turns.
 * 3. A destination is given more connections as long as they succeed, one more
 *    after each success, and half as many after one that could not be made; with
 *    none that succeeded it has one at a time. The last quarter of all connections is for
 *    destinations that have none.
 * 4. A destination that could not be reached rests for a while: who takes a job
 *    meanwhile is told why, so that it waits without an attempt of its own.
 * 5. A connection that has nothing to send may stand idle. It is given the next job of its
 *    destination before another connection is made.
 *
 * No I/O, no clock, no lock: the caller has those. Memory: about 150 bytes a job.
 */
#ifndef POSTERN_QUEUE_OUTBOX_H
#define POSTERN_QUEUE_OUTBOX_H

#include "base/list.h"
#include "base/str.h"

struct outbox;
struct outbox_destination;
struct outbox_sender;

struct outbox_limits {
	unsigned connections;		/* in all */
	unsigned destination_connections; /* to one destination */
};

struct outbox_job {
	uint64_t entry;
	struct outbox_destination *destination;
	struct outbox_sender *sender;
	struct list_node line;	   /* in its sender's while it is ready, then among those taken */
	struct list_node in_entry; /* among the jobs of its entry and others */
	int64_t due_s;
	bool is_taken;
	uint32_t heap_at; /* index + 1 while it waits, else 0 */
	uint32_t recipient_count;
	uint32_t recipients[]; /* their numbers */
};

/* A connection that stands idle; in its owner, zeroed before its first use. */
struct outbox_idle {
	struct list_node node;
	struct outbox_destination *destination;
	struct outbox_job *job; /* that it was given since */
};

/* Makes an empty one. */
struct outbox *outbox_new(struct outbox_limits limits);
/* Frees it with all jobs, also those taken. */
void outbox_free(struct outbox **outbox);

void outbox_limits_set(struct outbox *outbox, struct outbox_limits limits);

/*
 * Adds a job, which waits until `due_s`. `destination` is the name of a way (a domain,
 * or a relay host), compared without regard to case.
 */
void outbox_add(struct outbox *outbox, uint64_t entry, struct str destination, struct str sender,
		const uint32_t *recipients, uint32_t recipient_count, int64_t due_s);

/* Makes ready what is due. Returns when the next will be, INT64_MAX for never. */
int64_t outbox_advance(struct outbox *outbox, int64_t now_s);

/*
 * Takes the next job for a new connection; NULL when nothing is ready or no more
 * connections may be made. The connection counts until outbox_closed.
 */
struct outbox_job *outbox_take(struct outbox *outbox);

/* Takes the next ready job for a connection that stands; NULL when there is none. */
struct outbox_job *outbox_take_next(struct outbox *outbox, struct outbox_destination *destination);

/* A connection to the destination stands idle until outbox_idle_end, which is called in any case. */
void outbox_idle_begin(struct outbox *outbox, struct outbox_idle *idle,
		       struct outbox_destination *destination);
/* It goes on, or ends. Returns the job that it was given, which is taken, or NULL. */
struct outbox_job *outbox_idle_end(struct outbox *outbox, struct outbox_idle *idle);
/* Gives the next job to the connection that waits for it, whose owner is to be told; NULL: none. */
struct outbox_idle *outbox_idle_give(struct outbox *outbox);
/* The connection that has been idle for the longest, told to end; its owner is to be told. NULL: none. */
struct outbox_idle *outbox_idle_dismiss(struct outbox *outbox);

/*
 * True when no more connections may be made and something is ready for a destination that has
 * none. One that has waits for it: otherwise the places would go round.
 */
bool outbox_is_full(const struct outbox *outbox);

/* A taken job is settled: freed. */
void outbox_done(struct outbox *outbox, struct outbox_job *job);

/* A taken job waits again; `recipients` of it that are left. */
void outbox_again(struct outbox *outbox, struct outbox_job *job, const uint32_t *recipients,
		  uint32_t recipient_count, int64_t due_s);

/* The destination took a message (however it liked it): it may get more connections. */
void outbox_succeeded(struct outbox *outbox, struct outbox_destination *destination);

/* The destination could not be reached, or sent us away: fewer connections, and a rest. */
struct outbox_failure {
	struct str reason;
	bool is_tls; /* it is TLS that did not come about */
};
void outbox_failed(struct outbox *outbox, struct outbox_destination *destination,
		   const struct outbox_failure *failure, int64_t rest_until_s);

/* No destination rests any more. Looks at every one. */
void outbox_rests_end(struct outbox *outbox);

/* Why the destination rests; an empty reason when it does not. Borrowed until the next failure. */
struct outbox_failure outbox_rest(const struct outbox_destination *destination, int64_t now_s);

/* A connection ended. */
void outbox_closed(struct outbox *outbox, struct outbox_destination *destination);

/*
 * Forgets the jobs of an entry that are not taken; false when one is taken, which stays.
 */
bool outbox_forget(struct outbox *outbox, uint64_t entry);

/* The name of a destination; borrowed from it. It lives as long as it has jobs or connections. */
struct str outbox_destination_name(const struct outbox_destination *destination);

struct outbox_counts {
	uint64_t waiting;
	uint64_t ready;
	uint64_t taken;
	unsigned connections;
	unsigned destinations;
};
struct outbox_counts outbox_counts(const struct outbox *outbox);

#endif
