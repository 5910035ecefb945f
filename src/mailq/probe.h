/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at one destination as a client of ours would: `postern tls probe`.
 *
 * It is routed, connected to, greeted, and TLS is begun as policy and row demand it;
 * then it is left with QUIT. Nothing is sent. What was seen is told as one JSON
 * document (the manual's page about probing lists its members). A handshake that
 * fails has its line in security.log, like any other.
 */
#ifndef POSTERN_MAILQ_PROBE_H
#define POSTERN_MAILQ_PROBE_H

#include "mailq/mailq.h"

/* A row of the table in mailq.c: answers probe_wanted when the probe is done. */
void probe_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet);

#endif
