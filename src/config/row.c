/* SPDX-License-Identifier: Apache-2.0 */
#include "config/row.h"

#include "config/schema.h"

enum { SHOWN_MAX = 256, PLACE_MAX = 512 };

/* ---- values ---- */

struct str row_keep(const struct row_reader *row, struct str text)
{
	struct str kept = arena_dup(row->arena, text);

	CHECK(kept.ptr != NULL);
	return kept;
}

struct finding_place row_place(const struct row_reader *row, const struct element *variable)
{
	struct finding_place place = row->place;

	place.line = variable->line;
	place.variable = variable->name;
	return place;
}

struct str row_value(const struct row_reader *row, const char *name,
		     const struct element **variable_out)
{
	const struct element *variable =
		element_child(row->item, ELEMENT_VARIABLE, str_from_c(name));

	if (variable_out != NULL)
		*variable_out = variable;
	return variable == NULL ? STR("") : str_trim(variable->value);
}

struct str row_text(const struct row_reader *row, const char *name)
{
	return row_keep(row, row_value(row, name, NULL));
}

uint64_t row_number(const struct row_reader *row, const char *name, uint64_t min, uint64_t max,
		    uint64_t standard)
{
	const struct element *variable;
	struct str text = row_value(row, name, &variable);
	uint64_t number = standard;

	if (str_is_empty(text))
		return standard;
	if (str_parse_u64(text, max, &number) && number >= min)
		return number;
	finding_add(row->findings, FINDING_ERROR, row_place(row, variable),
		    "\"%.*s\" is no number from %llu to %llu", STR_ARG(str_sub(text, 0, SHOWN_MAX)),
		    (unsigned long long)min, (unsigned long long)max);
	return standard;
}

bool row_bool(const struct row_reader *row, const char *name, bool standard)
{
	return row_number(row, name, 0, 1, standard) == 1;
}

struct str row_host(const struct row_reader *row, const char *what)
{
	const struct element *variable;
	struct str host = row_value(row, "Host", &variable);
	struct network network;
	bool is_literal = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']' &&
			  network_parse(str_sub(host, 1, host.len - 2), &network);

	if (variable == NULL)
		finding_add(row->findings, FINDING_ERROR, row->place, "needs a Host: %s", what);
	else if (!is_literal && !hostname_is_valid(host))
		finding_add(row->findings, FINDING_ERROR, row_place(row, variable),
			    "\"%.*s\" is no name of a host; an address is written in brackets, "
			    "[192.0.2.1]",
			    STR_ARG(str_sub(host, 0, SHOWN_MAX)));
	return row_keep(row, host);
}

/* ---- the row ---- */

static void variable_check(const struct row_reader *row, const struct element *variable)
{
	if (schema_find(str_from_c(row->list), variable->name) == NULL)
		finding_add(row->findings, FINDING_WARNING, row_place(row, variable),
			    "not understood, not applied");
	else if (element_child(row->item, ELEMENT_VARIABLE, variable->name) != variable)
		finding_add(row->findings, FINDING_ERROR, row_place(row, variable),
			    "stands twice in the row");
}

void row_begin(struct row_reader *row, const char *key)
{
	struct str name = row_value(row, key, NULL);
	struct buf table = BUF_INIT(PLACE_MAX);

	buf_printf(&table, "%s%s%.*s", row->list, str_is_empty(name) ? "" : ":",
		   STR_ARG(str_sub(name, 0, SHOWN_MAX)));
	row->place = (struct finding_place){.line = row->item->line,
					    .table = row_keep(row, buf_str(&table))};
	buf_done(&table);
	for (const struct element *at = row->item->first; at != NULL; at = at->next)
		if (at->kind == ELEMENT_VARIABLE)
			variable_check(row, at);
}

size_t row_list_find(const struct document *document, const char *name, size_t max,
		     struct findings *findings, const struct element **list_out)
{
	const struct element *list = document_find(document, ELEMENT_LIST, str_from_c(name));
	size_t count = list_count(list);

	*list_out = list;
	if (count <= max)
		return count;
	finding_add(findings, FINDING_ERROR,
		    (struct finding_place){.line = list->line, .table = str_from_c(name)},
		    "has more than %zu rows", max);
	return 0;
}
