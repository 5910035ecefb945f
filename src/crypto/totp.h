/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes that follow the clock (RFC 6238), with what programs for telephones
 * take for granted: HMAC-SHA-1, steps of 30 seconds, six digits. What broke
 * SHA-1, collisions, is of no use against an HMAC (RFC 6194 section 3.3).
 */
#ifndef POSTERN_CRYPTO_TOTP_H
#define POSTERN_CRYPTO_TOTP_H

#include "base/str.h"

enum { TOTP_SECRET_BYTES = 20, TOTP_DIGITS = 6, TOTP_STEP_S = 30 };

/* Computes the code of a step (RFC 4226 section 5.3), with zeroes in front, without an end byte. */
void totp_code(struct str secret, uint64_t step, char code_out[TOTP_DIGITS]);

/*
 * Finds the step whose code this is: that of `now_s` (seconds since 1970), or one
 * beside it, for clocks that differ; only one later than `last_step`, so that a code
 * serves once. False when there is none.
 */
must_check bool totp_find(struct str secret, struct str code, int64_t now_s, uint64_t last_step,
			  uint64_t *step_out);

#endif
