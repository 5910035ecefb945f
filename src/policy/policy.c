/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

const char *tls_relaxed_text(enum tls_relaxed relaxed)
{
	static const char *const texts[TLS_RELAXED_COUNT] = {
		[TLS_RELAXED_SIGNATURES] = "SHA-1 and MD5+SHA-1 signatures in TLSv1 and TLSv1.1",
		[TLS_RELAXED_DH_1024] = "DH groups of 1024 bits",
	};

	CHECK(relaxed < TLS_RELAXED_COUNT);
	return texts[relaxed];
}

const char *tls_rung_name(enum tls_rung rung)
{
	static const char *const names[TLS_RUNG_COUNT] = {"none", "observe", "reply", "handshake"};

	CHECK(rung < TLS_RUNG_COUNT);
	return names[rung];
}

void tls_floor_date_append(struct buf *to, uint32_t date)
{
	buf_printf(to, "%04u-%02u-%02u", date / 10000, date / 100 % 100, date % 100);
}

const struct tls_policy *tls_policy_at(const struct tls_policy *policy, int64_t real_s)
{
	return policy->later != NULL && real_s >= policy->later_at_s ? policy->later : policy;
}

/* Static RSA needs an RSA key as much as RSA signatures do. */
static bool suite_has_certificate(const struct suite *suite, struct tls_certificates certificates)
{
	if (suite->auth == SUITE_AUTH_RSA)
		return certificates.has_rsa;
	if (suite->auth == SUITE_AUTH_ECDSA)
		return certificates.has_ecdsa;
	return certificates.has_rsa || certificates.has_ecdsa;
}

static size_t negotiable_add(const uint16_t *ids, size_t id_count,
			     const struct suite_catalog *catalog,
			     struct tls_certificates certificates, const struct suite **suites_out)
{
	size_t count = 0;

	for (size_t i = 0; i < id_count; i++) {
		const struct suite *suite = suite_catalog_by_id(catalog, ids[i]);
		if (suite != NULL && suite_has_certificate(suite, certificates))
			suites_out[count++] = suite;
	}
	return count;
}

size_t tls_policy_negotiable(const struct tls_policy *policy, const struct suite_catalog *catalog,
			     struct tls_certificates certificates,
			     const struct suite *suites_out[SUITE_CATALOG_MAX])
{
	size_t count = negotiable_add(policy->suites13, policy->suite13_count, catalog,
				      certificates, suites_out);

	return count + negotiable_add(policy->suites, policy->suite_count, catalog, certificates,
				      suites_out + count);
}

void tls_protocols_append(struct buf *to, tls_protocols protocols)
{
	bool is_first = true;

	for (int i = 0; i < TLS_PROTOCOL_COUNT; i++) {
		if (!tls_protocols_has(protocols, (enum tls_protocol)i))
			continue;
		buf_append_c(to, is_first ? "" : ", ");
		buf_append_c(to, tls_protocol_name((enum tls_protocol)i));
		is_first = false;
	}
}
