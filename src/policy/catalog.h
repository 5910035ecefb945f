/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the TLS library at hand knows: its suites, its groups, and how it reads
 * a cipher string. The policy is a pure function of this value and of the
 * variables; tls/catalog.c fills it from OpenSSL.
 *
 * How to fill it:
 *   suites     the suites of "ALL:COMPLEMENTOFALL" (SSL_CTX_set_cipher_list at
 *              security level 0, SSL_CTX_get_ciphers) that are not TLS 1.3, and
 *              every TLS 1.3 suite that SSL_CTX_set_ciphersuites takes;
 *   tls13      the library's own default list (TLS_DEFAULT_CIPHERSUITES);
 *   protocols  those the build can speak (SSLv3 not on Debian);
 *   groups     bit i when SSL_CTX_set1_groups_list takes
 *              tls_group_at(i)->name alone: one unknown name fails a whole list;
 *   expand     a cipher string through a fresh context (the machine's
 *              openssl.cnf and earlier strings must not leak in).
 * A catalog is immutable once filled and may be used by many threads.
 */
#ifndef POSTERN_POLICY_CATALOG_H
#define POSTERN_POLICY_CATALOG_H

#include "policy/protocol.h"

/* Key exchange. Each PSK kind counts as PSK (ECDHE-PSK too). */
enum suite_kx {
	SUITE_KX_TLS13, /* agreed apart from the suite, by group */
	SUITE_KX_ECDHE,
	SUITE_KX_DHE,
	SUITE_KX_RSA,
	SUITE_KX_PSK,
	SUITE_KX_SRP,
	SUITE_KX_OTHER
};

/* What proves the server's identity. */
enum suite_auth {
	SUITE_AUTH_TLS13, /* any certificate */
	SUITE_AUTH_RSA,
	SUITE_AUTH_ECDSA,
	SUITE_AUTH_NONE, /* anonymous: aNULL */
	SUITE_AUTH_DSS,
	SUITE_AUTH_PSK,
	SUITE_AUTH_SRP,
	SUITE_AUTH_OTHER
};

struct suite {
	uint16_t id;			/* the IANA code point: SSL_CIPHER_get_protocol_id */
	struct str name;		/* OpenSSL's name */
	struct str iana_name;		/* SSL_CIPHER_standard_name */
	enum tls_protocol min_protocol; /* SSL_CIPHER_get_version; "SSLv3" is TLS_PROTOCOL_SSLV3 */
	enum suite_kx kx;		/* SSL_CIPHER_get_kx_nid */
	enum suite_auth auth;		/* SSL_CIPHER_get_auth_nid */
	int strength_bits;		/* SSL_CIPHER_get_bits; 0 for NULL encryption */
	bool is_aead;			/* SSL_CIPHER_is_aead */
};

/* Groups of the key exchange that Postern knows, in the order in which it prefers them. */
enum tls_group_kind {
	TLS_GROUP_HYBRID, /* elliptic curve with a post-quantum KEM: ruled by EnableEphemeralECDH */
	TLS_GROUP_EC,
	TLS_GROUP_FF /* finite field, RFC 7919: ruled by EnableEphemeralDH */
};

struct tls_group {
	const char *name; /* for SSL_CTX_set1_groups_list, and in reports */
	uint16_t id;	  /* IANA */
	enum tls_group_kind kind;
	int bits; /* of the prime or the curve */
};

size_t tls_group_count(void);
const struct tls_group *tls_group_at(size_t index);

enum { SUITE_CATALOG_MAX = 512 };

struct suite_catalog {
	struct str library; /* "OpenSSL 3.0.22 ...", for reports */
	const struct suite *suites;
	size_t suite_count; /* at most SUITE_CATALOG_MAX */
	const uint16_t *tls13;
	size_t tls13_count;
	tls_protocols protocols;
	uint32_t groups; /* bit i: tls_group_at(i) */
	/*
	 * Expands a terminated cipher string to suite ids in the library's order, TLS 1.3 left out.
	 * False when the library refuses the string or nothing remains; `*count_out` is then 0.
	 */
	bool (*expand)(const struct suite_catalog *catalog, const char *string,
		       uint16_t ids_out[SUITE_CATALOG_MAX], size_t *count_out);
	void *context; /* of `expand` */
};

/* Finds by id, by OpenSSL's name (exact) or by IANA name (any case); NULL: not in this build. */
const struct suite *suite_catalog_by_id(const struct suite_catalog *catalog, uint16_t id);
const struct suite *suite_catalog_by_name(const struct suite_catalog *catalog, struct str name);
const struct suite *suite_catalog_by_iana_name(const struct suite_catalog *catalog,
					       struct str name);

#endif
