/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that end soon, told in the logs 30, 14, 7 and 1 days before and when
 * they have ended: each once, over restarts too. What was told stands in
 * HOME/history/expiry, a line a certificate: its digest, a blank, the days.
 */
#ifndef POSTERN_PROC_EXPIRY_H
#define POSTERN_PROC_EXPIRY_H

#include "proc/certificates.h"

enum { EXPIRY_LOOK_S = 600, EXPIRY_NEVER = 1000 };

struct expiry {
	char *path;
	struct buf told;
	int64_t looked_s;
	bool is_failing; /* the file could not be written, which was said */
};

/* Reads what was told; a file that cannot be read means nothing. Blocks on the disk. */
void expiry_open(struct expiry *expiry, const char *history_folder);
void expiry_close(struct expiry *expiry);

/*
 * Tells what there is to tell of the pairs in force: warning.log, and error.log for
 * one day and for what has ended; notes it. Blocks on the disk when it tells.
 */
void expiry_look(struct expiry *expiry, const struct pairs *pairs, int64_t now_s,
		 const struct log *log);

/*
 * Which of the warnings applies when so many seconds are left: 30, 14, 7, 1, 0 for one
 * that has ended, EXPIRY_NEVER for none.
 */
int expiry_threshold(int64_t left_s);

#endif
