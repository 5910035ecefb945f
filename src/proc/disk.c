/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/disk.h"

#include <sys/statvfs.h>

enum { INODES_PART = 100 };

bool disk_read(const char *path, struct metrics_disk *space_out)
{
	struct statvfs space;

	if (statvfs(path, &space) != 0)
		return false;
	*space_out = (struct metrics_disk){
		.size_bytes = (uint64_t)space.f_blocks * space.f_frsize,
		.free_bytes = (uint64_t)space.f_bavail * space.f_frsize,
		.inodes = space.f_files,
		.free_inodes = space.f_favail,
	};
	return true;
}

/* Some file systems count no inodes: none is missing there. */
bool disk_is_low(const struct metrics_disk *space, uint64_t warn_bytes)
{
	return space->free_bytes < warn_bytes ||
	       (space->inodes > 0 && space->free_inodes < space->inodes / INODES_PART);
}

static void tell(const struct disk *disk, const char *path, const struct log *log)
{
	log_printf(log, LOG_WARNING, "%s: %llu MiB and %llu inodes are free%s", path,
		   (unsigned long long)(disk->space.free_bytes >> 20),
		   (unsigned long long)disk->space.free_inodes,
		   disk->is_low ? "; make room: without any, mail is not taken" : ", enough again");
}

void disk_tick(struct disk *disk, const char *path, uint64_t warn_bytes, int64_t mono_s,
	       struct metrics_shared *metrics, const struct log *log)
{
	bool was_low = disk->is_low;

	if (disk->is_known && mono_s - disk->looked_s < DISK_LOOK_S)
		return;
	disk->looked_s = mono_s;
	disk->is_known = disk_read(path, &disk->space);
	if (!disk->is_known)
		return;
	metrics_disk_set(metrics, &disk->space);
	disk->is_low = disk_is_low(&disk->space, warn_bytes);
	if (disk->is_low != was_low)
		tell(disk, path, log);
}

void disk_append_status(const struct disk *disk, uint64_t warn_bytes, struct buf *json)
{
	if (!disk->is_known) {
		buf_append_c(json, ",\"disk\":null");
		return;
	}
	buf_printf(json,
		   ",\"disk\":{\"size_bytes\":%llu,\"free_bytes\":%llu,\"inodes\":%llu,"
		   "\"free_inodes\":%llu,\"warn_bytes\":%llu,\"is_low\":%s}",
		   (unsigned long long)disk->space.size_bytes,
		   (unsigned long long)disk->space.free_bytes,
		   (unsigned long long)disk->space.inodes,
		   (unsigned long long)disk->space.free_inodes, (unsigned long long)warn_bytes,
		   disk->is_low ? "true" : "false");
}
