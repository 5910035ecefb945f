/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that has seen a journal of recorder.c up to some moment, and what may
 * be on it when the power fails then.
 *
 * What was flushed is there. Of what was not, each page of 4 KiB may be as it
 * was at any moment since the last flush, pages independently, and some pages
 * torn at sectors of 512 bytes; a file may have any length it had since; a name
 * may be missing, or still be there, until its folder was flushed.
 */
#ifndef POSTERN_TESTS_CRASH_DISK_H
#define POSTERN_TESTS_CRASH_DISK_H

#include <stdbool.h>

#include "base/str.h"
#include "recorder.h"

struct disk;

struct disk *disk_new(void);
void disk_free(struct disk **disk);

/* Plays one record that is not a note. `path` and `data` live as long as the disk. */
void disk_play(struct disk *disk, const struct record_header *record, struct str path,
	       struct str data);

/* Writes into `folder` (which is empty) what is there after a power cut now; `seed` chooses. */
void disk_cut(const struct disk *disk, uint64_t seed, const char *folder);

#endif
