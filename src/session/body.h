/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message body on its way in: DATA, BDAT and APPEND use this one sink.
 *
 * It stays in memory up to BODY_INLINE bytes and goes on in a memory file
 * beyond, which the store takes over by its descriptor. A body larger than its
 * limit is read to its end (so that the dialogue stays in step) but not kept.
 */
#ifndef POSTERN_SESSION_BODY_H
#define POSTERN_SESSION_BODY_H

#include "base/buf.h"
#include "base/fault.h"
#include "ipc/message.h"
#include "proto/smtp_body.h"

enum { BODY_INLINE = MESSAGE_INLINE_MAX };

struct session;

struct body {
	bool is_active; /* holds a message, complete or on its way */
	bool is_dotted; /* DATA; else counted */
	bool is_too_large;
	bool is_out_of_memory;
	struct smtp_body smtp; /* line ends, dots, chunk counter, header size */
	uint64_t limit_bytes;
	uint64_t size_bytes; /* kept so far */
	struct buf head;     /* the whole of it while it is small; then what the file wants still */
	int fd;              /* memory file once it is large, else -1; whole after body_view */
	char *map;           /* the memory file as body_view showed it */
	size_t map_len;
};

void body_init(struct body *body);

/* Begins a message; a body that was there is dropped. */
void body_begin(struct body *body, uint64_t limit_bytes);

/* The next bytes are DATA up to CRLF.CRLF, or a chunk of exactly `size_bytes` (BDAT, literal). */
void body_expect_data(struct body *body);
void body_expect_chunk(struct body *body, uint64_t size_bytes);

/* Adds our own bytes (a header field) at the present end. */
void body_append(struct body *body, struct str bytes);

/* Takes what it can from the front of `*input`; true when the data or chunk is complete. */
bool body_take(struct body *body, struct str *input);

/*
 * The whole message in memory, for the MIME parser. Valid until body_drop or
 * the next body_append. FAULT_MEMORY if it cannot be mapped.
 */
must_check enum fault body_view(struct body *body, struct str *view_out);

/* Frees everything; the body is empty. */
void body_drop(struct body *body);

#endif
