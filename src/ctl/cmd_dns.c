/* SPDX-License-Identifier: Apache-2.0 */
/* dns: what the server finds out about others. */
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "deliver/route.h"
#include "net/resolver.h"

/* Asks mailq; its exit code when that fails. */
static int mailq_ask(struct ctl *ctl, enum message_kind kind, const void *request,
		     enum message_kind expected, struct packet *answer)
{
	struct link link;
	enum fault fault = link_open(&link, ctl->home, LINK_MAILQ);
	int code = CTL_DONE;

	if (fault == FAULT_NONE) {
		fault = role_client_call(&link.mailq_role, kind, request, expected, answer);
		if (fault != FAULT_NONE)
			ctl_fail(CTL_NOT_RUNNING, "the server's role mailq does not answer: %s",
				 fault_text(fault));
	}
	if (fault != FAULT_NONE)
		code = ctl_fault_code(fault);
	link_close(&link);
	return code;
}

static const char *security_name(const struct msg_dns_given *given)
{
	if (given->outcome == DNS_BOGUS)
		return "bogus";
	if (given->outcome == DNS_FAILED || given->outcome == DNS_TIMEOUT)
		return "unknown";
	return given->is_secure ? "secure" : "insecure";
}

static json_t *lines_json(struct str text)
{
	json_t *lines = json_array();

	for (struct str rest = text; rest.len > 0;)
		json_array_append_new(lines, json_text(str_cut(&rest, '\n')));
	return lines;
}

static void lookup_print_json(const struct msg_dns_given *given, enum dns_type type)
{
	ctl_print_json(json_pack("{s:s,s:s,s:s,s:I,s:o,s:o,s:o}", "type", dns_type_name(type),
				 "outcome", dns_outcome_name((enum dns_outcome)given->outcome),
				 "dnssec", security_name(given), "ttl",
				 (json_int_t)given->ttl_s, "name", json_text(given->canonical),
				 "records", lines_json(given->records), "why",
				 json_text(given->why)));
}

static void lookup_print(const struct msg_dns_given *given, enum dns_type type)
{
	struct buf text = BUF_INIT(MESSAGE_MAX);
	const char *outcome = dns_outcome_name((enum dns_outcome)given->outcome);

	for (struct str rest = given->records; rest.len > 0;) {
		struct str record = str_cut(&rest, '\n');
		buf_printf(&text, "%.*s. %u %s %.*s\n", STR_ARG(given->canonical), given->ttl_s,
			   dns_type_name(type), STR_ARG(record));
	}
	buf_printf(&text, "%s, %s%s%.*s\n", outcome, security_name(given),
		   given->why.len > 0 ? ": " : "", STR_ARG(given->why));
	ctl_print(buf_str(&text));
	buf_done(&text);
}

int cmd_dns_lookup(struct ctl *ctl)
{
	struct str type_name = ctl_word(ctl, 1);
	enum dns_type type = DNS_A;
	struct dns_name name;
	struct packet answer;

	if (!dns_name_parse(ctl_word(ctl, 0), &name))
		return ctl_fail(CTL_USAGE, "%.*s is no name for DNS", STR_ARG(ctl_word(ctl, 0)));
	if (!str_is_empty(type_name) && !dns_type_parse(type_name, &type))
		return ctl_fail(CTL_USAGE,
				"%.*s: the type is A, AAAA, MX, PTR, TXT, SRV, TLSA or CAA",
				STR_ARG(type_name));
	struct msg_dns_wanted wanted = {
		.name = name.len == 0 ? STR(".") : dns_name_str(&name), .type = type};
	packet_init(&answer);
	int code = mailq_ask(ctl, MSG_dns_wanted, &wanted, MSG_dns_given, &answer);
	const struct msg_dns_given *given = &answer.message.dns_given;
	if (code == CTL_DONE && given->outcome > DNS_TIMEOUT)
		code = ctl_fault_code(FAULT_INVALID);
	if (code == CTL_DONE) {
		if (ctl_has(ctl, OPTION_BIT(JSON)))
			lookup_print_json(given, type);
		else
			lookup_print(given, type);
		code = given->outcome == DNS_FOUND ? CTL_DONE : CTL_FINDING;
	}
	packet_done(&answer);
	return code;
}

static void names_print_json(const struct msg_peer_name_given *given)
{
	json_t *names = json_array();

	for (struct str rest = given->names; rest.len > 0;)
		json_array_append_new(names, json_text(str_cut(&rest, ' ')));
	ctl_print_json(json_pack("{s:o,s:b}", "names", names, "known",
				 given->fault == FAULT_NONE || given->fault == FAULT_NOT_FOUND));
}

static void names_print(const struct msg_peer_name_given *given)
{
	struct buf text = BUF_INIT(MESSAGE_INLINE_MAX);

	for (struct str rest = given->names; rest.len > 0;) {
		buf_append_str(&text, str_cut(&rest, ' '));
		buf_append_char(&text, '\n');
	}
	if (given->fault == FAULT_NOT_FOUND)
		buf_append_c(&text, "no name that leads back to the address\n");
	else if (given->fault != FAULT_NONE)
		buf_append_c(&text, "DNS does not tell now\n");
	ctl_print(buf_str(&text));
	buf_done(&text);
}

int cmd_dns_peer(struct ctl *ctl)
{
	struct str text = ctl_word(ctl, 0);
	struct network address;
	struct packet answer;

	if (str_find_char(text, '/') != STR_NONE || !network_parse(text, &address))
		return ctl_fail(CTL_USAGE, "%.*s is no numeric address", STR_ARG(text));
	struct msg_peer_name_wanted wanted = {.address = str_make(address.address, 16)};
	packet_init(&answer);
	int code = mailq_ask(ctl, MSG_peer_name_wanted, &wanted, MSG_peer_name_given, &answer);
	const struct msg_peer_name_given *given = &answer.message.peer_name_given;
	if (code == CTL_DONE) {
		if (ctl_has(ctl, OPTION_BIT(JSON)))
			names_print_json(given);
		else
			names_print(given);
		code = given->fault == FAULT_NONE ? CTL_DONE : CTL_FINDING;
	}
	packet_done(&answer);
	return code;
}

/* A line of route_given: preference, name, security, addresses. */
static json_t *host_json(struct str line)
{
	struct str rest = line;
	struct str preference = str_cut(&rest, ' ');
	struct str name = str_cut(&rest, ' ');
	struct str security = str_cut(&rest, ' ');
	json_t *addresses = json_array();
	uint64_t number = 0;

	while (rest.len > 0)
		json_array_append_new(addresses, json_text(str_cut(&rest, ' ')));
	(void)!str_parse_u64(preference, UINT16_MAX, &number);
	return json_pack("{s:I,s:o,s:o,s:o}", "preference", (json_int_t)number, "name",
			 json_text(name), "dnssec", json_text(security), "addresses", addresses);
}

static void route_print_json(const struct msg_route_given *given)
{
	json_t *hosts = json_array();

	for (struct str rest = given->hosts; rest.len > 0;)
		json_array_append_new(hosts, host_json(str_cut(&rest, '\n')));
	ctl_print_json(json_pack("{s:s,s:o,s:b,s:s,s:o,s:o}", "verdict",
				 route_verdict_name((enum route_verdict)given->verdict), "domain",
				 json_text(given->domain), "mx", given->has_mx, "dnssec",
				 given->is_mx_secure ? "secure" : "insecure", "hosts", hosts, "why",
				 json_text(given->why)));
}

static void route_print(const struct msg_route_given *given)
{
	struct buf text = BUF_INIT(MESSAGE_MAX);

	buf_append_str(&text, given->hosts);
	buf_printf(&text, "%s, %s%s%s%.*s\n",
		   route_verdict_name((enum route_verdict)given->verdict),
		   given->has_mx ? "MX " : "no MX, ",
		   given->is_mx_secure ? "secure" : "insecure", given->why.len > 0 ? ": " : "",
		   STR_ARG(given->why));
	ctl_print(buf_str(&text));
	buf_done(&text);
}

int cmd_dns_route(struct ctl *ctl)
{
	struct msg_route_wanted wanted = {.domain = ctl_word(ctl, 0)};
	struct packet answer;

	packet_init(&answer);
	int code = mailq_ask(ctl, MSG_route_wanted, &wanted, MSG_route_given, &answer);
	const struct msg_route_given *given = &answer.message.route_given;
	if (code == CTL_DONE && given->verdict > ROUTE_LATER)
		code = ctl_fault_code(FAULT_INVALID);
	if (code == CTL_DONE) {
		if (ctl_has(ctl, OPTION_BIT(JSON)))
			route_print_json(given);
		else
			route_print(given);
		code = given->verdict == ROUTE_FOUND ? CTL_DONE : CTL_FINDING;
	}
	packet_done(&answer);
	return code;
}
