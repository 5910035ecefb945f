/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the API: a command's document, or an error:
 * {"error":{"code":"not_found","field":"address","text":"..."},"errors":[...]}, all that was said.
 */
#ifndef POSTERN_ADMIN_ANSWER_H
#define POSTERN_ADMIN_ANSWER_H

#include "admin/errand.h"
#include "base/buf.h"

struct answer {
	int status;
	struct buf body;
	struct buf fields; /* of the head: whole lines */
	int file;	   /* in place of `body`: not owned; -1: none */
};

void answer_init(struct answer *answer);
void answer_done(struct answer *answer);

/* Makes it an error of the API's own. `field` may be NULL. */
void answer_error(struct answer *answer, int status, const char *code, const char *field,
		  const char *text);

/* Makes it what a command that has ended with `code` (errand_reap) means; it borrows the errand's files. */
void answer_errand(struct answer *answer, const struct errand *errand, int code);

/* Makes it what the end of a stream means, whose output is out already: {} or an error. */
void answer_ended(struct answer *answer, const struct errand *errand, int code);

/* The status that the code of an error (ctl/ctl.h) means. Pure. */
int answer_status(const char *code);

#endif
