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
 * A request with its transaction number, kept until its fate is known; `asked` borrows from
 * `text`.
 */
struct request {
	size_t slot;
	struct buf text;
	struct msg_store_asked asked;
};

/*
 * Encodes an operation and takes a slot; `body` is a descriptor or -1, borrowed till request_done.
 */
must_check enum fault request_prepare(struct store *store, const struct operation *operation,
				      int body, struct request *request_out);
void request_done(struct store *store, struct request *request);

/* Calls, and again, until the fate is known or the role stays away. `answer` is the caller's. */
must_check enum fault request_call(struct store *store, const struct request *request,
				   struct packet *answer);

/* What the role says in a MSG_store_answered. */
enum fault request_answer_fault(const struct packet *answer);

struct mail_append;

/*
 * An append that is ready to be sent; see mail_append. A body beyond what fits
 * into a packet is in the memory file `spilled`. To be freed with
 * append_request_done, also after a fault.
 */
struct append_request {
	struct request request;
	bool is_prepared;
	int spilled;
};

must_check enum fault append_request_prepare(struct store *store, const struct mail_append *append,
					     struct append_request *out);
struct queue_settle;

/* The same for queue_settle, with its notice's body. */
must_check enum fault settle_request_prepare(struct store *store, const struct queue_settle *settle,
					     struct append_request *out);

void append_request_done(struct store *store, struct append_request *request);

/* Reads the answer's result into the targets. */
must_check enum fault append_result_take(struct str result, struct mail_append *append);

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
