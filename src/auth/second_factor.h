/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second factor of who administers: a secret that only this role and the
 * user's telephone know, of which codes are made (crypto/totp.h). It is kept sealed like the
 * passwords for other servers (auth/remote.h). A secret that was begun counts for nothing until a code of
 * it has been shown. Each code serves once, whoever tries it at the same time.
 *
 * Any thread may call; every function blocks on the disk.
 */
#ifndef POSTERN_AUTH_SECOND_FACTOR_H
#define POSTERN_AUTH_SECOND_FACTOR_H

#include "auth/credentials.h"
#include "crypto/seal.h"

struct second_factors;

/* Borrows both. */
struct second_factors *second_factors_new(struct credentials *credentials,
					  const struct seal_key *key);
void second_factors_free(struct second_factors **factors);

/*
 * Makes a secret in place of one that was only begun, and appends its bytes. EXISTS: the
 * account has a factor that is on; INVALID, NO_SPACE, IO.
 */
must_check enum fault second_factor_begin(struct second_factors *factors, struct str account,
					  struct buf *secret);

/*
 * Switches it on with a code, which is spent by that. NOT_FOUND: nothing was begun; EXISTS:
 * it is on; DENIED: not the code. CORRUPT, NO_SPACE, IO.
 */
must_check enum fault second_factor_confirm(struct second_factors *factors, struct str account,
					    struct str code, int64_t now_s);

/* Forgets it, on or begun. NOT_FOUND, NO_SPACE, IO. */
must_check enum fault second_factor_off(struct second_factors *factors, struct str account);

/* Whether the account has one that is on. CORRUPT, IO: then nobody may take it for off. */
must_check enum fault second_factor_is_on(struct second_factors *factors, struct str account,
					  bool *is_on_out);

/* The same, and since when; 0 where that was not noted. */
must_check enum fault second_factor_read(struct second_factors *factors, struct str account,
					 bool *is_on_out, int64_t *since_s_out);

/* Spends a code of a factor that is on. DENIED: not the code, or used. NOT_FOUND: none is on. */
must_check enum fault second_factor_spend(struct second_factors *factors, struct str account,
					  struct str code, int64_t now_s);

#endif
