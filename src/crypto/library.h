/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This process's own instance of the cryptographic library.
 *
 * OpenSSL keeps its algorithms in a library context. Postern uses one of its
 * own, with nothing but the default provider in it, and switches off the
 * reading of the machine's openssl.cnf: what is effective comes from
 * mailserver.cfg alone. The context is made on first use, lives as long as the
 * process and never changes, so any thread may use it.
 */
#ifndef POSTERN_CRYPTO_LIBRARY_H
#define POSTERN_CRYPTO_LIBRARY_H

#include <openssl/types.h>

/* Gives the context; never NULL (a library that does not start aborts the role). */
OSSL_LIB_CTX *crypto_library(void);

/* Algorithms fetched once, so that nobody pays for the search again. Borrowed. */
const EVP_MD *crypto_sha256(void);

#endif
