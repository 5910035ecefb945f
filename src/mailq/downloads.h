/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches mail from the mailboxes elsewhere that the rows of Pop3Account name, each when
 * its time has come or when somebody asks for it.
 *
 * A thread of its own does what blocks on the store: when each was visited last. Each
 * visit is a task of the waiter (download.h). One mailbox is never visited twice at the
 * same time.
 */
#ifndef POSTERN_MAILQ_DOWNLOADS_H
#define POSTERN_MAILQ_DOWNLOADS_H

#include "fetch/run.h"
#include "mailq/mailq.h"

struct downloads;

/* Borrows both. Starts nothing yet. */
struct downloads *downloads_new(struct mailq *mailq, struct store *store);

/* Begins, once there is a configuration. */
void downloads_start(struct downloads *downloads);

/* Ends the thread; visits that run go on until the waiter ends them. */
void downloads_stop(struct downloads *downloads);

/* Frees, and tells those who still wait; every visit must have ended. */
void downloads_free(struct downloads **downloads);

/* A row of the table in mailq.c: visits a mailbox now; answered by done when the visit is over. */
void pop3_run_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet);

/* Appends `,"downloads":...` to a status. */
void downloads_status(struct downloads *downloads, struct buf *json);

/* ---- for visits, thread safe ---- */

/* A mailbox elsewhere, as the schedule knows it. */
struct download_place;

struct mailq *downloads_mailq(const struct downloads *downloads);
struct store *downloads_store(const struct downloads *downloads);

/*
 * When the place is visited next, and the how manieth failure in a row that was, after a visit
 * that ended now; both are stored in the run.
 */
void downloads_plan(struct downloads *downloads, struct download_place *place,
		    const struct pop3_account *account, bool is_failed, struct fetch_run *run);

/* How far it is, told to who asked for it, at most some times a second. */
void downloads_told(struct downloads *downloads, struct download_place *place,
		    const struct msg_step_told *told);

/* The visit is over; who asked for it is told. */
void downloads_ended(struct downloads *downloads, struct download_place *place,
		     const struct fetch_run *run);

#endif
