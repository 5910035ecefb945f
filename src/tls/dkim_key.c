/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/dkim_key.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/library.h"
#include "tls/private_key.h"

enum { RSA_BITS = 2048, ED25519_BYTES = 32 };

static void public_append(EVP_PKEY *key, enum dkim_key_kind kind, struct buf *to)
{
	unsigned char raw[ED25519_BYTES], *der = NULL;
	size_t raw_len = sizeof(raw);

	if (kind == DKIM_KEY_ED25519) {
		CHECK(EVP_PKEY_get_raw_public_key(key, raw, &raw_len) == 1);
		buf_append(to, raw, raw_len);
		return;
	}
	int len = i2d_PUBKEY(key, &der);
	CHECK(len > 0);
	buf_append(to, der, (size_t)len);
	OPENSSL_free(der);
}

bool dkim_key_make(enum dkim_key_kind kind, struct buf *pem, struct buf *public_key)
{
	EVP_PKEY *key = kind == DKIM_KEY_RSA
				? EVP_PKEY_Q_keygen(crypto_library(), NULL, "RSA", (size_t)RSA_BITS)
				: EVP_PKEY_Q_keygen(crypto_library(), NULL, "ED25519");

	CHECK(key != NULL);
	bool is_made = tls_private_key_append(key, pem);
	public_append(key, kind, public_key);
	EVP_PKEY_free(key);
	return is_made && !public_key->failed;
}
