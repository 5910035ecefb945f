/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared signatures: see signers.h. */
#include "tls/signers.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "crypto/library.h"

/* Enough for the busiest keys with as many threads as the keys role has. */
enum { READY_MAX = 64 };

struct signers {
	pthread_mutex_t lock;
	size_t count;
	size_t oldest; /* where the next goes when all places are taken */
	struct signer ready[READY_MAX];
};

struct signers *signers_new(void)
{
	struct signers *signers = calloc(1, sizeof(*signers));

	CHECK(signers != NULL);
	CHECK(pthread_mutex_init(&signers->lock, NULL) == 0);
	return signers;
}

void signers_free(struct signers **signers)
{
	struct signers *self = *signers;

	*signers = NULL;
	if (self == NULL)
		return;
	for (size_t i = 0; i < self->count; i++)
		signer_done(&self->ready[i]);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

/* TLS 1.3 and RFC 8446 section 4.2.3 want a salt as long as the digest. */
static bool context_prepare(EVP_PKEY_CTX *context, const struct sign_scheme *scheme)
{
	size_t salt = scheme->digest_len;
	OSSL_PARAM params[4], *at = params;

	*at++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST,
						 (char *)(uintptr_t)scheme->digest, 0);
	if (scheme->padding == SIGN_RSA_PSS)
		*at++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE,
							 (char[]){OSSL_PKEY_RSA_PAD_MODE_PSS}, 0);
	*at = OSSL_PARAM_construct_end();
	if (EVP_PKEY_sign_init_ex(context, params) != 1)
		return false;
	return scheme->padding != SIGN_RSA_PSS ||
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)salt) == 1;
}

static bool ready_take(struct signers *signers, EVP_PKEY *key, const struct sign_scheme *scheme,
		       struct signer *signer_out)
{
	bool is_found = false;

	pthread_mutex_lock(&signers->lock);
	for (size_t i = 0; i < signers->count && !is_found; i++) {
		struct signer *ready = &signers->ready[i];
		if (ready->key != key || ready->scheme != scheme)
			continue;
		*signer_out = *ready;
		*ready = signers->ready[--signers->count];
		is_found = true;
	}
	pthread_mutex_unlock(&signers->lock);
	return is_found;
}

bool signers_take(struct signers *signers, EVP_PKEY *key, const struct sign_scheme *scheme,
		  struct signer *signer_out)
{
	struct signer fresh = {.key = key, .scheme = scheme};

	if (ready_take(signers, key, scheme, signer_out))
		return true;
	fresh.context = EVP_PKEY_CTX_new_from_pkey(crypto_library(), key, NULL);
	if (fresh.context != NULL && context_prepare(fresh.context, scheme)) {
		*signer_out = fresh;
		return true;
	}
	signer_done(&fresh);
	ERR_clear_error();
	return false;
}

void signers_give(struct signers *signers, struct signer signer)
{
	struct signer surplus = {0};

	pthread_mutex_lock(&signers->lock);
	if (signers->count < READY_MAX)
		signers->ready[signers->count++] = signer;
	else {
		surplus = signers->ready[signers->oldest];
		signers->ready[signers->oldest] = signer;
		signers->oldest = (signers->oldest + 1) % READY_MAX;
	}
	pthread_mutex_unlock(&signers->lock);
	signer_done(&surplus);
}

enum fault signer_sign(const struct signer *signer, struct str digest,
		       unsigned char *signature_out, size_t *len_out)
{
	size_t len = SIGN_SIGNATURE_MAX;

	if (EVP_PKEY_sign(signer->context, signature_out, &len, (const unsigned char *)digest.ptr,
			  digest.len) == 1) {
		*len_out = len;
		return FAULT_NONE;
	}
	ERR_clear_error();
	return FAULT_UNSUPPORTED;
}

void signer_done(struct signer *signer)
{
	EVP_PKEY_CTX_free(signer->context);
	*signer = (struct signer){0};
}

size_t signers_count(struct signers *signers)
{
	pthread_mutex_lock(&signers->lock);
	size_t count = signers->count;
	pthread_mutex_unlock(&signers->lock);
	return count;
}

void signers_forget(struct signers *signers, const EVP_PKEY *key)
{
	pthread_mutex_lock(&signers->lock);
	for (size_t i = signers->count; i-- > 0;) {
		if (signers->ready[i].key != key)
			continue;
		signer_done(&signers->ready[i]);
		signers->ready[i] = signers->ready[--signers->count];
	}
	pthread_mutex_unlock(&signers->lock);
}
