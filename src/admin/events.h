/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events (the HTML standard, section 9.2): made of a command's lines, each the data of
 * one, or of its answer. Pure.
 */
#ifndef POSTERN_ADMIN_EVENTS_H
#define POSTERN_ADMIN_EVENTS_H

#include "base/buf.h"

/* The longest line that is sent whole; of a longer one the rest is left out. */
enum { EVENTS_LINE_MAX = 16 * 1024, EVENTS_PART_MAX = 64 * 1024 - 1024 };

/*
 * Appends the events of the lines that `bytes` complete; the begin of the next one is kept in `line`,
 * a buffer of EVENTS_LINE_MAX, for the bytes that follow.
 */
void events_append(struct buf *to, struct buf *line, struct str bytes);

/* Appends one event of that name; `data` is one line. */
void event_append(struct buf *to, const char *name, struct str data);

/*
 * Appends the event that ends what was followed: "result", or "fault" from status 400 on. Its data is
 * {"status":200,"answer":...}, in as many lines as the document has, which a reader puts together.
 */
void event_append_answer(struct buf *to, int status, struct str document);

/* Whether a field Accept names the type of a stream of events, with any weight but 0. */
bool events_are_wanted(struct str accept);

#endif
