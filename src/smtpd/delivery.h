/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message itself: the trace put before it, the verdict when it is whole,
 * its way into the mailboxes, and the lines of mail.log.
 */
#ifndef POSTERN_SMTPD_DELIVERY_H
#define POSTERN_SMTPD_DELIVERY_H

#include "smtpd/state.h"

/* Begins the session's body for the envelope at hand, with our Received field. */
void delivery_begin(struct session *session, char queue_id_out[QUEUE_ID_BYTES]);

/*
 * Ends the message: checks it, stores it in all mailboxes durably or in none,
 * writes the reply and the log. Returns false when the message was refused.
 * Drops the body. Blocks on the store.
 */
bool delivery_finish(struct session *session, const char *queue_id);

/*
 * Appends a Received field (RFC 5321 section 4.4, with the tls clause of RFC
 * 8314 section 7.4), folded. `recipient` is empty when there are several.
 */
void delivery_append_received(struct buf *to, const struct session *session, const char *queue_id,
			      struct str recipient, int64_t real_s);

#endif
