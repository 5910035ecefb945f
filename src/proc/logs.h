/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's side of the log files: opening and rotating.
 *
 * A file is put aside under NAME.log.YYYYMMDD-HHMMSS when the day changes or
 * when it is larger than LOGS_FILE_MAX; of each log LOGS_KEPT are kept. A file
 * that somebody else put aside (logrotate) or removed is opened anew.
 */
#ifndef POSTERN_PROC_LOGS_H
#define POSTERN_PROC_LOGS_H

#include "base/fault.h"
#include "base/log.h"

enum { LOGS_KEPT = 60 };
#define LOGS_FILE_MAX (64LL << 20)

struct logs {
	struct log log;
	char *folder;
	int day; /* of the year, local time */
};

/* Makes the folder and opens (appending) every file; the parent's own lines go to standard error too. */
must_check enum fault logs_open(struct logs *logs, const char *folder);
void logs_close(struct logs *logs);

/*
 * Puts aside what is due and opens it anew behind the same number. Bit i of the
 * result: file i is a new one, and the roles must be given the new descriptor.
 */
unsigned logs_rotate(struct logs *logs, int64_t now_s);

#endif
