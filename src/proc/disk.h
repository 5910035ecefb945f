/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room on the file system of the store: looked at every DISK_LOOK_S seconds, kept among the shared
 * counters for /metrics, told in warning.log when it becomes less than Limits/FreeDiskBytes or a
 * hundredth of its inodes, and again when it is more.
 */
#ifndef POSTERN_PROC_DISK_H
#define POSTERN_PROC_DISK_H

#include "base/buf.h"
#include "base/log.h"
#include "session/metrics.h"

enum { DISK_LOOK_S = 30 };

struct disk {
	struct metrics_disk space;
	bool is_low;
	bool is_known;
	int64_t looked_s; /* monotonic */
};

/* Looks; false when the path's file system tells nothing. Blocks on the disk. */
bool disk_read(const char *path, struct metrics_disk *space_out);

/* Whether that is too little. Pure. */
bool disk_is_low(const struct metrics_disk *space, uint64_t warn_bytes);

/* Looks if it is time, and tells. */
void disk_tick(struct disk *disk, const char *path, uint64_t warn_bytes, int64_t mono_s,
	       struct metrics_shared *metrics, const struct log *log);

/* Appends the member `disk` of `status`, led by a comma: null where nothing is known. */
void disk_append_status(const struct disk *disk, uint64_t warn_bytes, struct buf *json);

#endif
