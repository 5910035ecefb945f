/* SPDX-License-Identifier: Apache-2.0 */
/* What a change means, as JSON: see plan.h. */
#include "config/policy_difference.h"
#include "ctl/effective.h"
#include "ctl/in_force.h"
#include "ctl/plan.h"

/* A text without pointer becomes null. */
static json_t *value_json(struct str value)
{
	return value.ptr == NULL ? json_null() : json_text(value);
}

json_t *plan_difference_json(const struct config_difference *difference)
{
	struct buf name = BUF_INIT(4096);

	config_address_append(&name, &difference->address);
	json_t *object = json_pack("{s:o, s:o, s:o}", "variable", json_text(buf_str(&name)), "old",
				   value_json(difference->before), "new",
				   value_json(difference->after));
	buf_done(&name);
	return object;
}

static json_t *changes_json(const struct plan *plan)
{
	struct config_differences differences;
	json_t *list = json_array();

	config_differences_find(buf_str(&plan->before), buf_str(&plan->after), &differences);
	for (size_t i = 0; i < differences.count; i++)
		json_array_append_new(list, plan_difference_json(&differences.items[i]));
	config_differences_done(&differences);
	return list;
}

static json_t *suites_json(const struct plan *plan, const uint16_t *ids, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct suite *suite = suite_catalog_by_id(plan->catalog, ids[i]);
		if (suite != NULL)
			json_array_append_new(list, json_text(suite->iana_name));
	}
	return list;
}

/* Adds what one service or client gains and loses; nothing where no session would notice. */
static void policy_add(const struct plan *plan, json_t *list, const char *name,
		       const struct tls_policy *before, const struct tls_policy *after)
{
	struct policy_difference difference;

	before = plan_policy_now(before);
	after = plan_policy_now(after);
	tls_policy_compare(before, after, &difference);
	if (!difference.is_any)
		return;
	json_array_append_new(
		list,
		json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "name", name,
			  "protocols_before", effective_protocols_json(before->protocols),
			  "protocols", effective_protocols_json(after->protocols),
			  "protocols_gone", effective_protocols_json(difference.gone),
			  "protocols_come", effective_protocols_json(difference.come),
			  "suites_gone",
			  suites_json(plan, difference.suites_gone, difference.suites_gone_count),
			  "suites_come",
			  suites_json(plan, difference.suites_come, difference.suites_come_count),
			  "minimum_falls", (int)difference.minimum_falls));
}

json_t *plan_json(const struct plan *plan)
{
	const struct config *before = plan->config_before, *after = plan->config_after;
	json_t *services = json_array(), *clients = json_array();

	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (after->services[i].enabled)
			policy_add(plan, services, service_name((enum service_id)i),
				   &before->services[i].policy, &after->services[i].policy);
	for (size_t i = 0; i < CLIENT_COUNT; i++)
		policy_add(plan, clients, client_name((enum client_id)i), &before->clients[i],
			   &after->clients[i]);
	return json_pack("{s:o, s:o, s:o, s:o}", "generation",
			 generation_json(buf_str(&plan->before)), "changes", changes_json(plan),
			 "services", services, "clients", clients);
}
