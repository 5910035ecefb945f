/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storing many messages one behind the other, as an import does: each is sent
 * before the ones before it are durable, so that they share commits, and yet
 * they get their UIDs in the order in which they were given.
 *
 * A stream belongs to one thread.
 */
#ifndef POSTERN_STORE_MAIL_STREAM_H
#define POSTERN_STORE_MAIL_STREAM_H

#include "store/mail.h"

struct mail_stream;

struct mail_stream_result {
	uint64_t stored;       /* messages that are durable */
	enum fault fault;      /* of the first message that failed; FAULT_NONE: none did */
	uint64_t failed_index; /* which it was, counted from 0 */
};

/* Begins; borrows the store. */
struct mail_stream *mail_stream_new(struct store *store);

/*
 * Gives the next message: an append to one target with its body as bytes; all
 * is copied. Blocks while too much is on its way. The fault of an earlier
 * message or of this one; nothing more is then taken.
 */
must_check enum fault mail_stream_append(struct mail_stream *stream,
					 const struct mail_append *append);

/* Waits for what is on its way, frees, and tells how it went. */
void mail_stream_end(struct mail_stream **stream, struct mail_stream_result *result_out);

#endif
