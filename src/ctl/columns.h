/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list for people: columns as wide as their widest cell.
 */
#ifndef POSTERN_CTL_COLUMNS_H
#define POSTERN_CTL_COLUMNS_H

#include "base/buf.h"

enum { COLUMNS_MAX = 8, COLUMNS_TEXT_MAX = 64 << 20 };

struct columns {
	size_t count;
	size_t widths[COLUMNS_MAX];
	struct buf cells; /* each ended by NUL, row by row, the heads first */
	size_t added;
};

/* Begins a list with the given heads. */
void columns_init(struct columns *columns, const char *const *heads, size_t count);
void columns_done(struct columns *columns);

/* Adds the next cell; what would move a terminal's cursor is escaped. */
void columns_add(struct columns *columns, struct str cell);
void columns_add_c(struct columns *columns, const char *cell);
void columns_printf(struct columns *columns, const char *format, ...) format_printf(2, 3);

/* Appends all rows that are whole; nothing but the heads is an empty list, and nothing is appended. */
void columns_append(const struct columns *columns, struct buf *to);

/* Appends "734 B", "12.3 KiB", "1.0 GiB". */
void size_append(struct buf *to, uint64_t bytes);

#endif
