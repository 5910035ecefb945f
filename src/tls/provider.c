/* SPDX-License-Identifier: Apache-2.0 */
/* The key provider's entry and the making of handles: see provider.h. */
#include "tls/provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <pthread.h>

#include "crypto/library.h"

static const OSSL_ALGORITHM keymgmt_algorithms[] = {
	{"RSA", "provider=postern", provider_keymgmt_rsa, NULL},
	{"EC", "provider=postern", provider_keymgmt_ec, NULL},
	{NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM signature_algorithms[] = {
	{PROVIDER_SIGN_RSA, "provider=postern", provider_signature_rsa, NULL},
	{PROVIDER_SIGN_EC, "provider=postern", provider_signature_ec, NULL},
	{NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM decrypt_algorithms[] = {
	{PROVIDER_DECRYPT, "provider=postern", provider_decrypt_rsa, NULL},
	{NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *provider_query(void *context, int operation, int *no_cache_out)
{
	*no_cache_out = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return keymgmt_algorithms;
	case OSSL_OP_SIGNATURE:
		return signature_algorithms;
	case OSSL_OP_ASYM_CIPHER:
		return decrypt_algorithms;
	default:
		return NULL;
	}
}

static const OSSL_DISPATCH provider_functions[] = {
	{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))provider_query},
	{0, NULL},
};

/* The provider has no state of its own; OpenSSL wants a context that is not NULL. */
static int provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *core_functions,
			 const OSSL_DISPATCH **functions_out, void **context_out)
{
	static const char no_state;

	*functions_out = provider_functions;
	*context_out = (void *)(uintptr_t)&no_state;
	return 1;
}

void provider_fault_raise(enum fault fault)
{
	ERR_raise(ERR_LIB_USER, (int)fault);
}

static pthread_once_t provider_once = PTHREAD_ONCE_INIT;

/*
 * After the default provider, so that a search that asks for nothing in particular
 * finds that one.
 */
static void provider_start(void)
{
	OSSL_LIB_CTX *library = crypto_library();

	provider_signature_start();
	CHECK(OSSL_PROVIDER_add_builtin(library, "postern", provider_init) == 1);
	CHECK(OSSL_PROVIDER_load(library, "postern") != NULL);
}

/* The public part's own parameters and, behind them, what makes the handle. */
static OSSL_PARAM *handle_params(EVP_PKEY *public_key, struct key_source **source, unsigned *key,
				 int *bits, int *security_bits, int *max_size)
{
	OSSL_PARAM *public = NULL, *merged = NULL;
	OSSL_PARAM own[] = {
		OSSL_PARAM_construct_octet_string(PROVIDER_PARAM_SOURCE, source, sizeof(*source)),
		OSSL_PARAM_construct_uint(PROVIDER_PARAM_KEY, key),
		OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_BITS, bits),
		OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_SECURITY_BITS, security_bits),
		OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_MAX_SIZE, max_size),
		OSSL_PARAM_construct_end(),
	};

	if (EVP_PKEY_todata(public_key, EVP_PKEY_PUBLIC_KEY, &public) != 1)
		return NULL;
	/* What is merged borrows from both sides: so it is copied before they go. */
	OSSL_PARAM *joined = OSSL_PARAM_merge(public, own);
	if (joined != NULL)
		merged = OSSL_PARAM_dup(joined);
	OPENSSL_free(joined);
	OSSL_PARAM_free(public);
	return merged;
}

EVP_PKEY *tls_key_handle_new(EVP_PKEY *public_key, struct key_source *source, uint32_t key)
{
	unsigned number = key;
	int bits = EVP_PKEY_get_bits(public_key);
	int security_bits = EVP_PKEY_get_security_bits(public_key);
	int max_size = EVP_PKEY_get_size(public_key);
	const char *type = EVP_PKEY_is_a(public_key, "RSA")  ? "RSA"
			   : EVP_PKEY_is_a(public_key, "EC") ? "EC"
							     : NULL;
	EVP_PKEY *handle = NULL;

	CHECK(pthread_once(&provider_once, provider_start) == 0);
	if (type == NULL || max_size > SIGN_SIGNATURE_MAX)
		return NULL;
	OSSL_PARAM *params =
		handle_params(public_key, &source, &number, &bits, &security_bits, &max_size);
	EVP_PKEY_CTX *maker =
		EVP_PKEY_CTX_new_from_name(crypto_library(), type, "provider=postern");
	if (params == NULL || maker == NULL || EVP_PKEY_fromdata_init(maker) != 1 ||
	    EVP_PKEY_fromdata(maker, &handle, EVP_PKEY_KEYPAIR, params) != 1)
		handle = NULL;
	EVP_PKEY_CTX_free(maker);
	OSSL_PARAM_free(params);
	ERR_clear_error();
	return handle;
}
