/* SPDX-License-Identifier: Apache-2.0 */
/* The process's own OpenSSL context: see library.h. */
#include "crypto/library.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <pthread.h>

#include "base/check.h"

static struct {
	OSSL_LIB_CTX *context;
	EVP_MD *sha256;
} library;

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/*
 * The first call into OpenSSL decides for good whether openssl.cnf is read:
 * hence NO_LOAD_CONFIG before anything else. Cleanup at exit is ours to leave
 * out: threads may still be in the middle of a handshake then.
 */
static void library_start(void)
{
	CHECK(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) == 1);
	library.context = OSSL_LIB_CTX_new();
	CHECK(library.context != NULL);
	CHECK(OSSL_PROVIDER_load(library.context, "default") != NULL);
	library.sha256 = EVP_MD_fetch(library.context, "SHA2-256", NULL);
	CHECK(library.sha256 != NULL);
}

OSSL_LIB_CTX *crypto_library(void)
{
	CHECK(pthread_once(&library_once, library_start) == 0);
	return library.context;
}

const EVP_MD *crypto_sha256(void)
{
	(void)crypto_library();
	return library.sha256;
}
