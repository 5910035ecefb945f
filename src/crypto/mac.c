/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC: see mac.h. */
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

static void hmac(const char *digest, struct str key, struct str message, uint8_t *mac_out,
		 size_t mac_bytes)
{
	size_t len = 0;
	/* OpenSSL takes a NULL key for "the key set before"; an empty one is a block of zeroes. */
	const void *key_bytes = key.len == 0 ? "" : key.ptr;
	const void *message_bytes = message.len == 0 ? "" : message.ptr;

	CHECK(EVP_Q_mac(crypto_library(), "HMAC", NULL, digest, NULL, key_bytes, key.len,
			message_bytes, message.len, mac_out, mac_bytes, &len) != NULL);
	CHECK(len == mac_bytes);
}

void mac_compute(const struct mac_key *key, struct str message, uint8_t mac_out[MAC_BYTES])
{
	mac_compute_under(str_make(key->bytes, sizeof(key->bytes)), message, mac_out);
}

void mac_compute_under(struct str key, struct str message, uint8_t mac_out[MAC_BYTES])
{
	hmac("SHA2-256", key, message, mac_out, MAC_BYTES);
}

void mac_sha1_compute_under(struct str key, struct str message, uint8_t mac_out[MAC_SHA1_BYTES])
{
	hmac("SHA1", key, message, mac_out, MAC_SHA1_BYTES);
}
