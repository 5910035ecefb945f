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

/*
 * Gets the summary of a message, at least its keys and date; `with_structure`
 * all of it. It borrows the view or `scratch`. False when the message is gone
 * or damaged. Blocks on the disk where one is made anew.
 */
must_check bool summary_get(struct session *session, struct view *view, const struct mail *mail,
			    bool with_structure, struct buf *scratch,
			    struct message_summary *summary_out);

#endif
