/* SPDX-License-Identifier: Apache-2.0 */
/* settings show, settings set: the tables of mailserver.cfg, row by row of the schema. */
#include "ctl/columns.h"
#include "ctl/in_force.h"
#include "ctl/plan_run.h"
#include "ctl/setting_json.h"

enum { PAGE_MAX = 16 << 20 };

/* One row with what stands in the file; what does not is null. */
static json_t *setting_json(const struct in_force *in_force, const struct document *document,
			    const struct schema_row *row)
{
	const struct element *variable =
		document_variable(document, str_from_c(row->table), STR(""), str_from_c(row->name));
	json_t *setting = setting_row_json(row);
	int line = variable == NULL ? 0 : variable->line;

	json_object_set_new(setting, "value",
			    variable == NULL ? json_null() : json_text(str_trim(variable->value)));
	json_object_set_new(setting, "line", line == 0 ? json_null() : json_integer(line));
	json_object_set_new(setting, "findings",
			    line == 0 ? json_array()
				      : setting_findings_json(&in_force->findings, line, line + 1));
	return setting;
}

static bool is_shown(const struct schema_row *row, struct str table)
{
	return !schema_is_list(str_from_c(row->table)) &&
	       (str_is_empty(table) || str_equals_nocase(table, str_from_c(row->table)));
}

static json_t *settings_json(const struct in_force *in_force, struct str table)
{
	json_t *list = json_array();
	struct findings findings;
	struct document document;

	findings_init(&findings);
	CHECK(document_parse(&document, buf_str(&in_force->text), &findings));
	for (size_t i = 0; i < schema_count(); i++)
		if (is_shown(schema_at(i), table))
			json_array_append_new(list,
					      setting_json(in_force, &document, schema_at(i)));
	document_done(&document);
	findings_done(&findings);
	return list;
}

static void settings_append(json_t *list, struct buf *to)
{
	static const char *const heads[] = {"TABLE", "VARIABLE", "VALUE", "UNIT", "SET"};
	struct columns columns;
	json_t *setting;
	size_t i;

	columns_init(&columns, heads, 5);
	json_array_foreach(list, i, setting)
	{
		bool is_set = !json_is_null(json_object_get(setting, "value"));
		columns_add_c(&columns, json_member(setting, "table"));
		columns_add_c(&columns, json_member(setting, "name"));
		columns_add_c(&columns, json_member(setting, is_set ? "value" : "default"));
		columns_add_c(&columns, json_member(setting, "unit"));
		if (is_set)
			columns_printf(&columns, "line %lld",
				       json_integer_value(json_object_get(setting, "line")));
		else
			columns_add_c(&columns, "default");
	}
	columns_append(&columns, to);
	columns_done(&columns);
}

static void settings_print(const struct ctl *ctl, const struct in_force *in_force, json_t *list)
{
	CLEANUP_BUF struct buf text = BUF_INIT(PAGE_MAX);

	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print_json(json_pack("{s:s, s:o, s:b, s:o, s:O}", "file", in_force->path,
					 "generation", generation_json(buf_str(&in_force->text)),
					 "in_force", (int)in_force->is_running, "edits",
					 in_force_edits_json(in_force), "settings", list));
		return;
	}
	settings_append(list, &text);
	ctl_print(buf_str(&text));
}

int cmd_settings_show(struct ctl *ctl)
{
	struct in_force in_force;
	int code = in_force_load(&in_force, ctl);

	if (code == CTL_DONE) {
		json_t *list = settings_json(&in_force, ctl_word(ctl, 0));
		if (json_array_size(list) > 0)
			settings_print(ctl, &in_force, list);
		else
			code = ctl_fail_field(
				FAULT_NOT_FOUND, "table",
				"there is no table %.*s; `postern settings show` lists "
				"them, lists have commands of their own",
				STR_ARG(ctl_word(ctl, 0)));
		json_decref(list);
	}
	in_force_done(&in_force);
	return code;
}

static int settings_make(struct plan *plan, struct buf *text)
{
	return plan_assign(plan, "", 0, text);
}

int cmd_settings_set(struct ctl *ctl)
{
	return plan_run(ctl, settings_make);
}
