/* SPDX-License-Identifier: Apache-2.0 */
#include "config/relay.h"

#include "config/row.h"

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

struct relay_reader {
	struct row_reader row;
	struct relay *relay;
};

static void tls_read(struct relay_reader *reader)
{
	const struct element *variable;
	struct str tls = row_value(&reader->row, "Tls", &variable);

	reader->relay->is_implicit = str_equals_nocase(tls, STR("implicit"));
	if (!str_is_empty(tls) && !reader->relay->is_implicit &&
	    !str_equals_nocase(tls, STR("starttls")))
		finding_add(reader->row.findings, FINDING_ERROR, row_place(&reader->row, variable),
			    "\"%.*s\" is neither starttls nor implicit", STR_ARG(tls));
}

static void port_read(struct relay_reader *reader)
{
	uint16_t standard = reader->relay->is_implicit	      ? PORT_SMTPS
			    : str_is_empty(reader->relay->user) ? PORT_SMTP
								: PORT_SUBMISSION;

	reader->relay->port =
		(uint16_t)row_number(&reader->row, "Port", 1, UINT16_MAX, standard);
}

/* A password goes to nobody who has not proven who he is, unless the row says so. */
static void level_read(struct relay_reader *reader)
{
	const struct element *variable;
	struct relay *relay = reader->relay;
	struct str text = row_value(&reader->row, "Level", &variable);
	enum tls_level level = str_is_empty(relay->user) ? TLS_LEVEL_MAY : TLS_LEVEL_VERIFY;

	if (!str_is_empty(text) &&
	    (!tls_level_from_name(text, &level) || level == TLS_LEVEL_PIN))
		finding_add(reader->row.findings, FINDING_ERROR, row_place(&reader->row, variable),
			    "\"%.*s\" is none of none, may, encrypt, verify (a pin stands in a row of "
			    "TlsPolicy for the host)",
			    STR_ARG(text));
	else if (!str_is_empty(relay->user) && level < TLS_LEVEL_VERIFY)
		finding_add(reader->row.findings, FINDING_WARNING, relay->place,
			    "logs in with Level %s: the password may go to whoever answers in place "
			    "of %.*s; the default is verify",
			    tls_level_name(level), STR_ARG(relay->host));
	relay->level = level;
}

static void login_read(struct relay_reader *reader)
{
	reader->relay->user = row_text(&reader->row, "User");
	reader->relay->password = row_text(&reader->row, "Password");
	if (str_is_empty(reader->relay->user) != str_is_empty(reader->relay->password))
		finding_add(reader->row.findings, FINDING_ERROR, reader->relay->place,
			    "needs both User and Password, or neither; Password is the name that "
			    "`postern remote-password set NAME` keeps it under");
}

static void key_make(struct relay_reader *reader)
{
	struct relay *relay = reader->relay;
	struct buf key = BUF_INIT(RELAY_KEY_MAX);

	buf_printf(&key, "relay %.*s:%u %s %s %.*s", STR_ARG(relay->host), relay->port,
		   relay->is_implicit ? "implicit" : "starttls", tls_level_name(relay->level),
		   STR_ARG(relay->user));
	if (key.failed)
		finding_add(reader->row.findings, FINDING_ERROR, relay->place,
			    "has a Host and User that are too long together");
	relay->key = row_keep(&reader->row, buf_str(&key));
	buf_done(&key);
}

static void relay_read(struct relay_reader *reader)
{
	*reader->relay = (struct relay){0};
	row_begin(&reader->row, "Host");
	reader->relay->place = reader->row.place;
	reader->relay->sender = row_text(&reader->row, "Sender");
	reader->relay->recipient = row_text(&reader->row, "Recipient");
	reader->relay->host = row_host(&reader->row, "the server that takes the mail");
	login_read(reader);
	tls_read(reader);
	port_read(reader);
	level_read(reader);
	key_make(reader);
}

void relay_list_read(const struct document *document, struct config *config, struct arena *arena,
		     struct findings *findings)
{
	const struct element *list;
	size_t count = row_list_find(document, LIST, RELAYS_MAX, findings, &list);

	if (count == 0)
		return;
	struct relay *relays = arena_array(arena, count, sizeof(*relays));
	CHECK(relays != NULL);
	config->relays = relays;
	for (const struct element *at = list_next(list, NULL); at != NULL;
	     at = list_next(list, at)) {
		struct relay_reader reader = {
			.row = {.item = at, .list = LIST, .arena = arena, .findings = findings},
			.relay = &relays[config->relay_count]};
		relay_read(&reader);
		config->relay_count++;
	}
}
