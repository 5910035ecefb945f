/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log files: one line an event, one write(2) a line.
 *
 * Each role inherits append-only descriptors from the parent, at the numbers
 * LOG_FD_FIRST + enum log_file. Rotation puts a new file behind the same
 * number (dup2), so writers need no lock. Whatever a peer can choose goes in
 * through log_line_word or log_line_phrase; the sink escapes it once more, so
 * that no line holds a control character and no peer can forge a second line
 * or another field. The forms of the lines are part of the product: fail2ban
 * and others read them.
 *
 * Folders below session/ do not log; they return faults.
 */
#ifndef POSTERN_BASE_LOG_H
#define POSTERN_BASE_LOG_H

#include "base/buf.h"

/* X(name, file name) */
#define LOG_TABLE(X)                                                           \
	X(MAIL, "mail")                                                        \
	X(SECURITY, "security")                                                \
	X(ERROR, "error")                                                      \
	X(WARNING, "warning")                                                  \
	X(OPERATIONS, "operations")                                            \
	X(AUDIT, "audit")                                                      \
	X(CONFIG, "config")                                                    \
	X(DEBUG, "debug")

enum log_file {
#define X(name, file) LOG_##name,
	LOG_TABLE(X)
#undef X
	LOG_FILE_COUNT
};

enum { LOG_LINE_MAX = 4096 };

/* "mail", "security", ...: the file is NAME.log in store/logs. */
const char *log_file_name(enum log_file file);

/*
 * Where lines go: one descriptor a file; -1 drops the lines of that file.
 * `to_stderr` copies error and warning lines to standard error, without stamp.
 */
struct log {
	int fds[LOG_FILE_COUNT];
	bool to_stderr;
};

/* A log whose lines all go nowhere, or only to standard error. */
void log_init(struct log *log, bool to_stderr);

/* Writes a line of our own words. Bytes that are controls come out as \xNN. */
void log_printf(const struct log *log, enum log_file file, const char *format, ...)
	format_printf(3, 4);

/* A line under construction; lives on the stack. */
struct log_line {
	const struct log *log;
	enum log_file file;
	struct buf text;
};

void log_line_begin(struct log_line *line, const struct log *log, enum log_file file);
/* Our own words and numbers. */
void log_line_text(struct log_line *line, const char *format, ...) format_printf(2, 3);
/* A foreign token (address, name): blanks, commas, quotes, `<`, `>` and controls are escaped as \xNN. */
void log_line_word(struct log_line *line, struct str foreign);
/* Foreign text (subject, reply): controls and bytes that are not UTF-8 are escaped; commas are kept. */
void log_line_phrase(struct log_line *line, struct str foreign);
/* Writes the line and frees it; longer than LOG_LINE_MAX, it is cut and ends with "...". */
void log_line_end(struct log_line *line);

/* Appends `foreign` as log_line_word and log_line_phrase do, for replies and reports. */
void text_append_word(struct buf *to, struct str foreign);
void text_append_phrase(struct buf *to, struct str foreign);

#endif
