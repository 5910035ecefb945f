/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/catalog.h"

/*
 * Curves of 256 bits first, since each is fast and safe; larger ones for peers
 * that insist; secp256k1, secp224r1 and the brainpool and binary curves are left
 * out: no mail client needs them.
 */
static const struct tls_group groups[] = {
	{"X25519MLKEM768", 0x11ec, TLS_GROUP_HYBRID, 256},
	{"X25519", 0x001d, TLS_GROUP_EC, 256},
	{"P-256", 0x0017, TLS_GROUP_EC, 256},
	{"X448", 0x001e, TLS_GROUP_EC, 448},
	{"P-384", 0x0018, TLS_GROUP_EC, 384},
	{"P-521", 0x0019, TLS_GROUP_EC, 521},
	{"ffdhe2048", 0x0100, TLS_GROUP_FF, 2048},
	{"ffdhe3072", 0x0101, TLS_GROUP_FF, 3072},
	{"ffdhe4096", 0x0102, TLS_GROUP_FF, 4096},
};

size_t tls_group_count(void)
{
	return sizeof(groups) / sizeof(groups[0]);
}

const struct tls_group *tls_group_at(size_t index)
{
	CHECK(index < tls_group_count());
	return &groups[index];
}

const struct suite *suite_catalog_by_id(const struct suite_catalog *catalog, uint16_t id)
{
	for (size_t i = 0; i < catalog->suite_count; i++) {
		if (catalog->suites[i].id == id)
			return &catalog->suites[i];
	}
	return NULL;
}

const struct suite *suite_catalog_by_name(const struct suite_catalog *catalog, struct str name)
{
	for (size_t i = 0; i < catalog->suite_count; i++) {
		if (str_equals(catalog->suites[i].name, name))
			return &catalog->suites[i];
	}
	return NULL;
}

const struct suite *suite_catalog_by_iana_name(const struct suite_catalog *catalog, struct str name)
{
	for (size_t i = 0; i < catalog->suite_count; i++) {
		if (str_equals_nocase(catalog->suites[i].iana_name, name))
			return &catalog->suites[i];
	}
	return NULL;
}
