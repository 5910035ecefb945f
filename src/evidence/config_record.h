/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is recorded of mailserver.cfg: each text that came in force, as an entry
 * of evidence.log, and the text itself in HOME/history/recorded.cfg, so that
 * the next one can be compared with it, after a restart too.
 *
 * Used by the parent, and by an offline command under the server's lock. All
 * functions block on the disk.
 */
#ifndef POSTERN_EVIDENCE_CONFIG_RECORD_H
#define POSTERN_EVIDENCE_CONFIG_RECORD_H

#include "evidence/record.h"

struct config_record {
	struct evidence evidence;
	char *history; /* HOME/history */
	char *path;    /* of recorded.cfg */
	char *intended_path;
	bool is_known; /* a text was recorded before */
	struct buf text;
};

/* Who changed something, and from where. Borrowed. */
struct config_author {
	struct str who;
	int64_t uid; /* -1: nobody's */
	struct str from;
};

extern const struct config_author config_author_hand; /* whoever edited the file */

/*
 * Opens the record of a home. `note` as evidence_open's. After a fault entries
 * are refused, but the record may be used and must be closed.
 */
must_check enum fault config_record_open(struct config_record *record, const char *home,
					 struct buf *note);
void config_record_close(struct config_record *record);

/*
 * Writes down, durably, whose change is about to be written: the file as it is
 * and as it will be. Without that a process that is killed between the writing of
 * the file and config_record_text would leave what looks like a hand edit.
 */
must_check enum fault config_record_intend(struct config_record *record,
					   const struct config_author *author, struct str before,
					   struct str after);

/* Forgets it: nothing was written, or it was put back. */
void config_record_forget(struct config_record *record);

/*
 * Records what was intended, and then not recorded, when `text` is just that:
 * a hand edit before it first, then the change, under its author's name. Does
 * nothing when nothing was intended, or something else. Else as
 * config_record_text.
 */
must_check enum fault config_record_intended(struct config_record *record, struct str text,
					     struct buf *lines);

/*
 * Records that `text` took the place of the text recorded before; does nothing
 * when it is the same, and adds no entry for the first one. A hand edit's
 * predecessor goes into the history. What was intended is forgotten with a change
 * that is no hand edit. Appends to `lines` what config.log shall
 * say, a line each. Faults of evidence_add and base/file.h.
 */
must_check enum fault config_record_text(struct config_record *record,
					 const struct config_author *author,
					 enum evidence_kind kind, struct str note,
					 struct str text, struct buf *lines);

/*
 * Appends `root - Update Security {ServerTlsProtocols="TLSv1.2,TLSv1.3", was=""}`
 * for every difference, a line each.
 */
void config_record_lines(struct buf *to, struct str who, struct str before, struct str after);

#endif
