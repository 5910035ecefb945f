/* SPDX-License-Identifier: Apache-2.0 */
#include "config/partner.h"

#include "base/encode.h"
#include "config/document.h"
#include "config/row.h"
#include "config/schema.h"
#include "policy/floor.h"
#include "policy/nearest.h"
#include "policy/resolve.h"

#define LIST "TlsPolicy"

/* ---- whose row holds ---- */

bool partner_is_expired(const struct partner *partner, int64_t now_s)
{
	return partner->widens && partner->expires != 0 && now_s >= partner->expires_at_s;
}

static bool is_below(struct str name, struct str domain)
{
	return name.len > domain.len + 1 && name.ptr[name.len - domain.len - 1] == '.' &&
	       str_has_suffix_nocase(name, domain);
}

static bool peer_fits(const struct partner *partner, const struct partner_query *query)
{
	if (partner->kind == PARTNER_NETWORK)
		return query->address != NULL && network_has(&partner->network, query->address);
	for (struct str rest = query->names; !str_is_empty(rest);) {
		struct str name = str_cut(&rest, ' ');
		if (partner->kind == PARTNER_HOST ? str_equals_nocase(name, partner->name)
						  : is_below(name, partner->name))
			return true;
	}
	return false;
}

/* How special a row that fits is; rule 2 of the header. */
static unsigned rank_of(const struct partner *partner)
{
	static const unsigned names = 1024;
	unsigned place = partner->kind == PARTNER_NETWORK
				 ? 2 * names + partner->network.prefix_bits
			 : partner->kind == PARTNER_HOST ? names
							 : (unsigned)partner->name.len;

	return 2 * place + partner->has_service;
}

static bool is_about(const struct partner *partner, enum service_id service)
{
	return partner->direction == PARTNER_IN &&
	       (!partner->has_service || partner->service == service);
}

const struct partner *partner_find(const struct config *config, const struct partner_query *query)
{
	const struct partner *best = NULL;

	for (size_t i = 0; i < config->partner_count; i++) {
		const struct partner *partner = &config->partners[i];
		if (partner->direction != query->direction ||
		    (query->direction == PARTNER_IN && !is_about(partner, query->service)) ||
		    !peer_fits(partner, query) || partner_is_expired(partner, query->now_s))
			continue;
		if (best == NULL || rank_of(partner) > rank_of(best))
			best = partner;
	}
	return best;
}

bool partner_wants_names(const struct config *config, enum service_id service, int64_t now_s)
{
	for (size_t i = 0; i < config->partner_count; i++) {
		const struct partner *partner = &config->partners[i];
		if (partner->kind != PARTNER_NETWORK && is_about(partner, service) &&
		    (partner->services[service] != NULL || service == SERVICE_SMTP) &&
		    !partner_is_expired(partner, now_s))
			return true;
	}
	return false;
}

struct tls_demand partner_demand(const struct partner *partner)
{
	struct tls_demand demand = demand_may();
	struct tls_proof proof = {.kind = TLS_LEVEL_PIN, .source = partner->demand_place};

	demand.level = partner->level;
	demand.level_source = demand.min_source = partner->demand_place;
	demand.min = partner->min;
	demand.without_hybrid = partner->without_hybrid;
	demand.legacy_renegotiation = partner->legacy_renegotiation;
	if (partner->level == TLS_LEVEL_PIN) {
		proof.pin_count = partner->pin_count;
		memcpy(proof.pins, partner->pins, sizeof(proof.pins));
		demand_prove(&demand, &proof);
	}
	return demand;
}

void partner_append(struct buf *to, const struct partner *partner, struct str file_name)
{
	buf_append_str(to, partner->peer);
	buf_append_c(to, " (");
	buf_append_str(to, file_name);
	buf_printf(to, ":%d)", partner->place.line);
}

/* ---- reading a row ---- */

/* A row being read. */
struct row {
	struct partner_reader *reader;
	struct partner *partner;
	struct finding_place level_place; /* line 0: it does not stand there */
	struct finding_place min_place;
	struct finding_place mode_place;
	struct finding_place pin_place;
	struct finding_place expires_place;
	struct finding_place service_place;
	struct finding_place renegotiation_place;
	struct tls_setting protocols; /* as the table's, when it is set */
	struct tls_setting ciphers;
	bool has_direction;
};

static struct settings_context context_of(const struct row *row)
{
	return (struct settings_context){.catalog = row->reader->catalog,
					 .arena = row->reader->arena,
					 .findings = row->reader->findings,
					 .now_s = row->reader->now_s};
}

static void row_error(const struct row *row, struct finding_place place, const char *text)
{
	finding_add(row->reader->findings, FINDING_ERROR, place, "%s", text);
}

static void value_refuse(const struct row *row, struct finding_place place, struct str value,
			 const char *admitted)
{
	finding_add(row->reader->findings, FINDING_ERROR, place, "\"%.*s\" is %s", STR_ARG(value),
		    admitted);
}

static struct str text_keep(const struct row *row, struct str text)
{
	struct str kept = arena_dup(row->reader->arena, text);

	CHECK(kept.ptr != NULL);
	return kept;
}

static struct str name_keep(const struct row *row, struct str name)
{
	struct buf lower = BUF_INIT(256);

	for (size_t i = 0; i < name.len; i++)
		buf_append_char(&lower, ascii_lower(name.ptr[i]));
	struct str kept = text_keep(row, buf_str(&lower));
	buf_done(&lower);
	return kept;
}

static void peer_read(struct row *row, struct str value, struct finding_place place)
{
	struct partner *partner = row->partner;
	bool is_domain = value.ptr[0] == '.';
	struct str name = str_from(value, is_domain ? 1 : 0);

	if (network_parse(value, &partner->network))
		partner->kind = PARTNER_NETWORK;
	else if (!str_is_empty(name) && hostname_is_valid(name)) {
		partner->kind = is_domain ? PARTNER_DOMAIN : PARTNER_HOST;
		partner->name = name_keep(row, name);
	} else
		value_refuse(row, place, value,
			     "neither a network, nor a host name, nor the names below one; write "
			     "192.0.2.0/24, mx.example.com or .example.com (what is not ASCII in its "
			     "xn-- form)");
}

static void direction_read(struct row *row, struct str value, struct finding_place place)
{
	row->has_direction = true;
	if (str_equals_nocase(value, STR("in")))
		row->partner->direction = PARTNER_IN;
	else if (str_equals_nocase(value, STR("out")))
		row->partner->direction = PARTNER_OUT;
	else
		value_refuse(row, place, value, "neither in nor out");
}

static void service_read(struct row *row, struct str value, struct finding_place place)
{
	row->service_place = place;
	row->partner->has_service = true;
	if (!service_from_name(value, &row->partner->service))
		value_refuse(row, place, value,
			     "no service; write SMTP, Submission, SMTPS, IMAP, IMAPS, POP3, POP3S or "
			     "HTTPS");
}

static void level_read(struct row *row, struct str value, struct finding_place place)
{
	row->level_place = place;
	if (!tls_level_from_name(value, &row->partner->level))
		value_refuse(row, place, value, "none of none, may, encrypt, verify and pin");
}

static void min_read(struct row *row, struct str value, struct finding_place place)
{
	enum tls_protocol min;

	row->min_place = place;
	if (tls_protocol_from_name(value, &min) && min > TLS_PROTOCOL_1_0)
		row->partner->min = min;
	else
		value_refuse(row, place, value, "none of TLSv1.1, TLSv1.2 and TLSv1.3");
}

static void mode_read(struct row *row, struct str value, struct finding_place place)
{
	row->mode_place = place;
	if (str_equals_nocase(value, STR("observe")))
		row->partner->mode = TLS_RUNG_OBSERVE;
	else if (!str_equals_nocase(value, STR("reply")))
		value_refuse(row, place, value, "neither reply nor observe");
}

static void protocols_read(struct row *row, struct str value, struct finding_place place)
{
	struct settings_context context = context_of(row);

	row->protocols = (struct tls_setting){.place = place, .text = value};
	row->protocols.is_set =
		tls_protocols_read(&context, place, value, &row->protocols.protocols);
}

static void ciphers_read(struct row *row, struct str value, struct finding_place place)
{
	struct settings_context context = context_of(row);

	row->ciphers = (struct tls_setting){.place = place, .text = value};
	row->ciphers.is_set = cipher_list_parse(value, context.catalog, place, context.arena,
						context.findings, &row->ciphers.ciphers);
}

static bool switch_read(const struct row *row, struct str value, struct finding_place place)
{
	if (!str_equals(value, STR("0")) && !str_equals(value, STR("1")))
		value_refuse(row, place, value, "neither 0 nor 1");
	return str_equals(value, STR("1"));
}

static void tickets_read(struct row *row, struct str value, struct finding_place place)
{
	row->partner->without_tickets = !switch_read(row, value, place);
}

static void hybrid_read(struct row *row, struct str value, struct finding_place place)
{
	row->partner->without_hybrid = !switch_read(row, value, place);
}

static void renegotiation_read(struct row *row, struct str value, struct finding_place place)
{
	row->renegotiation_place = place;
	row->partner->legacy_renegotiation = switch_read(row, value, place);
}

/* One key: base64 of 32 bytes; `sha256//` in front is how curl writes it. */
static bool pin_take(struct partner *partner, struct str item)
{
	struct buf bytes = BUF_INIT(DEMAND_PIN_BYTES);
	struct str lead = STR("sha256//");

	if (str_has_prefix(item, lead))
		item = str_from(item, lead.len);
	bool is_good = partner->pin_count < DEMAND_PINS_MAX && base64_decode(&bytes, item) &&
		       bytes.len == DEMAND_PIN_BYTES;
	if (is_good)
		memcpy(partner->pins[partner->pin_count++], bytes.data, bytes.len);
	buf_done(&bytes);
	return is_good;
}

static void pin_read(struct row *row, struct str value, struct finding_place place)
{
	row->pin_place = place;
	for (struct str rest = value; rest.ptr != NULL;) {
		struct str item = str_trim(str_cut(&rest, ','));
		if (!pin_take(row->partner, item))
			value_refuse(row, place, item,
				     "no SHA-256 of a public key in base64 (44 characters), or one "
				     "more than 8");
	}
}

static void reason_read(struct row *row, struct str value, struct finding_place place)
{
	row->partner->reason = text_keep(row, value);
}

static void expires_read(struct row *row, struct str value, struct finding_place place)
{
	row->expires_place = place;
	if (floor_read(NULL, TLS_KIND_FLOOR_DATE, place, value, row->reader->findings,
		       &row->partner->expires))
		row->partner->expires_at_s = floor_date_begins_s(row->partner->expires);
}

static void comment_read(struct row *row, struct str value, struct finding_place place)
{
	row->partner->comment = text_keep(row, value);
}

static const struct {
	const char *name;
	void (*read)(struct row *row, struct str value, struct finding_place place);
} columns[] = {
	{"Peer", peer_read},
	{"Direction", direction_read},
	{"Service", service_read},
	{"Level", level_read},
	{"MinVersion", min_read},
	{"Mode", mode_read},
	{"Protocols", protocols_read},
	{"Ciphers", ciphers_read},
	{"SessionTickets", tickets_read},
	{"PostQuantum", hybrid_read},
	{"LegacyRenegotiation", renegotiation_read},
	{"Pin", pin_read},
	{"Reason", reason_read},
	{"Expires", expires_read},
	{"Comment", comment_read},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

/* A slip in a row's variable would leave a peer without what was meant for it: an error. */
static void column_unknown(const struct row *row, struct finding_place place)
{
	struct nearest nearest;

	nearest_init(&nearest, place.variable);
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		nearest_offer(&nearest, str_from_c(columns[i].name));
	bool is_near = !str_is_empty(nearest.best);
	finding_add(row->reader->findings, FINDING_ERROR, place, "not understood%s%.*s%s",
		    is_near ? "; did you mean " : "", STR_ARG(nearest.best), is_near ? "?" : "");
}

static void column_read(struct row *row, const struct element *variable)
{
	struct finding_place place = row->partner->place;
	const struct element *first =
		element_child(variable->parent, ELEMENT_VARIABLE, variable->name);
	struct str value = str_trim(variable->value);

	place.line = variable->line;
	place.variable = text_keep(row, variable->name);
	if (first != variable) {
		finding_add(row->reader->findings, FINDING_ERROR, place,
			    "stands twice, on lines %d and %d; delete one", first->line, variable->line);
		return;
	}
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		if (!str_equals_nocase(variable->name, str_from_c(columns[i].name)))
			continue;
		if (!str_is_empty(value))
			columns[i].read(row, value, place);
		return;
	}
	column_unknown(row, place);
}

/* ---- what stands together in a row ---- */

static bool stands(struct finding_place place)
{
	return place.line != 0;
}

static void inbound_check(const struct row *row)
{
	const struct partner *partner = row->partner;
	bool demands = stands(row->level_place) || stands(row->min_place);

	if (partner->level != TLS_LEVEL_MAY && partner->level != TLS_LEVEL_ENCRYPT)
		row_error(row, row->level_place, "inbound the level is may or encrypt");
	if (demands && partner->has_service && partner->service != SERVICE_SMTP)
		row_error(row, partner->demand_place,
			  "what is demanded inbound is said at MAIL, so it is for the service SMTP; "
			  "elsewhere write Protocols");
	if (stands(row->mode_place) && !demands)
		row_error(row, row->mode_place, "has no effect without Level or MinVersion");
	if (stands(row->pin_place))
		row_error(row, row->pin_place, "is for Direction out");
	if (partner->legacy_renegotiation)
		row_error(row, row->renegotiation_place, "is for Direction out");
}

static void outbound_check(const struct row *row)
{
	const struct partner *partner = row->partner;

	if (stands(row->service_place))
		row_error(row, row->service_place, "is for Direction in");
	if (stands(row->mode_place))
		row_error(row, row->mode_place, "is for Direction in");
	if ((partner->level == TLS_LEVEL_PIN) != (partner->pin_count > 0))
		row_error(row, stands(row->pin_place) ? row->pin_place : row->level_place,
			  "Level pin and Pin belong together");
}

/* MinVersion alone means encrypt: old TLS refused and plain text taken would be worse than both. */
static void demand_settle(struct row *row)
{
	struct partner *partner = row->partner;
	bool has_min = stands(row->min_place);

	partner->demand_place = has_min			   ? row->min_place
				: stands(row->level_place) ? row->level_place
							   : partner->place;
	if (has_min && !stands(row->level_place))
		partner->level = TLS_LEVEL_ENCRYPT;
	else if (has_min && partner->level < TLS_LEVEL_ENCRYPT)
		row_error(row, row->min_place,
			  "with Level none or may old TLS would be refused and plain text taken; "
			  "write Level encrypt, or leave MinVersion out");
}

static bool has_own_policy(const struct row *row)
{
	return row->protocols.is_set || row->ciphers.is_set || row->partner->without_tickets ||
	       row->partner->without_hybrid;
}

static void effect_check(const struct row *row)
{
	if (!has_own_policy(row) && !stands(row->level_place) && !stands(row->min_place) &&
	    !row->partner->legacy_renegotiation)
		finding_add(row->reader->findings, FINDING_WARNING, row->partner->place,
			    "the row changes nothing; with it the peer is only taken out of less "
			    "special rows");
}

/* ---- what to shake hands with ---- */

/* Protocols that somebody gets through with: a floor's reply is a refusal, too. */
static tls_protocols protocols_let_in(const struct tls_policy *policy)
{
	tls_protocols refused = policy->floor.rung == TLS_RUNG_REPLY
					? TLS_PROTOCOL_BIT(policy->floor.protocol) - 1
					: 0;

	return policy->protocols & ~refused;
}

static bool suites_within(const uint16_t *suites, size_t count, const uint16_t *all, size_t all_count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = 0;
		while (at < all_count && all[at] != suites[i])
			at++;
		if (at == all_count)
			return false;
	}
	return true;
}

static bool admits_more(const struct tls_policy *policy, const struct tls_policy *than)
{
	return (protocols_let_in(policy) & ~protocols_let_in(than)) != 0 ||
	       !suites_within(policy->suites, policy->suite_count, than->suites,
			      than->suite_count) ||
	       !suites_within(policy->suites13, policy->suite13_count, than->suites13,
			      than->suite13_count);
}

/* Now, or when the day of a floor has come. */
static bool ever_admits_more(const struct tls_policy *policy, const struct tls_policy *than)
{
	return admits_more(policy, than) ||
	       (than->later != NULL &&
		admits_more(policy->later == NULL ? policy : policy->later, than->later));
}

/* A row's own protocols are its last word: the table's floor is not put over them. */
static struct tls_settings settings_of(const struct row *row, const struct tls_settings *table,
				       enum tls_direction direction)
{
	bool listens = direction == TLS_LISTENER;
	struct tls_settings settings = *table;

	if (row->protocols.is_set) {
		settings.items[listens ? TLS_SERVER_PROTOCOLS : TLS_CLIENT_PROTOCOLS] =
			row->protocols;
		settings.items[TLS_FLOOR].is_set = false;
	}
	if (row->ciphers.is_set)
		settings.items[listens ? TLS_SERVER_CIPHERS : TLS_CLIENT_CIPHERS] = row->ciphers;
	return settings;
}

/* NULL after an error. `findings` takes what there is to say. */
static const struct tls_policy *policy_make(struct row *row, const struct tls_settings *table,
					    const struct tls_policy *of_table, bool has_reply,
					    struct findings *findings)
{
	struct partner_reader *reader = row->reader;
	struct tls_settings settings = settings_of(row, table, of_table->direction);
	struct policy_ends ends = {
		.session_tickets = of_table->session_tickets && !row->partner->without_tickets,
		.has_reply = has_reply};
	struct policy_request request = {.direction = of_table->direction,
					 .who = row->partner->peer,
					 .settings = &settings,
					 .session_tickets = ends.session_tickets,
					 .without_hybrid = row->partner->without_hybrid,
					 .now_s = reader->now_s};
	struct tls_policy policy;

	/* A table that cannot be has its own errors. */
	if (of_table->protocols == 0 ||
	    !policy_resolve(&request, reader->catalog, reader->arena, findings, &policy))
		return NULL;
	struct tls_policy *kept = arena_new(reader->arena, struct tls_policy);
	CHECK(kept != NULL);
	*kept = policy_fit(&policy, ends, reader->arena);
	row->partner->widens = row->partner->widens || ever_admits_more(kept, of_table);
	return kept;
}

/* What is said of one service is said of all: once is enough. */
static void findings_add_once(struct findings *to, const struct findings *from)
{
	for (size_t i = 0; i < from->count; i++) {
		bool is_said = false;
		for (size_t j = 0; j < i && !is_said; j++)
			is_said = from->items[j].place.line == from->items[i].place.line &&
				  str_equals(from->items[j].text, from->items[i].text);
		if (!is_said)
			finding_add(to, from->items[i].severity, from->items[i].place, "%.*s",
				    STR_ARG(from->items[i].text));
	}
}

static void policies_make(struct row *row)
{
	struct partner_reader *reader = row->reader;
	struct partner *partner = row->partner;
	struct findings findings;

	findings_init(&findings);
	for (int i = 0; i < SERVICE_COUNT; i++)
		if (is_about(partner, (enum service_id)i) &&
		    reader->config->services[i].enabled &&
		    reader->config->services[i].tls != SERVICE_TLS_NONE)
			partner->services[i] = policy_make(row, &reader->services[i],
							   &reader->config->services[i].policy,
							   i == SERVICE_SMTP, &findings);
	for (int i = 0; i < CLIENT_COUNT && partner->direction == PARTNER_OUT; i++)
		partner->clients[i] = policy_make(row, &reader->clients[i],
						  &reader->config->clients[i], false, &findings);
	findings_add_once(reader->findings, &findings);
	findings_done(&findings);
}

/* ---- what goes beyond the table ---- */

static void widening_check(const struct row *row)
{
	const struct partner *partner = row->partner;

	if (partner->widens && (str_is_empty(partner->reason) || partner->expires == 0))
		finding_add(row->reader->findings, FINDING_ERROR, partner->place,
			    "the row admits what its table does not, so it needs Reason and Expires, "
			    "the day on which that ends (YYYY-MM-DD)");
	else if (partner_is_expired(partner, row->reader->now_s))
		finding_add(row->reader->findings, FINDING_WARNING, row->expires_place,
			    "the day has come: the row is not applied any more. Delete it, or give "
			    "it a new day");
	else if (!partner->widens && partner->expires != 0)
		finding_add(row->reader->findings, FINDING_NOTE, row->expires_place,
			    "has no effect: the row admits no more than its table, so it holds "
			    "until it is deleted");
}

/* ---- the list ---- */

static void place_set(struct row *row, const struct element *item)
{
	const struct element *peer = element_child(item, ELEMENT_VARIABLE, STR("Peer"));
	struct partner *partner = row->partner;
	struct buf table = BUF_INIT(512);

	partner->peer = text_keep(row, peer == NULL ? STR("") : str_trim(peer->value));
	buf_append_c(&table, LIST);
	if (!str_is_empty(partner->peer)) {
		buf_append_char(&table, ':');
		buf_append_str(&table, str_sub(partner->peer, 0, 256));
	}
	partner->place = (struct finding_place){.line = item->line,
						.table = text_keep(row, buf_str(&table))};
	buf_done(&table);
}

static void row_read(struct partner_reader *reader, struct partner *partner,
		     const struct element *item)
{
	struct row row = {.reader = reader, .partner = partner};
	size_t errors = reader->findings->totals[FINDING_ERROR];

	*partner = (struct partner){
		.level = TLS_LEVEL_MAY, .min = TLS_PROTOCOL_SSLV3, .mode = TLS_RUNG_REPLY};
	place_set(&row, item);
	for (const struct element *at = item->first; at != NULL; at = at->next)
		if (at->kind == ELEMENT_VARIABLE)
			column_read(&row, at);
	if (str_is_empty(partner->peer))
		row_error(&row, partner->place, "a row without Peer; write whom it is about");
	if (!row.has_direction)
		row_error(&row, partner->place, "a row without Direction; write in or out");
	if (reader->findings->totals[FINDING_ERROR] != errors)
		return;
	demand_settle(&row);
	if (partner->direction == PARTNER_IN)
		inbound_check(&row);
	else
		outbound_check(&row);
	effect_check(&row);
	partner->widens = partner->level == TLS_LEVEL_NONE || partner->legacy_renegotiation;
	if (has_own_policy(&row))
		policies_make(&row);
	widening_check(&row);
}

static bool is_same_peer(const struct partner *a, const struct partner *b)
{
	if (a->kind != b->kind || a->direction != b->direction ||
	    a->has_service != b->has_service || (a->has_service && a->service != b->service))
		return false;
	return a->kind == PARTNER_NETWORK
		       ? a->network.prefix_bits == b->network.prefix_bits &&
				 memcmp(a->network.address, b->network.address,
					sizeof(a->network.address)) == 0
		       : str_equals(a->name, b->name);
}

static void conflicts_check(struct partner_reader *reader, const struct partner *partners,
			    size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++) {
			if (!is_same_peer(&partners[i], &partners[j]))
				continue;
			finding_add(reader->findings, FINDING_ERROR, partners[i].place,
				    "the peer has two rows, on lines %d and %d; put them into one",
				    partners[j].place.line, partners[i].place.line);
			break;
		}
}

void partners_read(struct partner_reader *reader)
{
	const struct element *list;
	size_t count = row_list_find(reader->document, LIST, PARTNERS_MAX, reader->findings, &list);
	size_t errors = reader->findings->totals[FINDING_ERROR], read = 0;

	if (count == 0)
		return;
	struct partner *partners = arena_array(reader->arena, count, sizeof(*partners));
	CHECK(partners != NULL);
	for (const struct element *at = list_next(list, NULL); at != NULL;
	     at = list_next(list, at))
		row_read(reader, &partners[read++], at);
	/* Of rows that could not be read nothing is known to compare. */
	if (reader->findings->totals[FINDING_ERROR] == errors)
		conflicts_check(reader, partners, count);
	reader->config->partners = partners;
	reader->config->partner_count = count;
}
