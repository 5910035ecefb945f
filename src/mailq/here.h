/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recipients that were delivered into mailboxes here, and whose sender wants to hear
 * of it: nothing is sent, the notice is.
 */
#ifndef POSTERN_MAILQ_HERE_H
#define POSTERN_MAILQ_HERE_H

#include "mailq/sender.h"

/*
 * Settles those of an entry; false when that has to be tried again. For owed_take
 * (queue/owed.h), whose context is the sender. Blocks on the store.
 */
bool here_settle(void *sender, uint64_t entry);

#endif
