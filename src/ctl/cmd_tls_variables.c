/* SPDX-License-Identifier: Apache-2.0 */
/* tls variables: every TLS variable, what it means and is, where it was set and by whom. */
#include "base/file.h"
#include "config/change.h"
#include "ctl/columns.h"
#include "ctl/in_force.h"
#include "ctl/origin.h"
#include "ctl/plan.h"
#include "policy/settings.h"

enum { PAGE_MAX = 1 << 20, NAME_MAX_BYTES = 1024 };

static const char *const table_names[CONFIG_TLS_TABLE_COUNT] = {"Security", "SmtpSecurity"};

/* ---- what a variable is ---- */

static const char *const kind_names[] = {
	[TLS_KIND_BOOL] = "switch",	    [TLS_KIND_DH_SIZE] = "number",
	[TLS_KIND_PROTOCOLS] = "protocols", [TLS_KIND_CIPHERS] = "ciphers",
	[TLS_KIND_FLOOR] = "protocol",	    [TLS_KIND_FLOOR_MODE] = "mode",
	[TLS_KIND_FLOOR_DATE] = "date",
};

/* Those of a kind that has few; separated by blanks. */
static const char *const kind_values[] = {
	[TLS_KIND_BOOL] = "0 1",
	[TLS_KIND_DH_SIZE] = "0 1024 2048 4096",
	[TLS_KIND_PROTOCOLS] = "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3",
	[TLS_KIND_CIPHERS] = "",
	[TLS_KIND_FLOOR] = "TLSv1.1 TLSv1.2 TLSv1.3",
	[TLS_KIND_FLOOR_MODE] = "observe reply handshake",
	[TLS_KIND_FLOOR_DATE] = "",
};

static json_t *values_json(enum tls_variable_kind kind)
{
	struct str rest = str_from_c(kind_values[kind]);
	json_t *list = json_array();

	while (rest.len > 0)
		json_array_append_new(list, json_text(str_cut(&rest, ' ')));
	return list;
}

static json_t *variables_json(void)
{
	static const char *const scopes[] = {[TLS_SCOPE_BOTH] = "both",
					     [TLS_SCOPE_LISTENER] = "listener",
					     [TLS_SCOPE_CLIENT] = "client"};
	json_t *list = json_array();

	for (int i = 0; i < TLS_VARIABLE_COUNT; i++) {
		const struct tls_variable_row *row = tls_variable_row((enum tls_variable)i);
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:o, s:s, s:s}", "name", row->name,
						"meaning", row->text, "type", kind_names[row->kind],
						"values", values_json(row->kind), "scope",
						scopes[row->scope], "default", row->standard));
	}
	return list;
}

/* ---- what it is here ---- */

static void floor_append(struct buf *to, uint32_t number)
{
	if (number != 0)
		buf_append_c(to, tls_protocol_name((enum tls_protocol)number));
}

/* The value in force as it could stand in the file, defaults spelled out. */
static void effective_value_append(struct buf *to, enum tls_variable variable,
				   const struct tls_setting *setting)
{
	switch (tls_variable_row(variable)->kind) {
	case TLS_KIND_BOOL:
	case TLS_KIND_DH_SIZE:
		buf_printf(to, "%u", setting->number);
		break;
	case TLS_KIND_PROTOCOLS:
		tls_protocols_append(to, setting->protocols);
		break;
	case TLS_KIND_CIPHERS:
		buf_append_str(to, setting->is_set ? setting->text : STR(CIPHER_STRING_DEFAULT));
		break;
	case TLS_KIND_FLOOR:
		floor_append(to, setting->number);
		break;
	case TLS_KIND_FLOOR_MODE:
		buf_append_c(to, tls_rung_name((enum tls_rung)setting->number));
		break;
	case TLS_KIND_FLOOR_DATE:
		if (setting->number != 0)
			tls_floor_date_append(to, setting->number);
		break;
	}
}

/* What the pages are made of. */
struct report {
	struct in_force *in_force;
	json_t *origins; /* of origin_find */
	bool *is_taken;	 /* findings that stand with their variable */
};

/* "security/servertlsprotocols", terminated: where origins are found under. */
static void place_key_append(struct buf *key, const struct finding_place *place)
{
	size_t begin = key->len;

	finding_place_append(key, place);
	buf_append_char(key, '\0');
	for (size_t i = begin; i < key->len; i++)
		key->data[i] = ascii_lower(key->data[i]);
}

static const char *text_or_null(json_t *entry, const char *name)
{
	return json_string_value(json_object_get(entry, name));
}

/* Null for a default. Who set it is null where the record does not tell. */
static json_t *set_json(const struct report *report, const struct tls_setting *setting)
{
	CLEANUP_BUF struct buf key = BUF_INIT(NAME_MAX_BYTES);

	if (setting->place.line == 0)
		return json_null();
	place_key_append(&key, &setting->place);
	json_t *entry = key.failed ? NULL : json_object_get(report->origins, key.data);
	return json_pack(
		"{s:o, s:o, s:o, s:i, s:s?, s:s?, s:s?, s:s?}", "table",
		json_text(setting->place.table), "name", json_text(setting->place.variable),
		"value", json_text(setting->text), "line", setting->place.line, "way",
		entry == NULL ? NULL : origin_way(entry), "who", text_or_null(entry, "who"), "from",
		text_or_null(entry, "from"), "time", text_or_null(entry, "time"));
}

static json_t *finding_json(const struct finding *finding)
{
	CLEANUP_BUF struct buf place = BUF_INIT(NAME_MAX_BYTES);

	finding_place_append(&place, &finding->place);
	return json_pack("{s:s, s:o, s:i, s:o}", "severity",
			 finding_severity_name(finding->severity), "place",
			 json_text(buf_str(&place)), "line", finding->place.line, "text",
			 json_text(finding->text));
}

/* True when the finding is about that variable, under whichever of its names. */
static bool is_about(const struct finding *finding, struct str table, enum tls_variable variable,
		     const struct tls_setting *setting)
{
	const char *name = tls_variable_row(variable)->name;

	return str_equals_nocase(finding->place.table, table) &&
	       (str_equals_nocase(finding->place.variable, str_from_c(name)) ||
		str_equals_nocase(finding->place.variable, setting->place.variable));
}

static json_t *findings_json(const struct report *report, struct str table,
			     enum tls_variable variable, const struct tls_setting *setting)
{
	const struct findings *findings = &report->in_force->findings;
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++) {
		if (!is_about(&findings->items[i], table, variable, setting))
			continue;
		report->is_taken[i] = true;
		json_array_append_new(list, finding_json(&findings->items[i]));
	}
	return list;
}

static json_t *setting_json(const struct report *report, struct str table,
			    enum tls_variable variable, const struct tls_setting *setting)
{
	CLEANUP_BUF struct buf value = BUF_INIT(CONFIG_FILE_MAX);

	effective_value_append(&value, variable, setting);
	return json_pack("{s:s, s:o, s:b, s:o, s:o}", "name", tls_variable_row(variable)->name,
			 "effective", json_text(buf_str(&value)), "is_default",
			 (int)!setting->is_set, "set", set_json(report, setting), "findings",
			 findings_json(report, table, variable, setting));
}

static json_t *settings_json(const struct report *report, const struct tls_settings *settings,
			     struct str table, bool is_service)
{
	json_t *list = json_array();

	for (int i = 0; i < TLS_VARIABLE_COUNT; i++)
		if (!is_service ||
		    tls_variable_row((enum tls_variable)i)->scope != TLS_SCOPE_CLIENT)
			json_array_append_new(list,
					      setting_json(report, table, (enum tls_variable)i,
							   &settings->items[i]));
	return list;
}

static json_t *tables_json(const struct report *report)
{
	const struct config *config = report->in_force->config;
	json_t *list = json_array();

	for (int i = 0; i < CONFIG_TLS_TABLE_COUNT; i++) {
		json_t *services = json_array(), *clients = json_array();
		for (int j = 0; j < SERVICE_COUNT; j++)
			if (service_table((enum service_id)j) == i &&
			    config->services[j].tls != SERVICE_TLS_NONE)
				json_array_append_new(
					services, json_string(service_name((enum service_id)j)));
		for (int j = 0; j < CLIENT_COUNT; j++)
			if (client_table((enum client_id)j) == i)
				json_array_append_new(clients,
						      json_string(client_name((enum client_id)j)));
		json_array_append_new(
			list, json_pack("{s:s, s:o, s:o, s:o}", "name", table_names[i], "services",
					services, "clients", clients, "settings",
					settings_json(report, &config->tls_tables[i],
						      str_from_c(table_names[i]), false)));
	}
	return list;
}

static json_t *services_json(const struct report *report)
{
	const struct config *config = report->in_force->config;
	json_t *list = json_array();

	for (int i = 0; i < SERVICE_COUNT; i++) {
		const char *name = service_name((enum service_id)i);
		CLEANUP_BUF struct buf place = BUF_INIT(NAME_MAX_BYTES);
		buf_printf(&place, "Service:%s", name);
		if (config->services[i].tls == SERVICE_TLS_NONE)
			continue;
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:b, s:o}", "name", name, "table",
					table_names[service_table((enum service_id)i)], "enabled",
					(int)config->services[i].enabled, "settings",
					settings_json(report, &config->tls_services[i],
						      buf_str(&place), true)));
	}
	return list;
}

/* What there is to say of anything but a TLS variable. */
static json_t *others_json(const struct report *report)
{
	const struct findings *findings = &report->in_force->findings;
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++)
		if (!report->is_taken[i])
			json_array_append_new(list, finding_json(&findings->items[i]));
	return list;
}

static json_t *report_json(const struct report *report)
{
	json_t *tables = tables_json(report), *services = services_json(report);

	return json_pack("{s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "file", report->in_force->path,
			 "generation", generation_json(buf_str(&report->in_force->text)),
			 "in_force", (int)report->in_force->is_running, "edits",
			 in_force_edits_json(report->in_force), "variables", variables_json(), "tables",
			 tables, "services", services, "findings", others_json(report));
}

/* ---- for people ---- */

static void setting_add(struct columns *columns, const struct report *report,
			enum tls_variable variable, const struct tls_setting *setting)
{
	CLEANUP_BUF struct buf value = BUF_INIT(CONFIG_FILE_MAX);
	json_t *set = set_json(report, setting);
	const char *who = text_or_null(set, "who");

	effective_value_append(&value, variable, setting);
	columns_add(columns, setting->place.table);
	columns_add_c(columns, tls_variable_row(variable)->name);
	if (setting->place.line == 0)
		columns_add_c(columns, "default");
	else if (who == NULL)
		columns_printf(columns, "line %d", setting->place.line);
	else
		columns_printf(columns, "line %d, by %s at %s", setting->place.line, who,
			       text_or_null(set, "time"));
	columns_add(columns, buf_str(&value));
	json_decref(set);
}

/* The tables whole, of the services what is their own. */
static void report_append(const struct report *report, struct buf *to)
{
	static const char *const heads[] = {"TABLE", "VARIABLE", "SET", "VALUE"};
	const struct config *config = report->in_force->config;
	struct columns columns;

	columns_init(&columns, heads, 4);
	for (int i = 0; i < CONFIG_TLS_TABLE_COUNT; i++)
		for (int j = 0; j < TLS_VARIABLE_COUNT; j++)
			setting_add(&columns, report, (enum tls_variable)j,
				    &config->tls_tables[i].items[j]);
	for (int i = 0; i < SERVICE_COUNT; i++)
		for (int j = 0; j < TLS_VARIABLE_COUNT; j++) {
			const struct tls_setting *setting = &config->tls_services[i].items[j];
			if (str_has_prefix(setting->place.table, STR("Service:")))
				setting_add(&columns, report, (enum tls_variable)j, setting);
		}
	columns_append(&columns, to);
	columns_done(&columns);
}

/* ---- the command ---- */

static void settings_note(json_t *wanted, const struct tls_settings *settings)
{
	for (int i = 0; i < TLS_VARIABLE_COUNT; i++) {
		CLEANUP_BUF struct buf key = BUF_INIT(NAME_MAX_BYTES);
		if (settings->items[i].place.line == 0)
			continue;
		place_key_append(&key, &settings->items[i].place);
		if (!key.failed)
			json_object_set_new(wanted, key.data, json_null());
	}
}

static json_t *origins_find(const struct ctl *ctl, const struct config *config)
{
	json_t *wanted = json_object(), *entries = origin_entries(ctl->home);

	for (int i = 0; i < CONFIG_TLS_TABLE_COUNT; i++)
		settings_note(wanted, &config->tls_tables[i]);
	for (int i = 0; i < SERVICE_COUNT; i++)
		settings_note(wanted, &config->tls_services[i]);
	json_t *found = origin_find(entries, wanted);
	json_decref(wanted);
	json_decref(entries);
	return found;
}

static void report_print(const struct ctl *ctl, const struct report *report)
{
	CLEANUP_BUF struct buf page = BUF_INIT(PAGE_MAX);

	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print_json(report_json(report));
		return;
	}
	report_append(report, &page);
	ctl_print(buf_str(&page));
}

int cmd_tls_variables(struct ctl *ctl)
{
	bool is_taken[FINDINGS_MAX] = {false};
	struct in_force in_force;
	struct report report = {.in_force = &in_force, .is_taken = is_taken};
	int code = in_force_load(&in_force, ctl);

	if (code == CTL_DONE) {
		report.origins = origins_find(ctl, in_force.config);
		report_print(ctl, &report);
		json_decref(report.origins);
	}
	in_force_done(&in_force);
	return code;
}
