/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the handle and of a view, for the files of this folder that
 * implement store.h, directory.h, mailbox.h and mail.h.
 */
#ifndef POSTERN_STORE_STORE_INTERNAL_H
#define POSTERN_STORE_STORE_INTERNAL_H

#include <pthread.h>

#include "store/index.h"
#include "store/operation.h"
#include "store/segment.h"
#include "store/store.h"

enum { REQUEST_SLOTS = 256 };

struct store {
	struct index *index;
	bool is_index_owned;
	struct segment_cache *segments;
	struct role_client *role; /* or NULL */
	/* Transactions of requests: a client number, a slot, a serial in the slot. */
	uint64_t client;
	pthread_mutex_t lock;
	pthread_cond_t slot_freed;
	uint32_t serials[REQUEST_SLOTS];
	bool is_slot_taken[REQUEST_SLOTS];
};

struct view {
	struct store *store;
	struct index_read *read;
};

/* Like store_open, over an index that is open in this process already and outlives the handle. */
struct store *store_new_over(struct index *index, const char *path, struct role_client *role);

static inline struct map *view_map(struct view *view)
{
	return index_read_map(view->read);
}

/*
 * Sends an operation, and waits until it is durable. `body` is a descriptor or
 * -1, borrowed. On FAULT_NONE `answer` holds the result, `*result_out` a view of
 * it, and packet_done is the caller's; on a fault there is nothing to free.
 */
must_check enum fault request_send(struct store *store, const struct operation *operation, int body,
				   struct packet *answer, struct str *result_out);

/* The same for an operation whose result does not matter. */
must_check enum fault request_do(struct store *store, const struct operation *operation);

#endif
