/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking role mailq for the confirmed names of peers, without waiting for them.
 *
 * DNS is work that strangers can order, so no worker waits for it: whoever asks is
 * told, once and at the latest when his patience is over. The channel to the role
 * is opened by the first question; while the role is away, questions wait for it
 * as long as their patience lasts.
 */
#ifndef POSTERN_SESSION_NAMES_H
#define POSTERN_SESSION_NAMES_H

#include "ipc/client.h"

struct names;

/*
 * NONE and the names, sorted and separated by blanks; NOT_FOUND: the address has
 * none that leads back to it; anything else: not known. Runs in the thread of
 * `names` with its lock held: it takes note and wakes somebody, and calls nothing
 * of `names`.
 */
typedef void names_told(void *context, enum fault fault, struct str found);

enum { NAMES_OPEN_MAX = 1024 };

/* Starts the thread. Borrows the connector, which must outlive it. */
struct names *names_new(struct connector *connector);

/* Tells whoever still waits UNAVAILABLE, ends the thread and frees. */
void names_free(struct names **names);

/*
 * Asks for the names of an address in IPv6 or IPv6-mapped form; gives a ticket.
 * 0: too many questions are open, or there is no `names` (NULL): nobody will be told.
 * Does not block.
 */
uint64_t names_ask(struct names *names, const uint8_t address[16], int patience_ms,
		   names_told *told, void *context);

/*
 * Forgets a question: after the return `told` is not called any more. Safe for a
 * ticket that is 0 or was answered. The caller must not hold a lock that `told` takes.
 */
void names_cancel(struct names *names, uint64_t ticket);

/* False for the machine's own address, 127.0.0.1 or ::1: nobody's DNS has a say on it. */
bool names_are_worth_asking(const uint8_t address[16]);

#endif
