/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies: tagged ones, which end a command, and the way from faults to words.
 */
#ifndef POSTERN_IMAPD_REPLY_H
#define POSTERN_IMAPD_REPLY_H

#include "imapd/state.h"

/*
 * Writes `tag OK text`, `tag NO text`; the text may begin with a response code. Ends the
 * command.
 */
enum command_step reply_ok(struct session *session, const char *text);
enum command_step reply_no(struct session *session, const char *text);

/*
 * Writes `tag BAD text` (or `* BAD`, without a tag) and counts the mistake: too many end
 * the session.
 */
enum command_step reply_bad(struct session *session, const char *text);

/* Counts a mistake that was replied to: too many end the session, with a goodbye. */
enum command_step reply_mistake_count(struct session *session);

/* Writes the NO that a fault of the store means. */
enum command_step reply_fault(struct session *session, enum fault fault);

/* Appends an untagged reply, `* text` CR LF. */
void reply_untagged(struct session *session, const char *format, ...) format_printf(2, 3);

/* Appends the capabilities of the moment, without a line end. */
void reply_append_capabilities(const struct session *session, struct buf *to);

/* Appends `bytes` of a mailbox's name in the form of the wire. */
void reply_append_mailbox(struct buf *to, struct str name);

/*
 * Reads the mailbox name of a command into the arena, in UTF-8. When it is not
 * well formed the NO has been written, and ptr is NULL.
 */
struct str reply_mailbox_read(struct session *session, struct str wire);

#endif
