/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recipients that were delivered into mailboxes here, and whose sender wants to hear
 * of it: nothing is sent, the notice is.
 */
#ifndef POSTERN_MAILQ_HERE_H
#define POSTERN_MAILQ_HERE_H

#include "mailq/sender.h"

/* Settles them. One that cannot be settled now is found again at the next start. Blocks on the store. */
void here_settle(struct sender *sender, uint64_t entry);

#endif
