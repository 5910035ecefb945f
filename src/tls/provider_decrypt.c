/* SPDX-License-Identifier: Apache-2.0 */
/* The key provider's decryption, of premaster secrets and nothing else: see provider.h. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "tls/provider.h"

/* A decryption under way. */
struct decryption {
	const struct key_handle *handle;
	bool is_tls; /* RSA_PKCS1_WITH_TLS_PADDING was asked for */
	unsigned version;
};

static void *decryption_new(void *provider)
{
	return calloc(1, sizeof(struct decryption));
}

static void decryption_free(void *data)
{
	free(data);
}

static void *decryption_dup(void *data)
{
	struct decryption *copy = malloc(sizeof(*copy));

	if (copy != NULL)
		*copy = *(const struct decryption *)data;
	return copy;
}

static int decryption_set_params(void *data, const OSSL_PARAM params[])
{
	struct decryption *decryption = data;
	int padding = 0;

	if (params == NULL)
		return 1;
	const OSSL_PARAM *mode = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_PAD_MODE);
	const OSSL_PARAM *version =
		OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION);

	/* This padding has a number and no name. */
	if (mode != NULL)
		decryption->is_tls = mode->data_type != OSSL_PARAM_UTF8_STRING &&
				     OSSL_PARAM_get_int(mode, &padding) == 1 &&
				     padding == RSA_PKCS1_WITH_TLS_PADDING;
	if (mode != NULL && !decryption->is_tls)
		return 0;
	return version == NULL || OSSL_PARAM_get_uint(version, &decryption->version) == 1;
}

static const OSSL_PARAM *decryption_settable(void *data, void *provider)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_int(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL),
		OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, NULL),
		OSSL_PARAM_END,
	};

	return settable;
}

static int decryption_init(void *data, void *key, const OSSL_PARAM params[])
{
	struct decryption *decryption = data;

	if (key != NULL)
		decryption->handle = key;
	return decryption->handle != NULL && decryption->handle->source != NULL &&
	       decryption_set_params(decryption, params);
}

/*
 * Blocks on the keys role. Any padding other than that of TLS would make it an
 * oracle; it is refused.
 */
static int decryption_run(void *data, unsigned char *out, size_t *len_out, size_t size,
			  const unsigned char *in, size_t in_len)
{
	struct decryption *decryption = data;

	if (!decryption->is_tls)
		return 0;
	*len_out = PREMASTER_BYTES;
	if (out == NULL)
		return 1;
	if (size < PREMASTER_BYTES)
		return 0;
	const struct key_handle *handle = decryption->handle;
	enum fault fault = handle->source->premaster(
		handle->source, handle->key, decryption->version, str_make(in, in_len), out);
	if (fault != FAULT_NONE)
		provider_fault_raise(fault);
	return fault == FAULT_NONE;
}

#define DECRYPTION_FUNCTION(id, function)                              \
	{                                                              \
		OSSL_FUNC_ASYM_CIPHER_##id, (void (*)(void))(function) \
	}

const OSSL_DISPATCH provider_decrypt_rsa[] = {
	DECRYPTION_FUNCTION(NEWCTX, decryption_new),
	DECRYPTION_FUNCTION(FREECTX, decryption_free),
	DECRYPTION_FUNCTION(DUPCTX, decryption_dup),
	DECRYPTION_FUNCTION(DECRYPT_INIT, decryption_init),
	DECRYPTION_FUNCTION(DECRYPT, decryption_run),
	DECRYPTION_FUNCTION(SET_CTX_PARAMS, decryption_set_params),
	DECRYPTION_FUNCTION(SETTABLE_CTX_PARAMS, decryption_settable),
	{0, NULL},
};
