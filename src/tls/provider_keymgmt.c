/* SPDX-License-Identifier: Apache-2.0 */
/* The key provider's keys: see provider.h. */
#include <openssl/bn.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "tls/provider.h"

static struct key_handle *handle_new(bool is_rsa)
{
	struct key_handle *handle = calloc(1, sizeof(*handle));

	if (handle != NULL)
		handle->is_rsa = is_rsa;
	return handle;
}

static void *handle_new_rsa(void *provider)
{
	return handle_new(true);
}

static void *handle_new_ec(void *provider)
{
	return handle_new(false);
}

static void handle_free(void *data)
{
	struct key_handle *handle = data;

	if (handle == NULL)
		return;
	BN_free(handle->modulus);
	BN_free(handle->exponent);
	free(handle->point);
	free(handle);
}

static bool import_rsa(struct key_handle *handle, const OSSL_PARAM params[])
{
	const OSSL_PARAM *modulus = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_N);
	const OSSL_PARAM *exponent = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_E);

	return modulus != NULL && exponent != NULL &&
	       OSSL_PARAM_get_BN(modulus, &handle->modulus) == 1 &&
	       OSSL_PARAM_get_BN(exponent, &handle->exponent) == 1;
}

static bool import_ec(struct key_handle *handle, const OSSL_PARAM params[])
{
	const OSSL_PARAM *group = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
	const OSSL_PARAM *point = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
	char *name = handle->group;
	const void *bytes;

	if (group == NULL || point == NULL ||
	    OSSL_PARAM_get_utf8_string(group, &name, sizeof(handle->group)) != 1 ||
	    OSSL_PARAM_get_octet_string_ptr(point, &bytes, &handle->point_len) != 1)
		return false;
	handle->point = malloc(handle->point_len);
	if (handle->point == NULL)
		return false;
	memcpy(handle->point, bytes, handle->point_len);
	return true;
}

static void import_int(const OSSL_PARAM params[], const char *name, int *to)
{
	const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, name);

	if (param != NULL)
		(void)OSSL_PARAM_get_int(param, to);
}

/* Both what makes a handle, and the public key of a certificate that is to be compared with one. */
static int handle_import(void *data, int selection, const OSSL_PARAM params[])
{
	struct key_handle *handle = data;
	const OSSL_PARAM *source = OSSL_PARAM_locate_const(params, PROVIDER_PARAM_SOURCE);
	const OSSL_PARAM *key = OSSL_PARAM_locate_const(params, PROVIDER_PARAM_KEY);
	unsigned number = 0;

	if (!(handle->is_rsa ? import_rsa(handle, params) : import_ec(handle, params)))
		return 0;
	if (source != NULL && key != NULL && source->data_size == sizeof(handle->source) &&
	    OSSL_PARAM_get_uint(key, &number) == 1) {
		memcpy(&handle->source, source->data, sizeof(handle->source));
		handle->key = number;
	}
	import_int(params, OSSL_PKEY_PARAM_BITS, &handle->bits);
	import_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, &handle->security_bits);
	import_int(params, OSSL_PKEY_PARAM_MAX_SIZE, &handle->max_size);
	return 1;
}

static const OSSL_PARAM *handle_import_types_rsa(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_octet_string(PROVIDER_PARAM_SOURCE, NULL, 0),
		OSSL_PARAM_uint(PROVIDER_PARAM_KEY, NULL),
		OSSL_PARAM_END,
	};

	return types;
}

static const OSSL_PARAM *handle_import_types_ec(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(PROVIDER_PARAM_SOURCE, NULL, 0),
		OSSL_PARAM_uint(PROVIDER_PARAM_KEY, NULL),
		OSSL_PARAM_END,
	};

	return types;
}

/* The private part counts as there when somebody can be asked for it. */
static int handle_has(const void *data, int selection)
{
	const struct key_handle *handle = data;

	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || handle->source != NULL;
}

static int handle_match(const void *one, const void *other, int selection)
{
	const struct key_handle *a = one, *b = other;

	if (a->is_rsa != b->is_rsa)
		return 0;
	if (a->is_rsa)
		return BN_cmp(a->modulus, b->modulus) == 0 && BN_cmp(a->exponent, b->exponent) == 0;
	return strcmp(a->group, b->group) == 0 && a->point_len == b->point_len &&
	       memcmp(a->point, b->point, a->point_len) == 0;
}

static bool param_set_int(OSSL_PARAM params[], const char *name, int value)
{
	OSSL_PARAM *param = OSSL_PARAM_locate(params, name);

	return param == NULL || OSSL_PARAM_set_int(param, value) == 1;
}

static bool param_set_text(OSSL_PARAM params[], const char *name, const char *value)
{
	OSSL_PARAM *param = OSSL_PARAM_locate(params, name);

	return param == NULL || OSSL_PARAM_set_utf8_string(param, value) == 1;
}

static int handle_get_params(void *data, OSSL_PARAM params[])
{
	const struct key_handle *handle = data;

	return param_set_int(params, OSSL_PKEY_PARAM_BITS, handle->bits) &&
	       param_set_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, handle->security_bits) &&
	       param_set_int(params, OSSL_PKEY_PARAM_MAX_SIZE, handle->max_size) &&
	       param_set_text(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST, "SHA256") &&
	       (handle->is_rsa ||
		(param_set_text(params, OSSL_PKEY_PARAM_GROUP_NAME, handle->group) &&
		 param_set_text(params, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
				OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED)));
}

static const OSSL_PARAM *handle_gettable_params(void *provider)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
		OSSL_PARAM_END,
	};

	return gettable;
}

static const char *handle_operation_rsa(int operation)
{
	return operation == OSSL_OP_ASYM_CIPHER ? PROVIDER_DECRYPT : PROVIDER_SIGN_RSA;
}

static const char *handle_operation_ec(int operation)
{
	return PROVIDER_SIGN_EC;
}

#define HANDLE_FUNCTION(id, function)                              \
	{                                                          \
		OSSL_FUNC_KEYMGMT_##id, (void (*)(void))(function) \
	}

const OSSL_DISPATCH provider_keymgmt_rsa[] = {
	HANDLE_FUNCTION(NEW, handle_new_rsa),
	HANDLE_FUNCTION(FREE, handle_free),
	HANDLE_FUNCTION(IMPORT, handle_import),
	HANDLE_FUNCTION(IMPORT_TYPES, handle_import_types_rsa),
	HANDLE_FUNCTION(HAS, handle_has),
	HANDLE_FUNCTION(MATCH, handle_match),
	HANDLE_FUNCTION(GET_PARAMS, handle_get_params),
	HANDLE_FUNCTION(GETTABLE_PARAMS, handle_gettable_params),
	HANDLE_FUNCTION(QUERY_OPERATION_NAME, handle_operation_rsa),
	{0, NULL},
};

const OSSL_DISPATCH provider_keymgmt_ec[] = {
	HANDLE_FUNCTION(NEW, handle_new_ec),
	HANDLE_FUNCTION(FREE, handle_free),
	HANDLE_FUNCTION(IMPORT, handle_import),
	HANDLE_FUNCTION(IMPORT_TYPES, handle_import_types_ec),
	HANDLE_FUNCTION(HAS, handle_has),
	HANDLE_FUNCTION(MATCH, handle_match),
	HANDLE_FUNCTION(GET_PARAMS, handle_get_params),
	HANDLE_FUNCTION(GETTABLE_PARAMS, handle_gettable_params),
	HANDLE_FUNCTION(QUERY_OPERATION_NAME, handle_operation_ec),
	{0, NULL},
};
