/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The computations of SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677) that a server
 * needs: what it keeps of a password, and whether a proof fits it.
 *
 * A verifier does not give the password, but whoever steals it can try passwords
 * against it at SCRAM_ITERATIONS HMACs each, which graphics cards do by the million; an
 * Argon2id hash (crypto/password.h) costs memory too.
 */
#ifndef POSTERN_CRYPTO_SCRAM_H
#define POSTERN_CRYPTO_SCRAM_H

#include "crypto/digest.h"
#include "crypto/mac.h"

enum {
	SCRAM_SALT_BYTES = 16,
	/* Sixteen times RFC 7677's minimum; clients on Cyrus SASL refuse more. */
	SCRAM_ITERATIONS = 65536,
};

struct scram_verifier {
	uint32_t iterations;
	uint8_t salt[SCRAM_SALT_BYTES];
	uint8_t stored_key[SHA256_BYTES];
	uint8_t server_key[SHA256_BYTES];
};

/*
 * Makes the verifier of a password that went through proto/saslprep.h. Takes some
 * 30 ms of the calling thread at SCRAM_ITERATIONS.
 */
void scram_verifier_make(struct str password, const uint8_t salt[SCRAM_SALT_BYTES],
			 uint32_t iterations, struct scram_verifier *verifier_out);

/* True when the client's proof shows that it knows the password; constant time. */
bool scram_proof_is_right(const struct scram_verifier *verifier, struct str signed_text,
			  const uint8_t proof[SHA256_BYTES]);

/* Computes the signature by which the server proves that it knows the verifier. */
void scram_server_sign(const struct scram_verifier *verifier, struct str signed_text,
		       uint8_t signature_out[SHA256_BYTES]);

/* Overwrites; safe as a cleanup handler. */
void scram_verifier_wipe(struct scram_verifier *verifier);
#define CLEANUP_SCRAM_VERIFIER __attribute__((cleanup(scram_verifier_wipe)))

#endif
