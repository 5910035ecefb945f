/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing with private keys, again and again.
 *
 * OpenSSL's preparation of a signature (finding the algorithm, its digest, its
 * parameters) costs as much as half of one on P-256. What was prepared for a key and a
 * scheme is kept here for the next signature of that kind.
 *
 * A set of signers keeps keys alive. So its owner forgets a key before it destroys it,
 * and says with each signature whether the key may still be kept.
 */
#ifndef POSTERN_TLS_SIGNERS_H
#define POSTERN_TLS_SIGNERS_H

#include <openssl/types.h>

#include "base/fault.h"
#include "base/str.h"
#include "tls/scheme.h"

struct signers;

struct signers *signers_new(void);
/* Frees, with the references to keys, and sets to NULL. */
void signers_free(struct signers **signers);

/* What one signature is made with. */
struct signer {
	EVP_PKEY *key; /* borrowed; `context` holds a reference */
	const struct sign_scheme *scheme;
	EVP_PKEY_CTX *context;
};

/* Takes what is ready for this key and scheme out of the set, or prepares it; false when it does not fit. */
must_check bool signers_take(struct signers *signers, EVP_PKEY *key,
			     const struct sign_scheme *scheme, struct signer *signer_out);

/* Puts it back for the next; the one that waited longest may have to go for it. */
void signers_give(struct signers *signers, struct signer signer);

/* Signs a digest of the scheme's length. Stores at most SIGN_SIGNATURE_MAX bytes. */
must_check enum fault signer_sign(const struct signer *signer, struct str digest,
				  unsigned char *signature_out, size_t *len_out);

/* For one that is not to be put back. */
void signer_done(struct signer *signer);

/* How many are ready. */
size_t signers_count(struct signers *signers);

/* Lets go of what is ready for a key. Each of these functions is thread safe. */
void signers_forget(struct signers *signers, const EVP_PKEY *key);

#endif
