/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable text with a mandatory maximum and a sticky failure.
 *
 * Appending past the maximum changes nothing but sets `failed`; every later
 * append is then ignored, so a writer checks once, at the end. Memory that
 * cannot be had aborts: a buffer is bounded, so it is our mistake. A buf that
 * is zeroed has the maximum 0; use buf_init or BUF_INIT.
 */
#ifndef POSTERN_BASE_BUF_H
#define POSTERN_BASE_BUF_H

#include <stdarg.h>

#include "base/str.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	bool failed;
};

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})

void buf_init(struct buf *buf, size_t max);

/* Frees the memory; the buf is empty and usable afterwards. */
void buf_done(struct buf *buf);
#define CLEANUP_BUF __attribute__((cleanup(buf_done)))

/* Like buf_done, and overwrites the bytes first: for passwords and the like. */
void buf_wipe(struct buf *buf);

/* Empties and clears the failure, keeps the memory. */
void buf_reset(struct buf *buf);

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_append_str(struct buf *buf, struct str text);
void buf_append_c(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char c);
void buf_append_u64(struct buf *buf, uint64_t value); /* decimal */
void buf_printf(struct buf *buf, const char *format, ...) format_printf(2, 3);
void buf_vprintf(struct buf *buf, const char *format, va_list args) format_printf(2, 0);

/*
 * Makes room for `len` more bytes and returns where to write them, or NULL
 * with the failure set; what was written is then counted with buf_commit.
 */
char *buf_reserve(struct buf *buf, size_t len);
void buf_commit(struct buf *buf, size_t len);

/* Removes `len` bytes at the front. Moves the rest: for short rests only. */
void buf_consume(struct buf *buf, size_t len);

/* Cuts back to `len` bytes. */
void buf_truncate(struct buf *buf, size_t len);

static inline struct str buf_str(const struct buf *buf)
{
	return str_make(buf->data, buf->len);
}

#endif
