/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a whole command in the input: lines and the literals between them
 * (RFC 3501 section 2.2.1, RFC 7888). The message of an APPEND is not gathered.
 */
#ifndef POSTERN_IMAPD_GATHER_H
#define POSTERN_IMAPD_GATHER_H

#include "session/session.h"

enum {
	/* Input of one command at most; the limits of the configuration apply within it. */
	GATHER_INPUT_MAX = 18 * 1024 * 1024,
	/* Who has not logged in yet says short things. */
	GATHER_LITERAL_BEFORE_LOGIN = 8 * 1024,
	GATHER_INPUT_BEFORE_LOGIN = 32 * 1024,
};

/* protocol->gather. May write "+ OK", or the goodbye to a peer that sends too much. */
enum gather imapd_gather(struct session *session, struct str input, size_t *len_out);

#endif
