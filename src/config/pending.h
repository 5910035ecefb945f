/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of mailserver.cfg as it is written down before it is made: so that a
 * process that is killed meanwhile leaves behind whose it was, and that it is to
 * be undone when it waits for a confirmation.
 *
 * The form is lines: a head, `until SECONDS`, `within SECONDS`, `who NAME`,
 * `uid NUMBER` (or `uid nobody`), `from PLACE`, and both versions of the file in
 * base64. Pure.
 */
#ifndef POSTERN_CONFIG_PENDING_H
#define POSTERN_CONFIG_PENDING_H

#include "base/buf.h"

enum { PENDING_SECONDS_MAX = 7 * 24 * 3600, PENDING_BYTES_MAX = 16 << 20 };

struct pending_change {
	int64_t until_s;  /* seconds since 1970; then it is undone */
	uint32_t within_s; /* how long the wait is as a whole; 0: it waits for nobody */
	struct buf who;
	int64_t uid; /* -1: nobody's */
	struct buf from;
	struct buf before; /* the file as it was */
	struct buf after;  /* and as it became */
};

void pending_init(struct pending_change *pending);
void pending_done(struct pending_change *pending);

/* Appends the form on the disk. */
void pending_append(struct buf *to, const struct pending_change *pending);

/* Reads it into an empty one; false, with nothing in it, when the form is another. */
must_check bool pending_read(struct str text, struct pending_change *pending);

/* How long there is still to wait, in milliseconds: never more than the wait as a whole. */
int64_t pending_left_ms(const struct pending_change *pending, int64_t now_s);

#endif
