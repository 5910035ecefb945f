/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of error.log, warning.log and operations.log about an IMAP session. */
#ifndef POSTERN_IMAPD_FAULT_LOG_H
#define POSTERN_IMAPD_FAULT_LOG_H

#include "session/session.h"

/* Writes "IMAP: what: why, user, address" to error.log. `what` is our own words. */
void fault_log(const struct session *session, const char *what, enum fault fault);

/* Writes "IMAP: what, user, address" to warning.log: a limit of the configuration was reached. */
void limit_log(const struct session *session, const char *what);

/* Writes "IMAP: user what mailbox" to operations.log; `mailbox` is UTF-8. */
void operation_log(const struct session *session, const char *what, struct str mailbox);

#endif
