/* SPDX-License-Identifier: Apache-2.0 */
/* partner, relay, pop3-account and acme: list, add, set, remove: rows of lists of mailserver.cfg. */
#include <limits.h>
#include <stdio.h>

#include "ctl/columns.h"
#include "ctl/in_force.h"
#include "ctl/plan_run.h"
#include "ctl/setting_json.h"

enum { PAGE_MAX = 16 << 20, ITEM_MAX = 32, TEXT_MAX = 64 * 1024 };

/* The first word of a command tells which list it is about. */
static const struct {
	const char *group;
	const char *list;
} groups[] = {{"partner ", "TlsPolicy"},
	      {"relay ", "RelayRule"},
	      {"pop3-account ", "Pop3Account"},
	      {"acme ", "AcmeCertificate"}};

static const char *list_of(const struct ctl *ctl)
{
	struct str name = str_from_c(ctl->arguments->command->name);

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (str_has_prefix(name, str_from_c(groups[i].group)))
			return groups[i].list;
	CHECK(false);
	return NULL;
}

/* ---- list ---- */

/* The line behind an item: findings about it stand before. */
static int line_after(const struct element *item, const struct element *list)
{
	if (item->next != NULL)
		return item->next->line > item->line ? item->next->line : item->line + 1;
	return list->next != NULL && list->next->line > item->line ? list->next->line : INT_MAX;
}

static json_t *rows_json(const struct in_force *in_force, const char *name)
{
	json_t *rows = json_array();
	struct findings findings;
	struct document document;
	int number = 0;

	findings_init(&findings);
	CHECK(document_parse(&document, buf_str(&in_force->text), &findings));
	const struct element *list = document_find(&document, ELEMENT_LIST, str_from_c(name));
	for (const struct element *at = list_next(list, NULL); at != NULL;
	     at = list_next(list, at))
		json_array_append_new(
			rows, json_pack("{s:i, s:i, s:o, s:o}", "number", ++number, "line",
					at->line, "values", setting_values_json(name, at),
					"findings",
					setting_findings_json(&in_force->findings, at->line,
							      line_after(at, list))));
	document_done(&document);
	findings_done(&findings);
	return rows;
}

static void rows_append(json_t *rows, struct buf *to)
{
	static const char *const heads[] = {"ROW", "LINE", "VALUES"};
	struct columns columns;
	const char *name;
	json_t *row, *value;
	size_t i;

	columns_init(&columns, heads, 3);
	json_array_foreach(rows, i, row)
	{
		CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);
		columns_printf(&columns, "%lld",
			       json_integer_value(json_object_get(row, "number")));
		columns_printf(&columns, "%lld", json_integer_value(json_object_get(row, "line")));
		json_object_foreach(json_object_get(row, "values"), name, value)
			buf_printf(&text, "%s%s=%s", text.len == 0 ? "" : "  ", name,
				   json_string_value(value));
		columns_add(&columns, buf_str(&text));
	}
	columns_append(&columns, to);
	columns_done(&columns);
}

static void rows_print(const struct ctl *ctl, const struct in_force *in_force)
{
	CLEANUP_BUF struct buf text = BUF_INIT(PAGE_MAX);
	json_t *rows = rows_json(in_force, list_of(ctl));

	if (ctl_has(ctl, OPTION_BIT(JSON)))
		ctl_print_json(json_pack("{s:s, s:o, s:b, s:o, s:o, s:O}", "list", list_of(ctl),
					 "generation", generation_json(buf_str(&in_force->text)),
					 "in_force", (int)in_force->is_running, "edits",
					 in_force_edits_json(in_force), "settings",
					 setting_rows_json(list_of(ctl)), "rows", rows));
	else {
		rows_append(rows, &text);
		ctl_print(buf_str(&text));
	}
	json_decref(rows);
}

int cmd_rows_list(struct ctl *ctl)
{
	struct in_force in_force;
	int code = in_force_load(&in_force, ctl);

	if (code == CTL_DONE)
		rows_print(ctl, &in_force);
	in_force_done(&in_force);
	return code;
}

/* ---- changing ---- */

static size_t rows_count(const struct buf *text, const char *list)
{
	struct findings findings;
	struct document document;
	size_t count = 0;

	findings_init(&findings);
	if (document_parse(&document, buf_str(text), &findings))
		count = list_count(document_find(&document, ELEMENT_LIST, str_from_c(list)));
	document_done(&document);
	findings_done(&findings);
	return count;
}

/* An empty value takes the variable out. */
static enum fault value_put(struct str text, const struct config_address *address, struct str value,
			    struct findings *findings, struct buf *to)
{
	if (!str_is_empty(value))
		return config_set_variable(text, address, value, findings, to);
	enum fault fault = config_delete_variable(text, address, findings, to);
	if (fault == FAULT_NOT_FOUND) {
		buf_append_str(to, text);
		fault = FAULT_NONE;
	}
	return fault;
}

static int value_make(const struct config_address *address, struct str value, struct buf *text)
{
	struct buf next = BUF_INIT(CONFIG_FILE_MAX);
	struct findings findings;

	findings_init(&findings);
	enum fault fault = value_put(buf_str(text), address, value, &findings, &next);
	int code = fault == FAULT_NONE ? CTL_DONE : plan_edit_fail(fault, &findings);
	findings_done(&findings);
	if (code != CTL_DONE) {
		buf_done(&next);
		return code;
	}
	buf_done(text);
	*text = next;
	return CTL_DONE;
}

static int word_make(const char *list, const char *item, struct str word, struct buf *text)
{
	struct str value = word;
	struct str name = str_cut(&value, '=');
	const struct schema_row *row = schema_find(str_from_c(list), name);
	struct config_address address = {.table = str_from_c(list), .item = str_from_c(item)};

	if (value.ptr == NULL || row == NULL) {
		CLEANUP_BUF struct buf field = BUF_INIT(TEXT_MAX);
		buf_append_str(&field, name);
		buf_append_char(&field, '\0');
		return ctl_fail_field(FAULT_INVALID, field.data,
				      "%.*s: write VARIABLE=VALUE; %s has no other variables than "
				      "the manual lists",
				      STR_ARG(word), list);
	}
	address.variable = str_from_c(row->name);
	return value_make(&address, str_trim(value), text);
}

static int words_make(struct plan *plan, const char *item, size_t first, struct buf *text)
{
	int code = CTL_DONE;

	for (size_t i = first; i < plan->ctl->arguments->word_count && code == CTL_DONE; i++)
		code = word_make(list_of(plan->ctl), item, ctl_word(plan->ctl, i), text);
	return code;
}

static int add_make(struct plan *plan, struct buf *text)
{
	char item[ITEM_MAX];

	snprintf(item, sizeof(item), "#%zu", rows_count(text, list_of(plan->ctl)) + 1);
	return words_make(plan, item, 0, text);
}

/* "#3" of the first word, which is the number of a row. */
static int item_read(const struct plan *plan, const struct buf *text, char item[ITEM_MAX])
{
	size_t count = rows_count(text, list_of(plan->ctl));
	struct str word = ctl_word(plan->ctl, 0);
	uint64_t number;

	if (!str_parse_u64(word, count, &number) || number == 0)
		return ctl_fail_field(FAULT_NOT_FOUND, "number",
				      "%s has no row %.*s; there are %zu", list_of(plan->ctl),
				      STR_ARG(word), count);
	snprintf(item, ITEM_MAX, "#%llu", (unsigned long long)number);
	return CTL_DONE;
}

static int set_make(struct plan *plan, struct buf *text)
{
	char item[ITEM_MAX];
	int code = item_read(plan, text, item);

	return code == CTL_DONE ? words_make(plan, item, 1, text) : code;
}

static int remove_make(struct plan *plan, struct buf *text)
{
	struct buf next = BUF_INIT(CONFIG_FILE_MAX);
	struct findings findings;
	char item[ITEM_MAX];
	int code = item_read(plan, text, item);

	if (code != CTL_DONE)
		return code;
	findings_init(&findings);
	enum fault fault = config_delete_item(buf_str(text), str_from_c(list_of(plan->ctl)),
					      str_from_c(item), &findings, &next);
	code = fault == FAULT_NONE ? CTL_DONE : plan_edit_fail(fault, &findings);
	findings_done(&findings);
	buf_done(text);
	*text = next;
	return code;
}

int cmd_rows_add(struct ctl *ctl)
{
	return plan_run(ctl, add_make);
}

int cmd_rows_set(struct ctl *ctl)
{
	return plan_run(ctl, set_make);
}

int cmd_rows_remove(struct ctl *ctl)
{
	return plan_run(ctl, remove_make);
}
