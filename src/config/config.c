/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "config/acme.h"
#include "config/pop3_account.h"
#include "config/relay.h"
#include "config/document.h"
#include "config/partner.h"
#include "config/schema.h"
#include "policy/nearest.h"
#include "policy/resolve.h"
#include "proto/dns.h"

enum { ARENA_BYTES = 128 << 20, UNREAD_SHOWN = 1000 };

/* A snapshot with what readers need not see; `public` comes first. */
struct config_owned {
	struct config public;
	atomic_uint references;
	struct arena arena;
};

static const struct {
	const char *name;
	uint16_t port;
	enum service_tls tls;
	const char *table;
	bool has_login;
} service_defaults[SERVICE_COUNT] = {
#define X(id, name, port, unprivileged, tls, table, login) \
	{name, port, SERVICE_TLS_##tls, table, login},
	SERVICE_TABLE(X)
#undef X
};

static const struct {
	const char *name;
	const char *table;
} client_defaults[CLIENT_COUNT] = {
#define X(id, name, table) {name, table},
	CLIENT_TABLE(X)
#undef X
};

const char *service_name(enum service_id id)
{
	CHECK(id < SERVICE_COUNT);
	return service_defaults[id].name;
}

enum service_tls service_tls(enum service_id id)
{
	CHECK(id < SERVICE_COUNT);
	return service_defaults[id].tls;
}

const char *service_tls_name(enum service_tls tls)
{
	static const char *const names[] = {[SERVICE_TLS_STARTTLS] = "starttls",
					    [SERVICE_TLS_IMPLICIT] = "implicit",
					    [SERVICE_TLS_NONE] = "none"};

	return names[tls];
}

const char *client_name(enum client_id id)
{
	CHECK(id < CLIENT_COUNT);
	return client_defaults[id].name;
}

bool service_from_name(struct str name, enum service_id *id_out)
{
	for (int i = 0; i < SERVICE_COUNT; i++) {
		if (str_equals_nocase(name, str_from_c(service_defaults[i].name))) {
			*id_out = (enum service_id)i;
			return true;
		}
	}
	return false;
}

static const struct str tls_table_names[CONFIG_TLS_TABLE_COUNT] = {STR_INIT("Security"),
								   STR_INIT("SmtpSecurity")};

static int table_of(const char *name)
{
	return str_equals(str_from_c(name), tls_table_names[CONFIG_SECURITY])
		       ? CONFIG_SECURITY
		       : CONFIG_SMTP_SECURITY;
}

int service_table(enum service_id id)
{
	CHECK(id < SERVICE_COUNT);
	return table_of(service_defaults[id].table);
}

int client_table(enum client_id id)
{
	CHECK(id < CLIENT_COUNT);
	return table_of(client_defaults[id].table);
}

/* What an item of the Service list said, beside the fields of service_config. */
struct service_item {
	const struct element *element; /* NULL: there is none */
	struct tls_settings settings;
	bool has_tls_settings;
	const struct element *require_tls; /* not empty */
};

/* A file being read. */
struct config_reader {
	struct config_owned *config;
	struct document document;
	const struct suite_catalog *catalog;
	struct findings *findings;
	int64_t now_s;
	struct tls_alias *aliases;
	size_t alias_count;
	struct tls_settings settings[CONFIG_TLS_TABLE_COUNT];
	struct service_item items[SERVICE_COUNT];
	struct tls_settings service_settings[SERVICE_COUNT]; /* the items put over their tables */
	struct tls_settings client_settings[CLIENT_COUNT];
};

static struct finding_place place_of(struct str table, const struct element *variable)
{
	return (struct finding_place){
		.line = variable->line, .table = table, .variable = variable->name};
}

static void *array_make(struct config_reader *reader, size_t count, size_t size)
{
	void *array = arena_array(&reader->config->arena, count + 1, size);

	CHECK(array != NULL);
	return array;
}

/* An attribute that is missing, in a table that Postern reads. */
static void nameless_report(struct config_reader *reader, const struct element *element,
			    struct str table)
{
	finding_add(reader->findings, FINDING_ERROR,
		    (struct finding_place){.line = element->line, .table = table},
		    "a variable without a name; write <variable name=\"...\">");
}

/* The variables of a table or item; duplicates are not looked for here. */
static struct raw_table raw_table_make(struct config_reader *reader,
				       const struct element *container, struct str name)
{
	size_t count = 0;

	for (const struct element *at = container->first; at != NULL; at = at->next)
		count++;
	struct raw_variable *variables = array_make(reader, count, sizeof(*variables));
	count = 0;
	for (const struct element *at = container->first; at != NULL; at = at->next) {
		if (at->kind != ELEMENT_VARIABLE)
			continue;
		if (str_is_empty(at->name))
			nameless_report(reader, at, name);
		else
			variables[count++] = (struct raw_variable){
				.name = at->name, .value = at->value, .line = at->line};
	}
	return (struct raw_table){.name = name, .variables = variables, .count = count};
}

/* A table or list that Postern reads may stand once (section 1). */
static void duplicates_check(struct config_reader *reader)
{
	const struct document *document = &reader->document;

	for (const struct element *at = document_next(document, NULL); at != NULL;
	     at = document_next(document, at)) {
		const struct element *first = document_find(document, at->kind, at->name);
		if (first != at && schema_has_table(at->name))
			finding_add(reader->findings, FINDING_ERROR,
				    (struct finding_place){.line = at->line, .table = at->name},
				    "stands twice, on lines %d and %d; put the variables into one",
				    first->line, at->line);
	}
}

/* One note names what was not read. */
static void unread_report(struct config_reader *reader)
{
	struct buf names = BUF_INIT(UNREAD_SHOWN);
	const struct document *document = &reader->document;

	for (const struct element *at = document_next(document, NULL); at != NULL;
	     at = document_next(document, at)) {
		if (schema_has_table(at->name))
			continue;
		buf_printf(&names, "%s%.*s (line %d)", names.len == 0 ? "" : ", ",
			   STR_ARG(at->name), at->line);
	}
	if (names.len > 0)
		finding_add(reader->findings, FINDING_NOTE, (struct finding_place){.line = 0},
			    "kept as they are, not read: %.*s%s", STR_ARG(buf_str(&names)),
			    names.failed ? ", ..." : "");
	buf_done(&names);
}

static void aliases_read(struct config_reader *reader)
{
	const struct element *table =
		document_find(&reader->document, ELEMENT_TABLE, STR("TlsVariableAlias"));

	if (table == NULL)
		return;
	struct raw_table raw = raw_table_make(reader, table, STR("TlsVariableAlias"));
	reader->aliases = array_make(reader, raw.count, sizeof(*reader->aliases));
	tls_aliases_read(&raw, reader->findings, reader->aliases, &reader->alias_count);
}

static struct settings_context settings_context_of(struct config_reader *reader)
{
	return (struct settings_context){.catalog = reader->catalog,
					 .aliases = reader->aliases,
					 .alias_count = reader->alias_count,
					 .arena = &reader->config->arena,
					 .findings = reader->findings,
					 .now_s = reader->now_s};
}

static void tls_tables_read(struct config_reader *reader)
{
	struct settings_context context = settings_context_of(reader);

	for (int i = 0; i < CONFIG_TLS_TABLE_COUNT; i++) {
		const struct element *table =
			document_find(&reader->document, ELEMENT_TABLE, tls_table_names[i]);
		struct raw_table raw = {.name = tls_table_names[i]};
		if (table != NULL)
			raw = raw_table_make(reader, table, tls_table_names[i]);
		raw.has_reply = i == CONFIG_SMTP_SECURITY;
		tls_settings_read(&raw, &context, &reader->settings[i]);
	}
	tls_settings_compare(&reader->settings[CONFIG_SECURITY],
			     &reader->settings[CONFIG_SMTP_SECURITY], reader->findings);
}

static void unknown_report(struct config_reader *reader, struct str table,
			   const struct element *variable)
{
	struct nearest nearest;

	nearest_init(&nearest, variable->name);
	for (size_t i = 0; i < schema_count(); i++) {
		if (str_equals_nocase(table, str_from_c(schema_at(i)->table)))
			nearest_offer(&nearest, str_from_c(schema_at(i)->name));
	}
	bool is_near = !str_is_empty(nearest.best);
	finding_add(reader->findings, FINDING_WARNING, place_of(table, variable),
		    "not understood, not applied%s%.*s%s", is_near ? "; did you mean " : "",
		    STR_ARG(nearest.best), is_near ? "?" : "");
}

/* True, and reported, when the same name stands before it in the same table or item. */
static bool is_duplicate(struct config_reader *reader, struct str table,
			 const struct element *variable)
{
	const struct element *first =
		element_child(variable->parent, ELEMENT_VARIABLE, variable->name);

	if (first == variable)
		return false;
	finding_add(reader->findings, FINDING_ERROR, place_of(table, variable),
		    "stands twice, on lines %d and %d; delete one", first->line, variable->line);
	return true;
}

static void row_read(struct config_reader *reader, const struct schema_row *row, struct str table,
		     const struct element *variable, void *record)
{
	struct str value = str_trim(variable->value);

	if (is_duplicate(reader, table, variable) || str_is_empty(value))
		return;
	(void)schema_apply(row, value, place_of(table, variable), &reader->config->arena,
			   reader->findings, record);
}

static void plain_table_read(struct config_reader *reader, struct str name)
{
	const struct element *table = document_find(&reader->document, ELEMENT_TABLE, name);
	const struct element *at = table == NULL ? NULL : table->first;

	for (; at != NULL; at = at->next) {
		const struct schema_row *row = schema_find(name, at->name);
		if (at->kind != ELEMENT_VARIABLE)
			continue;
		if (str_is_empty(at->name))
			nameless_report(reader, at, name);
		else if (row == NULL)
			unknown_report(reader, name, at);
		else
			row_read(reader, row, name, at, &reader->config->public);
	}
}

/* The defaults of every row that has one, in a record of that table. */
static void defaults_set(struct config_reader *reader, const char *table, void *record)
{
	for (size_t i = 0; i < schema_count(); i++) {
		const struct schema_row *row = schema_at(i);
		if (!str_equals(str_from_c(row->table), str_from_c(table)) ||
		    row->standard == NULL || row->standard[0] == '\0')
			continue;
		CHECK(schema_apply(row, str_from_c(row->standard),
				   (struct finding_place){.line = 0}, &reader->config->arena,
				   reader->findings, record));
	}
}

static struct str item_table_name(struct config_reader *reader, struct str service)
{
	struct buf name = BUF_INIT(256);

	buf_append_c(&name, "Service:");
	buf_append_str(&name, str_sub(service, 0, 64));
	struct str kept = arena_dup(&reader->config->arena, buf_str(&name));
	CHECK(kept.ptr != NULL);
	buf_done(&name);
	return kept;
}

/* The variables of an item that are no rows of the schema are TLS variables, or unknown. */
static void item_tls_read(struct config_reader *reader, struct service_item *item, struct str table)
{
	struct settings_context context = settings_context_of(reader);
	struct raw_table raw = raw_table_make(reader, item->element, table);
	struct raw_variable *variables = array_make(reader, raw.count, sizeof(*variables));
	size_t count = 0;

	for (size_t i = 0; i < raw.count; i++) {
		if (schema_find(STR("Service"), raw.variables[i].name) == NULL)
			variables[count++] = raw.variables[i];
	}
	raw.variables = variables;
	raw.count = count;
	raw.is_service = true;
	raw.has_reply = item == &reader->items[SERVICE_SMTP];
	tls_settings_read(&raw, &context, &item->settings);
	for (int i = 0; i < TLS_VARIABLE_COUNT; i++)
		item->has_tls_settings = item->has_tls_settings || item->settings.items[i].is_set;
}

static void item_rows_read(struct config_reader *reader, struct service_item *item,
			   struct str table, struct service_config *service)
{
	for (const struct element *at = item->element->first; at != NULL; at = at->next) {
		const struct schema_row *row = schema_find(STR("Service"), at->name);
		if (at->kind != ELEMENT_VARIABLE || row == NULL)
			continue;
		row_read(reader, row, table, at, service);
		if (str_equals_nocase(at->name, STR("RequireTls")) &&
		    !str_is_empty(str_trim(at->value)))
			item->require_tls = at;
	}
}

/* HTTP has no TLS, and nobody else may be without. */
static void item_tls_check(struct config_reader *reader, const struct service_item *item,
			   struct str table, struct service_config *service)
{
	const struct element *tls = element_child(item->element, ELEMENT_VARIABLE, STR("Tls"));
	bool is_none = service_defaults[service->id].tls == SERVICE_TLS_NONE;

	if (tls != NULL && is_none != (service->tls == SERVICE_TLS_NONE))
		finding_add(reader->findings, FINDING_ERROR, place_of(table, tls),
			    is_none ? "HTTP knows no TLS: write none; HTTPS is the service with it"
				    : "only HTTP may be without TLS: write starttls or implicit");
}

/* A login without TLS and a demand for TLS exclude each other. */
static void require_tls_settle(struct config_reader *reader, const struct service_item *item,
			       struct str table, struct service_config *service)
{
	if (service->tls != SERVICE_TLS_STARTTLS) {
		service->require_tls = service->tls == SERVICE_TLS_IMPLICIT;
		return;
	}
	if (item->require_tls == NULL)
		service->require_tls =
			service_defaults[service->id].has_login && !service->allow_plain_login;
	else if (service->require_tls && service->allow_plain_login)
		finding_add(reader->findings, FINDING_WARNING, place_of(table, item->require_tls),
			    "with RequireTls 1 nobody gets as far as to log in without TLS, which "
			    "AllowPlainLogin 1 admits; take one of them out");
}

/* Where nobody logs in by SASL, nobody does so by certificate. */
static void client_certificates_check(struct config_reader *reader, const struct service_item *item,
				      struct service_config *service)
{
	if (!service->client_certificates ||
	    (service_defaults[service->id].has_login && service->id != SERVICE_HTTPS))
		return;
	finding_add(reader->findings, FINDING_WARNING,
		    place_of(item_table_name(reader, str_from_c(service_name(service->id))),
			     element_child(item->element, ELEMENT_VARIABLE,
					   STR("ClientCertificates"))),
		    "at %s nobody logs in by certificate; ClientCertificates has no effect there",
		    service_name(service->id));
	service->client_certificates = false;
}

static void unknown_service_report(struct config_reader *reader, struct str name, int line)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	for (int i = 0; i < SERVICE_COUNT; i++)
		nearest_offer(&nearest, str_from_c(service_defaults[i].name));
	bool is_near = !str_is_empty(nearest.best);
	finding_add(reader->findings, FINDING_WARNING,
		    (struct finding_place){.line = line, .table = STR("Service")},
		    "\"%.*s\" is no service of Postern; the item is not applied%s%.*s%s",
		    STR_ARG(name), is_near ? "; did you mean " : "", STR_ARG(nearest.best),
		    is_near ? "?" : "");
}

static void item_read(struct config_reader *reader, const struct element *element)
{
	const struct element *named = element_child(element, ELEMENT_VARIABLE, STR("Name"));
	struct str name = named == NULL ? STR("") : str_trim(named->value);
	enum service_id id;

	if (str_is_empty(name)) {
		finding_add(reader->findings, FINDING_ERROR,
			    (struct finding_place){.line = element->line, .table = STR("Service")},
			    "an item without Name; write which service it means");
		return;
	}
	if (!service_from_name(name, &id)) {
		unknown_service_report(reader, name, element->line);
		return;
	}
	struct service_item *item = &reader->items[id];
	struct str table = item_table_name(reader, str_from_c(service_name(id)));
	if (item->element != NULL) {
		finding_add(reader->findings, FINDING_ERROR, place_of(table, named),
			    "the service stands twice, on lines %d and %d; delete one",
			    item->element->line, element->line);
		return;
	}
	item->element = element;
	item_rows_read(reader, item, table, &reader->config->public.services[id]);
	item_tls_check(reader, item, table, &reader->config->public.services[id]);
	item_tls_read(reader, item, table);
}

static void services_read(struct config_reader *reader)
{
	const struct element *list = document_find(&reader->document, ELEMENT_LIST, STR("Service"));

	for (int i = 0; i < SERVICE_COUNT; i++) {
		struct service_config *service = &reader->config->public.services[i];
		defaults_set(reader, "Service", service);
		service->id = (enum service_id)i;
		service->port = service_defaults[i].port;
		service->tls = service_defaults[i].tls;
		service->enabled = service->tls != SERVICE_TLS_NONE;
	}
	for (const struct element *at = list_next(list, NULL); at != NULL;
	     at = list_next(list, at))
		item_read(reader, at);
	for (int i = 0; i < SERVICE_COUNT; i++)
		require_tls_settle(
			reader, &reader->items[i],
			item_table_name(reader, str_from_c(service_name((enum service_id)i))),
			&reader->config->public.services[i]);
	for (int i = 0; i < SERVICE_COUNT; i++)
		client_certificates_check(reader, &reader->items[i],
					  &reader->config->public.services[i]);
}

static bool stub_zone_stands_before(const struct config_resolver *resolver, size_t count,
				    struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equals(resolver->stubs[i].name, name))
			return true;
	return false;
}

/* The name of a stub zone as it is asked for; false, and reported, when there is none. */
static bool stub_zone_name(struct config_reader *reader, const struct element *element,
			   struct str *name_out)
{
	const struct element *named = element_child(element, ELEMENT_VARIABLE, STR("Name"));
	struct dns_name name;

	if (named == NULL) {
		finding_add(reader->findings, FINDING_ERROR,
			    (struct finding_place){.line = element->line, .table = STR("StubZone")},
			    "an item without Name; write which zone it means");
		return false;
	}
	if (!dns_name_parse(str_trim(named->value), &name)) {
		finding_add(reader->findings, FINDING_ERROR, place_of(STR("StubZone"), named),
			    "\"%.*s\" is no name of a zone; write for example corp.example",
			    STR_ARG(str_trim(named->value)));
		return false;
	}
	*name_out = name.len == 0 ? STR(".") : arena_dup(&reader->config->arena, dns_name_str(&name));
	CHECK(name_out->ptr != NULL);
	return true;
}

static void stub_zone_read(struct config_reader *reader, const struct element *element,
			   struct config_stub_zone *stub)
{
	for (const struct element *at = element->first; at != NULL; at = at->next) {
		const struct schema_row *row = schema_find(STR("StubZone"), at->name);
		if (at->kind != ELEMENT_VARIABLE)
			continue;
		if (row == NULL)
			unknown_report(reader, STR("StubZone"), at);
		else
			row_read(reader, row, STR("StubZone"), at, stub);
	}
	if (stub->server_count == 0)
		finding_add(reader->findings, FINDING_ERROR,
			    (struct finding_place){.line = element->line, .table = STR("StubZone")},
			    "%.*s has no Servers; write who answers for it", STR_ARG(stub->name));
}

static void stub_zones_read(struct config_reader *reader)
{
	const struct element *list =
		document_find(&reader->document, ELEMENT_LIST, STR("StubZone"));
	struct config_resolver *resolver = &reader->config->public.resolver;
	struct config_stub_zone *stubs = array_make(reader, list_count(list), sizeof(*stubs));

	resolver->stubs = stubs;
	for (const struct element *at = list_next(list, NULL); at != NULL;
	     at = list_next(list, at)) {
		struct config_stub_zone *stub = &stubs[resolver->stub_count];
		if (!stub_zone_name(reader, at, &stub->name))
			continue;
		if (stub_zone_stands_before(resolver, resolver->stub_count, stub->name))
			finding_add(
				reader->findings, FINDING_ERROR,
				(struct finding_place){.line = at->line, .table = STR("StubZone")},
				"the zone %.*s stands twice", STR_ARG(stub->name));
		stub_zone_read(reader, at, stub);
		resolver->stub_count++;
	}
}

static bool addresses_overlap(const struct service_config *a, const struct service_config *b)
{
	if (a->address_count == 0 || b->address_count == 0)
		return true;
	for (size_t i = 0; i < a->address_count; i++) {
		for (size_t j = 0; j < b->address_count; j++) {
			if (str_equals_nocase(a->addresses[i], b->addresses[j]))
				return true;
		}
	}
	return false;
}

/* One address of each family at most can be the source of a connection. */
static void sources_check(struct config_reader *reader)
{
	const struct config_queue *queue = &reader->config->public.queue;
	const struct element *table = document_find(&reader->document, ELEMENT_TABLE, STR("Queue"));
	size_t counts[2] = {0, 0};

	for (size_t i = 0; i < queue->source_count; i++)
		counts[str_find_char(queue->sources[i], ':') != STR_NONE]++;
	if (counts[0] > 1 || counts[1] > 1)
		finding_add(reader->findings, FINDING_ERROR,
			    place_of(STR("Queue"), element_child(table, ELEMENT_VARIABLE,
								 STR("SourceAddresses"))),
			    "names more than one address of %s; a connection has one source",
			    counts[0] > 1 ? "IPv4" : "IPv6");
}

static void ports_check(struct config_reader *reader)
{
	const struct service_config *services = reader->config->public.services;

	for (int i = 0; i < SERVICE_COUNT; i++) {
		for (int j = 0; j < i; j++) {
			const struct element *element = reader->items[i].element != NULL
								? reader->items[i].element
								: reader->items[j].element;
			if (!services[i].enabled || !services[j].enabled ||
			    services[i].port != services[j].port ||
			    !addresses_overlap(&services[i], &services[j]))
				continue;
			finding_add(
				reader->findings, FINDING_ERROR,
				(struct finding_place){.line = element == NULL ? 0 : element->line,
						       .table = STR("Service")},
				"%s and %s would both listen on port %d",
				service_name((enum service_id)j), service_name((enum service_id)i),
				services[i].port);
		}
	}
}

/* "IMAP, IMAPS and HTTPS": the enabled services that a table governs without an override. */
static struct str governed_names(struct config_reader *reader, int table)
{
	const char *names[SERVICE_COUNT];
	size_t count = 0;
	struct buf text = BUF_INIT(256);

	for (int i = 0; i < SERVICE_COUNT; i++) {
		if (service_table((enum service_id)i) == table &&
		    service_defaults[i].tls != SERVICE_TLS_NONE &&
		    reader->config->public.services[i].enabled &&
		    !reader->items[i].has_tls_settings)
			names[count++] = service_defaults[i].name;
	}
	for (size_t i = 0; i < count; i++) {
		buf_append_c(&text, i == 0 ? "" : i + 1 == count ? " and " : ", ");
		buf_append_c(&text, names[i]);
	}
	if (count == 0)
		buf_append_c(&text, "every service of the table");
	struct str kept = arena_dup(&reader->config->arena, buf_str(&text));
	CHECK(kept.ptr != NULL);
	buf_done(&text);
	return kept;
}

static void service_policy_set(struct config_reader *reader, enum service_id id,
			       const struct tls_policy *of_table)
{
	struct service_config *service = &reader->config->public.services[id];
	const struct service_item *item = &reader->items[id];
	/* schema_apply put SessionTickets there; the policy is about to be written over it. */
	struct policy_ends ends = {.session_tickets = service->policy.session_tickets,
				   .has_reply = id == SERVICE_SMTP};

	const struct tls_settings *table = &reader->settings[service_table((enum service_id)id)];
	struct tls_settings *merged = &reader->service_settings[id];
	*merged = *table;
	if (!item->has_tls_settings) {
		service->policy = policy_fit(of_table, ends, &reader->config->arena);
		return;
	}
	struct settings_context context = settings_context_of(reader);
	*merged = tls_settings_override(table, &item->settings, &context);
	struct policy_request request = {.direction = TLS_LISTENER,
					 .who = str_from_c(service_name(id)),
					 .settings = merged,
					 .session_tickets = ends.session_tickets,
					 .now_s = reader->now_s};
	struct tls_policy policy;
	if (policy_resolve(&request, reader->catalog, &reader->config->arena, reader->findings,
			   &policy))
		service->policy = policy_fit(&policy, ends, &reader->config->arena);
}

/* "SMTP and IMAP": the services below a floor that take sessions without TLS. */
static bool plain_names(struct config_reader *reader, int table, struct buf *to)
{
	const struct service_config *services = reader->config->public.services;

	for (int i = 0; i < SERVICE_COUNT; i++) {
		if (!services[i].enabled || services[i].tls != SERVICE_TLS_STARTTLS ||
		    services[i].require_tls || services[i].policy.floor.rung == TLS_RUNG_NONE ||
		    service_table((enum service_id)i) != table)
			continue;
		buf_printf(to, "%s%s", to->len == 0 ? "" : ", ", service_defaults[i].name);
	}
	return to->len > 0;
}

/* A floor does not govern sessions without TLS (tls-policy section 4). */
static void floors_note(struct config_reader *reader)
{
	for (int i = 0; i < CONFIG_TLS_TABLE_COUNT; i++) {
		struct buf names = BUF_INIT(256);
		if (plain_names(reader, i, &names))
			finding_add(reader->findings, FINDING_NOTE,
				    reader->settings[i].items[TLS_FLOOR].place,
				    "does not govern sessions without TLS, which %.*s would take; "
				    "how many there are, the file cannot tell. RequireTls 1 "
				    "refuses them",
				    STR_ARG(buf_str(&names)));
		buf_done(&names);
	}
}

static void listeners_resolve(struct config_reader *reader)
{
	struct tls_policy of_table[CONFIG_TLS_TABLE_COUNT] = {0};

	for (int i = 0; i < CONFIG_TLS_TABLE_COUNT; i++) {
		struct policy_request request = {.direction = TLS_LISTENER,
						 .who = governed_names(reader, i),
						 .settings = &reader->settings[i],
						 .session_tickets = true,
						 .now_s = reader->now_s};
		(void)policy_resolve(&request, reader->catalog, &reader->config->arena,
				     reader->findings, &of_table[i]);
	}
	for (int i = 0; i < SERVICE_COUNT; i++)
		service_policy_set(reader, (enum service_id)i,
				   &of_table[service_table((enum service_id)i)]);
}

static void clients_resolve(struct config_reader *reader)
{
	static const struct str who[CLIENT_COUNT] = {STR_INIT("the SMTP client"),
						     STR_INIT("the POP3 client")};

	for (int i = 0; i < CLIENT_COUNT; i++) {
		reader->client_settings[i] = reader->settings[client_table((enum client_id)i)];
		struct policy_request request = {
			.direction = TLS_CLIENT,
			.who = who[i],
			.settings = &reader->client_settings[i],
			.session_tickets = true,
			.now_s = reader->now_s};
		struct policy_ends ends = {.session_tickets = true};
		struct tls_policy policy;
		if (policy_resolve(&request, reader->catalog, &reader->config->arena,
				   reader->findings, &policy))
			reader->config->public.clients[i] =
				policy_fit(&policy, ends, &reader->config->arena);
	}
}

static void partner_list_read(struct config_reader *reader)
{
	struct partner_reader partners = {.document = &reader->document,
					  .catalog = reader->catalog,
					  .arena = &reader->config->arena,
					  .findings = reader->findings,
					  .now_s = reader->now_s,
					  .services = reader->service_settings,
					  .clients = reader->client_settings,
					  .config = &reader->config->public};

	partners_read(&partners);
}

/* The document goes: what stays of it is copied. */
static const struct tls_settings *settings_keep(struct config_reader *reader,
						const struct tls_settings *settings, size_t count)
{
	struct tls_settings *kept = array_make(reader, count, sizeof(*kept));
	struct arena *arena = &reader->config->arena;

	for (size_t i = 0; i < count; i++) {
		kept[i] = settings[i];
		for (int j = 0; j < TLS_VARIABLE_COUNT; j++) {
			struct tls_setting *setting = &kept[i].items[j];
			setting->text = arena_dup(arena, setting->text);
			setting->place.variable = arena_dup(arena, setting->place.variable);
			CHECK(setting->text.ptr != NULL && setting->place.variable.ptr != NULL);
		}
	}
	return kept;
}

static void file_read_whole(struct config_reader *reader)
{
	duplicates_check(reader);
	defaults_set(reader, "Server", &reader->config->public);
	defaults_set(reader, "Limits", &reader->config->public);
	defaults_set(reader, "Acme", &reader->config->public);
	defaults_set(reader, "Resolver", &reader->config->public);
	defaults_set(reader, "Queue", &reader->config->public);
	plain_table_read(reader, STR("Server"));
	plain_table_read(reader, STR("Limits"));
	plain_table_read(reader, STR("Acme"));
	plain_table_read(reader, STR("Resolver"));
	plain_table_read(reader, STR("Queue"));
	sources_check(reader);
	stub_zones_read(reader);
	aliases_read(reader);
	tls_tables_read(reader);
	services_read(reader);
	ports_check(reader);
	listeners_resolve(reader);
	clients_resolve(reader);
	reader->config->public.tls_tables =
		settings_keep(reader, reader->settings, CONFIG_TLS_TABLE_COUNT);
	reader->config->public.tls_services =
		settings_keep(reader, reader->service_settings, SERVICE_COUNT);
	partner_list_read(reader);
	relay_list_read(&reader->document, &reader->config->public, &reader->config->arena,
			reader->findings);
	pop3_accounts_read(&reader->document, &reader->config->public, &reader->config->arena,
			   reader->findings);
	acme_list_read(&reader->document, &reader->config->public, &reader->config->arena,
		       reader->findings);
	floors_note(reader);
	unread_report(reader);
}

static struct config_owned *config_owned_new(struct str text, const char *file_name)
{
	struct config_owned *config = calloc(1, sizeof(*config));

	CHECK(config != NULL);
	atomic_init(&config->references, 1);
	arena_init(&config->arena, ARENA_BYTES);
	config->public.text = arena_dup(&config->arena, text);
	config->public.file_name = arena_dup(&config->arena, str_from_c(file_name));
	CHECK(config->public.text.ptr != NULL && config->public.file_name.ptr != NULL);
	return config;
}

static void config_owned_free(struct config_owned *config)
{
	arena_rewind(&config->arena);
	free(config);
}

enum fault config_parse(struct str text, const char *file_name, const struct suite_catalog *catalog,
			struct findings *findings, struct config **out)
{
	size_t errors = findings->totals[FINDING_ERROR];

	if (text.len > CONFIG_FILE_MAX) {
		finding_add(findings, FINDING_ERROR, (struct finding_place){.line = 0},
			    "the file is larger than %d bytes", CONFIG_FILE_MAX);
		return FAULT_TOO_LARGE;
	}
	struct config_owned *config = config_owned_new(text, file_name);
	struct config_reader *reader = calloc(1, sizeof(*reader));
	CHECK(reader != NULL);
	reader->config = config;
	reader->catalog = catalog;
	reader->findings = findings;
	reader->now_s = clock_real_s();
	if (document_parse(&reader->document, config->public.text, findings))
		file_read_whole(reader);
	document_done(&reader->document);
	free(reader);
	findings_sort(findings);
	if (findings->totals[FINDING_ERROR] != errors) {
		config_owned_free(config);
		return FAULT_INVALID;
	}
	*out = &config->public;
	return FAULT_NONE;
}

struct config *config_ref(struct config *config)
{
	struct config_owned *owned = (struct config_owned *)(void *)config;

	atomic_fetch_add_explicit(&owned->references, 1, memory_order_relaxed);
	return config;
}

void config_unref(struct config **config)
{
	struct config_owned *owned = (struct config_owned *)(void *)*config;

	*config = NULL;
	if (owned != NULL &&
	    atomic_fetch_sub_explicit(&owned->references, 1, memory_order_acq_rel) == 1)
		config_owned_free(owned);
}

bool config_asks_for_certificates(const struct config *config)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (config->services[i].enabled && config->services[i].client_certificates)
			return true;
	return false;
}

bool config_is_exempt(const struct config *config, const uint8_t address[16])
{
	for (size_t i = 0; i < config->limits.exempt_network_count; i++) {
		if (network_has(&config->limits.exempt_networks[i], address))
			return true;
	}
	return false;
}
