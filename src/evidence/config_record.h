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
	bool is_known; /* a text was recorded before */
	struct buf text;
};

/* Who changed something, and from where. Borrowed. */
struct config_author {
	struct str who;
	int64_t uid; /* -1: nobody's */
	struct str from;
};

/*
 * Opens the record of a home. `note` as evidence_open's. After a fault entries
 * are refused, but the record may be used and must be closed.
 */
must_check enum fault config_record_open(struct config_record *record, const char *home,
					 struct buf *note);
void config_record_close(struct config_record *record);

/*
 * Records that `text` took the place of the text recorded before; does nothing
 * when it is the same, and adds no entry for the first one. A hand edit's
 * predecessor goes into the history. Appends to `lines` what config.log shall
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
