/* SPDX-License-Identifier: Apache-2.0 */
#include "config/policy_difference.h"

static bool ids_have(const uint16_t *ids, size_t count, uint16_t id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static bool policy_has_suite(const struct tls_policy *policy, uint16_t id)
{
	return ids_have(policy->suites13, policy->suite13_count, id) ||
	       ids_have(policy->suites, policy->suite_count, id);
}

static void missing_add(const uint16_t *ids, size_t count, const struct tls_policy *other,
			uint16_t *to, size_t *to_count)
{
	for (size_t i = 0; i < count && *to_count < SUITE_CATALOG_MAX; i++)
		if (!policy_has_suite(other, ids[i]))
			to[(*to_count)++] = ids[i];
}

/* The suites of one that the other has not. */
static size_t suites_missing(const struct tls_policy *policy, const struct tls_policy *other,
			     uint16_t *to)
{
	size_t count = 0;

	missing_add(policy->suites13, policy->suite13_count, other, to, &count);
	missing_add(policy->suites, policy->suite_count, other, to, &count);
	return count;
}

void tls_policy_compare(const struct tls_policy *before, const struct tls_policy *after,
			struct policy_difference *out)
{
	out->is_any = !str_equals(before->text, after->text);
	out->gone = before->protocols & ~after->protocols;
	out->come = after->protocols & ~before->protocols;
	out->suites_gone_count = suites_missing(before, after, out->suites_gone);
	out->suites_come_count = suites_missing(after, before, out->suites_come);
	out->minimum_falls = tls_protocols_min(after->protocols) <
			     tls_protocols_min(before->protocols);
}
