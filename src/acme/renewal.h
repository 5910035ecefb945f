/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a certificate is asked for again. Pure; all times in seconds since 1970.
 *
 * 1. A certificate is due `renew_days` before it ends, or a third of its life
 *    before where that is shorter.
 * 2. What is due waits for a moment of its own within a quarter of an hour, or an
 *    eighth of the time left, so that not all servers ask at once.
 * 3. After a failure the pause doubles, from five minutes up to a day; where the CA
 *    says when to come again, not before.
 */
#ifndef POSTERN_ACME_RENEWAL_H
#define POSTERN_ACME_RENEWAL_H

#include "config/config.h"
#include "tls/certificate.h"

enum { ACME_JITTER_MAX_S = 15 * 60, ACME_PAUSE_MIN_S = 5 * 60, ACME_PAUSE_MAX_S = 24 * 3600 };

/* From when on a certificate is due. */
int64_t acme_due_s(int64_t not_before_s, int64_t not_after_s, uint32_t renew_days);

/*
 * When to ask for a row's certificate, with `present` (NULL: none) in force. At
 * once, which is 0, where it is not made for the row: for other names or of
 * another kind, or signed by somebody of the house, as those that `init` makes.
 * `random` is any number.
 */
int64_t acme_wanted_s(const struct acme_certificate *row, const struct tls_certificate *present,
		      uint32_t renew_days, uint64_t random);

/*
 * When to try again after `failures` in a row (at least one). `random` is any
 * number: the pause is its nominal length and up to a quarter more. `retry_after_s`
 * is what the CA asked for, 0 for nothing.
 */
int64_t acme_retry_s(int64_t now_s, unsigned failures, int64_t retry_after_s, uint64_t random);

#endif
