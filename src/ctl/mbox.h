/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading mail out of mbox files (RFC 4155) and bringing it to the form in
 * which SMTP would have delivered it.
 *
 * What is a border: a line that begins with "From ", at the beginning of the
 * file or behind an empty line, and that ends with a date as ctime(3) writes
 * it. If the first such line of the file has no date, then none needs one. So
 * a sentence that begins with "From " and was not quoted does not tear its
 * message apart.
 *
 * What is unquoted: a line of one or more ">" and "From " loses one ">"
 * (mboxrd). The older mboxo form quotes "From " alone and reads the same but
 * for lines that held ">From " before they were written; those two cannot be
 * told apart, by anybody.
 *
 * What is changed beside that: a LF without CR becomes CR LF; a last line
 * without end gets one; the empty line before a border is the file's, not the
 * message's. Every other byte comes back as it was, a bare CR and a NUL too.
 *
 * Pure: the file is given as one view; no allocation but in the result.
 */
#ifndef POSTERN_CTL_MBOX_H
#define POSTERN_CTL_MBOX_H

#include "base/buf.h"

struct mbox {
	struct str file;
	size_t at;
	bool needs_date;
};

/* One message as it stands in the file: still quoted, line ends as they are. */
struct mbox_message {
	struct str from_line; /* without its line end; borrowed, as all */
	struct str content;
	int64_t received_s; /* from the border's date */
	bool has_date;
};

/* Begins; false when the text is no mbox: it is empty or does not begin with "From ". */
must_check bool mbox_open(struct mbox *mbox, struct str file);

/* Gives the next message; false at the end. */
bool mbox_next(struct mbox *mbox, struct mbox_message *message_out);

/* Appends the message unquoted, with CR LF line ends. */
void mbox_append_content(struct buf *to, struct str content);

/* The same without unquoting: for a file that holds one message. */
void lines_append_crlf(struct buf *to, struct str content);

/*
 * The flags (enum mail_flag of store/mail.h) that the fields Status and
 * X-Status tell, as mutt, Dovecot and others write them: R read, A answered,
 * F flagged, D deleted, T draft.
 */
uint32_t mbox_flags(struct str content);

/* Reads the date at the end of a border: "Sat Nov 21 14:03:59 2026", a zone before or behind the year. */
must_check bool mbox_date_parse(struct str from_line, int64_t *real_s_out);

#endif
