/* SPDX-License-Identifier: Apache-2.0 */
#include "config/relay.h"

#include "config/document.h"
#include "config/schema.h"

#define LIST "RelayRule"

enum { PORT_SMTP = 25, PORT_SMTPS = 465, PORT_SUBMISSION = 587 };

/* ---- finding ---- */

static bool domain_fits(struct str pattern, struct str domain)
{
	if (pattern.len > 0 && pattern.ptr[0] == '.')
		return domain.len > pattern.len && str_has_suffix_nocase(domain, pattern);
	return str_equals_nocase(domain, pattern);
}

static bool pattern_fits(struct str pattern, struct str address)
{
	size_t at = str_find_last_char(address, '@');

	if (str_is_empty(pattern))
		return true;
	if (str_find_char(pattern, '@') != STR_NONE)
		return str_equals_nocase(pattern, address);
	return at != STR_NONE && domain_fits(pattern, str_from(address, at + 1));
}

const struct relay *relay_find(const struct config *config, struct str sender,
			       struct str recipient)
{
	for (size_t i = 0; i < config->relay_count; i++)
		if (pattern_fits(config->relays[i].sender, sender) &&
		    pattern_fits(config->relays[i].recipient, recipient))
			return &config->relays[i];
	return NULL;
}

const struct relay *relay_of_key(const struct config *config, struct str key)
{
	for (size_t i = 0; i < config->relay_count; i++)
		if (str_equals(config->relays[i].key, key))
			return &config->relays[i];
	return NULL;
}

struct tls_demand relay_demand(const struct relay *relay)
{
	struct tls_demand demand = demand_may();

	demand.level = relay->level;
	demand.level_source = relay->place;
	demand.level_source.variable = STR("Level");
	if (relay->level == TLS_LEVEL_VERIFY) {
		struct tls_proof proof = {.kind = TLS_LEVEL_VERIFY,
					  .names = {relay->host},
					  .name_count = 1,
					  .source = demand.level_source};
		demand_prove(&demand, &proof);
	}
	return demand;
}

/* ---- reading ---- */

struct row {
	const struct element *item;
	struct arena *arena;
	struct findings *findings;
	struct relay *relay;
};

static struct str keep(const struct row *row, struct str text)
{
	struct str kept = arena_dup(row->arena, text);

	CHECK(kept.ptr != NULL);
	return kept;
}

static struct finding_place place_of(const struct row *row, const struct element *variable)
{
	struct finding_place place = row->relay->place;

	place.line = variable->line;
	place.variable = variable->name;
	return place;
}

/* The value of a variable; empty when it is not there. */
static struct str value_of(const struct row *row, const char *name,
			   const struct element **variable_out)
{
	*variable_out = element_child(row->item, ELEMENT_VARIABLE, str_from_c(name));
	return *variable_out == NULL ? STR("") : str_trim((*variable_out)->value);
}

static struct str text_of(const struct row *row, const char *name)
{
	const struct element *variable;

	return keep(row, value_of(row, name, &variable));
}

static void host_read(struct row *row)
{
	const struct element *variable;
	struct str host = value_of(row, "Host", &variable);
	struct network network;
	bool is_literal = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']' &&
			  network_parse(str_sub(host, 1, host.len - 2), &network);

	row->relay->host = keep(row, host);
	if (variable == NULL)
		finding_add(row->findings, FINDING_ERROR, row->relay->place,
			    "needs a Host: the server that takes the mail");
	else if (!is_literal && !hostname_is_valid(host))
		finding_add(row->findings, FINDING_ERROR, place_of(row, variable),
			    "\"%.*s\" is no name of a host; an address is written in brackets, "
			    "[192.0.2.1]",
			    STR_ARG(str_sub(host, 0, 256)));
}

static void tls_read(struct row *row)
{
	const struct element *variable;
	struct str tls = value_of(row, "Tls", &variable);

	row->relay->is_implicit = str_equals_nocase(tls, STR("implicit"));
	if (!str_is_empty(tls) && !row->relay->is_implicit &&
	    !str_equals_nocase(tls, STR("starttls")))
		finding_add(row->findings, FINDING_ERROR, place_of(row, variable),
			    "\"%.*s\" is neither starttls nor implicit", STR_ARG(tls));
}

static void port_read(struct row *row)
{
	const struct element *variable;
	struct str text = value_of(row, "Port", &variable);
	uint64_t port = row->relay->is_implicit		 ? PORT_SMTPS
			: str_is_empty(row->relay->user) ? PORT_SMTP
							 : PORT_SUBMISSION;

	if (!str_is_empty(text) && (!str_parse_u64(text, UINT16_MAX, &port) || port == 0))
		finding_add(row->findings, FINDING_ERROR, place_of(row, variable),
			    "\"%.*s\" is no port from 1 to 65535", STR_ARG(text));
	row->relay->port = (uint16_t)port;
}

/* A password goes to nobody who has not proven who he is, unless the row says so. */
static void level_read(struct row *row)
{
	const struct element *variable;
	struct str text = value_of(row, "Level", &variable);
	enum tls_level level =
		str_is_empty(row->relay->user) ? TLS_LEVEL_MAY : TLS_LEVEL_VERIFY;

	if (!str_is_empty(text) &&
	    (!tls_level_from_name(text, &level) || level == TLS_LEVEL_PIN))
		finding_add(row->findings, FINDING_ERROR, place_of(row, variable),
			    "\"%.*s\" is none of none, may, encrypt, verify (a pin stands in a row of "
			    "TlsPolicy for the host)",
			    STR_ARG(text));
	else if (!str_is_empty(row->relay->user) && level < TLS_LEVEL_VERIFY)
		finding_add(row->findings, FINDING_WARNING, row->relay->place,
			    "logs in with Level %s: the password may go to whoever answers in place "
			    "of %.*s; the default is verify",
			    tls_level_name(level), STR_ARG(row->relay->host));
	row->relay->level = level;
}

static void login_read(struct row *row)
{
	row->relay->user = text_of(row, "User");
	row->relay->password = text_of(row, "Password");
	if (str_is_empty(row->relay->user) != str_is_empty(row->relay->password))
		finding_add(row->findings, FINDING_ERROR, row->relay->place,
			    "needs both User and Password, or neither; Password is the name that "
			    "`postern remote-password set NAME` keeps it under");
}

static void unknown_report(const struct row *row)
{
	static const char *const names[] = {"Sender", "Recipient", "Host",     "Port",   "Tls",
					    "Level",  "User",	   "Password", "Comment"};

	for (const struct element *at = row->item->first; at != NULL; at = at->next) {
		bool is_known = false;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			is_known |= str_equals_nocase(at->name, str_from_c(names[i]));
		if (at->kind == ELEMENT_VARIABLE && !is_known)
			finding_add(row->findings, FINDING_WARNING, place_of(row, at),
				    "not understood, not applied");
		else if (at->kind == ELEMENT_VARIABLE &&
			 element_child(row->item, ELEMENT_VARIABLE, at->name) != at)
			finding_add(row->findings, FINDING_ERROR, place_of(row, at),
				    "stands twice in the row");
	}
}

static void key_make(struct row *row)
{
	const struct relay *relay = row->relay;
	struct buf key = BUF_INIT(RELAY_KEY_MAX);

	buf_printf(&key, "relay %.*s:%u %s %s %.*s", STR_ARG(relay->host), relay->port,
		   relay->is_implicit ? "implicit" : "starttls", tls_level_name(relay->level),
		   STR_ARG(relay->user));
	if (key.failed)
		finding_add(row->findings, FINDING_ERROR, relay->place,
			    "has a Host and User that are too long together");
	row->relay->key = keep(row, buf_str(&key));
	buf_done(&key);
}

static void row_read(struct row *row)
{
	const struct element *variable;
	struct str host = value_of(row, "Host", &variable);
	struct buf table = BUF_INIT(512);

	*row->relay = (struct relay){0};
	buf_printf(&table, LIST "%s%.*s", str_is_empty(host) ? "" : ":",
		   STR_ARG(str_sub(host, 0, 256)));
	row->relay->place = (struct finding_place){.line = row->item->line,
						   .table = keep(row, buf_str(&table))};
	buf_done(&table);
	unknown_report(row);
	row->relay->sender = text_of(row, "Sender");
	row->relay->recipient = text_of(row, "Recipient");
	host_read(row);
	login_read(row);
	tls_read(row);
	port_read(row);
	level_read(row);
	key_make(row);
}

void relay_list_read(const struct document *document, struct config *config, struct arena *arena,
		     struct findings *findings)
{
	const struct element *list = document_find(document, ELEMENT_LIST, STR(LIST));
	size_t count = 0;

	for (const struct element *at = list == NULL ? NULL : list->first; at != NULL;
	     at = at->next)
		count += at->kind == ELEMENT_ITEM;
	if (count == 0)
		return;
	if (count > RELAYS_MAX) {
		finding_add(findings, FINDING_ERROR,
			    (struct finding_place){.line = list->line, .table = STR(LIST)},
			    "has more than %d rows", RELAYS_MAX);
		return;
	}
	struct relay *relays = arena_array(arena, count, sizeof(*relays));
	CHECK(relays != NULL);
	config->relays = relays;
	for (const struct element *at = list->first; at != NULL; at = at->next) {
		struct row row = {.item = at,
				  .arena = arena,
				  .findings = findings,
				  .relay = &relays[config->relay_count]};
		if (at->kind != ELEMENT_ITEM)
			continue;
		row_read(&row);
		config->relay_count++;
	}
}
