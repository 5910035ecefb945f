/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A visit to a mailbox elsewhere, as a task of the waiter: finds the host, connects, logs
 * in, fetches what is new and stores it, and writes what there is to tell.
 *
 * 1. TLS is as the row and TlsPolicy demand it; nothing is tried again in a weaker way. After
 *    a DH group that was too small the host is tried once without DHE, which is not weaker.
 * 2. A message is stored and remembered in one step (fetch/letter.h), and only then deleted
 *    there. One that is remembered is not fetched again.
 * 3. A failure is one line of words in warning.log, and one in security.log where it is
 *    TLS that failed. The password is in no log.
 */
#ifndef POSTERN_MAILQ_DOWNLOAD_H
#define POSTERN_MAILQ_DOWNLOAD_H

#include "mailq/downloads.h"

/* Starts; `account` is of the contexts' configuration. Under the lock of the downloads. */
void download_start(struct downloads *downloads, struct download_place *place,
		    struct client_contexts *contexts, const struct pop3_account *account);

#endif
