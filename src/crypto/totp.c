/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/totp.h"

#include "base/secret.h"
#include "crypto/mac.h"

enum { CODES = 1000000, WINDOW = 1 };

void totp_code(struct str secret, uint64_t step, char code_out[TOTP_DIGITS])
{
	uint8_t mac[MAC_SHA1_BYTES];
	char counter[8];

	for (int i = 7; i >= 0; i--, step >>= 8)
		counter[i] = (char)(step & 0xff);
	mac_sha1_compute_under(secret, str_make(counter, sizeof(counter)), mac);
	const uint8_t *at = mac + (mac[MAC_SHA1_BYTES - 1] & 0xf);
	uint32_t number = ((at[0] & 0x7fu) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
			   at[3]) %
			  CODES;
	for (int i = TOTP_DIGITS - 1; i >= 0; i--, number /= 10)
		code_out[i] = (char)('0' + number % 10);
	explicit_bzero(mac, sizeof(mac));
}

bool totp_find(struct str secret, struct str code, int64_t now_s, uint64_t last_step,
	       uint64_t *step_out)
{
	uint64_t now = (uint64_t)(now_s > 0 ? now_s : 0) / TOTP_STEP_S;
	char right[TOTP_DIGITS];
	bool is_found = false;

	for (uint64_t step = now < WINDOW ? 0 : now - WINDOW; step <= now + WINDOW; step++) {
		totp_code(secret, step, right);
		if (!secret_equals(code, str_make(right, sizeof(right))) || step <= last_step)
			continue;
		*step_out = step;
		is_found = true;
	}
	explicit_bzero(right, sizeof(right));
	return is_found;
}
