/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a log backwards, page by page, over the files that rotation put aside.
 *
 * A place in a log is "INODE:OFFSET": rotation renames a file, its place stays. Files that go
 * meanwhile, or grow, do no harm. Blocks on the disk.
 */
#ifndef POSTERN_CTL_LOG_PAGE_H
#define POSTERN_CTL_LOG_PAGE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/fault.h"

enum {
	LOG_PAGE_FILES_MAX = 64,
	LOG_PAGE_LINES_MAX = 10000,
	LOG_PAGE_SCAN_MAX = 32 << 20 /* bytes that one page looks through, at most */
};

/* One file of a log, mapped. */
struct log_part {
	uint64_t inode;
	char *name;
	struct str text;
};

/* The files of a log, the newest first. */
struct log_parts {
	struct log_part items[LOG_PAGE_FILES_MAX];
	size_t count;
};

/* Maps NAME.log of the folder and what was put aside of it; none at all is an empty log. */
void log_parts_open(struct log_parts *parts, const char *folder, struct str name);
void log_parts_close(struct log_parts *parts);

struct log_line_found {
	struct str text; /* borrows the parts */
	uint64_t inode;
	uint64_t offset; /* where it begins */
};

struct log_page {
	struct log_line_found *lines; /* in the order of time; owned */
	size_t count;
	bool has_more; /* older ones may follow: `next` is where to go on */
	uint64_t next_inode;
	uint64_t next_offset;
};

/*
 * Finds the last `limit` whole lines before a place (NULL: the end) that have `filter` in them, in
 * any case of ASCII letters; empty: all. NOT_FOUND: the place's file is there no more. To be freed
 * with log_page_done.
 */
must_check enum fault log_page_find(const struct log_parts *parts, const char *before, size_t limit,
				    struct str filter, struct log_page *page_out);
void log_page_done(struct log_page *page);

/* Appends "INODE:OFFSET". */
void log_place_append(struct buf *to, uint64_t inode, uint64_t offset);

/* Where the log ends now: following begins there. Nothing for an empty log. */
void log_end_append(struct buf *to, const struct log_parts *parts);

#endif
