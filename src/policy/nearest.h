/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest of many names to one that nobody knows, for "did you mean".
 */
#ifndef POSTERN_POLICY_NEAREST_H
#define POSTERN_POLICY_NEAREST_H

#include "base/str.h"

struct nearest {
	struct str wanted;
	struct str best;   /* empty while nothing is near enough */
	unsigned distance; /* of the best; only smaller ones replace it */
};

/* Begins a search: what is further away than a quarter of the length (at least 2) is not near. */
void nearest_init(struct nearest *nearest, struct str wanted);

/* Offers a candidate, which is borrowed; another case alone counts nothing. */
void nearest_offer(struct nearest *nearest, struct str candidate);

/*
 * Levenshtein's distance without regard to case; anything above `limit` comes
 * out as limit + 1, and so do texts longer than 64 bytes.
 */
unsigned text_distance(struct str a, struct str b, unsigned limit);

#endif
