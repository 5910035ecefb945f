/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"

#include <openssl/evp.h>

#include "base/random.h"
#include "crypto/library.h"

enum { NONCE_BYTES = 12, TAG_BYTES = 16 };

static EVP_CIPHER_CTX *context_make(const struct seal_key *key, const unsigned char *nonce,
				    struct str purpose, bool is_sealing)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(crypto_library(), "AES-256-GCM", NULL);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int len;

	CHECK(cipher != NULL && context != NULL);
	CHECK(EVP_CipherInit_ex2(context, cipher, key->bytes, nonce, is_sealing, NULL) == 1);
	CHECK(EVP_CipherUpdate(context, NULL, &len, (const unsigned char *)purpose.ptr,
			       (int)purpose.len) == 1);
	EVP_CIPHER_free(cipher);
	return context;
}

void seal_bytes(const struct seal_key *key, struct str purpose, struct str plain, struct buf *to)
{
	unsigned char nonce[NONCE_BYTES], tag[TAG_BYTES];
	int len;

	random_bytes(nonce, sizeof(nonce));
	EVP_CIPHER_CTX *context = context_make(key, nonce, purpose, true);
	buf_append(to, nonce, sizeof(nonce));
	unsigned char *out = (unsigned char *)buf_reserve(to, plain.len + 1);
	if (out != NULL) {
		CHECK(EVP_CipherUpdate(context, out, &len, (const unsigned char *)plain.ptr,
				       (int)plain.len) == 1);
		CHECK(EVP_CipherFinal_ex(context, tag, &len) == 1);
		CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1);
		buf_commit(to, plain.len);
		buf_append(to, tag, sizeof(tag));
	}
	EVP_CIPHER_CTX_free(context);
}

bool seal_open(const struct seal_key *key, struct str purpose, struct str sealed, struct buf *to)
{
	if (sealed.len < SEAL_OVERHEAD)
		return false;
	const unsigned char *bytes = (const unsigned char *)sealed.ptr;
	size_t plain_len = sealed.len - SEAL_OVERHEAD;
	EVP_CIPHER_CTX *context = context_make(key, bytes, purpose, false);
	unsigned char *out = (unsigned char *)buf_reserve(to, plain_len + 1);
	unsigned char tag[TAG_BYTES];
	int len;

	memcpy(tag, bytes + NONCE_BYTES + plain_len, TAG_BYTES);
	bool is_good =
		out != NULL &&
		EVP_CipherUpdate(context, out, &len, bytes + NONCE_BYTES, (int)plain_len) == 1 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
		EVP_CipherFinal_ex(context, out + plain_len, &len) == 1;
	if (is_good)
		buf_commit(to, plain_len);
	else if (out != NULL)
		explicit_bzero(out, plain_len);
	EVP_CIPHER_CTX_free(context);
	return is_good;
}
