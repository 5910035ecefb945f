/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of an address that its owner and the owner of the name agree on
 * (forward-confirmed reverse DNS; RFC 8601 section 2.7.3): those of its PTR
 * records whose own A or AAAA records contain the address.
 *
 * 1. At most PEER_NAMES_MAX names of an address are looked at, however many its
 *    zone holds.
 * 2. An address is looked up once at a time, whoever asks meanwhile waits with
 *    the first; so many addresses at a time, more are BUSY.
 * 3. What was found is remembered as long as its records live, failures for
 *    shorter; the table is bounded and forgets the oldest.
 *
 * Belongs to the waiter's thread.
 */
#ifndef POSTERN_MAILQ_PEER_NAMES_H
#define POSTERN_MAILQ_PEER_NAMES_H

#include "net/resolver.h"

enum {
	PEER_NAMES_MAX = 8,
	PEER_NAMES_LOOKUPS_MAX = 512,
	PEER_NAMES_REMEMBERED_MAX = 4096,
	PEER_NAMES_PATIENCE_MS = 5 * 1000,
};

struct peer_names;

/*
 * Who asked. `told` is called once, perhaps before peer_names_ask returns: with
 * NONE and the names, separated by blanks and sorted; NOT_FOUND: no name is
 * confirmed; UNAVAILABLE: DNS did not tell, later it might; BUSY. It may not
 * call back into here.
 */
struct peer_names_asker {
	void (*told)(void *context, enum fault fault, struct str names);
	void *context;
};

/* Borrows the resolver, which must outlive it. */
struct peer_names *peer_names_new(struct resolver *resolver);

/* Tells whoever still waits UNAVAILABLE, and frees. */
void peer_names_free(struct peer_names **names);

/* Asks for the names of an address in IPv6 or IPv6-mapped form. */
void peer_names_ask(struct peer_names *names, const uint8_t address[16],
		    struct peer_names_asker asker);

#endif
