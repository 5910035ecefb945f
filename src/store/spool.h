/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message on its way into the store, kept as it grows: in memory while it is small,
 * then in a memory file, which the store takes over by its descriptor. One that is
 * larger than its limit is not kept, whatever more is appended.
 */
#ifndef POSTERN_STORE_SPOOL_H
#define POSTERN_STORE_SPOOL_H

#include "store/mail.h"

enum { SPOOL_INLINE = MESSAGE_INLINE_MAX };

struct spool {
	bool is_too_large;
	bool is_out_of_memory;
	uint64_t limit_bytes;
	uint64_t size_bytes; /* kept so far */
	struct buf head;     /* the whole of it while it is small; then what the file wants still */
	int fd;		     /* file once it is large, else -1; whole after spool_view and spool_settle */
	char *map;	     /* the memory file as spool_view showed it */
	size_t map_len;
};

void spool_init(struct spool *spool, uint64_t limit_bytes);
/* Begins in a file of the caller's choice, which it takes over: nothing of it stays in memory. */
void spool_init_file(struct spool *spool, uint64_t limit_bytes, int fd);
/* Frees everything; the spool is empty and takes nothing. */
void spool_done(struct spool *spool);

void spool_append(struct spool *spool, struct str bytes);

/*
 * The whole message in memory. Valid until spool_done or the next spool_append.
 * FAULT_MEMORY if it cannot be mapped.
 */
must_check enum fault spool_view(struct spool *spool, struct str *view_out);

/* All of it stands in the file. NO_SPACE: it could not be written; TOO_LARGE. Blocks on the disk. */
must_check enum fault spool_settle(struct spool *spool);

/* For mail_append, after spool_view: the bytes, or the file. Borrows. */
struct mail_body spool_content(const struct spool *spool);

#endif
