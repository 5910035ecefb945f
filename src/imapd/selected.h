/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The selected mailbox: opening and leaving it, and telling the client what
 * others changed in it (RFC 3501 section 5.2).
 *
 * Changes are told in steps: expunges first, then flags, then new messages. A
 * step that filled the output stops; the next begins from the store's record
 * anew, for what was told is already in `struct selected`.
 */
#ifndef POSTERN_IMAPD_SELECTED_H
#define POSTERN_IMAPD_SELECTED_H

#include "imapd/reply.h"

/* SELECT and EXAMINE. */
enum command_step cmd_select(struct session *session, void *arguments);
/* CLOSE and UNSELECT. */
enum command_step cmd_close(struct session *session, void *arguments);

/*
 * Forgets the mailbox; with `is_orderly` the next session need not see this one's
 * messages as \Recent.
 */
void selected_leave(struct session *session, bool is_orderly);

enum sync { SYNC_DONE, SYNC_MORE, SYNC_GONE };

/*
 * Tells what changed, at most a stream's fill of it. SYNC_GONE: the mailbox
 * was deleted. Expunges only `with_expunges`: sequence numbers must not change
 * under FETCH, STORE and SEARCH (RFC 3501 section 7.4.1).
 */
enum sync selected_sync(struct session *session, bool with_expunges);

/*
 * Ends a command with its tagged OK, after what others changed was told.
 * `text` must live as long as the command.
 */
enum command_step selected_finish(struct session *session, bool with_expunges, const char *text);

/* Ends the session because its mailbox is no more. */
enum command_step selected_gone(struct session *session);

/* True for a message that is \Recent to this session. */
static inline bool selected_is_recent(const struct selected *selected, uint32_t uid)
{
	return uid >= selected->recent_from;
}

/*
 * Turns the set of a command into UIDs that the client knows, in job->uids.
 * False after a BAD: a number beyond the last message.
 */
bool selected_set_take(struct session *session, struct imap_set *set,
		       enum command_step *step_out);

/* Says FLAGS anew when the mailbox has keywords that the client does not know yet. */
void selected_keywords_tell(struct session *session, const struct mailbox *mailbox);

/* Appends `FLAGS (...)` of a message. */
void selected_append_flags(const struct selected *selected, const struct mailbox *mailbox,
			   const struct mail *mail, struct buf *to);

/*
 * Says `* OK [HIGHESTMODSEQ n]` when the session becomes one that wants mod-sequences
 * (RFC 7162 section 3.1).
 */
void selected_condstore_begin(struct session *session);

#endif
