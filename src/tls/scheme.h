/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways to sign, as the front asks for them and the keys role carries them out.
 *
 * Numbers are the code points of RFC 8446 section 4.2.3 where there is one; the
 * pair of MD5 and SHA-1 of TLS 1.0 and 1.1 has none and takes one of private
 * use. What is signed is always a digest of the scheme's own length: a front
 * that was taken over can have digests signed, but gets no key.
 */
#ifndef POSTERN_TLS_SCHEME_H
#define POSTERN_TLS_SCHEME_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

enum sign_padding { SIGN_RSA_PKCS1, SIGN_RSA_PSS, SIGN_ECDSA };

struct sign_scheme {
	uint32_t number;
	enum sign_padding padding;
	const char *digest; /* OpenSSL's name */
	size_t digest_len;
};

enum {
	/* The longest digest (SHA-512) and signature (RSA-8192) there are. */
	SIGN_DIGEST_MAX = 64,
	SIGN_SIGNATURE_MAX = 1024,
	SIGN_SCHEME_RSA_PKCS1_MD5_SHA1 = 0xfe01,
	SIGN_SCHEME_RSA_PKCS1_SHA256 = 0x0401,
	/*
	 * Not of the table, as no certificate of ours has such a key: for DKIM, whose message
	 * is a digest of 32 bytes.
	 */
	SIGN_SCHEME_ED25519 = 0x0807,
	SIGN_ED25519_MESSAGE_BYTES = 32,
	PREMASTER_BYTES = 48,
};

/*
 * Finds a scheme by number, or by padding and length-determining digest name; NULL
 * when there is none.
 */
const struct sign_scheme *sign_scheme_by_number(uint32_t number);
const struct sign_scheme *sign_scheme_by_digest(enum sign_padding padding, const char *digest);

/* The number of schemes, and each: for tests and for fetching every digest once. */
size_t sign_scheme_count(void);
const struct sign_scheme *sign_scheme_at(size_t index);

#endif
