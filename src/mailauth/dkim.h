/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of DKIM (RFC 6376): its algorithms, and the states that a key of ours
 * goes through.
 *
 *   waiting   made; its record is not seen in DNS yet, and nothing is signed with it
 *   signing   mail is signed with it
 *   retiring  another took its place; mail on its way still needs its record
 *   retired   the record may be withdrawn; the private key is gone
 */
#ifndef POSTERN_MAILAUTH_DKIM_H
#define POSTERN_MAILAUTH_DKIM_H

#include "base/str.h"

/* RFC 8301 leaves rsa-sha256 of the first two; RFC 8463 adds Ed25519. */
enum dkim_algorithm { DKIM_RSA, DKIM_ED25519, DKIM_ALGORITHM_COUNT };

/* "rsa" and "ed25519", as the k= of a record and the command line have them. */
const char *dkim_algorithm_name(enum dkim_algorithm algorithm);
must_check bool dkim_algorithm_parse(struct str name, enum dkim_algorithm *algorithm_out);

enum dkim_state {
	DKIM_WAITING,
	DKIM_SIGNING,
	DKIM_RETIRING,
	DKIM_RETIRED,
	DKIM_STATE_COUNT
};

const char *dkim_state_name(enum dkim_state state);
must_check bool dkim_state_parse(struct str name, enum dkim_state *state_out);

enum {
	DKIM_DOMAIN_MAX = 253,
	DKIM_SELECTOR_MAX = 63,
	DKIM_RECORD_MAX = 2048,
	/* How long a record stays needed: longer than mail lies in anybody's queue. */
	DKIM_OVERLAP_S = 7 * 24 * 3600,
};

/* A selector is one label here: letters, digits, inner hyphens. */
bool dkim_selector_check(struct str selector);

#endif
