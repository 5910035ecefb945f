/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256: see digest.h. */
#include "crypto/digest.h"

#include <openssl/evp.h>

#include "base/check.h"
#include "crypto/library.h"

void sha256(struct str bytes, unsigned char digest_out[SHA256_BYTES])
{
	CHECK(EVP_Digest(bytes.ptr, bytes.len, digest_out, NULL, crypto_sha256(), NULL) == 1);
}

void sha256_init(struct sha256 *sha)
{
	sha->context = EVP_MD_CTX_new();
	CHECK(sha->context != NULL);
	CHECK(EVP_DigestInit_ex2(sha->context, crypto_sha256(), NULL) == 1);
}

void sha256_update(struct sha256 *sha, struct str bytes)
{
	CHECK(EVP_DigestUpdate(sha->context, bytes.ptr, bytes.len) == 1);
}

void sha256_update_framed(struct sha256 *sha, struct str bytes)
{
	unsigned char length[8];

	for (size_t i = 0; i < sizeof(length); i++)
		length[i] = (unsigned char)((uint64_t)bytes.len >> (56 - 8 * i));
	sha256_update(sha, str_make(length, sizeof(length)));
	sha256_update(sha, bytes);
}

void sha256_final(struct sha256 *sha, unsigned char digest_out[SHA256_BYTES])
{
	CHECK(EVP_DigestFinal_ex(sha->context, digest_out, NULL) == 1);
	sha256_done(sha);
}

void sha256_done(struct sha256 *sha)
{
	EVP_MD_CTX_free(sha->context);
	sha->context = NULL;
}
