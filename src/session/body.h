/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message body on its way in: DATA, BDAT and APPEND use this one sink.
 *
 * What it keeps it keeps in a spool (store/spool.h). A body larger than its limit is
 * read to its end (so that the dialogue stays in step) but not kept.
 */
#ifndef POSTERN_SESSION_BODY_H
#define POSTERN_SESSION_BODY_H

#include "proto/smtp_body.h"
#include "store/spool.h"

struct session;

struct body {
	bool is_active; /* holds a message, complete or on its way */
	bool is_dotted; /* DATA; else counted */
	struct smtp_body smtp; /* line ends, dots, chunk counter, header size */
	struct spool spool;
	uint32_t least_rate; /* bytes a second below which the transfer is given up, beside MinBytesPerSecond */
};

void body_init(struct body *body);

/* Begins a message; a body that was there is dropped. */
void body_begin(struct body *body, uint64_t limit_bytes);

/*
 * Begins one of exactly `size_bytes` that goes into a file, which the body takes over, and has to
 * be there within `limit_s` seconds, more or less: slower than that on the whole it is given up.
 */
void body_begin_file(struct body *body, uint64_t size_bytes, uint32_t limit_s, int fd);

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
