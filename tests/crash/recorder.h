/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of recorder.c: headers, each followed by the path below the root
 * and, for writes and notes, the data. In the machine's own byte order.
 */
#ifndef POSTERN_TESTS_CRASH_RECORDER_H
#define POSTERN_TESTS_CRASH_RECORDER_H

#include <stddef.h>
#include <stdint.h>

enum record_kind {
	RECORD_NOTE,	      /* what the program said (powercut_note) */
	RECORD_CREATE,	      /* a new file */
	RECORD_FOLDER,	      /* a new folder */
	RECORD_UNLINK,	      /* a file's name removed */
	RECORD_RENAME,	      /* a file's name changed to that in the data */
	RECORD_WRITE,	      /* data at offset */
	RECORD_WRITE_FLUSHED, /* the same, durable before it returned (O_DSYNC) */
	RECORD_TRUNCATE,      /* to the length in offset */
	RECORD_FLUSH,	      /* fsync or fdatasync of a file or folder returned */
};

/* Writes a note between the others; exists only where recorder.c is preloaded. */
__attribute__((weak)) void powercut_note(const char *text, size_t len);

struct record_header {
	uint32_t kind;
	uint32_t path_len;
	uint64_t offset;
	uint64_t data_len;
};

#endif
