/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/key_kind.h"

#include <openssl/evp.h>

enum { RSA_BITS_MIN = 1024, RSA_BITS_MAX = 8192 };

#define CURE "make an ECDSA key on P-256 or an RSA key of 2048 bits, and a certificate for it"

static bool rsa_check(EVP_PKEY *key, const char *whose, struct buf *why)
{
	int bits = EVP_PKEY_get_bits(key);

	if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
		return true;
	buf_printf(why, "%s is an RSA key of %d bits, which is not usable; take 2048 to 4096", whose,
		   bits);
	return false;
}

static bool curve_check(EVP_PKEY *key, const char *whose, struct buf *why)
{
	static const char *const usable[] = {"prime256v1", "P-256",	"secp384r1",
					     "P-384",	   "secp521r1", "P-521"};
	char name[64] = "";

	/* Explicit parameters have no name; RFC 8422 section 5.1.1 forbids them. */
	if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) != 1)
		name[0] = '\0';
	for (size_t i = 0; i < sizeof(usable) / sizeof(usable[0]); i++) {
		if (strcmp(usable[i], name) == 0)
			return true;
	}
	buf_printf(why, "%s is on the elliptic curve %s; clients of TLS take P-256, P-384 and P-521",
		   whose, name[0] == '\0' ? "of its own parameters" : name);
	return false;
}

bool tls_key_kind_check(EVP_PKEY *key, const char *whose, struct buf *why)
{
	static const struct {
		const char *name;
		const char *words;
	} strangers[] = {
		{"ED25519", "Ed25519, which common mail clients do not support"},
		{"ED448", "Ed448, which common mail clients do not support"},
		{"RSA-PSS", "of the kind RSA-PSS, which common mail clients do not support"},
		{"DSA", "a DSA key, which TLS 1.3 has abolished and clients refuse"},
		{"X25519", "made for key exchange and cannot sign"},
		{"X448", "made for key exchange and cannot sign"},
		{"DH", "made for key exchange and cannot sign"},
	};

	if (EVP_PKEY_is_a(key, "RSA"))
		return rsa_check(key, whose, why);
	if (EVP_PKEY_is_a(key, "EC"))
		return curve_check(key, whose, why);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		if (EVP_PKEY_is_a(key, strangers[i].name)) {
			buf_printf(why, "%s is %s; " CURE, whose, strangers[i].words);
			return false;
		}
	}
	buf_printf(why, "%s is neither RSA nor on an elliptic curve of TLS; " CURE, whose);
	return false;
}
