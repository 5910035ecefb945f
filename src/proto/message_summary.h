/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The summary of a message: made once at delivery, kept by the store, read by
 * every FETCH and most SEARCHes, so that neither parses the message again.
 *
 * One compact blob with its version in front: ENVELOPE, BODY and BODYSTRUCTURE
 * as IMAP sends them, the place of every part, the date of sending, and folded
 * texts to search in. A reader gets views into the blob; a blob that is damaged
 * or of another version is refused. The few messages whose summary is bigger
 * than what is kept (is_partial) are summarised anew, in full, when somebody asks.
 */
#ifndef POSTERN_PROTO_MESSAGE_SUMMARY_H
#define POSTERN_PROTO_MESSAGE_SUMMARY_H

#include "base/buf.h"
#include "proto/message_date.h"
#include "proto/mime.h"

enum {
	MESSAGE_SUMMARY_VERSION = 1,
	MESSAGE_SUMMARY_MAX = 4 * 1024 * 1024,
	MESSAGE_SUMMARY_KEY_MAX = 240, /* bytes of a folded text */
	MESSAGE_SUMMARY_PATH_MAX = 128,
};

/* Folded texts (message_text_fold) of fields, encoded words decoded. */
enum message_key {
	MESSAGE_KEY_SUBJECT,
	MESSAGE_KEY_FROM,
	MESSAGE_KEY_TO,
	MESSAGE_KEY_CC,
	MESSAGE_KEY_COUNT
};

struct message_summary {
	struct str envelope;
	struct str body;
	struct str structure;
	struct str keys[MESSAGE_KEY_COUNT];
	bool is_key_cut[MESSAGE_KEY_COUNT]; /* the field is longer: a miss is no proof */
	bool has_sent;
	struct message_date sent;
	bool is_partial;    /* only keys and date: envelope, structure and parts did not fit */
	bool is_simplified; /* too big to describe at all: one opaque part */
	struct str parts;
};

/*
 * Appends the summary of `message` to an empty `summary_out`. Never fails on a
 * message: where the buffer's maximum is too small the summary is partial; where
 * that is MESSAGE_SUMMARY_MAX, it is simplified. FAULT_TOO_LARGE only when the
 * maximum does not even admit the smallest one (some 1,500 bytes).
 */
must_check enum fault message_summary_make(struct str message, const struct mime_limits *limits,
					   struct buf *summary_out);

/* Reads a blob; false when it is damaged or of another version. The views borrow it. */
must_check bool message_summary_read(struct str blob, struct message_summary *summary_out);

/* What a section specification asks of a part (RFC 3501 section 6.4.5). */
enum message_section {
	MESSAGE_SECTION_WHOLE,
	MESSAGE_SECTION_HEADER,
	MESSAGE_SECTION_TEXT,
	MESSAGE_SECTION_MIME,
};

struct message_range {
	uint64_t from;
	uint64_t len;
};

/*
 * Finds where a section stands in the message; `path` are the part numbers,
 * none for the message itself. False when the message has no such section.
 */
must_check bool message_summary_section(const struct message_summary *summary, const uint32_t *path,
					size_t path_len, enum message_section section,
					struct message_range *range_out);

#endif
