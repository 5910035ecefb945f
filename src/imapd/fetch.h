/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FETCH (RFC 3501 section 6.4.5): a long command in steps.
 *
 * Each step opens a view, answers message after message until the stream is
 * full or its time is over, and closes the view. Texts of messages go from the
 * mapped segment to the peer without being copied into our memory.
 */
#ifndef POSTERN_IMAPD_FETCH_H
#define POSTERN_IMAPD_FETCH_H

#include "imapd/selected.h"
#include "imapd/summary.h"

enum command_step cmd_fetch(struct session *session, void *arguments);

/* ---- what fetch.c and fetch_text.c share ---- */

struct fetch {
	const struct imap_fetch *wanted;
	struct sequence_walk walk;
	bool marks_seen;		   /* a text is asked for without PEEK */
	bool in_texts;			   /* a message's texts are on their way */
	const struct imap_section *section; /* the next of them */
	struct mail mail;
	struct str pending[2]; /* bytes of the content still to be sent */
};

/*
 * Sends what is left of the message's texts; true when they are all queued or
 * sent. Needs no view. When false: the stream is full or the time is over.
 */
bool fetch_texts_send(struct session *session, struct fetch *fetch, int64_t until_ms);

/* Prepares the texts of fetch->mail; false when it is gone. Blocks on the disk. */
must_check bool fetch_texts_begin(struct session *session, struct fetch *fetch, struct view *view);

#endif
