/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

size_t outcome_variables(const char *text, struct raw_variable variables[OUTCOME_VARIABLES_MAX])
{
	size_t count = 0;
	int line = 0;

	for (struct str rest = str_from_c(text); rest.ptr != NULL;) {
		struct str value = str_cut(&rest, '\n');
		line++;
		if (str_is_empty(value))
			continue;
		struct str name = str_cut(&value, '=');
		assert_true(count < OUTCOME_VARIABLES_MAX);
		variables[count++] =
			(struct raw_variable){.name = name, .value = value, .line = line};
	}
	return count;
}

void outcome_append_findings(struct buf *to, const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		buf_printf(to, "%s:%d ", finding_severity_name(finding->severity),
			   finding->place.line);
		finding_place_append(to, &finding->place);
		buf_printf(to, ": %.*s\n", STR_ARG(finding->text));
	}
}

/* "floor TLSv1.2 observe written observe date 20261201"; with the policy behind it, that one's too. */
static void append_floor(struct buf *to, const struct tls_policy *policy)
{
	const struct tls_floor *floor = &policy->floor;

	if (floor->rung == TLS_RUNG_NONE)
		return;
	buf_printf(to, "floor %s %s written %s date %u line %d\n",
		   tls_protocol_name(floor->protocol), tls_rung_name(floor->rung),
		   tls_rung_name(floor->written), floor->date, floor->source.line);
	if (policy->later == NULL)
		return;
	buf_append_c(to, "later protocols ");
	tls_protocols_append(to, policy->later->protocols);
	buf_append_c(to, "\nlater ");
	append_floor(to, policy->later);
}

static void append_policy(struct buf *to, const struct tls_policy *policy,
			  const struct suite_catalog *catalog)
{
	buf_append_c(to, "protocols ");
	tls_protocols_append(to, policy->protocols);
	buf_printf(to, "\nmin %s max %s\nholes [", tls_protocol_name(policy->min),
		   tls_protocol_name(policy->max));
	tls_protocols_append(to, policy->holes);
	buf_printf(to, "]\ncipher [%.*s]\nsuites13 [%.*s]\ngroups [%.*s]\nsuites",
		   STR_ARG(policy->cipher_string), STR_ARG(policy->suites13_string),
		   STR_ARG(policy->groups_string));
	for (size_t i = 0; i < policy->suite_count; i++)
		buf_printf(to, " %.*s",
			   STR_ARG(suite_catalog_by_id(catalog, policy->suites[i])->name));
	buf_printf(to, "\ndhe %d\necdhe %d\npreference %d\nfragments %d\ntickets %d\n",
		   policy->dhe_bits, policy->has_ecdhe, policy->server_preference,
		   policy->empty_fragments, policy->session_tickets);
	for (int i = 0; i < TLS_RELAXED_COUNT; i++) {
		if (policy->relaxed[i])
			buf_printf(to, "relaxed %s by %.*s line %d\n",
				   tls_relaxed_text((enum tls_relaxed)i),
				   STR_ARG(policy->relaxed_by[i].variable),
				   policy->relaxed_by[i].line);
	}
	append_floor(to, policy);
}

void outcome_make(struct outcome *outcome, const struct suite_catalog *catalog,
		  const char *variables, enum tls_direction direction)
{
	outcome_make_at(outcome, catalog, variables, direction, OUTCOME_NOW_S);
}

void outcome_make_at(struct outcome *outcome, const struct suite_catalog *catalog,
		     const char *variables, enum tls_direction direction, int64_t now_s)
{
	bool is_smtp = variables[0] == '@';
	struct settings_context context = {.catalog = catalog,
					   .arena = &outcome->arena,
					   .findings = &outcome->findings,
					   .now_s = now_s};
	struct policy_request request = {.direction = direction,
					 .who = STR("the service"),
					 .settings = &outcome->settings,
					 .session_tickets = true,
					 .now_s = now_s};
	struct raw_table table = {.name = is_smtp ? STR("SmtpSecurity") : STR("Security"),
				  .variables = outcome->variables,
				  .has_reply = is_smtp};

	arena_init(&outcome->arena, 16 << 20);
	findings_init(&outcome->findings);
	buf_init(&outcome->text, 1 << 20);
	table.count = outcome_variables(variables + is_smtp, outcome->variables);
	tls_settings_read(&table, &context, &outcome->settings);
	outcome->has_policy = policy_resolve(&request, catalog, &outcome->arena, &outcome->findings,
					     &outcome->policy);
	outcome_append_findings(&outcome->text, &outcome->findings);
	if (outcome->has_policy)
		append_policy(&outcome->text, &outcome->policy, catalog);
	else
		buf_append_c(&outcome->text, "no policy\n");
}

void outcome_done(struct outcome *outcome)
{
	buf_done(&outcome->text);
	findings_done(&outcome->findings);
	arena_rewind(&outcome->arena);
}

void outcome_expect(const char *what, const struct buf *text, const char *parts)
{
	for (struct str rest = str_from_c(parts); rest.ptr != NULL;) {
		struct str part = str_cut(&rest, '|');
		bool wanted = str_is_empty(part) || part.ptr[0] != '^';
		struct str sought = wanted ? part : str_from(part, 1);
		if ((str_find(buf_str(text), sought) != STR_NONE) != wanted)
			fail_msg("%s: expected%s \"%.*s\" in:\n%.*s", what, wanted ? "" : " no",
				 STR_ARG(sought), STR_ARG(buf_str(text)));
	}
}
