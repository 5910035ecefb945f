/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who vouches for our own certificates: a public CA, which browsers hold to
 * rules of their own, or somebody of the house.
 *
 * The system's store is where OpenSSL looks (SSL_CERT_FILE and SSL_CERT_DIR change
 * that); roots in HOME/sslca are the house's even if they stand there too.
 */
#ifndef POSTERN_TLS_TRUST_H
#define POSTERN_TLS_TRUST_H

#include "tls/certificate.h"

struct tls_trust;

/* Reads the *.crt and *.pem of the folder, which need not exist. Blocks on the disk. */
struct tls_trust *tls_trust_new(const char *own_roots_folder);
/* Frees, and sets to NULL. */
void tls_trust_free(struct tls_trust **trust);

/*
 * True when the chain leads to a root of the system's store and not to one of the
 * house. Dates do not matter. Blocks on the disk.
 */
bool tls_trust_is_public(const struct tls_trust *trust, const struct tls_certificate *certificate);

enum tls_trust_verdict {
	TLS_TRUST_PUBLIC,   /* a root of the system's store */
	TLS_TRUST_HOUSE,    /* a root in the folder */
	TLS_TRUST_OWN_ROOT, /* it ends with a root that nobody here knows */
	TLS_TRUST_OPEN	    /* it ends with a certificate whose issuer is neither in it nor known */
};

/* To whom the chain leads, by dates that do not matter. Blocks on the disk. */
enum tls_trust_verdict tls_trust_judge(const struct tls_trust *trust,
				       const struct tls_certificate *certificate);

/*
 * Adds a warning when a public certificate carries no timestamps of certificate logs:
 * browsers hold that against it. Tells whether it is public. Blocks on the disk.
 */
bool tls_trust_check(const struct tls_trust *trust, const struct tls_certificate *certificate,
		     const char *file, struct findings *findings);

#endif
