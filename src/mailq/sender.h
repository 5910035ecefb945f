/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends the queue: holds its lease, keeps the outbox (queue/outbox.h) in step with
 * the store, and starts a delivery (delivery.h) for each connection that may go.
 *
 * A thread of its own does what blocks on the store: the lease, new entries, orders.
 * The outbox is under a lock, which is never held while anything blocks.
 */
#ifndef POSTERN_MAILQ_SENDER_H
#define POSTERN_MAILQ_SENDER_H

#include "mailq/mailq.h"
#include "queue/outbox.h"
#include "store/store.h"

struct sender;

/* Borrows both. Starts nothing yet. */
struct sender *sender_new(struct mailq *mailq, struct store *store);

/* Begins, once there is a configuration. */
void sender_start(struct sender *sender);

/* Ends the threads; deliveries that run go on until the waiter ends them. */
void sender_stop(struct sender *sender);

/* Frees; every delivery must have ended. */
void sender_free(struct sender **sender);

/* Another configuration is in force, or the role is about to end. Thread safe, does not block. */
void sender_changed(struct sender *sender);

/* An order about an entry stands in the store. Thread safe, does not block. */
void sender_ordered(struct sender *sender, uint64_t entry);

/* A row of the table in mailq.c: the same as a message. */
void queue_ordered(struct mailq *mailq, struct role_peer *peer, struct packet *packet);

/* Appends `,"queued":...` to a status. */
void sender_status(struct sender *sender, struct buf *json);

/* Appends how much of what is in the queue, in Prometheus' text format. */
void sender_append_prometheus(struct sender *sender, struct buf *to);

/* ---- for deliveries, thread safe ---- */

struct sender_lease {
	uint64_t owner;
	uint64_t epoch;
};

struct mailq *sender_mailq(const struct sender *sender);
struct store *sender_store(const struct sender *sender);
struct sender_lease sender_lease(struct sender *sender);

/* As the functions of the outbox. */
struct outbox_job *sender_take_next(struct sender *sender, struct outbox_destination *destination);
/*
 * The next job for a connection that stands, or NULL: then it stands idle, and the task is woken
 * for sender_idle_end when it has a job or is to end.
 */
struct sender_idle {
	struct outbox_idle outbox;
	struct task *task;
};
struct outbox_job *sender_idle_begin(struct sender *sender, struct outbox_destination *destination,
				     struct sender_idle *idle);
/* The job that it was given, or NULL. */
struct outbox_job *sender_idle_end(struct sender *sender, struct sender_idle *idle);

void sender_job_done(struct sender *sender, struct outbox_job *job);
void sender_job_again(struct sender *sender, struct outbox_job *job, const uint32_t *recipients,
		      uint32_t count, int64_t due_s);
void sender_succeeded(struct sender *sender, struct outbox_destination *destination);
void sender_failed(struct sender *sender, struct outbox_destination *destination,
		   const struct outbox_failure *failure);
/* Why the destination rests; appended, nothing when it does not. True where it is for TLS. */
bool sender_rest_append(struct sender *sender, const struct outbox_destination *destination,
			struct buf *to);
/* The connection ended: another may begin. */
void sender_closed(struct sender *sender, struct outbox_destination *destination);

#endif
