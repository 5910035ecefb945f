/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/private_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/library.h"
#include "tls/pem.h"

/* What may open it, and whether it was asked for. */
struct passphrase {
	const struct secret *password; /* NULL: nobody is asked */
	bool was_asked;
};

static int passphrase_give(char *to, int size, int is_writing, void *context)
{
	struct passphrase *passphrase = context;

	passphrase->was_asked = true;
	if (passphrase->password == NULL)
		return -1;
	struct str password = secret_reveal(passphrase->password);
	if (size < 0 || password.len > (size_t)size)
		return -1;
	memcpy(to, password.ptr, password.len);
	return (int)password.len;
}

static EVP_PKEY *key_read(struct str pem, struct passphrase *passphrase)
{
	BIO *bio = pem.len > INT32_MAX
			   ? NULL
			   : BIO_new_mem_buf(pem.len == 0 ? "" : pem.ptr, (int)pem.len);
	EVP_PKEY *key = bio == NULL
				? NULL
				: PEM_read_bio_PrivateKey_ex(bio, NULL, passphrase_give, passphrase,
							     crypto_library(), NULL);

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

EVP_PKEY *tls_private_key_read(struct str pem, struct buf *why)
{
	struct passphrase none = {0};
	EVP_PKEY *key = key_read(pem, &none);

	if (key == NULL && none.was_asked)
		buf_append_c(why, "the private key is protected by a passphrase; store it without "
				  "one, readable by Postern only (openssl pkey -in FILE -out NEW)");
	else if (key == NULL)
		pem_explain(pem, PEM_WANTS_KEY, why);
	return key;
}

enum fault tls_private_key_open(struct str pem, const struct secret *password, EVP_PKEY **key_out,
				struct buf *why)
{
	struct passphrase passphrase = {.password = password};
	EVP_PKEY *key = key_read(pem, &passphrase);

	if (key != NULL) {
		*key_out = key;
		return FAULT_NONE;
	}
	if (!passphrase.was_asked) {
		pem_explain(pem, PEM_WANTS_KEY, why);
		return FAULT_INVALID;
	}
	buf_append_c(why, "the password does not open the private key");
	return FAULT_DENIED;
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
