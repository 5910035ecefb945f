/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for the records of DKIM keys in DNS: each minute for those that are awaited,
 * telling the parent of each that is published as wanted; some times a day for those
 * of keys that sign, with a warning where one is not there; and for whoever asks.
 *
 * Belongs to the waiter's thread.
 */
#ifndef POSTERN_MAILQ_DKIM_WATCH_H
#define POSTERN_MAILQ_DKIM_WATCH_H

#include "mailq/mailq.h"

struct dkim_watch;

/* Borrows the role, whose resolver must outlive it. */
struct dkim_watch *dkim_watch_new(struct mailq *mailq);
/* Gives up what is asked; nobody is answered. */
void dkim_watch_free(struct dkim_watch **watch);

/* What is awaited has changed: it is looked for at once. */
void dkim_watch_table_changed(struct dkim_watch *watch);
/* To be called from time to time. */
void dkim_watch_tick(struct dkim_watch *watch);

/* A row of the table in mailq.c. One that is awaited, and published, is told to the parent as well. */
void dkim_look_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet);

#endif
