/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills policy's catalog from the OpenSSL at hand: which suites, protocols and
 * groups it has, and how it reads a cipher string.
 *
 * Nothing is modelled: each answer is asked of a scratch context. The machine's
 * openssl.cnf plays no part (crypto/library.h).
 */
#ifndef POSTERN_TLS_CATALOG_H
#define POSTERN_TLS_CATALOG_H

#include "policy/catalog.h"

/*
 * Makes a catalog; the caller frees it. Takes some milliseconds; aborts when OpenSSL
 * is unusable.
 */
const struct suite_catalog *tls_catalog_new(void);

/* Frees and sets to NULL. */
void tls_catalog_free(const struct suite_catalog **catalog);

/* The protocol of SSL_version's numbering (0x0300 ...); TLS_PROTOCOL_COUNT for any other. */
enum tls_protocol tls_protocol_from_wire(int version);

#endif
