/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job of the outbox with what it needs from the store: envelope, recipients and
 * content, independent of any view.
 */
#ifndef POSTERN_MAILQ_LOAD_H
#define POSTERN_MAILQ_LOAD_H

#include "base/arena.h"
#include "queue/outbox.h"
#include "store/queue.h"

struct load {
	struct arena arena;
	struct queue_entry entry;
	struct queue_recipient *recipients; /* of the job, those that are open and not held */
	size_t recipient_count;
	struct mail_content content;
};

/*
 * Loads. FAULT_NOT_FOUND: nothing of the job is left to be sent, by an order or
 * because it is done. Blocks on the disk only. After a fault there is nothing to free.
 */
must_check enum fault load_job(struct store *store, const struct outbox_job *job,
			       struct load *load_out);
void load_done(struct load *load);

#endif
