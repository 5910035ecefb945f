/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA-256: see mac.h. */
#include "crypto/mac.h"

#include <openssl/evp.h>

#include "base/random.h"
#include "crypto/library.h"

void mac_key_init(struct mac_key *key)
{
	random_bytes(key->bytes, sizeof(key->bytes));
}

void mac_key_wipe(struct mac_key *key)
{
	explicit_bzero(key, sizeof(*key));
}

void mac_compute(const struct mac_key *key, struct str message, uint8_t mac_out[MAC_BYTES])
{
	mac_compute_under(str_make(key->bytes, sizeof(key->bytes)), message, mac_out);
}

void mac_compute_under(struct str key, struct str message, uint8_t mac_out[MAC_BYTES])
{
	size_t len = 0;
	/* OpenSSL takes a NULL key for "the key set before"; an empty one is a block of zeroes. */
	const void *key_bytes = key.len == 0 ? "" : key.ptr;
	const void *message_bytes = message.len == 0 ? "" : message.ptr;

	CHECK(EVP_Q_mac(crypto_library(), "HMAC", NULL, "SHA2-256", NULL, key_bytes, key.len,
			message_bytes, message.len, mac_out, MAC_BYTES, &len) != NULL);
	CHECK(len == MAC_BYTES);
}
