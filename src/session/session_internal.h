/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What session.c and front.c know of each other's insides.
 */
#ifndef POSTERN_SESSION_SESSION_INTERNAL_H
#define POSTERN_SESSION_SESSION_INTERNAL_H

#include "session/front.h"
#include "tls/user_certificate.h"

/* The one place where a session's phase changes. */
void session_phase_set(struct session *session, enum session_phase phase);

/* Tells security.log of a client's certificate that logs nobody in. */
void session_certificate_log(const struct session *session,
			     const struct tls_user_certificate *certificate);

#endif
