/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failed logins, counted by peer address: how long a failed answer is delayed,
 * and when an address is refused without looking.
 *
 * IPv6 peers count by /64, the smallest piece that one customer is given.
 * Failures are forgotten together, `window_s` after the first of them; a right
 * password does not clear them, or whoever has one account could try others'
 * for ever. No clock of its own, no lock: the caller gives the time and
 * serialises.
 */
#ifndef POSTERN_AUTH_ATTEMPTS_H
#define POSTERN_AUTH_ATTEMPTS_H

#include "base/lru.h"
#include "base/hash.h"

/* A peer's address in network order, IPv4 in its mapped form, IPv6 cut to /64; zero: none. */
struct peer_key {
	uint8_t bytes[16];
};

/* Reads a numeric address; a text that is none gives the key of nobody (all zero). */
void peer_key_parse(struct str address, struct peer_key *key_out, uint8_t whole_out[16]);

struct attempt_limits {
	uint32_t failures_per_address; /* Limits/FailedLoginsPerAddress; 0: no limit */
	uint32_t window_s;
	uint32_t delay_ms;     /* before the answer to a first failure; doubled with each */
	uint32_t delay_max_ms;
	/* Limits/ExemptNetworks: true for addresses that are neither counted nor delayed. May be NULL. */
	bool (*is_exempt)(const void *context, const uint8_t address[16]);
	const void *context; /* borrowed until other limits are set */
};

/* Ten failures in ten minutes; delays of 0.5 to 8 seconds; nobody exempt. */
extern const struct attempt_limits attempt_limits_default;

struct attempts {
	struct lru table;
	struct hash_key hash_key;
};

void attempts_init(struct attempts *attempts);
void attempts_done(struct attempts *attempts);

/* How many seconds the address stays refused; 0: it may try. */
uint32_t attempts_blocked_s(struct attempts *attempts, const struct attempt_limits *limits,
			    const struct peer_key *key, int64_t now_ms);

/* Counts a failure; returns by how many milliseconds to delay its answer. */
uint32_t attempts_fail(struct attempts *attempts, const struct attempt_limits *limits,
		       const struct peer_key *key, int64_t now_ms);

#endif
