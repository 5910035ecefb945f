/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the RFC: SaltedPassword, ClientKey, StoredKey, ServerKey, ClientSignature. */
#include "crypto/scram.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/secret.h"
#include "crypto/library.h"

_Static_assert((int)MAC_BYTES == (int)SHA256_BYTES, "HMAC-SHA-256 gives what SHA-256 gives");

/* Hi(): PBKDF2 (RFC 8018 section 5.2) with HMAC-SHA-256. */
static void password_salt(struct str password, const uint8_t salt[SCRAM_SALT_BYTES],
			  uint32_t iterations, uint8_t salted_out[SHA256_BYTES])
{
	char digest[] = "SHA2-256";
	uint64_t count = iterations;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
						  (void *)(uintptr_t)password.ptr, password.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt,
						  SCRAM_SALT_BYTES),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &count),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(crypto_library(), "PBKDF2", NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);

	CHECK(context != NULL);
	CHECK(EVP_KDF_derive(context, salted_out, SHA256_BYTES, params) == 1);
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
}

static struct str digest_text(const uint8_t digest[SHA256_BYTES])
{
	return str_make(digest, SHA256_BYTES);
}

void scram_verifier_make(struct str password, const uint8_t salt[SCRAM_SALT_BYTES],
			 uint32_t iterations, struct scram_verifier *verifier_out)
{
	uint8_t salted[SHA256_BYTES], client_key[SHA256_BYTES];

	verifier_out->iterations = iterations;
	memcpy(verifier_out->salt, salt, SCRAM_SALT_BYTES);
	password_salt(password, salt, iterations, salted);
	mac_compute_under(digest_text(salted), STR("Client Key"), client_key);
	sha256(digest_text(client_key), verifier_out->stored_key);
	mac_compute_under(digest_text(salted), STR("Server Key"), verifier_out->server_key);
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client_key, sizeof(client_key));
}

bool scram_proof_is_right(const struct scram_verifier *verifier, struct str signed_text,
			  const uint8_t proof[SHA256_BYTES])
{
	uint8_t signature[SHA256_BYTES], client_key[SHA256_BYTES], stored_key[SHA256_BYTES];

	mac_compute_under(digest_text(verifier->stored_key), signed_text, signature);
	for (size_t i = 0; i < SHA256_BYTES; i++)
		client_key[i] = proof[i] ^ signature[i];
	sha256(digest_text(client_key), stored_key);
	bool is_right = secret_equals(digest_text(stored_key), digest_text(verifier->stored_key));
	/* The key of a client logs in for ever. */
	explicit_bzero(client_key, sizeof(client_key));
	explicit_bzero(signature, sizeof(signature));
	return is_right;
}

void scram_server_sign(const struct scram_verifier *verifier, struct str signed_text,
		       uint8_t signature_out[SHA256_BYTES])
{
	mac_compute_under(digest_text(verifier->server_key), signed_text, signature_out);
}

void scram_verifier_wipe(struct scram_verifier *verifier)
{
	explicit_bzero(verifier, sizeof(*verifier));
}
