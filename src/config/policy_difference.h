/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one policy admits and another does not. Pure.
 */
#ifndef POSTERN_CONFIG_POLICY_DIFFERENCE_H
#define POSTERN_CONFIG_POLICY_DIFFERENCE_H

#include "policy/policy.h"

struct policy_difference {
	bool is_any; /* a session would notice something, if only the order of the suites */
	tls_protocols gone;
	tls_protocols come;
	/* By number, TLS 1.3 first, in the order of the policy that has them. */
	uint16_t suites_gone[SUITE_CATALOG_MAX];
	size_t suites_gone_count;
	uint16_t suites_come[SUITE_CATALOG_MAX];
	size_t suites_come_count;
	bool minimum_falls; /* an older protocol than before is admitted */
};

void tls_policy_compare(const struct tls_policy *before, const struct tls_policy *after,
			struct policy_difference *out);

#endif
