/* SPDX-License-Identifier: Apache-2.0 */
/*
 * APPEND (RFC 3501 section 6.3.11, APPENDUID of RFC 4315): the message is
 * streamed into the session's body, never gathered as a command.
 */
#ifndef POSTERN_IMAPD_APPEND_H
#define POSTERN_IMAPD_APPEND_H

#include "session/session.h"

enum command_step cmd_append(struct session *session, void *arguments);

/* The rest of the command's line behind the literal. */
enum command_step append_line(struct session *session, struct str line);

#endif
