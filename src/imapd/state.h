/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an IMAP session remembers between commands, and during a long one.
 *
 * While a client is idle this is all there is, so it is small; what a command
 * needs lives in the session's arena or in the job, and ends with it.
 */
#ifndef POSTERN_IMAPD_STATE_H
#define POSTERN_IMAPD_STATE_H

#include "imapd/sequence.h"
#include "proto/imap.h"
#include "session/session.h"
#include "store/mail.h"
#include "store/mailbox.h"

enum imapd_state {
	IMAPD_NOT_AUTHENTICATED,
	IMAPD_AUTHENTICATED,
	IMAPD_SELECTED,
	IMAPD_STATE_COUNT
};

/* The selected mailbox as the client was told of it. */
struct selected {
	uint32_t mailbox;
	uint32_t uidvalidity;
	bool is_read_only;
	uint32_t uid_next;	 /* messages from here on were not told of yet */
	uint32_t recent_from;	 /* those from here on are \Recent to this session */
	uint32_t keyword_count;	 /* names told of in FLAGS */
	uint64_t sequence_seen;	 /* of the account, when all below was up to date */
	uint64_t modseq;	 /* everything up to it was told */
	uint64_t flags_modseq;	 /* at least `modseq`: flags up to it were told, expunges not */
	uint64_t target_modseq;	 /* of a telling under way; 0: none */
	uint32_t resume_uid;	 /* where its flags go on */
	struct sequence sequence;
};

/* What a command under way holds outside the arena. */
struct job {
	struct uid_set uids;	/* what it is about, ascending */
	struct uid_set changed; /* those that it changed itself */
	uint64_t changed_modseq;
	uint32_t next_uid;
	struct mail_content content;
	bool has_content;
	struct buf text;    /* scratch: a summary made anew, a filtered header */
	struct buf numbers; /* what a SEARCH found */
	void *arguments; /* of the command's own kind, in the arena */
};

struct imapd {
	enum imapd_state state; /* written by imapd_state_set only */
	bool has_condstore;	/* RFC 7162 section 3.1 */
	bool is_idling;
	bool is_syncing_all;
	bool is_literal_refused; /* the command at hand ends with a literal that is too big */
	bool is_skipping_brace;	 /* the skipped part of a line that is too long ends with "}" */
	size_t gathered;	/* input that was looked at: whole lines and literals */
	size_t asked_at;	/* end of the line whose literal was asked for */
	struct str tag;	       /* of the command at hand; in the arena */
	struct imap_command *command;
	enum command_step (*resume)(struct session *session);
	struct str done_text;  /* of the tagged OK that is due, in the arena */
	struct selected selected;
	struct job job;
};

/* The state behind a session of imapd_protocol. */
static inline struct imapd *imapd_of(const struct session *session)
{
	return session->state;
}

/* Writes the state. */
void imapd_state_set(struct session *session, enum imapd_state state);

/* Ends with COMMAND_MORE, after which `resume` is called. */
enum command_step imapd_resume_by(struct session *session,
				  enum command_step (*resume)(struct session *session));

/* Frees what the job holds. */
void job_done(struct job *job);

#endif
