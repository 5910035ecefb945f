/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Summaries (proto/message_summary.h) as the store keeps them, or made anew
 * from the content where it has none that is whole.
 */
#ifndef POSTERN_IMAPD_SUMMARY_H
#define POSTERN_IMAPD_SUMMARY_H

#include "imapd/state.h"
#include "proto/message_summary.h"

/* How the session's limits bound the reading of a message's structure. */
struct mime_limits summary_limits(const struct session *session);

/* Tells whether the summary that summary_get left in `scratch` is one that the store lacks. */
bool summary_is_wanted(struct session *session, struct view *view, const struct mail *mail,
		       const struct buf *scratch);

/* Gives it to the store. Not while a view is open: blocks until it is durable. */
void summary_keep(struct session *session, uint64_t message, struct str summary);

/*
 * Gets the summary of a message, at least its keys and date; `with_structure`
 * all of it. It borrows the view or `scratch`. False when the message is gone
 * or damaged. Blocks on the disk where one is made anew.
 */
must_check bool summary_get(struct session *session, struct view *view, const struct mail *mail,
			    bool with_structure, struct buf *scratch,
			    struct message_summary *summary_out);

#endif
