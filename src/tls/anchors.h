/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust anchors: whose word on a certificate counts, read from the machine's trust
 * store and from the folder of a home (sslca/).
 *
 * A store is filled, then handed to contexts and never changed again; it is
 * reference counted and usable from any thread. An anchor need not be a root: any
 * certificate in the store ends a chain.
 */
#ifndef POSTERN_TLS_ANCHORS_H
#define POSTERN_TLS_ANCHORS_H

#include <openssl/types.h>

#include "base/buf.h"
#include "base/fault.h"

/* Where Debian and its kin keep the anchors of all, one file. */
#define TLS_ANCHORS_SYSTEM_FILE "/etc/ssl/certs/ca-certificates.crt"

enum { TLS_ANCHORS_FILE_MAX = 4 * 1024 * 1024, TLS_ANCHORS_FILES_MAX = 1024 };

struct tls_anchors;

/* An empty store, which trusts nobody. */
struct tls_anchors *tls_anchors_new(void);

/*
 * Adds every certificate of a text in PEM form and counts them in `*count_out`, which
 * may be NULL. FAULT_INVALID when there is something in it that begins like a
 * certificate and is none; those before it have been added.
 */
must_check enum fault tls_anchors_add(struct tls_anchors *anchors, struct str pem, size_t *count_out);

/*
 * Adds what stands in a file, or in each file of a folder whose name ends in .crt or
 * .pem. What cannot be read or is damaged is left out, with a line in `notes`; a
 * path that does not exist adds nothing. Blocks on the disk.
 */
void tls_anchors_load(struct tls_anchors *anchors, const char *path, struct buf *notes);

/* How many anchors there are. */
size_t tls_anchors_count(const struct tls_anchors *anchors);

struct tls_anchors *tls_anchors_ref(struct tls_anchors *anchors);
/* Gives a reference back and sets to NULL. */
void tls_anchors_unref(struct tls_anchors **anchors);

/* For tls/client.c and tls/trust.c. Borrowed. */
X509_STORE *tls_anchors_openssl(const struct tls_anchors *anchors);

#endif
