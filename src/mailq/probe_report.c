/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/probe_report.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "tls/failure_client.h"
#include "tls/shown.h"

enum { TEXT_MAX = 64 * 1024 };

/* Foreign text: what is not UTF-8, and controls, are escaped as in the logs. */
static json_t *text_json(struct str text)
{
	struct buf escaped = BUF_INIT(TEXT_MAX);

	text_append_phrase(&escaped, text);
	json_t *made = json_stringn(escaped.data == NULL ? "" : escaped.data, escaped.len);
	buf_done(&escaped);
	return made;
}

static json_t *time_json(int64_t real_s)
{
	struct buf text = BUF_INIT(64);

	clock_append_iso_date(&text, real_s);
	json_t *made = text_json(buf_str(&text));
	buf_done(&text);
	return made;
}

json_t *probe_report_new(struct str target, const char *service, uint16_t port)
{
	return json_pack("{s:o,s:s,s:i}", "target", text_json(target), "service", service, "port",
			 (int)port);
}

static json_t *host_json(const struct route_host *host)
{
	struct buf address = BUF_INIT(256);
	json_t *addresses = json_array();

	for (size_t i = 0; i < host->address_count; i++) {
		buf_reset(&address);
		dns_address_append(&address, host->addresses[i]);
		json_array_append_new(addresses, text_json(buf_str(&address)));
	}
	buf_done(&address);
	return json_pack("{s:o,s:i,s:b,s:o}", "name", text_json(dns_name_str(&host->name)),
			 "preference", (int)host->preference, "secure", (int)host->is_secure,
			 "addresses", addresses);
}

void probe_report_route(json_t *report, const struct route *route)
{
	json_t *hosts = json_array();

	for (size_t i = 0; i < route->host_count; i++)
		json_array_append_new(hosts, host_json(&route->hosts[i]));
	json_object_set_new(report, "mx", json_boolean(route->has_mx));
	json_object_set_new(report, "mx_secure", json_boolean(route->is_mx_secure));
	json_object_set_new(report, "hosts", hosts);
}

static json_t *proofs_json(const struct tls_demand *demand)
{
	json_t *names = json_array();

	for (size_t i = 0; i < demand->proof_count; i++) {
		for (size_t k = 0; k < demand->proofs[i].name_count; k++)
			json_array_append_new(names, text_json(demand->proofs[i].names[k]));
	}
	return names;
}

static json_t *protocols_json(tls_protocols protocols, enum tls_protocol min)
{
	json_t *names = json_array();

	for (int p = (int)min; p < TLS_PROTOCOL_COUNT; p++) {
		if (tls_protocols_has(protocols, (enum tls_protocol)p))
			json_array_append_new(names,
					      json_string(tls_protocol_name((enum tls_protocol)p)));
	}
	return names;
}

void probe_report_rule(json_t *report, const struct client_rule *rule, struct str file_name)
{
	const struct tls_words *words =
		tls_context_words(tls_context_at(rule->context, clock_real_s()));
	struct buf row = BUF_INIT(4096);

	if (rule->row != NULL)
		partner_append(&row, rule->row, file_name);
	json_object_set_new(
		report, "rule",
		json_pack("{s:o,s:s,s:o,s:o,s:o}", "table", text_json(words->table), "level",
			  tls_level_name(rule->demand.level), "row",
			  rule->row == NULL ? json_null() : text_json(buf_str(&row)), "names",
			  proofs_json(&rule->demand), "protocols",
			  protocols_json(words->protocols, rule->demand.min)));
	buf_done(&row);
}

void probe_report_address(json_t *report, const uint8_t address[16])
{
	struct buf text = BUF_INIT(256);

	dns_address_append(&text, address);
	json_object_set_new(report, "address", text_json(buf_str(&text)));
	buf_done(&text);
}

void probe_report_smtp(json_t *report, const struct smtp_client *client)
{
	json_t *extensions = json_array();

	for (int i = 0; i < SMTP_CAPABILITY_COUNT; i++) {
		if (smtp_capabilities_has(&client->capabilities, (enum smtp_capability)i))
			json_array_append_new(
				extensions,
				json_string(smtp_capability_name((enum smtp_capability)i)));
	}
	json_object_set_new(report, "greeting", text_json(str_from_c(client->greeting)));
	json_object_set_new(report, "starttls", json_boolean(client->offered_starttls));
	json_object_set_new(report, "extensions", extensions);
}

void probe_report_pop3(json_t *report, const struct pop3_client *client)
{
	json_t *extensions = json_array();

	for (int i = 0; i < POP3_CAPABILITY_COUNT; i++) {
		if (pop3_capabilities_has(client->capabilities, (enum pop3_capability)i))
			json_array_append_new(
				extensions,
				json_string(pop3_capability_name((enum pop3_capability)i)));
	}
	json_object_set_new(report, "starttls", json_boolean(client->offered_stls));
	json_object_set_new(report, "extensions", extensions);
}

static json_t *shown_json(const struct tls_connection *connection, size_t index)
{
	struct tls_shown shown;
	struct buf pin = BUF_INIT(256);

	tls_client_shown(connection, index, &shown);
	base64_encode(&pin, str_make(shown.key_pin, sizeof(shown.key_pin)));
	json_t *made = json_pack(
		"{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "subject", text_json(buf_str(&shown.subject)),
		"issuer", text_json(buf_str(&shown.issuer)), "names",
		text_json(buf_str(&shown.names)), "key", text_json(buf_str(&shown.key)), "signature",
		text_json(buf_str(&shown.signature)), "not_before", time_json(shown.not_before),
		"not_after", time_json(shown.not_after), "pin", text_json(buf_str(&pin)));
	tls_shown_done(&shown);
	buf_done(&pin);
	return made;
}

static json_t *certificate_json(const struct tls_connection *connection)
{
	enum tls_distrust result = tls_verdict_result(tls_client_verdict(connection));
	struct buf words = BUF_INIT(TEXT_MAX);
	json_t *chain = json_array();

	tls_verdict_append(&words, connection, result);
	for (size_t i = 0; i < tls_client_shown_count(connection); i++)
		json_array_append_new(chain, shown_json(connection, i));
	json_t *made = json_pack("{s:s,s:o,s:o}", "result", tls_distrust_row(result)->name, "words",
				 text_json(buf_str(&words)), "chain", chain);
	buf_done(&words);
	return made;
}

static json_t *facts_json(const struct tls_facts *facts)
{
	return json_pack("{s:s,s:s,s:s,s:b}", "version", facts->version_name, "suite", facts->suite,
			 "group", facts->group, "below_floor",
			 (int)(facts->below_floor != TLS_RUNG_NONE));
}

void probe_report_failure(json_t *report, const char *kind, struct str words)
{
	json_object_set_new(report, "outcome", json_string("failed"));
	json_object_set_new(report, "failure",
			    json_pack("{s:s,s:o}", "kind", kind, "words", text_json(words)));
}

void probe_report_outbound(json_t *report, const struct outbound *outbound)
{
	struct tls_facts facts = outbound_facts(outbound);

	if (facts.is_active)
		json_object_set_new(report, "tls", facts_json(&facts));
	if (outbound->tls != NULL && tls_client_shown_count(outbound->tls) > 0)
		json_object_set_new(report, "certificate", certificate_json(outbound->tls));
	if (!outbound_is_whole(outbound))
		probe_report_failure(report, outbound_fault_name(outbound->fault),
				     buf_str(&outbound->why));
	else
		json_object_set_new(report, "outcome",
				    json_string(facts.is_active ? "tls" : "cleartext"));
}
