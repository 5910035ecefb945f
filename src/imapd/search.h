/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEARCH (RFC 3501 section 6.4.4, ESEARCH RFC 4731, MODSEQ RFC 7162 section
 * 3.1.5): a long command in steps.
 */
#ifndef POSTERN_IMAPD_SEARCH_H
#define POSTERN_IMAPD_SEARCH_H

#include "imapd/selected.h"
#include "imapd/summary.h"

enum command_step cmd_search(struct session *session, void *arguments);

/* ---- what search.c and match.c share ---- */

/* A message that keys are held against; what is expensive is got when a key asks for it. */
struct candidate {
	struct session *session;
	struct view *view;
	const struct mail *mail;
	uint32_t number;
	bool has_summary;
	bool is_summary_lost;
	struct message_summary summary;
	bool has_content;
	bool is_content_lost;
	struct mail_content content;
	bool has_header_text;
	bool has_body_text;
	/* Folded; fields and parts end with line ends, which no needle has. */
	struct buf header_text;
	struct buf body_text;
};

/*
 * Makes a tree of keys ready: texts as folded UTF-8 in the arena, sets
 * resolved, keywords as bits. False when the arena's maximum is reached.
 */
must_check bool match_prepare(struct session *session, struct imap_key *root, struct str charset,
			      const struct mailbox *mailbox);

/*
 * True if the message fulfils the key. Recursive as deep as the parser allows. May block
 * on the disk.
 */
bool match_check(struct candidate *candidate, const struct imap_key *key);

/* Lets go of what the candidate got. */
void candidate_done(struct candidate *candidate);

#endif
