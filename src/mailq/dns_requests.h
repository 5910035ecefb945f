/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other roles and the command line ask about DNS; rows of the table in mailq.c.
 */
#ifndef POSTERN_MAILQ_DNS_REQUESTS_H
#define POSTERN_MAILQ_DNS_REQUESTS_H

#include "mailq/mailq.h"

void peer_name_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet);
void dns_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet);

void route_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet);

/* Forgets the questions under way; their askers are not answered. When the waiter has ended. */
void dns_requests_drop(struct mailq *mailq);

#endif
