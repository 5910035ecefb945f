/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/signing_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "crypto/library.h"

struct signing_key {
	EVP_PKEY *key;
};

static void bio_take(BIO *bio, struct buf *to)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	CHECK(len >= 0);
	buf_append(to, data, (size_t)len);
	BIO_free(bio);
}

void signing_key_make(struct buf *pem)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(crypto_library(), NULL, "EC", "P-256");
	BIO *bio = BIO_new(BIO_s_secmem());

	CHECK(key != NULL && bio != NULL);
	CHECK(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	bio_take(bio, pem);
	EVP_PKEY_free(key);
}

/* A key that asks for a passphrase is not ours. */
static int passphrase_refuse(char *to, int size, int is_writing, void *context)
{
	return -1;
}

struct signing_key *signing_key_read(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, pem.len > SIGNING_KEY_PEM_MAX ? 0 : (int)pem.len);
	struct signing_key *self = NULL;

	CHECK(bio != NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(bio, NULL, passphrase_refuse, NULL,
						   crypto_library(), NULL);
	if (key != NULL && EVP_PKEY_is_a(key, "EC")) {
		self = calloc(1, sizeof(*self));
		CHECK(self != NULL);
		self->key = key;
	} else
		EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return self;
}

void signing_key_free(struct signing_key **key)
{
	if (*key == NULL)
		return;
	EVP_PKEY_free((*key)->key);
	free(*key);
	*key = NULL;
}

void signing_key_sign(const struct signing_key *key, struct str bytes, struct buf *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char der[SIGNING_SIGNATURE_MAX];
	size_t len = sizeof(der);

	CHECK(context != NULL);
	CHECK(EVP_DigestSignInit_ex(context, NULL, "SHA256", crypto_library(), NULL, key->key,
				    NULL) == 1);
	CHECK(EVP_DigestSign(context, der, &len, (const unsigned char *)bytes.ptr, bytes.len) == 1);
	buf_append(signature, der, len);
	EVP_MD_CTX_free(context);
}

void signing_key_append_public(const struct signing_key *key, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());

	CHECK(bio != NULL && PEM_write_bio_PUBKEY(bio, key->key) == 1);
	bio_take(bio, pem);
}

bool signing_key_verify(struct str public_pem, struct str bytes, struct str signature)
{
	BIO *bio = BIO_new_mem_buf(public_pem.ptr,
				   public_pem.len > SIGNING_KEY_PEM_MAX ? 0 : (int)public_pem.len);
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	CHECK(bio != NULL && context != NULL);
	EVP_PKEY *key = PEM_read_bio_PUBKEY_ex(bio, NULL, passphrase_refuse, NULL,
					       crypto_library(), NULL);
	bool is_good = key != NULL &&
		       EVP_DigestVerifyInit_ex(context, NULL, "SHA256", crypto_library(), NULL, key,
					       NULL) == 1 &&
		       EVP_DigestVerify(context, (const unsigned char *)signature.ptr,
					signature.len, (const unsigned char *)bytes.ptr,
					bytes.len) == 1;
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(context);
	BIO_free(bio);
	ERR_clear_error();
	return is_good;
}
