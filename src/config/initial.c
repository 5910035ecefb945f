/* SPDX-License-Identifier: Apache-2.0 */
#include "config/initial.h"

#include "config/rewrite.h"

#define LOOPBACK "127.0.0.1,::1"

static const struct {
	const char *name;
	uint16_t standard;
	uint16_t unprivileged;
	enum service_tls tls;
} services[SERVICE_COUNT] = {
#define X(id, name, port, unprivileged, tls, table, login) \
	{name, port, unprivileged, SERVICE_TLS_##tls},
	SERVICE_TABLE(X)
#undef X
};

static void variable_append(struct buf *to, const char *indent, const char *name, struct str value)
{
	buf_printf(to, "%s<variable name=\"%s\">%.*s</variable>\n", indent, name, STR_ARG(value));
}

/* What no host name holds becomes `?`: well formed, and refused by config_parse. */
static void hostname_append(struct buf *to, struct str hostname)
{
	buf_append_c(to, "    <variable name=\"Hostname\">");
	for (size_t i = 0; i < hostname.len; i++) {
		char c = hostname.ptr[i];
		buf_append_char(to, ascii_is_alnum(c) || c == '-' || c == '.' ? c : '?');
	}
	buf_append_c(to, "</variable>\n");
}

static void tls_table_append(struct buf *to, const char *name, const char *governs)
{
	static const char *const variables[][2] = {
		{"EnableEphemeralDH", "1"},
		{"EphemeralDHKeySize", "0"},
		{"EnableEphemeralECDH", "1"},
		{"DontInsertEmptyFragments", "1"},
		{"ServerTlsProtocols", "TLSv1.2,TLSv1.3"},
		{"ServerTlsCiphers", CONFIG_INITIAL_CIPHERS},
		{"ClientTlsProtocols", "TLSv1.2,TLSv1.3"},
		{"ClientTlsCiphers", CONFIG_INITIAL_CIPHERS},
		{"ServerCipherPreference", "1"},
	};

	buf_printf(to, "\n  <!-- %s -->\n  <table name=\"%s\">\n", governs, name);
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		variable_append(to, "    ", variables[i][0], str_from_c(variables[i][1]));
	buf_append_c(to, "  </table>\n");
}

static void service_append(struct buf *to, int i, enum config_ports ports)
{
	static const struct str words[] = {[SERVICE_TLS_STARTTLS] = STR_INIT("starttls"),
					   [SERVICE_TLS_IMPLICIT] = STR_INIT("implicit"),
					   [SERVICE_TLS_NONE] = STR_INIT("none")};
	bool is_standard = ports == CONFIG_PORTS_STANDARD;

	buf_append_c(to, "    <listitem>\n");
	variable_append(to, "      ", "Name", str_from_c(services[i].name));
	variable_append(to, "      ", "Enabled",
			services[i].tls == SERVICE_TLS_NONE ? STR("0") : STR("1"));
	variable_append(to, "      ", "Addresses", is_standard ? STR("") : STR(LOOPBACK));
	buf_printf(to, "      <variable name=\"Port\">%d</variable>\n",
		   is_standard ? services[i].standard : services[i].unprivileged);
	variable_append(to, "      ", "Tls", words[services[i].tls]);
	buf_append_c(to, "    </listitem>\n");
}

void config_initial_append(struct buf *to, struct str hostname, enum config_ports ports)
{
	buf_append_c(to,
		     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<!-- Postern's configuration. `postern check` says what it means; the manual "
		     "page is mailserver.cfg(5). -->\n"
		     "<config>\n  <table name=\"Server\">\n");
	hostname_append(to, hostname);
	buf_append_c(to, "  </table>\n");
	tls_table_append(to, "Security",
			 "TLS of IMAP, POP3 and HTTPS, and of every client but SMTP's");
	tls_table_append(to, "SmtpSecurity",
			 "TLS of SMTP, Submission and SMTPS, and of the SMTP client");
	buf_append_c(to, "\n  <list name=\"Service\">\n");
	for (int i = 0; i < SERVICE_COUNT; i++)
		service_append(to, i, ports);
	buf_append_c(to, "  </list>\n</config>\n");
}

/* A text being changed step by step. */
struct adoption {
	struct buf text;
	struct findings *findings;
	enum fault fault;
};

/* Puts a value where none stands. */
static void value_supply(struct adoption *adoption, const char *table, const char *item,
			 const char *variable, struct str value)
{
	struct config_address address = {.table = str_from_c(table),
					 .item = str_from_c(item),
					 .variable = str_from_c(variable)};
	struct buf next = BUF_INIT(CONFIG_FILE_MAX);

	if (adoption->fault != FAULT_NONE)
		return;
	enum fault present =
		config_get_variable(buf_str(&adoption->text), &address, adoption->findings, &next);
	buf_reset(&next);
	adoption->fault = present != FAULT_NOT_FOUND
				  ? present
				  : config_set_variable(buf_str(&adoption->text), &address, value,
							adoption->findings, &next);
	if (present != FAULT_NOT_FOUND || adoption->fault != FAULT_NONE) {
		buf_done(&next);
		return;
	}
	buf_done(&adoption->text);
	adoption->text = next;
}

static void service_supply(struct adoption *adoption, int i)
{
	struct buf text = BUF_INIT(8);

	buf_append_u64(&text, services[i].unprivileged);
	value_supply(adoption, "Service", services[i].name, "Addresses", STR(LOOPBACK));
	value_supply(adoption, "Service", services[i].name, "Port", buf_str(&text));
	buf_done(&text);
}

enum fault config_adopted_append(struct buf *to, struct str text, struct str hostname,
				 enum config_ports ports, struct findings *findings)
{
	struct adoption adoption = {.text = BUF_INIT(CONFIG_FILE_MAX), .findings = findings};

	buf_append_str(&adoption.text, text);
	if (adoption.text.failed)
		adoption.fault = FAULT_TOO_LARGE;
	if (!str_is_empty(hostname))
		value_supply(&adoption, "Server", "", "Hostname", hostname);
	for (int i = 0; ports == CONFIG_PORTS_UNPRIVILEGED && i < SERVICE_COUNT; i++)
		service_supply(&adoption, i);
	if (adoption.fault == FAULT_NONE)
		buf_append_str(to, buf_str(&adoption.text));
	buf_done(&adoption.text);
	return adoption.fault != FAULT_NONE ? adoption.fault
	       : to->failed		    ? FAULT_TOO_LARGE
					    : FAULT_NONE;
}
