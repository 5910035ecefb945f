/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IMAP server: IMAP4rev1 (RFC 3501) with IDLE 2177, NAMESPACE 2342, ID
 * 2971, CHILDREN 3348, UNSELECT 3691, UIDPLUS 4315, ESEARCH 4731, SASL-IR 4959,
 * ENABLE 5161, SPECIAL-USE 6154, MOVE 6851, CONDSTORE 7162, LITERAL+ 7888.
 *
 * Sequence numbers are kept as runs of UIDs; other clients' changes are told at
 * the end of commands and while idle, from the store's record of changes. Long
 * answers are made in steps, each from a view of its own.
 */
#ifndef POSTERN_IMAPD_IMAPD_H
#define POSTERN_IMAPD_IMAPD_H

#include "session/session.h"

/* For the services IMAP and IMAPS. */
extern const struct protocol imapd_protocol;

#endif
