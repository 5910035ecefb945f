/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that change messages: STORE (RFC 3501 section 6.4.6, RFC 7162
 * section 3.1.3), EXPUNGE, COPY and MOVE (RFC 4315, RFC 6851). All block on the
 * store until the change is durable.
 */
#ifndef POSTERN_IMAPD_CHANGE_H
#define POSTERN_IMAPD_CHANGE_H

#include "session/session.h"

enum command_step cmd_store(struct session *session, void *arguments);
enum command_step cmd_expunge(struct session *session, void *arguments);
/* COPY and MOVE. */
enum command_step cmd_copy(struct session *session, void *arguments);

#endif
