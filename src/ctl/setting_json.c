/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/setting_json.h"

static const char *const type_names[] = {
	[SCHEMA_BOOL] = "switch",
	[SCHEMA_U16] = "number",
	[SCHEMA_U32] = "number",
	[SCHEMA_U64] = "number",
	[SCHEMA_HOSTNAME] = "hostname",
	[SCHEMA_USER] = "user",
	[SCHEMA_ADDRESSES] = "addresses",
	[SCHEMA_SERVERS] = "servers",
	[SCHEMA_PATH] = "path",
	[SCHEMA_NETWORKS] = "networks",
	[SCHEMA_TLS] = "tls",
	[SCHEMA_URL] = "url",
	[SCHEMA_ADDRESS] = "address",
	[SCHEMA_CHALLENGE] = "challenge",
	[SCHEMA_HSTS] = "hsts",
	[SCHEMA_NAME] = "text",
};

json_t *setting_row_json(const struct schema_row *row)
{
	bool is_known = (size_t)row->type < sizeof(type_names) / sizeof(type_names[0]) &&
			type_names[row->type] != NULL;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:I}", "table", row->table, "name",
			 row->name, "meaning", row->text, "type",
			 is_known ? type_names[row->type] : "text", "unit", row->unit, "default",
			 row->standard, "min", (json_int_t)row->min, "max", (json_int_t)row->max);
}

json_t *setting_rows_json(const char *table)
{
	json_t *list = json_array();

	for (size_t i = 0; i < schema_count(); i++)
		if (str_equals(str_from_c(schema_at(i)->table), str_from_c(table)))
			json_array_append_new(list, setting_row_json(schema_at(i)));
	return list;
}

json_t *setting_values_json(const char *table, const struct element *container)
{
	json_t *values = json_object();

	for (const struct element *at = container == NULL ? NULL : container->first; at != NULL;
	     at = at->next) {
		const struct schema_row *row = at->kind == ELEMENT_VARIABLE
						       ? schema_find(str_from_c(table), at->name)
						       : NULL;
		if (row != NULL)
			json_object_set_new(values, row->name, json_text(str_trim(at->value)));
	}
	return values;
}

json_t *setting_findings_json(const struct findings *findings, int first, int end)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		if (finding->place.line >= first && finding->place.line < end)
			json_array_append_new(
				list,
				json_pack("{s:s, s:o, s:i, s:o}", "severity",
					  finding_severity_name(finding->severity), "variable",
					  json_text(finding->place.variable), "line",
					  finding->place.line, "text", json_text(finding->text)));
	}
	return list;
}
