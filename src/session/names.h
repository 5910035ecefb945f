/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking role mailq for the confirmed names of peers, without waiting for them.
 *
 * DNS is work that strangers can order, so no worker waits for it: whoever asks is
 * told, once and at the latest when his patience is over. While the role is away,
 * questions wait for it as long as their patience lasts.
 */
#ifndef POSTERN_SESSION_NAMES_H
#define POSTERN_SESSION_NAMES_H

#include "ipc/asker.h"

/*
 * Starts an asker for role mailq. Borrows the connector, which must outlive it. Its end, asker_free,
 * tells whoever still waits.
 */
struct asker *names_new(struct connector *connector);

/*
 * Asks for the names of an address in IPv6 or IPv6-mapped form; `told` reads the answer with
 * names_read. Gives a ticket, which asker_cancel forgets. 0: too many questions are open, or there is
 * no `names` (NULL): nobody will be told. Does not block.
 */
uint64_t names_ask(struct asker *names, const uint8_t address[16], int patience_ms,
		   asker_told *told, void *context);

/*
 * NONE and the names, sorted and separated by blanks, which live as long as the answer; NOT_FOUND:
 * the address has none that leads back to it; anything else: not known.
 */
must_check enum fault names_read(const struct asker_answer *answer, struct str *names_out);

/* False for the machine's own address, 127.0.0.1 or ::1: nobody's DNS has a say on it. */
bool names_are_worth_asking(const uint8_t address[16]);

#endif
