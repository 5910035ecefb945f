/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of config/config: what a file comes to, and what is said about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/initial.h"
#include "config/schema.h"
#include "reading.h"
#include "tls/catalog.h"

static const struct suite_catalog *catalog;

/* The same two TLS tables, so that nothing else is said. */
#define STRONG                                                                                   \
	"<table name=\"Security\"><variable name=\"ServerTlsProtocols\">TLSv1.2,TLSv1.3"         \
	"</variable></table><table name=\"SmtpSecurity\"><variable name=\"ServerTlsProtocols\">" \
	"TLSv1.2,TLSv1.3</variable></table>"
#define VARIABLE(name, value) "<variable name=\"" name "\">" value "</variable>\n"
#define FILE_OF(content) "<config>\n" content "</config>\n"

struct file_case {
	const char *text;
	const char *expected; /* see reading_expect */
};

static void cases_run(const struct file_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct reading reading;
		reading_make(&reading, catalog, str_from_c(cases[i].text));
		reading_expect(&reading, cases[i].text, cases[i].expected);
		reading_done(&reading);
	}
}

#define RUN(cases) cases_run((cases), sizeof(cases) / sizeof((cases)[0]))

static void test_defaults_of_a_bare_file(void **state)
{
	struct reading reading;

	reading_make(&reading, catalog, STR("<whatever/>"));
	reading_expect(&reading, "bare", "^error|^warning");
	const struct config *config = reading.config;
	assert_non_null(config);
	assert_true(str_is_empty(config->server.hostname));
	assert_false(config->server.auto_reload);
	assert_true(config->limits.message_bytes == 52428800);
	assert_int_equal(config->limits.recipients, 1000);
	assert_int_equal(config->limits.idle_seconds, 1800);
	assert_int_equal(config->limits.exempt_network_count, 2);
	for (int i = 0; i < SERVICE_COUNT; i++) {
		assert_int_equal(config->services[i].enabled, i != SERVICE_HTTP);
		assert_int_equal(config->services[i].id, i);
		assert_int_equal(config->services[i].address_count, 0);
		assert_false(config->services[i].allow_plain_login);
		assert_true(config->services[i].policy.session_tickets);
		assert_int_equal(config->services[i].require_tls,
				 i != SERVICE_SMTP && i != SERVICE_HTTP);
	}
	assert_int_equal(config->services[SERVICE_SMTP].port, 25);
	assert_int_equal(config->services[SERVICE_HTTPS].port, 4040);
	assert_int_equal(config->services[SERVICE_POP3S].tls, SERVICE_TLS_IMPLICIT);
	assert_int_equal(config->services[SERVICE_POP3].tls, SERVICE_TLS_STARTTLS);
	reading_done(&reading);
}

#define ITEM(content) "<listitem>" content "</listitem>"

static void test_the_resolver(void **state)
{
	struct reading reading;

	reading_make(&reading, catalog,
		     STR(FILE_OF("<table name=\"Resolver\">" VARIABLE("Servers",
								      "127.0.0.1, ::1@5353")
				 VARIABLE("TrustAnchorFile", "root.key") "</table>"
				 "<list name=\"StubZone\">" ITEM(
					 VARIABLE("Name", "Corp.Example.") VARIABLE("Unsigned", "1")
						 VARIABLE("Servers", "192.0.2.1"))
					 ITEM(VARIABLE("Name", ".") VARIABLE("Servers", "::1"))
						 "</list>")));
	reading_expect(&reading, "resolver", "^error|^warning");
	const struct config_resolver *resolver = &reading.config->resolver;
	assert_int_equal(resolver->server_count, 2);
	assert_true(str_equals(resolver->servers[1], STR("::1@5353")));
	assert_false(resolver->from_root);
	assert_true(str_equals(resolver->trust_anchor_file, STR("root.key")));
	assert_int_equal(resolver->stub_count, 2);
	assert_true(str_equals(resolver->stubs[0].name, STR("corp.example")));
	assert_true(resolver->stubs[0].is_unsigned && !resolver->stubs[1].is_unsigned);
	assert_true(str_equals(resolver->stubs[1].name, STR(".")));
	reading_done(&reading);
}

static void test_what_a_resolver_may_not_have(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF("<table name=\"Resolver\">" VARIABLE("Servers", "dns.example") "</table>"),
		 "m.cfg:2|\"dns.example\" is no server"},
		{FILE_OF("<table name=\"Resolver\">" VARIABLE("Servers", "::1@0") "</table>"),
		 "\"::1@0\" is no server"},
		{FILE_OF("<table name=\"Resolver\">" VARIABLE("Server", "::1") "</table>"),
		 "warning|did you mean Servers?"},
		{FILE_OF("<list name=\"StubZone\">" ITEM(VARIABLE("Servers", "::1")) "</list>"),
		 "an item without Name"},
		{FILE_OF("<list name=\"StubZone\">" ITEM(VARIABLE("Name", "a b")) "</list>"),
		 "\"a b\" is no name of a zone"},
		{FILE_OF("<list name=\"StubZone\">" ITEM(VARIABLE("Name", "a")) "</list>"),
		 "a has no Servers"},
		{FILE_OF("<list name=\"StubZone\">" ITEM(VARIABLE("Name", "a.b")
								 VARIABLE("Servers", "::1"))
				 ITEM(VARIABLE("Name", "A.B.") VARIABLE("Servers", "::1")) "</list>"),
		 "the zone a.b stands twice"},
		{FILE_OF("<list name=\"StubZone\">" ITEM(VARIABLE("Name", "a.b")
								 VARIABLE("Servers", "::1")
									 VARIABLE("Unsinged", "1"))
				 "</list>"),
		 "warning|did you mean Unsigned?"},
	};

	RUN(cases);
}

static void test_source_addresses(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF("<table name=\"Queue\">" VARIABLE("SourceAddresses",
							   "192.0.2.1, 192.0.2.2") "</table>"),
		 "error|m.cfg:2|more than one address of IPv4"},
		{FILE_OF("<table name=\"Queue\">" VARIABLE("SourceAddresses",
							   "::1, 192.0.2.1, ::2") "</table>"),
		 "more than one address of IPv6"},
		{FILE_OF("<table name=\"Queue\">" VARIABLE("SourceAddresses", "mx.example")
				 "</table>"),
		 "mx.example"},
	};
	struct reading reading;

	RUN(cases);
	reading_make(&reading, catalog,
		     STR(FILE_OF("<table name=\"Queue\">" VARIABLE("SourceAddresses",
								   "192.0.2.1, 2001:db8::1")
				 "</table>")));
	reading_expect(&reading, "sources", "^error|^warning");
	assert_int_equal(reading.config->queue.source_count, 2);
	reading_done(&reading);
}

static void test_tables_govern_by_service(void **state)
{
	struct reading reading;

	reading_make(
		&reading, catalog,
		STR(FILE_OF("<table name=\"Security\">" VARIABLE("ServerTlsProtocols", "TLSv1.3")
				    VARIABLE("ClientTlsProtocols",
					     "TLSv1.2") "</table>"
							"<table name=\"SmtpSecurity\">" VARIABLE(
								"ServerTlsProtocols", "TLSv1.2")
								VARIABLE("ClientTlsProtocols",
									 "TLSv1.3") "</table>")));
	assert_non_null(reading.config);
	for (int i = 0; i < SERVICE_COUNT; i++) {
		bool smtp = i == SERVICE_SMTP || i == SERVICE_SUBMISSION || i == SERVICE_SMTPS;
		const struct tls_policy *policy = &reading.config->services[i].policy;
		assert_int_equal(policy->min, smtp ? TLS_PROTOCOL_1_2 : TLS_PROTOCOL_1_3);
		assert_true(
			str_equals(policy->table, smtp ? STR("SmtpSecurity") : STR("Security")));
	}
	assert_int_equal(reading.config->clients[CLIENT_SMTP].min, TLS_PROTOCOL_1_3);
	assert_int_equal(reading.config->clients[CLIENT_POP3].min, TLS_PROTOCOL_1_2);
	reading_expect(
		&reading, "both readings",
		"warning: SmtpSecurity/ServerTlsProtocols: Security has another value (on line "
		"2) than SmtpSecurity (on line 4)|the value in Security would hold for every "
		"service|m.cfg:5: warning: SmtpSecurity/ClientTlsProtocols|the value in "
		"SmtpSecurity would hold for every client");
	reading_done(&reading);
}

static void test_two_readings_are_told_only_when_they_differ(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF(STRONG), "^warning"},
		{FILE_OF("<table name=\"Security\">" VARIABLE(
			 "ServerTlsProtocols", "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3") "</table>"),
		 "^warning"},
		{FILE_OF("<table name=\"Security\">" VARIABLE(
			 "ServerTlsCiphers",
			 "AES128-SHA:AES256-SHA") "</table><table "
						  "name="
						  "\"SmtpSecurity\""
						  ">" VARIABLE("ServerT"
							       "lsCiphe"
							       "rs",
							       "AES128-"
							       "SHA "
							       "AES256-"
							       "SHA") "</table>"),
		 "^warning"},
		{FILE_OF("<table name=\"SmtpSecurity\">" VARIABLE("EnableEphemeralDH",
								  "0") "</table>"),
		 "m.cfg:2: warning: SmtpSecurity/EnableEphemeralDH: Security has another value (by "
		 "default)"},
		{FILE_OF("<table name=\"Security\">" VARIABLE("ServerCipherPreference",
							      "0") "</table>"),
		 "m.cfg:2: warning: Security/ServerCipherPreference: "},
	};

	RUN(cases);
}

static void test_services_override_their_table(void **state)
{
	struct reading reading;

	reading_make(
		&reading, catalog,
		STR(FILE_OF(
			STRONG "<list name=\"Service\"><listitem>" VARIABLE(
				"Name", "imaps") VARIABLE("ServerTlsProtocols", "TLSv1.3")
				VARIABLE("SessionTickets", "0") VARIABLE("Port", " 1993 ") VARIABLE(
					"Addresses",
					"127.0.0.1, ::1") "</listitem><listitem>" VARIABLE("Name",
											   "SMTP")
					VARIABLE("Enabled", "0") VARIABLE(
						"RequireTls",
						"1") "</listitem><listitem>" VARIABLE("Name",
										      "IMAP")
						VARIABLE("AllowPlainLogin", "1")
							VARIABLE("SessionTickets",
								 "0") "</listitem></list>")));
	assert_non_null(reading.config);
	const struct service_config *imaps = &reading.config->services[SERVICE_IMAPS];
	assert_int_equal(imaps->policy.min, TLS_PROTOCOL_1_3);
	assert_true(str_equals(imaps->policy.table, STR("Security")));
	assert_true(str_equals(imaps->policy.protocols_source.table, STR("Service:IMAPS")));
	assert_false(imaps->policy.session_tickets);
	assert_int_equal(imaps->port, 1993);
	assert_int_equal(imaps->address_count, 2);
	assert_true(str_equals(imaps->addresses[1], STR("::1")));
	assert_int_equal(reading.config->services[SERVICE_POP3S].policy.min, TLS_PROTOCOL_1_2);
	assert_true(reading.config->services[SERVICE_POP3S].policy.session_tickets);
	assert_false(reading.config->services[SERVICE_SMTP].enabled);
	assert_true(reading.config->services[SERVICE_SMTP].require_tls);
	assert_true(reading.config->services[SERVICE_IMAP].allow_plain_login);
	assert_false(reading.config->services[SERVICE_IMAP].require_tls);
	assert_false(reading.config->services[SERVICE_IMAP].policy.session_tickets);
	assert_false(str_equals(reading.config->services[SERVICE_IMAP].policy.text,
				reading.config->services[SERVICE_POP3].policy.text));
	reading_done(&reading);
}

static void test_implicit_tls_requires_tls(void **state)
{
	struct reading reading;

	reading_make(
		&reading, catalog,
		STR(FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAPS") VARIABLE(
			"AllowPlainLogin", "1") VARIABLE("RequireTls", "0") "</listitem></list>")));
	assert_true(reading.config->services[SERVICE_IMAPS].require_tls);
	reading_expect(&reading, "implicit", "^warning");
	reading_done(&reading);
}

static void test_floors_of_services(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAP")
				 VARIABLE("TlsFloor", "TLSv1.2")
					 VARIABLE("TlsFloorMode", "reply") "</listitem></list>"),
		 "error: Service:IMAP/TlsFloorMode: reply is a rung of inbound SMTP on port 25 only"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "Submission")
				 VARIABLE("TlsFloor", "TLSv1.2")
					 VARIABLE("TlsFloorMode", "reply") "</listitem></list>"),
		 "error: Service:Submission/TlsFloorMode: reply is a rung of inbound SMTP"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "SMTP")
				 VARIABLE("TlsFloor", "TLSv1.2")
					 VARIABLE("TlsFloorMode", "reply") "</listitem></list>"),
		 "^error"},
		/* A service with a mode of its own goes on from its table's floor. */
		{FILE_OF("<table name=\"Security\">" VARIABLE("TlsFloor", "TLSv1.2") "</table>"
			 "<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAPS") VARIABLE(
				 "TlsFloorMode", "handshake") "</listitem></list>"),
		 "^has no effect without"},
		{FILE_OF("<table name=\"SmtpSecurity\">" VARIABLE("TlsFloor", "TLSv1.2") "</table>"),
		 "note: SmtpSecurity/TlsFloor: does not govern sessions without TLS, which SMTP "
		 "would take; how many there are, the file cannot tell. RequireTls 1 refuses them"},
		{FILE_OF("<table name=\"SmtpSecurity\">" VARIABLE("TlsFloor", "TLSv1.2") "</table>"
			 "<list name=\"Service\"><listitem>" VARIABLE("Name", "SMTP")
				 VARIABLE("RequireTls", "1") "</listitem></list>"),
		 "^does not govern"},
		/* There is one reading of the floor, so that the tables may differ in it. */
		{FILE_OF("<table name=\"Security\">" VARIABLE("TlsFloor", "TLSv1.2") "</table>"),
		 "^Security has another value"},
	};

	cases_run(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_service_items_that_are_wrong(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF("<list name=\"Service\"><listitem>\n" VARIABLE("Port",
									"1") "</listitem></list>"),
		 "m.cfg:2: error: Service: an item without Name"},
		{FILE_OF("<list name=\"Service\"><listitem>\n" VARIABLE(
			 "Name", "IMAPZ") "</listitem></list>"),
		 "m.cfg:2: warning: Service: \"IMAPZ\" is no service of Postern; the item is not "
		 "applied; "
		 "did you mean IMAP"},
		{FILE_OF("<list name=\"Service\">\n<listitem>" VARIABLE(
			 "Name",
			 "IMAP") "</listitem>\n<listitem>" VARIABLE("Name",
								    "imap") "</listitem></list>"),
		 "error: Service:IMAP/Name: the service stands twice, on lines 3 and 5"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAP")
				 VARIABLE("ClientTlsProtocols", "TLSv1.2") "</listitem></list>"),
		 "m.cfg:3: error: Service:IMAP/ClientTlsProtocols: a service only listens"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAP") VARIABLE(
			 "Prot", "1") VARIABLE("Port", "70000") "</listitem></list>"),
		 "m.cfg:3: warning: Service:IMAP/Prot: not understood|m.cfg:4: error: "
		 "Service:IMAP/Port: "
		 "\"70000\" is no whole number from 1 to 65535"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAP")
				 VARIABLE("Port", "993") "</listitem></list>"),
		 "m.cfg:2: error: Service: IMAP and IMAPS would both listen on port 993"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAP")
				 VARIABLE("Port", "993") VARIABLE(
					 "Addresses",
					 "127.0.0.1") "</listitem><listitem>" VARIABLE("Name",
										       "IMAPS")
					 VARIABLE("Addresses", "127.0.0.2") "</listitem></list>"),
		 "^error"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAP") VARIABLE(
			 "Tls", "ssl") VARIABLE("Addresses", "localhost") "</listitem></list>"),
		 "none of starttls, implicit and none|\"localhost\" is no numeric address"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAP") VARIABLE(
			 "AllowPlainLogin", "1") VARIABLE("RequireTls", "1") "</listitem></list>"),
		 "warning: Service:IMAP/RequireTls: with RequireTls 1 nobody"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "HTTPS")
				 VARIABLE("ClientCertificates", "1") "</listitem></list>"),
		 "warning: Service:HTTPS/ClientCertificates: at HTTPS nobody logs in by certificate"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAP")
				 VARIABLE("ServerTlsProtocols", "SSLv3") "</listitem></list>"),
		 "error: Service:IMAP/ServerTlsProtocols: leaves no protocol that can be used: "
		 "IMAP would "
		 "not start"},
		{FILE_OF("<list name=\"Service\"><listitem>" VARIABLE("Name", "IMAP")
				 VARIABLE("EphemeralDHKeySize", "1024") "</listitem></list>"),
		 "m.cfg:3: warning: Service:IMAP/EphemeralDHKeySize: DH groups of 1024"},
	};

	RUN(cases);
}

static void test_a_list_that_leaves_nothing_names_the_services(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF("<table name=\"Security\">" VARIABLE("ServerTlsProtocols",
							      "SSLv3") "</table>"),
		 "m.cfg:2: error: Security/ServerTlsProtocols: leaves no protocol that can be "
		 "used: IMAP, "
		 "IMAPS, POP3, POP3S and HTTPS would not start"},
		{FILE_OF("<table name=\"SmtpSecurity\">" VARIABLE("ClientTlsProtocols",
								  "SSLv3") "</table>"),
		 "error: SmtpSecurity/ClientTlsProtocols: leaves no protocol that can be used: the "
		 "SMTP "
		 "client would not start"},
	};

	RUN(cases);
}

static void test_what_stands_twice(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF("<table name=\"Security\"/>\n<table name=\"security\"/>"),
		 "m.cfg:3: error: security: stands twice, on lines 2 and 3"},
		{FILE_OF("<table name=\"Users\"/>\n<table name=\"Users\"/>"), "^error"},
		{FILE_OF("<table name=\"Limits\">\n" VARIABLE("Recipients", "200")
				 VARIABLE("recipients", "300") "</table>"),
		 "m.cfg:4: error: Limits/recipients: stands twice, on lines 3 and 4"},
		{FILE_OF("<table name=\"Security\">\n" VARIABLE("ServerTlsCiphers", "HIGH")
				 VARIABLE("ServerTlsCiphers", "HIGH") "</table>"),
		 "m.cfg:4: error: Security/ServerTlsCiphers: stands twice, on lines 3 and 4"},
		{FILE_OF("<list name=\"Service\"/><list name=\"Service\"/>"), "stands twice"},
	};

	RUN(cases);
}

static void test_aliases_of_the_administrator(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF("<table name=\"TlsVariableAlias\">" VARIABLE(
			 "MinVersions",
			 "ServerTlsProtocols") "</table><table "
					       "name=\"Security\">" VARIABLE("minve"
									     "rsion"
									     "s",
									     "SSLv"
									     "3") "</table>"),
		 "m.cfg:3: error: Security/minversions: leaves no protocol"},
		{FILE_OF("<table name=\"TlsVariableAlias\">" VARIABLE(
			 "Old", "ServerTlsProtocolz") "</table>"),
		 "m.cfg:2: error: TlsVariableAlias/Old: \"ServerTlsProtocolz\" is none of "
		 "the variables"},
		{FILE_OF("<table name=\"TlsVariableAlias\">" VARIABLE(
			 "EnableDHE", "EphemeralDHKeySize") "</table>"),
		 "error: TlsVariableAlias/EnableDHE: is a name that Postern knows already"},
	};

	RUN(cases);
}

static void test_server_and_limits(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF("<table name=\"Limits\">" VARIABLE("Recipients", "99") "</table>"),
		 "m.cfg:2: error: Limits/Recipients: \"99\" is no whole number from 100 to 100000"},
		{FILE_OF("<table name=\"Limits\">" VARIABLE("Recipient", "200") "</table>"),
		 "warning: Limits/Recipient: not understood, not applied; did you mean "
		 "Recipients?"},
		{FILE_OF("<table name=\"Limits\">" VARIABLE(
			 "ExemptNetworks", "10.0.0.0/8, fe80::/10, 1.2.3.4") "</table>"),
		 "^error"},
		{FILE_OF("<table name=\"Limits\">" VARIABLE("ExemptNetworks",
							    "10.0.0.1/8") "</table>"),
		 "error: Limits/ExemptNetworks: \"10.0.0.1/8\" is no network"},
		{FILE_OF("<table name=\"Limits\">" VARIABLE("MessageBytes", "") "</table>"),
		 "^error|^warn"},
		{FILE_OF("<table name=\"Server\">" VARIABLE("Hostname", "mail.example.com")
				 VARIABLE("User", "postern") VARIABLE("Fronts", "2")
					 VARIABLE("AutoReload", "1") "</table>"),
		 "^error|^warning"},
		{FILE_OF("<table name=\"Server\">" VARIABLE("Hostname", "-x.example") "</table>"),
		 "error: Server/Hostname: \"-x.example\" is no host name"},
		{FILE_OF("<table name=\"Server\">" VARIABLE("Hostname", "a b") "</table>"),
		 "error: "},
		{FILE_OF("<table name=\"Server\">" VARIABLE("User", "a/b") "</table>"), "error: "},
		{FILE_OF("<table name=\"Server\"><variable>1</variable></table>"),
		 "error: Server: a variable without a name"},
		{FILE_OF("<table name=\"Security\"><variable>1</variable></table>"),
		 "error: Security: a variable without a name"},
		{FILE_OF("<table name=\"Users\">" VARIABLE(
			 "x", "y") "</table>\n<list name=\"Domain\"/>"),
		 "m.cfg: note: kept as they are, not read: Users (line 2), Domain (line 4)"},
	};

	RUN(cases);
}

static void test_structure_not_the_root_decides(void **state)
{
	static const struct file_case cases[] = {
		{"<a><b><table name=\"Security\">\n" VARIABLE("ServerTlsProtocols",
							      "SSLv3") "</table></b></a>",
		 "m.cfg:2: error: "},
		{"<a><TABLE Name=\"SECURITY\"><Variable "
		 "NAME=\"servertlsprotocols\">SSLv3</Variable></TABLE></a>",
		 "m.cfg:1: error: "},
		/* A table in a table or in an item of a foreign list is not ours. */
		{"<a><table name=\"Other\"><table name=\"Security\">" VARIABLE(
			 "ServerTlsProtocols", "SSLv3") "</table></table></a>",
		 "^error"},
		{"<a><table name=\"Security\"><variable name=\"ServerTlsProtocols\">TLS<!-- x "
		 "-->v1<![CDATA[.2]]>"
		 "&#44;TLSv1.3</variable></table></a>",
		 "^error"},
	};

	RUN(cases);
}

static void test_every_row_has_a_valid_default(void **state)
{
	for (size_t i = 0; i < schema_count(); i++) {
		const struct schema_row *row = schema_at(i);
		assert_non_null(row->text);
		assert_ptr_equal(schema_find(str_from_c(row->table), str_from_c(row->name)), row);
		assert_true(schema_has_table(str_from_c(row->table)));
	}
}

static void test_a_fresh_home_is_strong_and_clean(void **state)
{
	for (int ports = CONFIG_PORTS_STANDARD; ports <= CONFIG_PORTS_UNPRIVILEGED; ports++) {
		struct reading reading;
		struct buf text = BUF_INIT(1 << 20);
		config_initial_append(&text, STR("mail.example.com"), (enum config_ports)ports);
		reading_make(&reading, catalog, buf_str(&text));
		reading_expect(&reading, "initial", "^error|^warning|^note");
		assert_true(str_equals(reading.config->text, buf_str(&text)));
		const struct service_config *imaps = &reading.config->services[SERVICE_IMAPS];
		assert_int_equal(imaps->port, ports == CONFIG_PORTS_STANDARD ? 993 : 2993);
		assert_int_equal(imaps->address_count, ports == CONFIG_PORTS_STANDARD ? 0 : 2);
		assert_int_equal(imaps->policy.min, TLS_PROTOCOL_1_2);
		assert_int_equal(imaps->policy.suite_count, 8);
		assert_int_equal(imaps->policy.suite13_count, 3);
		assert_int_equal(reading.config->clients[CLIENT_SMTP].min, TLS_PROTOCOL_1_2);
		reading_done(&reading);
		buf_done(&text);
	}
}

static void test_a_host_name_that_is_none_is_refused(void **state)
{
	static const char *const names[] = {"m\xc3\xbcnchen.example", "a<b", "a_b", "x-", "\n"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct reading reading;
		struct buf text = BUF_INIT(1 << 20);
		config_initial_append(&text, str_from_c(names[i]), CONFIG_PORTS_STANDARD);
		reading_make(&reading, catalog, buf_str(&text));
		reading_expect(&reading, names[i], "error: Server/Hostname: |is no host name");
		reading_done(&reading);
		buf_done(&text);
	}
}

static void test_an_adopted_file_stays_as_it_is(void **state)
{
	struct findings findings;
	struct reading reading;
	struct buf text = BUF_INIT(1 << 20);
	struct str foreign =
		STR("<config>\r\n  <table name=\"Users\">\r\n  </table>\r\n</config>\r\n");

	findings_init(&findings);
	assert_int_equal(
		config_adopted_append(&text, foreign, STR(""), CONFIG_PORTS_STANDARD, &findings),
		FAULT_NONE);
	assert_true(str_equals(buf_str(&text), foreign));
	buf_reset(&text);
	assert_int_equal(config_adopted_append(&text, foreign, STR("m.example"),
					       CONFIG_PORTS_UNPRIVILEGED, &findings),
			 FAULT_NONE);
	assert_true(
		str_has_prefix(buf_str(&text), STR("<config>\r\n  <table name=\"Users\">\r\n  "
						   "</table>\r\n  <table name=\"Server\">\r\n")));
	reading_make(&reading, catalog, buf_str(&text));
	reading_expect(&reading, "adopted", "^error|not read: Users (line 2)");
	assert_true(str_equals(reading.config->server.hostname, STR("m.example")));
	assert_int_equal(reading.config->services[SERVICE_SMTP].port, 2525);
	assert_int_equal(reading.config->services[SERVICE_HTTPS].address_count, 2);
	reading_done(&reading);
	buf_done(&text);
	findings_done(&findings);
}

static void test_exempt_addresses(void **state)
{
	struct reading reading;
	const uint8_t loopback[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 9};
	const uint8_t other[16] = {[10] = 0xff, [11] = 0xff, [12] = 128, [15] = 9};
	const uint8_t loopback6[16] = {[15] = 1};

	reading_make(&reading, catalog, STR("<x/>"));
	assert_true(config_is_exempt(reading.config, loopback));
	assert_true(config_is_exempt(reading.config, loopback6));
	assert_false(config_is_exempt(reading.config, other));
	reading_done(&reading);
}

static void test_references(void **state)
{
	struct reading reading;

	reading_make(&reading, catalog, STR("<x/>"));
	struct config *second = config_ref(reading.config);
	config_unref(&reading.config);
	assert_null(reading.config);
	assert_int_equal(second->services[0].port, 25);
	config_unref(&second);
	config_unref(&second);
	reading_done(&reading);
}

static int catalog_open(void **state)
{
	catalog = tls_catalog_new();
	return 0;
}

static int catalog_close(void **state)
{
	tls_catalog_free(&catalog);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_of_a_bare_file),
		cmocka_unit_test(test_the_resolver),
		cmocka_unit_test(test_what_a_resolver_may_not_have),
		cmocka_unit_test(test_source_addresses),
		cmocka_unit_test(test_tables_govern_by_service),
		cmocka_unit_test(test_two_readings_are_told_only_when_they_differ),
		cmocka_unit_test(test_services_override_their_table),
		cmocka_unit_test(test_implicit_tls_requires_tls),
		cmocka_unit_test(test_floors_of_services),
		cmocka_unit_test(test_service_items_that_are_wrong),
		cmocka_unit_test(test_a_list_that_leaves_nothing_names_the_services),
		cmocka_unit_test(test_what_stands_twice),
		cmocka_unit_test(test_aliases_of_the_administrator),
		cmocka_unit_test(test_server_and_limits),
		cmocka_unit_test(test_structure_not_the_root_decides),
		cmocka_unit_test(test_every_row_has_a_valid_default),
		cmocka_unit_test(test_a_fresh_home_is_strong_and_clean),
		cmocka_unit_test(test_a_host_name_that_is_none_is_refused),
		cmocka_unit_test(test_an_adopted_file_stays_as_it_is),
		cmocka_unit_test(test_exempt_addresses),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, catalog_open, catalog_close);
}
