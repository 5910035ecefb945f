/* SPDX-License-Identifier: Apache-2.0 */
/* What this OpenSSL can do: see catalog.h. */
#include "tls/catalog.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/check.h"
#include "crypto/library.h"

/*
 * Every TLS 1.3 suite of RFC 8446 appendix B.4. The suites without encryption
 * of RFC 9150 are left out on purpose: what is not in the catalog is never
 * offered.
 */
static const char *const tls13_names[] = {
	"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256",
	"TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256",
};

struct tls_catalog {
	struct suite_catalog public;
	struct suite suites[SUITE_CATALOG_MAX];
	uint16_t tls13[16];
};

/* A context as the library makes it, except that the security level hides nothing. */
static SSL_CTX *scratch_new(void)
{
	SSL_CTX *scratch = SSL_CTX_new_ex(crypto_library(), NULL, TLS_method());

	CHECK(scratch != NULL);
	SSL_CTX_set_security_level(scratch, 0);
	return scratch;
}

enum tls_protocol tls_protocol_from_wire(int version)
{
	int protocol = version - SSL3_VERSION;

	return protocol >= 0 && protocol < TLS_PROTOCOL_COUNT ? (enum tls_protocol)protocol
							      : TLS_PROTOCOL_COUNT;
}

static bool cipher_is_tls13(const SSL_CIPHER *cipher)
{
	return SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any;
}

static enum suite_kx suite_kx_from_nid(int nid)
{
	switch (nid) {
	case NID_kx_any:
		return SUITE_KX_TLS13;
	case NID_kx_ecdhe:
		return SUITE_KX_ECDHE;
	case NID_kx_dhe:
		return SUITE_KX_DHE;
	case NID_kx_rsa:
		return SUITE_KX_RSA;
	case NID_kx_psk:
	case NID_kx_ecdhe_psk:
	case NID_kx_dhe_psk:
	case NID_kx_rsa_psk:
		return SUITE_KX_PSK;
	case NID_kx_srp:
		return SUITE_KX_SRP;
	default:
		return SUITE_KX_OTHER;
	}
}

static enum suite_auth suite_auth_from_nid(int nid)
{
	switch (nid) {
	case NID_auth_any:
		return SUITE_AUTH_TLS13;
	case NID_auth_rsa:
		return SUITE_AUTH_RSA;
	case NID_auth_ecdsa:
		return SUITE_AUTH_ECDSA;
	case NID_auth_null:
		return SUITE_AUTH_NONE;
	case NID_auth_dss:
		return SUITE_AUTH_DSS;
	case NID_auth_psk:
		return SUITE_AUTH_PSK;
	case NID_auth_srp:
		return SUITE_AUTH_SRP;
	default:
		return SUITE_AUTH_OTHER;
	}
}

/* OpenSSL says "TLSv1.0" here where it says "TLSv1" elsewhere; the policy's reader knows both. */
static enum tls_protocol suite_min_protocol(const SSL_CIPHER *cipher)
{
	enum tls_protocol protocol;

	if (!tls_protocol_from_name(str_from_c(SSL_CIPHER_get_version(cipher)), &protocol))
		return TLS_PROTOCOL_1_2;
	return protocol;
}

static void catalog_add(struct tls_catalog *catalog, const SSL_CIPHER *cipher)
{
	CHECK(catalog->public.suite_count < SUITE_CATALOG_MAX);
	const char *iana_name = SSL_CIPHER_standard_name(cipher);

	catalog->suites[catalog->public.suite_count++] = (struct suite){
		.id = SSL_CIPHER_get_protocol_id(cipher),
		.name = str_from_c(SSL_CIPHER_get_name(cipher)),
		.iana_name =
			str_from_c(iana_name != NULL ? iana_name : SSL_CIPHER_get_name(cipher)),
		.min_protocol = suite_min_protocol(cipher),
		.kx = suite_kx_from_nid(SSL_CIPHER_get_kx_nid(cipher)),
		.auth = suite_auth_from_nid(SSL_CIPHER_get_auth_nid(cipher)),
		.strength_bits = SSL_CIPHER_get_bits(cipher, NULL),
		.is_aead = SSL_CIPHER_is_aead(cipher) == 1,
	};
}

/* The suites that `scratch` would use, of TLS 1.3 or of all before it. */
static void catalog_add_all(struct tls_catalog *catalog, const SSL_CTX *scratch, bool is_tls13)
{
	const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(scratch);

	for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
		if (cipher_is_tls13(cipher) == is_tls13)
			catalog_add(catalog, cipher);
	}
}

static void catalog_fill_tls13(struct tls_catalog *catalog)
{
	SSL_CTX *scratch = scratch_new();
	const STACK_OF(SSL_CIPHER) *defaults = SSL_CTX_get_ciphers(scratch);
	size_t count = 0;

	for (int i = 0; i < sk_SSL_CIPHER_num(defaults); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(defaults, i);
		if (cipher_is_tls13(cipher) &&
		    count < sizeof(catalog->tls13) / sizeof(catalog->tls13[0]))
			catalog->tls13[count++] = SSL_CIPHER_get_protocol_id(cipher);
	}
	catalog->public.tls13 = catalog->tls13;
	catalog->public.tls13_count = count;
	SSL_CTX_free(scratch);
}

/* Unknown names in a list are no error to OpenSSL: so each is asked alone, and then looked for. */
static void catalog_fill_suites(struct tls_catalog *catalog)
{
	for (size_t i = 0; i < sizeof(tls13_names) / sizeof(tls13_names[0]); i++) {
		SSL_CTX *scratch = scratch_new();
		if (SSL_CTX_set_ciphersuites(scratch, tls13_names[i]) == 1)
			catalog_add_all(catalog, scratch, true);
		SSL_CTX_free(scratch);
	}
	SSL_CTX *scratch = scratch_new();
	CHECK(SSL_CTX_set_cipher_list(scratch, "ALL:COMPLEMENTOFALL") == 1);
	catalog_add_all(catalog, scratch, false);
	SSL_CTX_free(scratch);
	catalog->public.suites = catalog->suites;
}

/*
 * Setting a bound succeeds even for a version that was compiled out: only a hello
 * tells the truth.
 */
static bool library_speaks(enum tls_protocol protocol)
{
	SSL_CTX *scratch = scratch_new();
	SSL *probe = NULL;
	bool does_speak = false;

	if (SSL_CTX_set_min_proto_version(scratch, tls_protocol_wire(protocol)) == 1 &&
	    SSL_CTX_set_max_proto_version(scratch, tls_protocol_wire(protocol)) == 1 &&
	    (probe = SSL_new(scratch)) != NULL) {
		SSL_set_bio(probe, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		does_speak = SSL_get_error(probe, SSL_connect(probe)) == SSL_ERROR_WANT_READ;
	}
	SSL_free(probe);
	SSL_CTX_free(scratch);
	return does_speak;
}

static void catalog_fill_protocols(struct tls_catalog *catalog)
{
	for (enum tls_protocol p = TLS_PROTOCOL_SSLV3; p < TLS_PROTOCOL_COUNT; p++) {
		ERR_clear_error();
		if (library_speaks(p))
			catalog->public.protocols |= TLS_PROTOCOL_BIT(p);
	}
}

static void catalog_fill_groups(struct tls_catalog *catalog)
{
	SSL_CTX *scratch = scratch_new();

	for (size_t i = 0; i < tls_group_count(); i++) {
		if (SSL_CTX_set1_groups_list(scratch, tls_group_at(i)->name) == 1)
			catalog->public.groups |= UINT32_C(1) << i;
	}
	SSL_CTX_free(scratch);
}

static bool catalog_expand(const struct suite_catalog *catalog, const char *string,
			   uint16_t ids_out[SUITE_CATALOG_MAX], size_t *count_out)
{
	SSL_CTX *scratch = scratch_new();
	bool is_good = SSL_CTX_set_cipher_list(scratch, string) == 1;
	const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(scratch);

	*count_out = 0;
	for (int i = 0; is_good && i < sk_SSL_CIPHER_num(ciphers); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
		if (!cipher_is_tls13(cipher) && *count_out < SUITE_CATALOG_MAX)
			ids_out[(*count_out)++] = SSL_CIPHER_get_protocol_id(cipher);
	}
	SSL_CTX_free(scratch);
	ERR_clear_error();
	return is_good && *count_out > 0;
}

const struct suite_catalog *tls_catalog_new(void)
{
	struct tls_catalog *catalog = calloc(1, sizeof(*catalog));

	CHECK(catalog != NULL);
	catalog->public.library = str_from_c(OpenSSL_version(OPENSSL_VERSION));
	catalog->public.expand = catalog_expand;
	catalog_fill_protocols(catalog);
	catalog_fill_suites(catalog);
	catalog_fill_tls13(catalog);
	catalog_fill_groups(catalog);
	ERR_clear_error();
	return &catalog->public;
}

void tls_catalog_free(const struct suite_catalog **catalog)
{
	/* `public` is the first member. */
	free((void *)(uintptr_t)*catalog);
	*catalog = NULL;
}
