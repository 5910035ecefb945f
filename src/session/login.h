/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logins, once for all protocols: the SASL exchange, the question to auth, the
 * log lines, the user.
 */
#ifndef POSTERN_SESSION_LOGIN_H
#define POSTERN_SESSION_LOGIN_H

#include "session/session.h"

/* Hands a line of the peer to the SASL exchange under way. */
enum command_step login_line(struct session *session, struct str line);

/* True when auth has answered: `*step_out` is then what the protocol wants next. */
bool login_answered(struct session *session, enum command_step *step_out);

/* Forgets a login under way. */
void login_drop(struct session *session);

#endif
