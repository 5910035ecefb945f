/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/fault_log.h"

static void append_user(struct log_line *line, const struct session *session)
{
	log_line_word(line, str_from_c(session->user.name == NULL ? "-" : session->user.name));
}

void fault_log(const struct session *session, const char *what, enum fault fault)
{
	struct log_line line;

	log_line_begin(&line, session_log(session), LOG_ERROR);
	log_line_text(&line, "IMAP: %s: %s, user ", what, fault_text(fault));
	append_user(&line, session);
	log_line_text(&line, ", IP address %s", session->peer_text);
	log_line_end(&line);
}

void limit_log(const struct session *session, const char *what)
{
	struct log_line line;

	log_line_begin(&line, session_log(session), LOG_WARNING);
	log_line_text(&line, "IMAP: %s, user ", what);
	append_user(&line, session);
	log_line_text(&line, ", IP address %s", session->peer_text);
	log_line_end(&line);
}

void operation_log(const struct session *session, const char *what, struct str mailbox)
{
	struct log_line line;

	log_line_begin(&line, session_log(session), LOG_OPERATIONS);
	log_line_text(&line, "IMAP: User ");
	append_user(&line, session);
	log_line_text(&line, " %s ", what);
	log_line_phrase(&line, mailbox);
	log_line_end(&line);
}
