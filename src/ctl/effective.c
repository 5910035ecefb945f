/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/effective.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "config/partner.h"
#include "ctl/ctl.h"
#include "tls/certificate.h"

enum { LINE_WIDTH = 100, LABEL_WIDTH = 14 };

static void certificate_note(const char *path, struct tls_certificates *found)
{
	struct buf pem = BUF_INIT(TLS_PEM_MAX), why = BUF_INIT(1000);
	struct tls_certificate *certificate;

	if (file_read(path, &pem) == FAULT_NONE &&
	    tls_certificate_parse(buf_str(&pem), &why, &certificate) == FAULT_NONE) {
		if (tls_certificate_kind(certificate) == TLS_KEY_RSA)
			found->has_rsa = true;
		else
			found->has_ecdsa = true;
		tls_certificate_unref(&certificate);
	}
	buf_done(&pem);
	buf_done(&why);
}

struct tls_certificates effective_certificates(const char *home)
{
	struct tls_certificates found = {0};
	char *path = path_join(home, "sslcert");
	DIR *folder = folder_open(path);
	const struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (str_has_suffix_nocase(str_from_c(entry->d_name), STR(".crt"))) {
			char *file = path_join(path, entry->d_name);
			certificate_note(file, &found);
			free(file);
		}
	if (folder != NULL)
		closedir(folder);
	free(path);
	/* Whoever may not look sees what the policy admits with any certificate. */
	return found.has_rsa || found.has_ecdsa ? found : (struct tls_certificates){true, true};
}

/* ---- as JSON ---- */

json_t *effective_protocols_json(tls_protocols protocols)
{
	struct buf text = BUF_INIT(200);
	json_t *list = json_array();

	tls_protocols_append(&text, protocols);
	for (struct str rest = buf_str(&text); rest.ptr != NULL && text.len > 0;)
		json_array_append_new(list, json_text(str_trim(str_cut(&rest, ','))));
	buf_done(&text);
	return list;
}

static json_t *suites_json(const struct effective *effective, const struct tls_policy *policy)
{
	const struct suite *suites[SUITE_CATALOG_MAX];
	struct tls_certificates any = {true, true};
	size_t count = tls_policy_negotiable(
		policy, effective->catalog,
		policy->direction == TLS_LISTENER ? effective->certificates : any, suites);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_text(suites[i]->iana_name));
	return list;
}

static json_t *groups_json(const struct tls_policy *policy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < policy->group_count; i++)
		json_array_append_new(list, json_string(policy->groups[i]->name));
	return list;
}

static json_t *relaxed_json(const struct tls_policy *policy)
{
	json_t *list = json_array();

	for (int i = 0; i < TLS_RELAXED_COUNT; i++) {
		struct buf place = BUF_INIT(500);
		if (!policy->relaxed[i])
			continue;
		finding_place_append(&place, &policy->relaxed_by[i]);
		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:i}", "what",
						tls_relaxed_text((enum tls_relaxed)i), "by",
						json_text(buf_str(&place)), "line",
						policy->relaxed_by[i].line));
		buf_done(&place);
	}
	return list;
}

static const char *rung_moves_to(const struct tls_policy *policy)
{
	return policy->later == NULL ? NULL : tls_rung_name(policy->later->floor.rung);
}

/* `mode` is what is in force; `mode_written` is TlsFloorMode, from which the date may have moved it. */
static json_t *floor_json(const struct tls_policy *policy)
{
	const struct tls_floor *floor = &policy->floor;
	struct buf place = BUF_INIT(500), date = BUF_INIT(40);

	if (floor->rung == TLS_RUNG_NONE)
		return json_null();
	finding_place_append(&place, &floor->source);
	tls_floor_date_append(&date, floor->date);
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:o, s:s?, s:o, s:i}", "protocol",
		tls_protocol_name(floor->protocol), "mode", tls_rung_name(floor->rung),
		"mode_written", tls_rung_name(floor->written), "date",
		floor->date == 0 ? json_null() : json_text(buf_str(&date)), "mode_later",
		rung_moves_to(policy), "by", json_text(buf_str(&place)), "line",
		floor->source.line);
	buf_done(&place);
	buf_done(&date);
	return object;
}

static json_t *policy_json(const struct effective *effective, const char *name,
			   const struct tls_policy *policy)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:i, s:s, s:o, s:o}", "name", name, "table",
			 json_text(policy->table), "protocols", effective_protocols_json(policy->protocols),
			 "suites", suites_json(effective, policy), "groups", groups_json(policy),
			 "dhe_bits", policy->dhe_bits, "preference",
			 policy->server_preference ? "server" : "client", "relaxed",
			 relaxed_json(policy), "floor", floor_json(policy));
}

static json_t *service_json(const struct effective *effective, const struct service_config *service)
{
	json_t *object = policy_json(effective, service_name(service->id), &service->policy);
	json_t *addresses = json_array();

	for (size_t i = 0; i < service->address_count; i++)
		json_array_append_new(addresses, json_text(service->addresses[i]));
	json_object_set_new(object, "addresses", addresses);
	json_object_set_new(object, "port", json_integer(service->port));
	json_object_set_new(object, "tls",
			    json_string(service->tls == SERVICE_TLS_IMPLICIT ? "implicit"
									     : "starttls"));
	json_object_set_new(object, "require_tls", json_boolean(service->require_tls));
	json_object_set_new(object, "session_tickets",
			    json_boolean(service->policy.session_tickets));
	json_object_set_new(object, "client_certificates",
			    json_boolean(service->client_certificates));
	return object;
}

static bool is_shown(const struct effective *effective, const struct service_config *service)
{
	return service->enabled && service->tls != SERVICE_TLS_NONE &&
	       (!effective->has_service || service->id == effective->service);
}

/* ---- rows of TlsPolicy ---- */

static json_t *pins_json(const struct partner *partner)
{
	json_t *list = json_array();

	for (size_t i = 0; i < partner->pin_count; i++) {
		struct buf text = BUF_INIT(64);
		base64_encode(&text, str_make(partner->pins[i], DEMAND_PIN_BYTES));
		json_array_append_new(list, json_text(buf_str(&text)));
		buf_done(&text);
	}
	return list;
}

/* The policies that are the row's own, as of services or clients. */
static json_t *partner_policies_json(const struct effective *effective,
				     const struct partner *partner)
{
	json_t *list = json_array();

	for (int i = 0; i < SERVICE_COUNT; i++)
		if (partner->services[i] != NULL &&
		    is_shown(effective, &effective->config->services[i]))
			json_array_append_new(list, policy_json(effective,
								service_name((enum service_id)i),
								partner->services[i]));
	for (int i = 0; i < CLIENT_COUNT; i++)
		if (partner->clients[i] != NULL)
			json_array_append_new(list, policy_json(effective,
								client_name((enum client_id)i),
								partner->clients[i]));
	return list;
}

static json_t *date_json(uint32_t date)
{
	struct buf text = BUF_INIT(40);

	tls_floor_date_append(&text, date);
	json_t *json = date == 0 ? json_null() : json_text(buf_str(&text));
	buf_done(&text);
	return json;
}

static json_t *partner_json(const struct effective *effective, const struct partner *partner)
{
	return json_pack(
		"{s:o, s:s, s:s?, s:s, s:s?, s:s, s:b, s:b, s:b, s:o, s:b, s:o, s:b, s:o, s:o, s:o, s:i}",
		"peer", json_text(partner->peer), "direction",
		partner->direction == PARTNER_IN ? "in" : "out", "service",
		partner->has_service ? service_name(partner->service) : NULL, "level",
		tls_level_name(partner->level), "min_version",
		partner->min == TLS_PROTOCOL_SSLV3 ? NULL : tls_protocol_name(partner->min), "mode",
		tls_rung_name(partner->mode), "session_tickets", (int)!partner->without_tickets,
		"post_quantum", (int)!partner->without_hybrid, "legacy_renegotiation",
		(int)partner->legacy_renegotiation, "pins", pins_json(partner), "widens",
		(int)partner->widens, "expires", date_json(partner->expires), "expired",
		(int)partner_is_expired(partner, clock_real_s()), "reason",
		json_text(partner->reason), "comment", json_text(partner->comment), "policies",
		partner_policies_json(effective, partner), "line", partner->place.line);
}

static bool partner_is_shown(const struct effective *effective, const struct partner *partner)
{
	return !effective->has_service ||
	       (partner->direction == PARTNER_IN &&
		(!partner->has_service || partner->service == effective->service));
}

static json_t *partners_json(const struct effective *effective)
{
	json_t *list = json_array();

	for (size_t i = 0; i < effective->config->partner_count; i++)
		if (partner_is_shown(effective, &effective->config->partners[i]))
			json_array_append_new(list,
					      partner_json(effective,
							   &effective->config->partners[i]));
	return list;
}

json_t *effective_json(const struct effective *effective)
{
	json_t *services = json_array(), *clients = json_array();

	for (int i = 0; i < SERVICE_COUNT; i++)
		if (is_shown(effective, &effective->config->services[i]))
			json_array_append_new(services,
					      service_json(effective,
							   &effective->config->services[i]));
	for (int i = 0; i < CLIENT_COUNT && !effective->has_service; i++)
		json_array_append_new(clients,
				      policy_json(effective, client_name((enum client_id)i),
						  &effective->config->clients[i]));
	return json_pack("{s:o, s:o, s:o}", "services", services, "clients", clients, "peers",
			 partners_json(effective));
}

/* ---- for people ---- */

/* Appends a label and the texts of a list, broken into lines. */
static void append_list(struct buf *to, const char *label, json_t *list)
{
	size_t column = LABEL_WIDTH, i;
	json_t *item;

	buf_printf(to, "  %-*s", LABEL_WIDTH - 2, label);
	if (json_array_size(list) == 0)
		buf_append_c(to, "none");
	json_array_foreach(list, i, item) {
		const char *text = json_string_value(item);
		bool is_last = i + 1 == json_array_size(list);
		if (i > 0 && column + strlen(text) + 2 > LINE_WIDTH) {
			buf_printf(to, "\n%*s", LABEL_WIDTH, "");
			column = LABEL_WIDTH;
		} else if (i > 0) {
			buf_append_char(to, ' ');
			column++;
		}
		buf_printf(to, "%s%s", text, is_last ? "" : ",");
		column += strlen(text) + !is_last;
	}
	buf_append_char(to, '\n');
}

static const char *member(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* "TLSv1.2: observe until 2026-12-01 00:00, then reply; by SmtpSecurity/TlsFloor". */
static void append_floor(struct buf *to, json_t *floor)
{
	const char *date = member(floor, "date"), *later = member(floor, "mode_later");
	bool has_moved = strcmp(member(floor, "mode"), member(floor, "mode_written")) != 0;

	buf_printf(to, "  %-*s%s: %s", LABEL_WIDTH - 2, "floor", member(floor, "protocol"),
		   member(floor, "mode"));
	if (later != NULL)
		buf_printf(to, " until %s 00:00, then %s", date, later);
	else if (has_moved)
		buf_printf(to, " since %s 00:00, before that %s", date,
			   member(floor, "mode_written"));
	buf_printf(to, "; by %s\n", member(floor, "by"));
}

static void append_policy(struct buf *to, json_t *object, bool is_short)
{
	json_t *relaxed = json_object_get(object, "relaxed"), *item;
	json_int_t bits = json_integer_value(json_object_get(object, "dhe_bits"));
	size_t i;

	append_list(to, "protocols", json_object_get(object, "protocols"));
	if (json_is_object(json_object_get(object, "floor")))
		append_floor(to, json_object_get(object, "floor"));
	if (is_short)
		buf_printf(to, "  %-*s%zu\n", LABEL_WIDTH - 2, "suites",
			   json_array_size(json_object_get(object, "suites")));
	else
		append_list(to, "suites", json_object_get(object, "suites"));
	append_list(to, "groups", json_object_get(object, "groups"));
	if (bits == 0)
		buf_printf(to, "  %-*snot offered\n", LABEL_WIDTH - 2, "DHE");
	else
		buf_printf(to, "  %-*s%lld bits\n", LABEL_WIDTH - 2, "DHE", bits);
	buf_printf(to, "  %-*s%s's\n", LABEL_WIDTH - 2, "preference",
		   json_string_value(json_object_get(object, "preference")));
	json_array_foreach(relaxed, i, item)
		buf_printf(to, "  %-*s%s, by %s\n", LABEL_WIDTH - 2, "relaxed",
			   json_string_value(json_object_get(item, "what")),
			   json_string_value(json_object_get(item, "by")));
}

/* "192.0.2.0/24 inbound on SMTP (line 88): encrypt, at least TLSv1.2, no tickets". */
static void append_partner(struct buf *to, json_t *object)
{
	json_t *policies = json_object_get(object, "policies"), *policy;
	const char *service = member(object, "service"), *min = member(object, "min_version");
	size_t i;

	buf_printf(to, "\n%s, %sbound%s%s, line %lld: %s", member(object, "peer"),
		   member(object, "direction"), service == NULL ? "" : " on ",
		   service == NULL ? "" : service,
		   json_integer_value(json_object_get(object, "line")), member(object, "level"));
	if (min != NULL)
		buf_printf(to, ", at least %s", min);
	if (json_is_false(json_object_get(object, "session_tickets")))
		buf_append_c(to, ", no session tickets");
	if (json_is_false(json_object_get(object, "post_quantum")))
		buf_append_c(to, ", no post-quantum group");
	if (json_is_true(json_object_get(object, "legacy_renegotiation")))
		buf_append_c(to, ", safe renegotiation not needed");
	buf_append_char(to, '\n');
	if (json_is_true(json_object_get(object, "widens")))
		buf_printf(to, "  admits more than its table %s %s: %s\n",
			   json_is_true(json_object_get(object, "expired"))
				   ? "no more: it is not applied since"
				   : "until",
			   member(object, "expires"), member(object, "reason"));
	json_array_foreach(policies, i, policy) {
		buf_printf(to, "  on %s:\n", member(policy, "name"));
		append_policy(to, policy, true);
	}
}

void effective_append(const struct effective *effective, bool is_short, struct buf *to)
{
	json_t *document = effective_json(effective), *object;
	size_t i;

	json_array_foreach(json_object_get(document, "services"), i, object) {
		const char *tls = json_string_value(json_object_get(object, "tls"));
		buf_printf(to, "%s%s, port %lld, %s, table %s\n", i == 0 ? "" : "\n",
			   json_string_value(json_object_get(object, "name")),
			   json_integer_value(json_object_get(object, "port")),
			   tls[0] == 'i' ? "implicit TLS" : "STARTTLS",
			   json_string_value(json_object_get(object, "table")));
		append_policy(to, object, is_short);
		if (json_is_true(json_object_get(object, "client_certificates")))
			buf_printf(to, "  %-*sasked for certificates, judged by sslca/clients\n",
				   LABEL_WIDTH - 2, "users");
	}
	json_array_foreach(json_object_get(document, "clients"), i, object) {
		buf_printf(to, "\n%s as a client, table %s\n",
			   json_string_value(json_object_get(object, "name")),
			   json_string_value(json_object_get(object, "table")));
		append_policy(to, object, is_short);
	}
	json_array_foreach(json_object_get(document, "peers"), i, object)
		append_partner(to, object);
	json_decref(document);
}
