/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the peer of a session is: its row of TlsPolicy, its confirmed names where a
 * row by name may hold or a line about it wants them, and that line.
 *
 * A name that cannot be had, or not within NAMES_PATIENCE_MS, leaves the peer
 * without one: what the tables say holds then, never anything laxer.
 */
#ifndef POSTERN_SESSION_PEER_H
#define POSTERN_SESSION_PEER_H

#include "session/session.h"

enum { NAMES_PATIENCE_MS = 3 * 1000 };

/* Chooses the row by the peer's address; where rows by name may hold, asks for its names. */
void peer_begin(struct session *session);

/* Forgets the question. */
void peer_end(struct session *session);

/*
 * Writes the line of a handshake that failed to security.log: at once, or, where
 * the peer's name is not known, when it is there or its time is over. Does not
 * wait, and the session may end meanwhile.
 */
void peer_failure_log(struct session *session);

#endif
