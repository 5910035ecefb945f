/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/settings.h"

#include "policy/floor.h"
#include "policy/nearest.h"

static const struct tls_variable_row rows[TLS_VARIABLE_COUNT] = {
#define X(id, name, kind, scope, standard, text) \
	{name, TLS_KIND_##kind, TLS_SCOPE_##scope, standard, text},
	TLS_VARIABLE_TABLE(X)
#undef X
};

/*
 * Only the spellings of the protocol and cipher variables are known for
 * certain; the other five have these besides.
 */
static const struct {
	const char *alias;
	enum tls_variable variable;
} built_in[] = {
	{"EphemeralDHEnabled", TLS_ENABLE_DHE},
	{"EnableDHE", TLS_ENABLE_DHE},
	{"EnableDH", TLS_ENABLE_DHE},
	{"DHEKeySize", TLS_DHE_SIZE},
	{"EphemeralDHSize", TLS_DHE_SIZE},
	{"DHKeySize", TLS_DHE_SIZE},
	{"EphemeralECDHEnabled", TLS_ENABLE_ECDHE},
	{"EnableECDHE", TLS_ENABLE_ECDHE},
	{"EnableECDH", TLS_ENABLE_ECDHE},
	{"DisableEmptyFragments", TLS_NO_EMPTY_FRAGMENTS},
	{"PreferServerCiphers", TLS_SERVER_PREFERENCE},
	{"CipherServerPreference", TLS_SERVER_PREFERENCE},
};

/* Of releases 9.0.0 and 9.0.1: 1 means what EnableEphemeralDH 0 means. */
static const struct str inverted_name = STR_INIT("DisableEphemeralDH");

const struct tls_variable_row *tls_variable_row(enum tls_variable variable)
{
	CHECK(variable < TLS_VARIABLE_COUNT);
	return &rows[variable];
}

static bool variable_is_canonical(struct str name, enum tls_variable *variable_out)
{
	for (int i = 0; i < TLS_VARIABLE_COUNT; i++) {
		if (str_equals_nocase(name, str_from_c(rows[i].name))) {
			*variable_out = (enum tls_variable)i;
			return true;
		}
	}
	return false;
}

bool tls_variable_from_name(struct str name, enum tls_variable *variable_out)
{
	if (variable_is_canonical(name, variable_out))
		return true;
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
		if (str_equals_nocase(name, str_from_c(built_in[i].alias))) {
			*variable_out = built_in[i].variable;
			return true;
		}
	}
	return false;
}

static struct finding_place place_of(const struct raw_table *table, const struct raw_variable *raw)
{
	return (struct finding_place){
		.line = raw->line, .table = table->name, .variable = raw->name};
}

/* The nearest known name, for a variable or the target of an alias. */
static struct str variable_nearest(struct str name)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	for (int i = 0; i < TLS_VARIABLE_COUNT; i++)
		nearest_offer(&nearest, str_from_c(rows[i].name));
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
		nearest_offer(&nearest, str_from_c(built_in[i].alias));
	nearest_offer(&nearest, inverted_name);
	return nearest.best;
}

void tls_aliases_read(const struct raw_table *table, struct findings *findings,
		      struct tls_alias *aliases_out, size_t *count_out)
{
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct raw_variable *raw = &table->variables[i];
		struct str target = str_trim(raw->value);
		enum tls_variable taken;
		struct tls_alias alias = {.alias = str_trim(raw->name)};
		if (tls_variable_from_name(alias.alias, &taken) ||
		    str_equals_nocase(alias.alias, inverted_name))
			finding_add(findings, FINDING_ERROR, place_of(table, raw),
				    "is a name that Postern knows already and cannot stand for "
				    "another; take the row out");
		else if (!tls_variable_from_name(target, &alias.variable))
			finding_add(findings, FINDING_ERROR, place_of(table, raw),
				    "\"%.*s\" is none of the variables; write for example "
				    "ServerTlsProtocols as the value",
				    STR_ARG(target));
		else
			aliases_out[count++] = alias;
	}
	*count_out = count;
}

/* A table being read. */
struct settings_reader {
	const struct raw_table *table;
	const struct settings_context *context;
	struct tls_settings *settings;
	struct finding_place inverted; /* DisableEphemeralDH, when it stands there; else line 0 */
	bool inverted_value;
};

static bool name_resolve(const struct settings_reader *reader, struct str name,
			 enum tls_variable *variable_out)
{
	const struct settings_context *context = reader->context;

	if (tls_variable_from_name(name, variable_out))
		return true;
	for (size_t i = 0; i < context->alias_count; i++) {
		if (str_equals_nocase(name, context->aliases[i].alias)) {
			*variable_out = context->aliases[i].variable;
			return true;
		}
	}
	return false;
}

/* "TLSv1.2", "tls 1.2", "SSL3", "TLS_1_2": whatever may stand for a protocol. */
static bool mentions_protocol(struct str value)
{
	for (size_t i = 0; i + 3 < value.len; i++) {
		struct str word = str_sub(value, i, 3);
		if (!str_equals_nocase(word, STR("TLS")) && !str_equals_nocase(word, STR("SSL")))
			continue;
		size_t at = i + 3;
		while (at < value.len &&
		       (ascii_lower(value.ptr[at]) == 'v' || value.ptr[at] == ' ' ||
			value.ptr[at] == '_' || value.ptr[at] == '-'))
			at++;
		if (at < value.len && ascii_is_digit(value.ptr[at]))
			return true;
	}
	return false;
}

/* Nothing in these tables is passed over in silence (section 1). */
static void unknown_report(const struct settings_reader *reader, const struct raw_variable *raw)
{
	struct findings *findings = reader->context->findings;
	struct str near = variable_nearest(raw->name);
	bool is_near = !str_is_empty(near);

	if (mentions_protocol(raw->value))
		finding_add(
			findings, FINDING_ERROR, place_of(reader->table, raw),
			"not understood, yet its value names a protocol: if it is the minimum, to "
			"pass it over would lower the floor. %s%.*s%sDelete it, or say what it is "
			"in <table name=\"TlsVariableAlias\">",
			is_near ? "Did you mean " : "", STR_ARG(near), is_near ? "? " : "");
	else
		finding_add(findings, FINDING_WARNING, place_of(reader->table, raw),
			    "not understood, not applied%s%.*s%s", is_near ? "; did you mean " : "",
			    STR_ARG(near), is_near ? "?" : "");
}

static bool bool_parse(const struct settings_reader *reader, struct finding_place place,
		       struct str value, uint32_t *number_out)
{
	if (str_equals(value, STR("0")) || str_equals(value, STR("1"))) {
		*number_out = value.ptr[0] == '1';
		return true;
	}
	finding_add(reader->context->findings, FINDING_ERROR, place, "\"%.*s\" is neither 0 nor 1",
		    STR_ARG(value));
	return false;
}

static bool dh_size_parse(const struct settings_reader *reader, struct finding_place place,
			  struct str value, uint32_t *number_out)
{
	uint64_t number;

	if (str_parse_u64(value, 4096, &number) &&
	    (number == 0 || number == 1024 || number == 2048 || number == 4096)) {
		*number_out = (uint32_t)number;
		return true;
	}
	finding_add(reader->context->findings, FINDING_ERROR, place,
		    "\"%.*s\" is none of 0, 1024, 2048 and 4096", STR_ARG(value));
	return false;
}

/* One item of a protocol list; adds it to the set when this build can speak it. */
static void protocol_take(const struct settings_context *context, struct finding_place place,
			  struct str item, tls_protocols *set)
{
	struct findings *findings = context->findings;
	enum tls_protocol protocol;

	if (str_is_empty(item))
		finding_add(findings, FINDING_ERROR, place,
			    "the list has an empty item; take the extra comma out");
	else if (!tls_protocol_from_name(item, &protocol))
		finding_add(
			findings, FINDING_ERROR, place,
			"\"%.*s\" is no protocol; write SSLv3, TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3, "
			"separated by commas",
			STR_ARG(item));
	else if (!tls_protocols_has(context->catalog->protocols, protocol))
		finding_add(findings, FINDING_WARNING, place,
			    "%s is not available in this OpenSSL build",
			    tls_protocol_name(protocol));
	else
		*set |= TLS_PROTOCOL_BIT(protocol);
}

/* The set may come out empty, when the list names only what this build lacks. */
bool tls_protocols_read(const struct settings_context *context, struct finding_place place,
			struct str value, tls_protocols *set_out)
{
	size_t errors = context->findings->totals[FINDING_ERROR];

	*set_out = 0;
	for (struct str rest = value; rest.ptr != NULL;)
		protocol_take(context, place, str_trim(str_cut(&rest, ',')), set_out);
	return context->findings->totals[FINDING_ERROR] == errors;
}

/* Reads a value that is not empty; one that is refused counts as not set. */
static void value_read(struct settings_reader *reader, enum tls_variable_kind kind,
		       struct tls_setting *setting)
{
	const struct settings_context *context = reader->context;
	struct finding_place place = setting->place;

	switch (kind) {
	case TLS_KIND_BOOL:
		setting->is_set = bool_parse(reader, place, setting->text, &setting->number);
		break;
	case TLS_KIND_DH_SIZE:
		setting->is_set = dh_size_parse(reader, place, setting->text, &setting->number);
		break;
	case TLS_KIND_PROTOCOLS:
		setting->is_set =
			tls_protocols_read(context, place, setting->text, &setting->protocols);
		break;
	case TLS_KIND_CIPHERS:
		setting->is_set =
			cipher_list_parse(setting->text, context->catalog, place, context->arena,
					  context->findings, &setting->ciphers);
		break;
	case TLS_KIND_FLOOR:
	case TLS_KIND_FLOOR_MODE:
	case TLS_KIND_FLOOR_DATE:
		setting->is_set = floor_read(reader->table, kind, place, setting->text,
					     context->findings, &setting->number);
		break;
	}
}

static void inverted_read(struct settings_reader *reader, const struct raw_variable *raw)
{
	struct finding_place place = place_of(reader->table, raw);
	uint32_t number;

	if (reader->inverted.line != 0)
		finding_add(reader->context->findings, FINDING_ERROR, place,
			    "stands twice, on lines %d and %d; delete one", reader->inverted.line, raw->line);
	reader->inverted = place;
	reader->inverted_value = !str_is_empty(str_trim(raw->value)) &&
				 bool_parse(reader, place, str_trim(raw->value), &number) &&
				 number == 1;
}

static void variable_read(struct settings_reader *reader, const struct raw_variable *raw)
{
	struct findings *findings = reader->context->findings;
	enum tls_variable variable;
	struct finding_place place = place_of(reader->table, raw);

	if (str_equals_nocase(raw->name, inverted_name)) {
		inverted_read(reader, raw);
		return;
	}
	if (!name_resolve(reader, raw->name, &variable)) {
		unknown_report(reader, raw);
		return;
	}
	struct tls_setting *setting = &reader->settings->items[variable];
	if (setting->place.line != 0) {
		finding_add(findings, FINDING_ERROR, place, "stands twice, on lines %d and %d%s%s; delete one",
			    setting->place.line, raw->line,
			    str_equals_nocase(setting->place.variable, raw->name)
				    ? ""
				    : ", under two names of ",
			    str_equals_nocase(setting->place.variable, raw->name)
				    ? ""
				    : rows[variable].name);
		return;
	}
	if (reader->table->is_service && rows[variable].scope == TLS_SCOPE_CLIENT)
		finding_add(findings, FINDING_ERROR, place,
			    "a service only listens; set it in the table that governs the client");
	setting->place = place;
	setting->text = str_trim(raw->value);
	if (!str_is_empty(setting->text))
		value_read(reader, rows[variable].kind, setting);
}

/* The new switch wins over the old one, which says the same turned round. */
static void inverted_apply(struct settings_reader *reader)
{
	struct tls_setting *setting = &reader->settings->items[TLS_ENABLE_DHE];

	if (reader->inverted.line == 0)
		return;
	if (setting->is_set) {
		finding_add(
			reader->context->findings, FINDING_WARNING, reader->inverted,
			"is not applied, since EnableEphemeralDH (line %d) says %u; delete the old "
			"variable",
			setting->place.line, setting->number);
		return;
	}
	setting->place = reader->inverted;
	setting->is_set = true;
	setting->number = !reader->inverted_value;
}

/* Puts the default where nothing stands. */
static void default_fill(struct settings_reader *reader, enum tls_variable variable)
{
	struct tls_setting *setting = &reader->settings->items[variable];
	const struct settings_context *context = reader->context;
	uint64_t number = 0;

	if (setting->is_set)
		return;
	if (setting->place.line == 0)
		setting->place = (struct finding_place){
			.table = reader->table->name, .variable = str_from_c(rows[variable].name)};
	switch (rows[variable].kind) {
	case TLS_KIND_BOOL:
	case TLS_KIND_DH_SIZE:
		CHECK(str_parse_u64(str_from_c(rows[variable].standard), UINT32_MAX, &number));
		setting->number = (uint32_t)number;
		break;
	case TLS_KIND_PROTOCOLS:
		setting->protocols = TLS_PROTOCOLS_DEFAULT & context->catalog->protocols;
		break;
	case TLS_KIND_CIPHERS:
		CHECK(cipher_list_parse(STR(CIPHER_STRING_DEFAULT), context->catalog,
					setting->place, context->arena, context->findings,
					&setting->ciphers));
		break;
	case TLS_KIND_FLOOR_MODE:
		setting->number = TLS_RUNG_OBSERVE;
		break;
	case TLS_KIND_FLOOR:
	case TLS_KIND_FLOOR_DATE:
		setting->number = 0;
		break;
	}
}

/* What a DHE size means besides its number (rule 9). */
static void dhe_size_check(const struct tls_settings *settings, struct findings *findings)
{
	const struct tls_setting *size = &settings->items[TLS_DHE_SIZE];
	const struct tls_setting *enable = &settings->items[TLS_ENABLE_DHE];

	if (size->is_set && size->number != 0 && enable->number == 0)
		finding_add(
			findings, FINDING_WARNING, size->place,
			"has no effect, since %.*s (line %d) switches DHE off. The old "
			"DisableEphemeralDH meant the opposite of EnableEphemeralDH: to have DHE, "
			"write EnableEphemeralDH 1",
			STR_ARG(enable->place.variable), enable->place.line);
	else if (size->is_set && size->number == 1024)
		finding_add(
			findings, FINDING_WARNING, size->place,
			"DH groups of 1024 bits can be broken by a strong attacker, and today's "
			"clients refuse them (dh key too small); write 2048, or 0");
}

void tls_settings_read(const struct raw_table *table, const struct settings_context *context,
		       struct tls_settings *settings_out)
{
	struct settings_reader reader = {
		.table = table, .context = context, .settings = settings_out};

	*settings_out =
		(struct tls_settings){.table = table->name, .has_reply = table->has_reply};
	for (size_t i = 0; i < table->count; i++)
		variable_read(&reader, &table->variables[i]);
	inverted_apply(&reader);
	for (int i = 0; !table->is_service && i < TLS_VARIABLE_COUNT; i++)
		default_fill(&reader, (enum tls_variable)i);
	if (table->is_service)
		return;
	dhe_size_check(settings_out, context->findings);
	floor_check(settings_out, context->now_s, context->findings);
}

static bool sets_floor(const struct tls_settings *settings)
{
	return settings->items[TLS_FLOOR].is_set || settings->items[TLS_FLOOR_MODE].is_set ||
	       settings->items[TLS_FLOOR_DATE].is_set;
}

struct tls_settings tls_settings_override(const struct tls_settings *table,
					  const struct tls_settings *service,
					  const struct settings_context *context)
{
	struct tls_settings merged = *table;

	for (int i = 0; i < TLS_VARIABLE_COUNT; i++) {
		if (service->items[i].is_set)
			merged.items[i] = service->items[i];
	}
	if (service->items[TLS_DHE_SIZE].is_set || service->items[TLS_ENABLE_DHE].is_set)
		dhe_size_check(&merged, context->findings);
	if (sets_floor(service)) {
		merged.has_reply = service->has_reply;
		floor_check(&merged, context->now_s, context->findings);
	}
	return merged;
}

static bool cipher_lists_equal(const struct cipher_list *a, const struct cipher_list *b)
{
	return str_equals(a->string, b->string) && a->suite13_count == b->suite13_count &&
	       memcmp(a->suites13, b->suites13, a->suite13_count * sizeof(a->suites13[0])) == 0;
}

static bool settings_equal(enum tls_variable_kind kind, const struct tls_setting *a,
			   const struct tls_setting *b)
{
	if (kind == TLS_KIND_PROTOCOLS)
		return a->protocols == b->protocols;
	if (kind == TLS_KIND_CIPHERS)
		return cipher_lists_equal(&a->ciphers, &b->ciphers);
	return a->number == b->number;
}

/* "on line 12", or where nothing stands "by default". */
static void where_append(struct buf *to, const struct tls_setting *setting)
{
	if (setting->place.line == 0)
		buf_append_c(to, "by default");
	else
		buf_printf(to, "on line %d", setting->place.line);
}

static void difference_report(const struct tls_variable_row *row,
			      const struct tls_setting *security, const struct tls_setting *smtp,
			      struct findings *findings)
{
	struct buf text = BUF_INIT(1024);
	struct finding_place place = smtp->place.line == 0 ? security->place : smtp->place;

	buf_append_c(&text, "Security has another value (");
	where_append(&text, security);
	buf_append_c(&text, ") than SmtpSecurity (");
	where_append(&text, smtp);
	buf_append_c(&text,
		     "). Postern reads the tables by service: SmtpSecurity for the services and "
		     "the client of SMTP, Security for all others. Read by direction (Security "
		     "inbound, SmtpSecurity outbound), as some texts have it, ");
	buf_append_c(&text, row->scope == TLS_SCOPE_CLIENT
				    ? "the value in SmtpSecurity would hold for every client"
			    : row->scope == TLS_SCOPE_LISTENER
				    ? "the value in Security would hold for every service"
				    : "the value in Security would hold for every service, that in "
				      "SmtpSecurity for every client");
	buf_append_c(&text, ". The same value in both tables means the same either way");
	place.variable = str_from_c(row->name);
	finding_add(findings, FINDING_WARNING, place, "%.*s", STR_ARG(buf_str(&text)));
	buf_done(&text);
}

void tls_settings_compare(const struct tls_settings *security, const struct tls_settings *smtp,
			  struct findings *findings)
{
	/* The floor's variables are Postern's own: there is one reading of them. */
	for (int i = 0; i < TLS_FLOOR; i++) {
		if (!settings_equal(rows[i].kind, &security->items[i], &smtp->items[i]))
			difference_report(&rows[i], &security->items[i], &smtp->items[i], findings);
	}
}
