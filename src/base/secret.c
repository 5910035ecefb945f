/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

bool secret_set(struct secret *secret, struct str text)
{
	secret_wipe(secret);
	if (text.len > SECRET_MAX)
		return false;
	if (text.len > 0)
		memcpy(secret->secret_bytes, text.ptr, text.len);
	secret->secret_len = text.len;
	return true;
}

void secret_wipe(struct secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}

bool secret_equals(struct str a, struct str b)
{
	unsigned char difference = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		difference |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
	return difference == 0;
}
