/* SPDX-License-Identifier: Apache-2.0 */
#include "config/change.h"

#include "config/document.h"
#include "config/schema.h"
#include "policy/settings.h"

enum { TEXT_MAX = DOCUMENT_BYTES_MAX + (64 << 10), ARENA_MAX = 64 << 20, KEY_MAX = 1024 };

static const char *const security_tables[] = {"Security", "SmtpSecurity"};

/* ---- differences ---- */

struct comparer {
	struct document before;
	struct document after;
	struct config_differences *out;
};

static struct str value_keep(struct comparer *comparer, const struct element *variable)
{
	if (variable == NULL)
		return (struct str){.ptr = NULL};
	struct str value = str_trim(variable->value);
	/* An empty view may have no pointer; here a pointer means: it is set. */
	return arena_dup(&comparer->out->arena, str_is_empty(value) ? STR("") : value);
}

/* NULL: it does not stand there. */
static void values_compare(struct comparer *comparer, const struct config_address *address,
			   const struct element *before, const struct element *after)
{
	struct config_differences *out = comparer->out;

	if (out->count == CONFIG_DIFFERENCES_MAX ||
	    (before != NULL && after != NULL &&
	     str_equals(str_trim(before->value), str_trim(after->value))))
		return;
	struct config_difference *difference = &out->items[out->count++];
	difference->address.table = arena_dup(&out->arena, address->table);
	difference->address.item = arena_dup(&out->arena, address->item);
	difference->address.variable = arena_dup(&out->arena, address->variable);
	difference->before = value_keep(comparer, before);
	difference->after = value_keep(comparer, after);
}

static void variable_compare(struct comparer *comparer, const struct config_address *address)
{
	values_compare(comparer, address,
		       document_variable(&comparer->before, address->table, address->item,
					 address->variable),
		       document_variable(&comparer->after, address->table, address->item,
					 address->variable));
}

/* Those that stand in `known`, too, were compared from there. */
static void variables_compare(struct comparer *comparer, struct config_address address,
			      const struct element *container, const struct document *known)
{
	for (const struct element *at = container->first; at != NULL; at = at->next) {
		address.variable = at->name;
		if (at->kind != ELEMENT_VARIABLE || str_is_empty(at->name) ||
		    (known != NULL && document_variable(known, address.table, address.item,
							address.variable) != NULL))
			continue;
		variable_compare(comparer, &address);
	}
}

static void services_compare(struct comparer *comparer, const struct element *list,
			     const struct document *known)
{
	for (const struct element *item = list_next(list, NULL); item != NULL;
	     item = list_next(list, item)) {
		const struct element *name =
			element_child(item, ELEMENT_VARIABLE, STR("Name"));
		if (name == NULL)
			continue;
		struct config_address address = {.table = list->name,
						 .item = str_trim(name->value)};
		variables_compare(comparer, address, item, known);
	}
}

/* ---- rows of lists that are no services ---- */

/* By which variables a row is the same row in another text. */
static const struct {
	const char *list;
	const char *parts[3];
} row_keys[] = {{"TlsPolicy", {"Peer", "Direction", "Service"}},
		{"RelayRule", {"Sender", "Recipient", "Host"}},
		{"Pop3Account", {"Name"}},
		{"AcmeCertificate", {"Name"}},
		{"StubZone", {"Name"}}};

enum { ROW_LISTS = sizeof(row_keys) / sizeof(row_keys[0]), ROW_PARTS = 3 };

struct rows {
	struct str list;
	const struct element **items;
	struct str *keys; /* "192.0.2.0/24,in,SMTP" */
	size_t count;
};

static struct str row_key(struct comparer *comparer, size_t list, const struct element *item)
{
	struct buf key = BUF_INIT(KEY_MAX);

	for (size_t i = 0; i < ROW_PARTS && row_keys[list].parts[i] != NULL; i++) {
		const struct element *part =
			element_child(item, ELEMENT_VARIABLE, str_from_c(row_keys[list].parts[i]));
		if (part == NULL || str_is_empty(str_trim(part->value)))
			continue;
		buf_append_c(&key, key.len == 0 ? "" : ",");
		buf_append_str(&key, str_sub(str_trim(part->value), 0, KEY_MAX / 4));
	}
	struct str kept = arena_dup(&comparer->out->arena, buf_str(&key));
	CHECK(kept.ptr != NULL);
	buf_done(&key);
	return kept;
}

static struct rows rows_of(struct comparer *comparer, const struct document *document,
			   size_t number)
{
	const struct element *list =
		document_find(document, ELEMENT_LIST, str_from_c(row_keys[number].list));
	size_t count = list_count(list);
	struct rows rows = {.list = str_from_c(row_keys[number].list)};

	rows.items = arena_array(&comparer->out->arena, count + 1, sizeof(*rows.items));
	rows.keys = arena_array(&comparer->out->arena, count + 1, sizeof(*rows.keys));
	CHECK(rows.items != NULL && rows.keys != NULL);
	for (const struct element *at = list_next(list, NULL); at != NULL;
	     at = list_next(list, at)) {
		rows.items[rows.count] = at;
		rows.keys[rows.count++] = row_key(comparer, number, at);
	}
	return rows;
}

static const struct element *row_find(const struct rows *rows, struct str key)
{
	for (size_t i = 0; i < rows->count; i++)
		if (str_equals_nocase(rows->keys[i], key))
			return rows->items[i];
	return NULL;
}

static const struct element *row_variable(const struct element *item, struct str name)
{
	return item == NULL ? NULL : element_child(item, ELEMENT_VARIABLE, name);
}

/* The variables of `rows`, compared with the row of the same key; `is_after` says of which text they are. */
static void rows_compare(struct comparer *comparer, const struct rows *rows,
			 const struct rows *others, bool is_after)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct element *other = row_find(others, rows->keys[i]);
		struct config_address address = {.table = rows->list, .item = rows->keys[i]};
		for (const struct element *at = rows->items[i]->first; at != NULL; at = at->next) {
			const struct element *there = row_variable(other, at->name);
			address.variable = at->name;
			if (at->kind != ELEMENT_VARIABLE || str_is_empty(at->name))
				continue;
			if (!is_after)
				values_compare(comparer, &address, at, there);
			else if (there == NULL)
				values_compare(comparer, &address, NULL, at);
		}
	}
}

static void lists_compare(struct comparer *comparer)
{
	for (size_t i = 0; i < ROW_LISTS; i++) {
		struct rows before = rows_of(comparer, &comparer->before, i);
		struct rows after = rows_of(comparer, &comparer->after, i);
		rows_compare(comparer, &before, &after, false);
		rows_compare(comparer, &after, &before, true);
	}
}

static void document_compare(struct comparer *comparer, const struct document *document,
			     const struct document *known)
{
	for (const struct element *at = document_next(document, NULL); at != NULL;
	     at = document_next(document, at)) {
		if (at->kind == ELEMENT_TABLE)
			variables_compare(comparer, (struct config_address){.table = at->name}, at,
					  known);
		else if (str_equals_nocase(at->name, STR("Service")))
			services_compare(comparer, at, known);
	}
}

void config_differences_find(struct str before, struct str after,
			     struct config_differences *out)
{
	struct comparer comparer = {.out = out};
	struct findings findings;

	findings_init(&findings);
	arena_init(&out->arena, ARENA_MAX);
	out->count = 0;
	out->items = arena_array(&out->arena, CONFIG_DIFFERENCES_MAX, sizeof(*out->items));
	bool has_before = document_parse(&comparer.before, before, &findings);
	bool has_after = document_parse(&comparer.after, after, &findings);
	if (has_before)
		document_compare(&comparer, &comparer.before, NULL);
	if (has_after)
		document_compare(&comparer, &comparer.after, &comparer.before);
	if (has_before && has_after)
		lists_compare(&comparer);
	document_done(&comparer.before);
	document_done(&comparer.after);
	findings_done(&findings);
}

void config_differences_done(struct config_differences *differences)
{
	arena_rewind(&differences->arena);
	differences->items = NULL;
	differences->count = 0;
}

void config_address_append(struct buf *to, const struct config_address *address)
{
	buf_append_str(to, address->table);
	if (!str_is_empty(address->item)) {
		buf_append_char(to, ':');
		buf_append_str(to, address->item);
	}
	buf_append_char(to, '/');
	buf_append_str(to, address->variable);
}

/* ---- assignments ---- */

static bool is_security_table(struct str name)
{
	return str_equals_nocase(name, STR("Security")) ||
	       str_equals_nocase(name, STR("SmtpSecurity"));
}

static bool is_known(const struct config_address *address)
{
	enum tls_variable variable;
	bool is_tls_place = str_is_empty(address->item)
				    ? is_security_table(address->table)
				    : str_equals_nocase(address->table, STR("Service"));

	return schema_find(address->table, address->variable) != NULL ||
	       (is_tls_place && tls_variable_from_name(address->variable, &variable));
}

static bool address_read(struct str place, struct config_address *out)
{
	size_t dot = str_find_char(place, '.');

	if (dot == STR_NONE || dot == 0 || dot + 1 == place.len)
		return false;
	struct str table = str_sub(place, 0, dot);
	*out = (struct config_address){.variable = str_from(place, dot + 1)};
	out->table = str_cut(&table, ':');
	out->item = table;
	return !str_is_empty(out->table) && (table.ptr == NULL || table.len > 0);
}

bool config_assignment_read(struct str word, struct config_address *address_out,
			    struct str *value_out, struct buf *error)
{
	size_t equals = str_find_char(word, '=');
	struct config_address address;

	if (equals == STR_NONE || !address_read(str_sub(word, 0, equals), &address)) {
		buf_append_str(error, word);
		buf_append_c(error, ": write TABLE.VARIABLE=VALUE, for example "
				    "Security.ServerTlsProtocols=TLSv1.2,TLSv1.3, or "
				    "Service:IMAPS.Port=993");
		return false;
	}
	if (!is_known(&address)) {
		buf_append_str(error, str_sub(word, 0, equals));
		buf_append_c(error, ": Postern reads no such variable; the manual's page about "
				    "mailserver.cfg lists them");
		return false;
	}
	*address_out = address;
	*value_out = str_trim(str_from(word, equals + 1));
	return true;
}

/* The name under which the variable stands there already. */
static struct str name_in_use(const struct document *document,
			      const struct config_address *address)
{
	struct element *container =
		document_container(document, address->table, address->item);
	enum tls_variable wanted, found;

	if (container == NULL || !tls_variable_from_name(address->variable, &wanted))
		return address->variable;
	for (const struct element *at = container->first; at != NULL; at = at->next)
		if (at->kind == ELEMENT_VARIABLE && tls_variable_from_name(at->name, &found) &&
		    found == wanted)
			return at->name;
	return address->variable;
}

enum fault config_assign(struct str text, const struct config_address *address,
			 struct str value, struct findings *findings, struct buf *to)
{
	struct config_address named = *address;
	struct document document;
	enum fault fault = FAULT_INVALID;

	if (document_parse(&document, text, findings)) {
		named.variable = name_in_use(&document, address);
		fault = config_set_variable(text, &named, value, findings, to);
	}
	document_done(&document);
	return fault;
}

/* One step after another, each on the text that the one before left. */
struct steps {
	struct buf text;
	struct findings *findings;
	enum fault fault;
};

static void step_take(struct steps *steps, struct buf *next)
{
	if (steps->fault == FAULT_NONE) {
		buf_done(&steps->text);
		steps->text = *next;
	} else
		buf_done(next);
}

static enum fault steps_end(struct steps *steps, struct buf *to)
{
	if (steps->fault == FAULT_NONE)
		buf_append_str(to, buf_str(&steps->text));
	buf_done(&steps->text);
	return steps->fault == FAULT_NONE && to->failed ? FAULT_TOO_LARGE : steps->fault;
}

static void step_assign(struct steps *steps, const struct config_address *address,
			struct str value)
{
	struct buf next = BUF_INIT(TEXT_MAX);

	if (steps->fault == FAULT_NONE)
		steps->fault = config_assign(buf_str(&steps->text), address, value,
					     steps->findings, &next);
	step_take(steps, &next);
}

enum fault config_minimum_set(struct str text, enum tls_protocol min,
			      struct findings *findings, struct buf *to)
{
	static const char *const lists[] = {"ServerTlsProtocols", "ClientTlsProtocols"};
	struct steps steps = {.text = BUF_INIT(TEXT_MAX), .findings = findings};
	struct buf value = BUF_INIT(64);

	for (enum tls_protocol at = min; at < TLS_PROTOCOL_COUNT; at++)
		buf_printf(&value, "%s%s", at == min ? "" : ",", tls_protocol_name(at));
	buf_append_str(&steps.text, text);
	for (size_t i = 0; i < 4; i++) {
		struct config_address address = {.table = str_from_c(security_tables[i / 2]),
						 .variable = str_from_c(lists[i % 2])};
		step_assign(&steps, &address, buf_str(&value));
	}
	buf_done(&value);
	return steps_end(&steps, to);
}

/* ---- reset ---- */

static bool is_tls_variable(const struct element *element)
{
	enum tls_variable variable;

	return element->kind == ELEMENT_VARIABLE &&
	       (tls_variable_from_name(element->name, &variable) ||
		str_equals_nocase(element->name, STR("DisableEphemeralDH")));
}

/* Deletes the first TLS variable of a table; false when there is none, or after a fault. */
static bool step_reset(struct steps *steps, struct str table)
{
	struct buf next = BUF_INIT(TEXT_MAX);
	struct document document;
	bool is_found = false;

	if (!document_parse(&document, buf_str(&steps->text), steps->findings))
		steps->fault = FAULT_INVALID;
	else {
		const struct element *at = document_container(&document, table, STR(""));
		at = at == NULL ? NULL : at->first;
		while (at != NULL && !is_tls_variable(at))
			at = at->next;
		is_found = at != NULL;
		if (is_found) {
			struct config_address address = {.table = table, .variable = at->name};
			steps->fault = config_delete_variable(buf_str(&steps->text), &address,
							      steps->findings, &next);
		}
	}
	document_done(&document);
	if (is_found)
		step_take(steps, &next);
	return is_found && steps->fault == FAULT_NONE;
}

enum fault config_tls_reset(struct str text, struct findings *findings, struct buf *to)
{
	struct steps steps = {.text = BUF_INIT(TEXT_MAX), .findings = findings};

	buf_append_str(&steps.text, text);
	for (size_t i = 0; i < 2; i++)
		while (step_reset(&steps, str_from_c(security_tables[i])))
			;
	return steps_end(&steps, to);
}
