/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords with which this server logs in at others (relay hosts, POP3 accounts).
 * Unlike users' passwords they have to be read again: they are kept sealed
 * (crypto/seal.h), under a key in a file beside the environment, so that neither
 * alone gives them away. Only this role opens either.
 */
#ifndef POSTERN_AUTH_REMOTE_H
#define POSTERN_AUTH_REMOTE_H

#include "auth/credentials.h"
#include "base/secret.h"
#include "crypto/seal.h"

struct remote_passwords;

enum { REMOTE_NAME_MAX = 200 };

/*
 * Opens, and makes the key where there is none; borrows the credentials. CORRUPT: the
 * file holds no key; NO_SPACE, IO. Blocks on the disk.
 */
must_check enum fault remote_passwords_open(const char *folder, struct credentials *credentials,
					    struct remote_passwords **out);
/* Wipes the key, frees, and sets to NULL. NULL is let be. */
void remote_passwords_close(struct remote_passwords **passwords);

/* The key, for what else has to be read again; it lives as long as `passwords`. */
const struct seal_key *remote_passwords_key(const struct remote_passwords *passwords);

/* Keeps a password under a name, or with an empty one forgets it (NOT_FOUND). INVALID: no name. Blocks. */
must_check enum fault remote_password_set(struct remote_passwords *passwords, struct str name,
					  struct str password);

/* NOT_FOUND; CORRUPT when the key is another than it was sealed under. */
must_check enum fault remote_password_get(struct remote_passwords *passwords, struct str name,
					  struct secret *password_out);

/* Appends the names, a line each. */
must_check enum fault remote_password_names(struct remote_passwords *passwords, struct buf *to);

#endif
