/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server shakes hands with itself: what a listener's context really does,
 * compared with what the policy intends (tls-policy section 7).
 *
 * A client of ours that admits everything asks, through memory, for one protocol
 * version after another. What the policy admits must come about with that
 * version, with the suite that stands first, and with each kind of certificate
 * there is; what it does not admit must be refused. No network. Blocks on the
 * source of the keys; some milliseconds a context.
 */
#ifndef POSTERN_PROC_SELF_CHECK_H
#define POSTERN_PROC_SELF_CHECK_H

#include "tls/context.h"

struct self_check {
	unsigned handshakes;
	struct buf differences; /* a sentence a line; none: effective is as intended */
};

void self_check_init(struct self_check *check);
void self_check_done(struct self_check *check);

/* Checks one context under the name of its service. `policy` is what is intended. */
void self_check_context(struct self_check *check, const char *service,
			const struct tls_policy *policy, struct tls_context *context,
			const struct suite_catalog *catalog);

#endif
