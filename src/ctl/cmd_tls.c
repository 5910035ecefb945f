/* SPDX-License-Identifier: Apache-2.0 */
/* tls show, tls ciphers. */
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/effective.h"
#include "ctl/in_force.h"
#include "policy/cipher_list.h"
#include "tls/catalog.h"

enum { SHOW_MAX = 16 << 20, STRING_ARENA_MAX = 16 << 20 };

static int policy_show(const struct ctl *ctl, struct effective *effective)
{
	effective->certificates = effective_certificates(ctl->home);
	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print_json(effective_json(effective));
		return CTL_DONE;
	}
	struct buf text = BUF_INIT(SHOW_MAX);
	effective_append(effective, false, &text);
	ctl_print(buf_str(&text));
	buf_done(&text);
	return CTL_DONE;
}

int cmd_tls_show(struct ctl *ctl)
{
	struct effective effective = {0};
	const char *service = ctl_value(ctl, OPTION_SERVICE);

	if (service != NULL) {
		effective.has_service = true;
		if (!service_from_name(str_from_c(service), &effective.service))
			return ctl_fail(CTL_USAGE, "there is no service %s; `postern tls show` lists them",
					service);
	}
	struct in_force in_force;
	int code = in_force_load(&in_force, ctl);
	effective.config = in_force.config;
	effective.catalog = in_force.catalog;
	if (code == CTL_DONE)
		code = policy_show(ctl, &effective);
	in_force_done(&in_force);
	return code;
}

/* ---- ciphers ---- */

static void suite_add(struct columns *columns, json_t *list, const struct suite *suite)
{
	const char *obstacle = suite_obstacle(suite);
	const char *since = tls_protocol_name(suite->min_protocol);

	columns_add(columns, suite->iana_name);
	columns_add(columns, suite->name);
	columns_printf(columns, "%d", suite->strength_bits);
	columns_add_c(columns, since);
	columns_add_c(columns, obstacle == NULL ? "yes" : obstacle);
	json_array_append_new(
		list, json_pack("{s:o, s:o, s:i, s:s, s:b, s:s?}", "iana_name",
				json_text(suite->iana_name), "name", json_text(suite->name),
				"strength_bits", suite->strength_bits, "since", since, "usable",
				(int)(obstacle == NULL), "obstacle", obstacle));
}

static void suites_add(struct columns *columns, json_t *list, const struct suite_catalog *catalog,
		       const uint16_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct suite *suite = suite_catalog_by_id(catalog, ids[i]);
		if (suite != NULL)
			suite_add(columns, list, suite);
	}
}

static json_t *findings_json(const struct findings *findings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:o}", "severity",
					finding_severity_name(findings->items[i].severity), "text",
					json_text(findings->items[i].text)));
	return list;
}

static void ciphers_print(const struct ctl *ctl, struct columns *columns, json_t *suites,
			  const struct findings *findings)
{
	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print_json(json_pack("{s:O, s:o}", "suites", suites, "findings",
					 findings_json(findings)));
		return;
	}
	struct buf text = BUF_INIT(SHOW_MAX);
	columns_append(columns, &text);
	ctl_print(buf_str(&text));
	buf_done(&text);
	for (size_t i = 0; i < findings->count; i++)
		ctl_fail(0, "%s: %.*s", finding_severity_name(findings->items[i].severity),
			 STR_ARG(findings->items[i].text));
}

static int findings_code(const struct findings *findings)
{
	if (findings->totals[FINDING_ERROR] > 0)
		return CTL_USAGE;
	return findings->totals[FINDING_WARNING] > 0 ? CTL_FINDING : CTL_DONE;
}

int cmd_tls_ciphers(struct ctl *ctl)
{
	static const char *const heads[] = {"SUITE", "OPENSSL", "BITS", "SINCE", "USABLE"};
	const struct suite_catalog *catalog = tls_catalog_new();
	const struct cipher_limits no_limits = {0};
	uint16_t ids[SUITE_CATALOG_MAX];
	struct str string = str_trim(ctl_word(ctl, 0));
	struct cipher_list list;
	struct findings findings;
	struct columns columns;
	struct arena arena;
	size_t count = 0;

	findings_init(&findings);
	arena_init(&arena, STRING_ARENA_MAX);
	columns_init(&columns, heads, 5);
	if (str_is_empty(string))
		string = STR(CIPHER_STRING_DEFAULT);
	(void)cipher_list_parse(string, catalog, (struct finding_place){0}, &arena, &findings,
				&list);
	if (!str_is_empty(list.string))
		(void)cipher_list_expand(&list, no_limits, catalog, &arena, ids, &count);
	json_t *suites = json_array();
	suites_add(&columns, suites, catalog, list.suites13, list.suite13_count);
	suites_add(&columns, suites, catalog, ids, count);
	ciphers_print(ctl, &columns, suites, &findings);
	int code = findings_code(&findings);
	json_decref(suites);
	columns_done(&columns);
	arena_rewind(&arena);
	findings_done(&findings);
	tls_catalog_free(&catalog);
	return code;
}
