/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a destination, as a task of the waiter: finds the way, connects,
 * and sends one job of the outbox after the other until none has come for a while.
 *
 * 1. The hosts of the route are tried in order. One that cannot be reached, or whose
 *    TLS does not meet the demand, is passed over for the next; when none is left the
 *    reasons of the last stand for the whole, and what is ready for the destination
 *    waits with it.
 *    One whose session breaks before anything came of the first message is passed over
 *    likewise; later on a connection that breaks is followed by another.
 * 2. What is demanded of a host is looked up for each (deliver/client_contexts.h);
 *    what was got stands in the line of each recipient.
 * 3. A relay host (config/relay.h) is the only host of its way; logging in there comes
 *    before the first message, with the password that the auth role keeps.
 * 4. A message begins under the configuration that is in force then: after a reload, or
 *    when a row of TlsPolicy is over, the connection is left and another one made, and
 *    what goes another way now is put on it. One that has begun ends as it began.
 * 5. Nothing is tried again in a weaker way. After a DH group that was too small the
 *    same host is tried once without DHE, which is not weaker.
 */
#ifndef POSTERN_MAILQ_DELIVERY_H
#define POSTERN_MAILQ_DELIVERY_H

#include "mailq/sender.h"

/* Starts with a job that was taken. Under the sender's lock. */
void delivery_start(struct sender *sender, struct outbox_job *job);

#endif
