/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of a mailbox as UIDL and LIST tell them (RFC 1939 sections 5 and 7),
 * gathered line by line as the answers arrive.
 *
 * Bounded, whatever the server says: FETCH_LISTED_MAX messages. Lists that do not agree
 * are not believed at all.
 */
#ifndef POSTERN_FETCH_LISTING_H
#define POSTERN_FETCH_LISTING_H

#include "base/arena.h"
#include "fetch/plan.h"

enum { FETCH_LISTED_MAX = 1000 * 1000 };

enum fetch_listing_state {
	FETCH_LISTING_MORE, /* the list goes on */
	FETCH_LISTING_DONE,
	FETCH_LISTING_BROKEN /* `why` says what is wrong */
};

struct fetch_listing {
	struct arena texts;
	struct fetch_message *messages; /* by number, once UIDL is done; heap */
	size_t count;
	size_t capacity;
	struct fetch_message **by_uidl; /* the same by identifier; heap */
	size_t sized; /* of them LIST has told the size */
	size_t hint;  /* where the next line of LIST is looked for first */
	const char *why; /* static */
};

void fetch_listing_init(struct fetch_listing *listing);
void fetch_listing_done(struct fetch_listing *listing);

/* Takes whole lines of the answer to UIDL from the front of `*input`; of that to LIST, afterwards. */
must_check enum fetch_listing_state fetch_listing_uidl(struct fetch_listing *listing,
						       struct str *input);
must_check enum fetch_listing_state fetch_listing_sizes(struct fetch_listing *listing,
							struct str *input);

/* The message with that identifier, in a listing that is done; NULL. */
const struct fetch_message *fetch_listing_find(const struct fetch_listing *listing,
					       struct str uidl);

#endif
