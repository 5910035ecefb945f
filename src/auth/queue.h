/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded queue that serves addresses in turn: whoever sends a thousand
 * guesses waits behind himself, not before everybody else.
 *
 * Jobs are known by the list node that they embed. Not thread safe.
 */
#ifndef POSTERN_AUTH_QUEUE_H
#define POSTERN_AUTH_QUEUE_H

#include "auth/attempts.h"

struct queue {
	struct list lanes; /* one an address that has jobs, in the order of their turn */
	size_t count;
	size_t max;
	size_t lane_max;
};

/* At most `max` jobs in all and `lane_max` of one address. */
void queue_init(struct queue *queue, size_t max, size_t lane_max);

/*
 * Adds a job at the end of its address's lane; false when a bound is reached.
 * A full queue makes room for an address that has less in it than another: the
 * last job of the longest lane is then taken out and stored in `*displaced_out`,
 * which is else set to NULL.
 */
must_check bool queue_put(struct queue *queue, const struct peer_key *key, struct list_node *job,
			  struct list_node **displaced_out);

/* Takes the first job of the address whose turn it is; NULL when there is none. */
struct list_node *queue_take(struct queue *queue);

/* Takes out a job that is in it. */
void queue_drop(struct queue *queue, const struct peer_key *key, struct list_node *job);

#endif
