/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What session.c and front.c know of each other's insides.
 */
#ifndef POSTERN_SESSION_SESSION_INTERNAL_H
#define POSTERN_SESSION_SESSION_INTERNAL_H

#include "session/front.h"

/* The one place where a session's phase changes. */
void session_phase_set(struct session *session, enum session_phase phase);

#endif
