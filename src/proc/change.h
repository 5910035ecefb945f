/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of mailserver.cfg that the parent makes for the command line, their
 * confirmation, and the record of everything that comes in force.
 *
 * 1. A change is merged with what the file holds meanwhile, must be valid, is
 *    written, and is put in force by apply.c. If that fails the file gets its
 *    former text back.
 * 2. A change that asks for confirmation is written down first
 *    (HOME/history/pending): not confirmed in time, it is undone, by this parent
 *    or, if the time ran out while none was there, by the next one before it
 *    reads the file.
 * 3. Whatever comes in force stands in evidence.log, durably, before the one who
 *    asked for it is answered; and in config.log.
 */
#ifndef POSTERN_PROC_CHANGE_H
#define POSTERN_PROC_CHANGE_H

#include "config/pending.h"
#include "evidence/config_record.h"

struct parent;

enum { AUTHOR_NAME_MAX = 328, AUTHOR_FROM_MAX = 80 };

/* Who is at the other end of a control channel. */
struct control_author {
	char name[AUTHOR_NAME_MAX]; /* a user of the system, or of the server */
	int64_t uid;		    /* -1: of the server */
	char from[AUTHOR_FROM_MAX]; /* "control socket", or where the page is open */
};

struct change {
	struct config_record record;
	char *certificates_path; /* of the certificates that were recorded last */
	char *dkim_path;	 /* the same of keys of DKIM */
	char *pending_path;
	bool was_started; /* the entry of this start is written */

	/* An own change on its way into force. */
	bool is_own;
	bool is_undo;
	struct control_author author;
	const char *note;
	struct buf before; /* mailserver.cfg as it was, hand edits included */
	struct buf after;  /* and as it became */

	/* Waits for its confirmation. */
	bool is_pending;
	struct pending_change pending;
	int64_t pending_until_ms; /* monotonic */
};

/* Opens the record; undoes what was not confirmed in time. Before the file is read. */
void change_open(struct parent *parent);
void change_close(struct parent *parent);

/* What the command line asks for. */
struct change_request {
	uint64_t generation; /* whose text was changed */
	struct str text;     /* the new one, whole */
	uint32_t confirm_s;  /* 0: it holds without confirmation */
	bool is_revert;      /* may take the place of a change that waits */
	const struct control_author *author;
};

/*
 * Writes a change and begins to put it in force. A fault comes with its reason
 * in `why`: BUSY (something else is on its way), CONFLICT (with a hand edit, with
 * a change that waits, or a newer text), INVALID, and those of files;
 * nothing is changed then.
 */
must_check enum fault change_begin(struct parent *parent, const struct change_request *request,
				   struct buf *why);

/* Keeps the change that waits. NOT_FOUND: none does. */
must_check enum fault change_confirm(struct parent *parent, const struct control_author *author,
				     struct buf *why);

/* ---- for apply.c and parent.c ---- */

/* Records what is in force now. The reason when it could not be recorded, or NULL. */
const char *change_in_force(struct parent *parent);
/* What was on its way is not in force: an own change is taken back. */
void change_failed(struct parent *parent);
/* Undoes what was not confirmed in time. */
void change_tick(struct parent *parent);
/* Appends the members of `status` about it, led by a comma. */
void change_append_status(const struct parent *parent, struct buf *json);
/* Records that effective and intended differ. */
void change_record_self_check(struct parent *parent, struct str differences);
/* Records how the keys of DKIM differ from those recorded before; error.log says when that fails. */
void change_record_dkim(struct parent *parent);

#endif
