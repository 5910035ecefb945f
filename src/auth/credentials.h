/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accounts' credentials on disk: an LMDB environment that only the auth
 * role opens, one record an account; beside it, where the administrator wants
 * them, the verifiers of SCRAM (crypto/scram.h), which go with the password they are of.
 *
 * Every change is durable before the function returns. Any thread may call.
 */
#ifndef POSTERN_AUTH_CREDENTIALS_H
#define POSTERN_AUTH_CREDENTIALS_H

#include "base/buf.h"
#include "base/fault.h"
#include "crypto/scram.h"

struct credentials;

struct credential {
	uint32_t flags; /* LOGIN_FLAG_... of auth/auth.h */
	struct str hash; /* the encoded form of crypto/password.h */
};

/*
 * Opens the environment in `folder`, which is made (mode 0700) if missing.
 * VERSION: a newer Postern wrote it. CORRUPT, NO_SPACE, DENIED, IO.
 */
must_check enum fault credentials_open(const char *folder, struct credentials **out);
void credentials_close(struct credentials **credentials);

/*
 * Looks an account up; the hash is copied to `hash` and viewed by the result.
 * NOT_FOUND, CORRUPT, IO. Blocks on the disk at most for a page.
 */
must_check enum fault credentials_get(struct credentials *credentials, struct str account,
				      struct buf *hash, struct credential *credential_out);

/*
 * Sets or replaces, the verifier too: NULL removes what was kept of the former password.
 * INVALID for an account name that is empty or too long, NO_SPACE, IO. Blocks.
 */
must_check enum fault credentials_put(struct credentials *credentials, struct str account,
				      const struct credential *credential,
				      const struct scram_verifier *verifier);

/* Sets those of the flags that `mask` names, the password kept. NOT_FOUND, CORRUPT, NO_SPACE, IO.
 * Blocks. */
must_check enum fault credentials_flags_set(struct credentials *credentials, struct str account,
					    uint32_t flags, uint32_t mask);

/* Removes, with the verifier and the second factor; NOT_FOUND when there is none. Blocks. */
must_check enum fault credentials_remove(struct credentials *credentials, struct str account);

/* Looks the account's verifier up. NOT_FOUND, CORRUPT, IO. Blocks at most for a page. */
must_check enum fault credentials_verifier_get(struct credentials *credentials, struct str account,
					       struct scram_verifier *verifier_out);

/*
 * Keeps the verifier of the password whose hash is `hash`; CONFLICT when the account
 * has another by now, NOT_FOUND when it has none. Blocks.
 */
must_check enum fault credentials_verifier_put(struct credentials *credentials, struct str account,
					       struct str hash,
					       const struct scram_verifier *verifier);

/* Forgets the verifiers of all accounts. Blocks. */
must_check enum fault credentials_verifiers_drop(struct credentials *credentials);

/* The key of this environment from which the salts of accounts are made; it lives as long as it. */
const struct mac_key *credentials_salt_key(const struct credentials *credentials);

/*
 * Calls `each` for the accounts that follow `after` in order of their bytes,
 * until it returns false. The name is borrowed for the call.
 */
must_check enum fault credentials_walk(struct credentials *credentials, struct str after,
				       bool (*each)(void *context, struct str account, uint32_t flags),
				       void *context);

/* ---- what others keep beside them: they know what is in it ---- */

enum credentials_kept {
	CREDENTIALS_REMOTE,   /* auth/remote.h */
	CREDENTIALS_SESSIONS, /* auth/web_sessions.h */
	CREDENTIALS_TOTP,     /* auth/second_factor.h */
	CREDENTIALS_KEPT_COUNT
};

enum { CREDENTIALS_KEPT_MAX = 4096 };

/* Appends what is kept under a name. NOT_FOUND. Blocks at most for a page. */
must_check enum fault credentials_kept_get(struct credentials *credentials,
					   enum credentials_kept what, struct str name,
					   struct buf *to);
/* Keeps, durably; an empty value removes: NOT_FOUND when there is none. Blocks. */
must_check enum fault credentials_kept_put(struct credentials *credentials,
					   enum credentials_kept what, struct str name,
					   struct str value);
/* Calls `each` with the names in order; both are borrowed for the call. Blocks at most for pages. */
must_check enum fault
credentials_kept_walk(struct credentials *credentials, enum credentials_kept what,
		      void (*each)(void *context, struct str name, struct str value), void *context);

#endif
