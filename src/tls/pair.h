/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs as people bring them: what a CA sent, put in the order of TLS; PKCS#12
 * files. Parses private keys: for commands, never for a server.
 */
#ifndef POSTERN_TLS_PAIR_H
#define POSTERN_TLS_PAIR_H

#include "base/secret.h"
#include "tls/certificate.h"

/* All PEM, borrowed; `spare` may be empty. */
struct tls_pair_parts {
	struct str key;
	struct str certificates; /* one of them has the key */
	struct str more;	 /* issuers that came in a file of their own; may be empty */
	struct str spare;	 /* a chain from before, whose issuers may still fit */
	const struct secret *password; /* of the key; NULL: none */
};

/*
 * Makes a pair: the certificate that the key belongs to, then its issuers as far as
 * the parts have them, then nothing else; the key alone. INVALID or UNSUPPORTED with
 * the reason in `why`, DENIED when the password does not open the key. The caller frees with
 * tls_pair_done.
 */
must_check enum fault tls_pair_assemble(const struct tls_pair_parts *parts,
					struct tls_pair *pair_out, struct buf *why);

/* The same for a key that is elsewhere, known by its identity: the pair's key stays empty. */
must_check enum fault tls_chain_assemble(const struct tls_pair_parts *parts,
					 const unsigned char key_id[TLS_KEY_ID_BYTES],
					 struct tls_pair *pair_out, struct buf *why);

/* The same from a PKCS#12 file (RFC 7292). DENIED: the password is wrong. */
must_check enum fault tls_pair_from_pkcs12(struct str file, const char *password,
					   struct tls_pair *pair_out, struct buf *why);

#endif
