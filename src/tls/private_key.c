/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/private_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/library.h"
#include "tls/pem.h"

/* Refuses to ask anybody for a passphrase, and notes that one is wanted. */
static int passphrase_refuse(char *to, int size, int is_writing, void *was_asked)
{
	*(bool *)was_asked = true;
	return -1;
}

EVP_PKEY *tls_private_key_read(struct str pem, struct buf *why)
{
	bool was_asked = false;
	BIO *bio = pem.len > INT32_MAX
			   ? NULL
			   : BIO_new_mem_buf(pem.len == 0 ? "" : pem.ptr, (int)pem.len);
	EVP_PKEY *key = bio == NULL
				? NULL
				: PEM_read_bio_PrivateKey_ex(bio, NULL, passphrase_refuse,
							     &was_asked, crypto_library(), NULL);

	if (key == NULL && was_asked)
		buf_append_c(why, "the private key is protected by a passphrase; store it without "
				  "one, readable by Postern only (openssl pkey -in FILE -out NEW)");
	else if (key == NULL)
		pem_explain(pem, PEM_WANTS_KEY, why);
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

bool tls_private_key_append(EVP_PKEY *key, struct buf *to)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *bytes = NULL;
	bool is_good = bio != NULL &&
		       PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
	long len = is_good ? BIO_get_mem_data(bio, &bytes) : 0;

	/* The room at once: a buffer that grows would leave copies of the key behind. */
	if (len > 0 && buf_reserve(to, (size_t)len) != NULL)
		buf_append(to, bytes, (size_t)len);
	BIO_free(bio);
	ERR_clear_error();
	return len > 0 && !to->failed;
}
