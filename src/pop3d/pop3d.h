/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The POP3 server (RFC 1939 with CAPA 2449, STLS 2595, AUTH 5034, response
 * codes 2449 and 3206).
 *
 * The maildrop is the INBOX as it was at the login; what other sessions do
 * meanwhile changes neither numbers nor sizes, only that RETR of a message that
 * has gone is refused. Messages are deleted by QUIT, all of them durably before
 * its +OK, or not at all.
 */
#ifndef POSTERN_POP3D_POP3D_H
#define POSTERN_POP3D_POP3D_H

#include "session/session.h"

/* For the services POP3 and POP3S. */
extern const struct protocol pop3d_protocol;

#endif
