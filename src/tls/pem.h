/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people put into PEM files (RFC 7468) instead of what belongs there, in
 * words. Reading itself is OpenSSL's; nothing here allocates or does I/O.
 */
#ifndef POSTERN_TLS_PEM_H
#define POSTERN_TLS_PEM_H

#include "base/buf.h"

/* True when the text has a block of private key, whatever its kind. */
bool pem_has_private_key(struct str file);

/* True for the binary form of PKCS#12 (RFC 7292): a sequence that begins with version 3. */
bool pem_is_pkcs12(struct str file);

enum pem_wanted { PEM_WANTS_CERTIFICATE, PEM_WANTS_KEY };

/* Appends why a file gives no certificate, or no private key, and the cure. */
void pem_explain(struct str file, enum pem_wanted wanted, struct buf *why);

#endif
