/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys that are not here: a small built-in OpenSSL provider whose keys
 * are handles.
 *
 * A handle is a key's number, its public part and the source that holds the
 * private one (tls/key_source.h). To OpenSSL it is an EVP_PKEY of type RSA or
 * EC; signing a message digests it here and asks the source for the signature,
 * and the decryption of a static RSA suite's premaster secret asks it likewise.
 * Nothing private can be exported, because nothing private is there.
 *
 * The provider is part of the process's own library context
 * (crypto/library.h), beside the default one, which all else goes on using.
 * keymgmt, signature and decrypt stand in a file each.
 */
#ifndef POSTERN_TLS_PROVIDER_H
#define POSTERN_TLS_PROVIDER_H

#include <openssl/core.h>
#include <openssl/types.h>

#include "tls/key_source.h"

/*
 * Makes a handle for the private key that belongs to `public_key` (RSA or EC).
 * Borrows the source, which must outlive it; the caller frees with
 * EVP_PKEY_free. NULL when the key's kind is not supported.
 */
EVP_PKEY *tls_key_handle_new(EVP_PKEY *public_key, struct key_source *source, uint32_t key);

/* ---- between the provider's own files ---- */

/*
 * What stands behind a handle. Without a source it is a public key that OpenSSL
 * wants to compare.
 */
struct key_handle {
	bool is_rsa;
	struct key_source *source; /* borrowed; NULL in a public key */
	uint32_t key;
	BIGNUM *modulus; /* RSA */
	BIGNUM *exponent;
	char group[32]; /* EC */
	size_t point_len;
	unsigned char *point;
	int bits;
	int security_bits;
	int max_size;
};

/* Parameters that make a handle: the pointer to its source, as bytes, and the number there. */
#define PROVIDER_PARAM_SOURCE "postern-source"
#define PROVIDER_PARAM_KEY "postern-key"

/* Names under which the operations of handles are found; no other provider has them. */
#define PROVIDER_SIGN_RSA "POSTERN-SIGN-RSA"
#define PROVIDER_SIGN_EC "POSTERN-SIGN-EC"
#define PROVIDER_DECRYPT "POSTERN-DECRYPT"

extern const OSSL_DISPATCH provider_keymgmt_rsa[];
extern const OSSL_DISPATCH provider_keymgmt_ec[];
extern const OSSL_DISPATCH provider_signature_rsa[];
extern const OSSL_DISPATCH provider_signature_ec[];
extern const OSSL_DISPATCH provider_decrypt_rsa[];

/*
 * Puts a fault of the source into OpenSSL's queue of errors, as a reason of
 * ERR_LIB_USER, so that a failed handshake can be put into words.
 */
void provider_fault_raise(enum fault fault);

/* Fetches what signing digests with, once: no search in each handshake. */
void provider_signature_start(void);

#endif
