/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to sign: see scheme.h. */
#include "tls/scheme.h"

#include <string.h>
#include <strings.h>

static const struct sign_scheme schemes[] = {
	{SIGN_SCHEME_RSA_PKCS1_MD5_SHA1, SIGN_RSA_PKCS1, "MD5-SHA1", 36},
	{0x0201, SIGN_RSA_PKCS1, "SHA1", 20},
	{0x0203, SIGN_ECDSA, "SHA1", 20},
	{0x0301, SIGN_RSA_PKCS1, "SHA2-224", 28},
	{0x0303, SIGN_ECDSA, "SHA2-224", 28},
	{SIGN_SCHEME_RSA_PKCS1_SHA256, SIGN_RSA_PKCS1, "SHA2-256", 32},
	{0x0403, SIGN_ECDSA, "SHA2-256", 32},
	{0x0501, SIGN_RSA_PKCS1, "SHA2-384", 48},
	{0x0503, SIGN_ECDSA, "SHA2-384", 48},
	{0x0601, SIGN_RSA_PKCS1, "SHA2-512", 64},
	{0x0603, SIGN_ECDSA, "SHA2-512", 64},
	{0x0804, SIGN_RSA_PSS, "SHA2-256", 32},
	{0x0805, SIGN_RSA_PSS, "SHA2-384", 48},
	{0x0806, SIGN_RSA_PSS, "SHA2-512", 64},
};

/* OpenSSL calls each digest by several names; libssl uses the short ones. */
static const struct {
	const char *alias;
	const char *name;
} aliases[] = {
	{"SHA224", "SHA2-224"}, {"SHA-224", "SHA2-224"}, {"SHA2-224", "SHA2-224"},
	{"SHA256", "SHA2-256"}, {"SHA-256", "SHA2-256"}, {"SHA2-256", "SHA2-256"},
	{"SHA384", "SHA2-384"}, {"SHA-384", "SHA2-384"}, {"SHA2-384", "SHA2-384"},
	{"SHA512", "SHA2-512"}, {"SHA-512", "SHA2-512"}, {"SHA2-512", "SHA2-512"},
	{"SHA1", "SHA1"},	{"SHA-1", "SHA1"},	 {"MD5-SHA1", "MD5-SHA1"},
};

static const char *digest_canonical(const char *digest)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (strcasecmp(aliases[i].alias, digest) == 0)
			return aliases[i].name;
	}
	return NULL;
}

size_t sign_scheme_count(void)
{
	return sizeof(schemes) / sizeof(schemes[0]);
}

const struct sign_scheme *sign_scheme_at(size_t index)
{
	CHECK(index < sign_scheme_count());
	return &schemes[index];
}

const struct sign_scheme *sign_scheme_by_number(uint32_t number)
{
	for (size_t i = 0; i < sign_scheme_count(); i++) {
		if (schemes[i].number == number)
			return &schemes[i];
	}
	return NULL;
}

const struct sign_scheme *sign_scheme_by_digest(enum sign_padding padding, const char *digest)
{
	const char *name = digest_canonical(digest);

	for (size_t i = 0; name != NULL && i < sign_scheme_count(); i++) {
		if (schemes[i].padding == padding && strcmp(schemes[i].digest, name) == 0)
			return &schemes[i];
	}
	return NULL;
}
