/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pairs in HOME/sslcert as the parent holds them: chains to hand to the
 * fronts, private keys to hand to the keys role and then to forget.
 *
 * The parent does not parse private keys: the keys role answers with the key's
 * identity, which must be that of the certificate.
 */
#ifndef POSTERN_PROC_CERTIFICATES_H
#define POSTERN_PROC_CERTIFICATES_H

#include "base/log.h"
#include "tls/trust.h"

enum { PAIRS_MAX = 256 };

struct pair {
	char *name;        /* "server", "server-ecdsa", "mail.example.com" */
	uint32_t key;      /* its number; another one when the private key changes */
	struct buf chain;  /* PEM */
	struct buf secret; /* PEM of the private key; wiped once it is given away */
	struct tls_certificate *certificate;
	unsigned char secret_digest[32];
	bool is_default;   /* for peers that name no host */
	bool is_public;	   /* a root of the system vouches for it */
	bool is_good;      /* the keys role has the key and it fits */
};

struct pairs {
	size_t count;
	struct pair items[PAIRS_MAX];
};

/* Where they are read from, what time it is, and where is told what is wrong. */
struct pairs_source {
	const char *folder;
	int64_t now_s;
	const struct log *log;
	const struct tls_trust *trust; /* who vouches for them */
};

/*
 * Reads all pairs of the folder. A pair that cannot be read, that OpenSSL would
 * refuse or that is expired is reported in error.log and replaced by its namesake in
 * `present`, if there is one. Gives new numbers to new keys. FAULT_NOT_FOUND when
 * there is no folder.
 */
must_check enum fault pairs_read(struct pairs *next, const struct pairs_source *source,
				 const struct pairs *present, uint32_t *next_key);

/*
 * The keys role's answer for a pair: notes whether the key fits; says so in error.log
 * if not, and whether one of `present` takes its place.
 */
void pair_key_answered(struct pair *pair, const struct pairs *present, enum fault fault,
		       struct str identity_or_reason, const struct log *log);

/*
 * Puts `present`'s pair where one did not turn out good; drops those that have no
 * substitute. The last pairs for clients that name no host stay though their files
 * are gone; where there was none, the first pair serves them.
 */
void pairs_settle(struct pairs *next, const struct pairs *present, const struct log *log);

void pairs_free(struct pairs *pairs);

#endif
