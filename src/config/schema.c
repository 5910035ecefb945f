/* SPDX-License-Identifier: Apache-2.0 */
#include "config/schema.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define GIB (KIB * MIB)

#define AT(member) offsetof(struct config, member)
#define OF_STUB(member) offsetof(struct config_stub_zone, member)
#define OF_SERVICE(member) offsetof(struct service_config, member)

static const struct schema_row rows[] = {
	{"Server", "Hostname", SCHEMA_HOSTNAME, 0, 0, "", "",
	 "Name of this server in greetings, Received lines and certificates. Empty: the machine's "
	 "own name",
	 AT(server.hostname)},
	{"Server", "AutoReload", SCHEMA_BOOL, 0, 1, "0", "",
	 "1: a hand edit of this file is applied at once when it is valid; 0: by `postern reload`",
	 AT(server.auto_reload)},
	{"Server", "User", SCHEMA_USER, 0, 0, "", "",
	 "System user that the server becomes when it is started by root. Empty: postern",
	 AT(server.user)},
	{"Server", "Fronts", SCHEMA_U32, 0, 16, "0", "",
	 "Number of processes that talk to the network, at most 16. 0: one, whose threads use every "
	 "core. Limits of connections count in each process for itself",
	 AT(server.fronts)},
	{"Server", "AllowScram", SCHEMA_BOOL, 0, 1, "0", "",
	 "1: logins by SCRAM-SHA-256 too, for which a verifier of each password is kept that is easier "
	 "to crack than its hash once it is stolen; 0: none is kept",
	 AT(server.allow_scram)},
	{"Server", "AdminHsts", SCHEMA_HSTS, 0, 0, "auto", "",
	 "Whether the administration page has browsers keep to HTTPS for its host "
	 "(Strict-Transport-Security, 30 days). auto: where all certificates that name the host come from a "
	 "public CA; on: always; off: never, and browsers that were told to are told to forget it",
	 AT(server.admin_hsts)},

	{"Service", "Name", SCHEMA_NAME, 0, 0, "", "",
	 "Which service: SMTP, Submission, SMTPS, IMAP, IMAPS, POP3, POP3S, HTTPS or HTTP", 0},
	{"Service", "Enabled", SCHEMA_BOOL, 0, 1, NULL, "",
	 "0: the service does not listen. Default 1, for HTTP 0",
	 OF_SERVICE(enabled)},
	{"Service", "Addresses", SCHEMA_ADDRESSES, 0, 0, "", "",
	 "Numeric addresses to listen on, separated by commas. Empty: all, IPv4 and IPv6",
	 OF_SERVICE(addresses)},
	{"Service", "Port", SCHEMA_U16, 1, 65535, NULL, "", "TCP port", OF_SERVICE(port)},
	{"Service", "Tls", SCHEMA_TLS, 0, 0, NULL, "",
	 "starttls: a session begins in plain text and can be secured; implicit: TLS from the "
	 "first "
	 "byte; none: HTTP, which answers challenges of a CA and sends everybody else to HTTPS",
	 OF_SERVICE(tls)},
	{"Service", "AllowPlainLogin", SCHEMA_BOOL, 0, 1, "0", "",
	 "1: users may log in without TLS, so that their passwords can be read on the way",
	 OF_SERVICE(allow_plain_login)},
	{"Service", "RequireTls", SCHEMA_BOOL, 0, 1, NULL, "",
	 "1: before STARTTLS every other command is refused. Default 0 for SMTP; elsewhere 1, "
	 "unless "
	 "AllowPlainLogin is 1",
	 OF_SERVICE(require_tls)},
	{"Service", "MaxConnections", SCHEMA_U32, 1, 1000000, "10000", "",
	 "Sessions of this service at the same time", OF_SERVICE(max_connections)},
	{"Service", "ClientCertificates", SCHEMA_BOOL, 0, 1, "0", "",
	 "1: clients are asked for a certificate, and one of an issuer in sslca/clients logs its owner "
	 "in (AUTH EXTERNAL); nobody must have one",
	 OF_SERVICE(client_certificates)},
	{"Service", "SessionTickets", SCHEMA_BOOL, 0, 1, "1", "",
	 "0: no session tickets, in TLS 1.3 neither; each session needs a full handshake",
	 OF_SERVICE(policy.session_tickets)},

	{"Acme", "Directory", SCHEMA_URL, 0, 0, "https://acme-v02.api.letsencrypt.org/directory",
	 "", "Directory of the CA that certificates are asked for from (RFC 8555)",
	 AT(acme.directory)},
	{"Acme", "Contact", SCHEMA_ADDRESS, 0, 0, "", "",
	 "Mail address at which the CA may reach you. Empty: none", AT(acme.contact)},
	{"Acme", "AgreeTerms", SCHEMA_BOOL, 0, 1, "0", "",
	 "1: you agree to the CA's terms of service; before, nothing is asked for",
	 AT(acme.agree_terms)},
	{"Acme", "Challenge", SCHEMA_CHALLENGE, 0, 0, "http-01", "",
	 "How the CA is shown that the names are yours: http-01 (service HTTP, port 80) or "
	 "tls-alpn-01 (service HTTPS, port 443)",
	 AT(acme.challenge)},
	{"Acme", "RenewDays", SCHEMA_U32, 1, 365, "30", "days",
	 "So long before its end a certificate is renewed; a short-lived one in the last third of "
	 "its life",
	 AT(acme.renew_days)},
	{"Acme", "KeyReuse", SCHEMA_BOOL, 0, 1, "0", "",
	 "1: renewed certificates keep their key, as TLSA records and pins want it; 0: each has a "
	 "new key",
	 AT(acme.key_reuse)},

	{"AcmeCertificate", "Name", SCHEMA_NAME, 0, 0, "", "",
	 "Name of the pair: sslcert/NAME.crt and NAME.key; server and server-ecdsa are those for "
	 "peers that ask for no name",
	 0},
	{"AcmeCertificate", "Domains", SCHEMA_NAME, 0, 0, "", "",
	 "Names that the certificate is for, at most 100, separated by commas", 0},
	{"AcmeCertificate", "KeyType", SCHEMA_NAME, 0, 0, "ecdsa", "",
	 "ecdsa (P-256) or rsa (2048 bits)", 0},
	{"AcmeCertificate", "Comment", SCHEMA_NAME, 0, 0, "", "", "For people", 0},

	{"Limits", "MessageBytes", SCHEMA_U64, 64 * KIB, 4 * GIB, "52428800", "bytes",
	 "Largest message that SMTP and IMAP APPEND take", AT(limits.message_bytes)},
	{"Limits", "Recipients", SCHEMA_U32, 100, 100000, "1000", "",
	 "Recipients of one message (RFC 5321 asks for 100 at least)", AT(limits.recipients)},
	{"Limits", "LineBytes", SCHEMA_U32, 1024, 1048576, "65536", "bytes",
	 "Longest command line of any protocol, and longest line of a message",
	 AT(limits.line_bytes)},
	{"Limits", "LiteralBytes", SCHEMA_U32, 1024, 16777216, "1048576", "bytes",
	 "Largest IMAP literal that is not a message", AT(limits.literal_bytes)},
	{"Limits", "HeaderBytes", SCHEMA_U32, 4096, 16777216, "262144", "bytes",
	 "Largest header of a message", AT(limits.header_bytes)},
	{"Limits", "MimeParts", SCHEMA_U32, 10, 100000, "1000", "",
	 "Parts of one message that are shown apart; a further part belongs to the one before",
	 AT(limits.mime_parts)},
	{"Limits", "MimeDepth", SCHEMA_U32, 2, 200, "50", "",
	 "How deep parts may stand one in another before they count as plain content",
	 AT(limits.mime_depth)},
	{"Limits", "CommandsBeforeLogin", SCHEMA_U32, 5, 100000, "100", "",
	 "Commands of a session in which nobody has logged in; on SMTP those that bring no message",
	 AT(limits.commands_before_login)},
	{"Limits", "FailedLoginsPerAddress", SCHEMA_U32, 1, 100000, "10", "",
	 "Failed logins from one address within ten minutes before it is turned away",
	 AT(limits.failed_logins_per_address)},
	{"Limits", "ConnectionsPerAddress", SCHEMA_U32, 1, 1000000, "100", "",
	 "Sessions from one address at the same time, all services together",
	 AT(limits.connections_per_address)},
	{"Limits", "IdleSeconds", SCHEMA_U32, 10, 86400, "1800", "seconds",
	 "Silence after which a session is ended (RFC 9051 asks for 1800 on IMAP; SMTP and POP3 "
	 "wait 300 and 600 at most)",
	 AT(limits.idle_seconds)},
	{"Limits", "MinBytesPerSecond", SCHEMA_U32, 0, 1048576, "64", "bytes per second",
	 "Slowest transfer of a message or an answer; 0: any", AT(limits.min_bytes_per_second)},
	{"Limits", "FreeDiskBytes", SCHEMA_U64, 0, 1024 * GIB, "536870912", "bytes",
	 "Free room on the disk of the store below which status and warning.log warn",
	 AT(limits.free_disk_bytes)},
	{"Limits", "ImportBytes", SCHEMA_U64, 1024 * KIB, 1024 * GIB, "1073741824", "bytes",
	 "Largest file of mail that is imported by way of the administration page",
	 AT(limits.import_bytes)},
	{"Limits", "ExemptNetworks", SCHEMA_NETWORKS, 0, 0, "127.0.0.0/8,::1", "",
	 "Networks that the limits per address do not count, separated by commas",
	 AT(limits.exempt_networks)},

	{"Queue", "FirstRetrySeconds", SCHEMA_U32, 1, 86400, "300", "seconds",
	 "Pause after the first attempt to deliver a message that failed for now; it doubles with each "
	 "further one, and is spread by a fifth",
	 AT(queue.first_retry_s)},
	{"Queue", "LongestRetrySeconds", SCHEMA_U32, 1, 604800, "14400", "seconds",
	 "Longest pause between two attempts", AT(queue.longest_retry_s)},
	{"Queue", "DelayNoticeSeconds", SCHEMA_U32, 1, 2592000, "14400", "seconds",
	 "How long a message waits before its sender is told of the delay, once",
	 AT(queue.delay_notice_s)},
	{"Queue", "TlsDelayNoticeSeconds", SCHEMA_U32, 1, 2592000, "3600", "seconds",
	 "The same where TLS is the reason", AT(queue.tls_notice_s)},
	{"Queue", "LifetimeSeconds", SCHEMA_U32, 1, 2592000, "432000", "seconds",
	 "How long a message is tried before it comes back to its sender (RFC 5321 asks for four to five "
	 "days)",
	 AT(queue.lifetime_s)},
	{"Queue", "Connections", SCHEMA_U32, 1, 10000, "100", "",
	 "Connections to other servers at the same time", AT(queue.connections)},
	{"Queue", "ConnectionsPerDestination", SCHEMA_U32, 1, 1000, "10", "",
	 "Connections to one destination at the same time; the first that succeed open the way to "
	 "further ones",
	 AT(queue.destination_connections)},
	{"Queue", "MessagesPerConnection", SCHEMA_U32, 1, 100000, "100", "",
	 "Messages that are sent through one connection", AT(queue.connection_messages)},
	{"Queue", "ConnectionIdleSeconds", SCHEMA_U32, 0, 300, "2", "seconds",
	 "How long a connection waits for another message to its destination. 0: not at all",
	 AT(queue.connection_idle_s)},
	{"Queue", "RecipientsPerMessage", SCHEMA_U32, 1, 1000, "100", "",
	 "Recipients of one message that go to a server in one transaction", AT(queue.message_recipients)},
	{"Queue", "AnswerSeconds", SCHEMA_U32, 0, 3600, "0", "seconds",
	 "How long a server may take for each answer. 0: as long as RFC 5321 wants it to be waited for, "
	 "from two to ten minutes",
	 AT(queue.answer_s)},
	{"Queue", "SourceAddresses", SCHEMA_ADDRESSES, 0, 0, "", "",
	 "Addresses of this machine that mail is sent and fetched from, one of IPv4 and one of IPv6 at "
	 "most, separated by a comma; the name that DNS gives them should be Hostname. Empty: as the "
	 "system chooses",
	 AT(queue.sources)},

	{"RelayRule", "Sender", SCHEMA_NAME, 0, 0, "", "",
	 "Whose mail: an address, a domain, or .domain for those below it. Empty: everybody's", 0},
	{"RelayRule", "Recipient", SCHEMA_NAME, 0, 0, "", "",
	 "To whom: as Sender. Empty: to everybody elsewhere", 0},
	{"RelayRule", "Host", SCHEMA_NAME, 0, 0, "", "",
	 "The server that takes the mail: a name, or an address in brackets", 0},
	{"RelayRule", "Port", SCHEMA_NAME, 0, 0, "", "",
	 "TCP port. Empty: 465 for implicit TLS, 587 with a User, else 25", 0},
	{"RelayRule", "Tls", SCHEMA_NAME, 0, 0, "starttls", "",
	 "starttls, or implicit: TLS from the first byte", 0},
	{"RelayRule", "Level", SCHEMA_NAME, 0, 0, "", "",
	 "What is demanded of its TLS: none, may, encrypt, verify. Empty: verify with a User, else "
	 "may",
	 0},
	{"RelayRule", "User", SCHEMA_NAME, 0, 0, "", "", "To log in as. Empty: nobody logs in", 0},
	{"RelayRule", "Password", SCHEMA_NAME, 0, 0, "", "",
	 "Name under which `postern remote-password set` keeps the password", 0},
	{"RelayRule", "Comment", SCHEMA_NAME, 0, 0, "", "", "For people", 0},

	{"Pop3Account", "Name", SCHEMA_NAME, 0, 0, "", "",
	 "What commands and logs call the account: letters, digits and . - _ @", 0},
	{"Pop3Account", "Enabled", SCHEMA_NAME, 0, 0, "1", "",
	 "0: nothing is fetched, not even when it is asked for", 0},
	{"Pop3Account", "Host", SCHEMA_NAME, 0, 0, "", "",
	 "The server that has the mail: a name, or an address in brackets", 0},
	{"Pop3Account", "Port", SCHEMA_NAME, 0, 0, "", "",
	 "TCP port. Empty: 995 for implicit TLS, else 110", 0},
	{"Pop3Account", "Tls", SCHEMA_NAME, 0, 0, "implicit", "",
	 "implicit: TLS from the first byte; stls: TLS before the login, by STLS; none: password and mail "
	 "go in the clear",
	 0},
	{"Pop3Account", "VerifyCertificate", SCHEMA_NAME, 0, 0, "1", "",
	 "1: the certificate must be the host's, of an issuer that is trusted; 0: any will do", 0},
	{"Pop3Account", "User", SCHEMA_NAME, 0, 0, "", "", "To log in as", 0},
	{"Pop3Account", "Password", SCHEMA_NAME, 0, 0, "", "",
	 "Name under which `postern remote-password set` keeps the password", 0},
	{"Pop3Account", "DeliverTo", SCHEMA_NAME, 0, 0, "", "",
	 "Address here whose owner gets the mail; with Sort, what nobody else gets", 0},
	{"Pop3Account", "Mailbox", SCHEMA_NAME, 0, 0, "INBOX", "",
	 "Mailbox of that owner, made if it is not there", 0},
	{"Pop3Account", "Sort", SCHEMA_NAME, 0, 0, "", "",
	 "Header fields that name the recipients here, separated by commas, such as "
	 "Delivered-To,X-Envelope-To,To,Cc; the first with an address here decides, To and Cc together. "
	 "Empty: all goes to DeliverTo",
	 0},
	{"Pop3Account", "LeaveOnServer", SCHEMA_NAME, 0, 0, "0", "",
	 "0: what is stored here is deleted there; 1: it stays there and is remembered, so that it does "
	 "not come twice",
	 0},
	{"Pop3Account", "LeaveDays", SCHEMA_NAME, 0, 0, "0", "days",
	 "With LeaveOnServer 1, after how many days it is deleted there. 0: never", 0},
	{"Pop3Account", "IntervalSeconds", SCHEMA_NAME, 0, 0, "900", "seconds",
	 "Pause between two sessions; after failures it doubles, up to six hours. 0: only `postern pop3 "
	 "run` fetches",
	 0},
	{"Pop3Account", "JitterSeconds", SCHEMA_NAME, 0, 0, "60", "seconds",
	 "By how much the pause is longer at most, by chance, so that not all servers ask at once", 0},
	{"Pop3Account", "MaxMessages", SCHEMA_NAME, 0, 0, "1000", "",
	 "Messages fetched in a session; the rest comes in the next", 0},
	{"Pop3Account", "MaxBytes", SCHEMA_NAME, 0, 0, "1073741824", "bytes",
	 "Bytes fetched in a session; the rest comes in the next", 0},
	{"Pop3Account", "MessageBytes", SCHEMA_NAME, 0, 0, "0", "bytes",
	 "A larger message stays on the server, and warning.log says so once. 0: Limits/MessageBytes", 0},
	{"Pop3Account", "Comment", SCHEMA_NAME, 0, 0, "", "", "For people", 0},

	{"TlsPolicy", "Peer", SCHEMA_NAME, 0, 0, "", "",
	 "Whom the row is about: a network (192.0.2.0/24, 2001:db8::1), a host name or domain "
	 "(mx.example.com), or the names below one (.example.com)",
	 0},
	{"TlsPolicy", "Direction", SCHEMA_NAME, 0, 0, "", "",
	 "in: when the peer connects to this server; out: when this server sends to it", 0},
	{"TlsPolicy", "Service", SCHEMA_NAME, 0, 0, "", "",
	 "Inbound: the one service that the row is about. Empty: every one", 0},
	{"TlsPolicy", "Level", SCHEMA_NAME, 0, 0, "may", "",
	 "What is demanded: may (nothing), encrypt; outbound also none (in the clear), verify, pin. "
	 "Inbound it is demanded of SMTP, at MAIL",
	 0},
	{"TlsPolicy", "MinVersion", SCHEMA_NAME, 0, 0, "", "",
	 "Oldest version of TLS that meets the demand: TLSv1.1, TLSv1.2 or TLSv1.3; without Level it "
	 "means encrypt",
	 0},
	{"TlsPolicy", "Mode", SCHEMA_NAME, 0, 0, "reply", "",
	 "Inbound, who does not meet the demand: reply refuses MAIL in words, observe logs it", 0},
	{"TlsPolicy", "Protocols", SCHEMA_NAME, 0, 0, "", "",
	 "Protocols for this peer's handshakes. Empty: those of the table", 0},
	{"TlsPolicy", "Ciphers", SCHEMA_NAME, 0, 0, "", "",
	 "Suites for this peer's handshakes, an OpenSSL cipher string. Empty: those of the table", 0},
	{"TlsPolicy", "SessionTickets", SCHEMA_NAME, 0, 0, "1", "",
	 "0: no session tickets for this peer; 1: as the table and the service have it", 0},
	{"TlsPolicy", "PostQuantum", SCHEMA_NAME, 0, 0, "1", "",
	 "0: no post-quantum group for this peer; 1: as this OpenSSL has it", 0},
	{"TlsPolicy", "LegacyRenegotiation", SCHEMA_NAME, 0, 0, "0", "",
	 "1, outbound: a server without safe renegotiation (RFC 5746) is put up with", 0},
	{"TlsPolicy", "Pin", SCHEMA_NAME, 0, 0, "", "",
	 "Outbound, for Level pin: SHA-256 of the public keys that are known, in base64, separated by "
	 "commas",
	 0},
	{"TlsPolicy", "Reason", SCHEMA_NAME, 0, 0, "", "",
	 "Why; a row that admits more than its table has to have one", 0},
	{"TlsPolicy", "Expires", SCHEMA_NAME, 0, 0, "", "",
	 "YYYY-MM-DD: from 00:00 local time of that day on a row that admits more than its table does "
	 "not hold; it has to have one",
	 0},
	{"TlsPolicy", "Comment", SCHEMA_NAME, 0, 0, "", "", "For people", 0},

	{"Resolver", "Servers", SCHEMA_SERVERS, 0, 0, "", "",
	 "Addresses of recursive DNS servers, separated by commas, each with @port if it is not 53. "
	 "They must hand on signatures (DNSSEC). Empty: those of /etc/resolv.conf",
	 AT(resolver.servers)},
	{"Resolver", "FromRoot", SCHEMA_BOOL, 0, 1, "0", "",
	 "1: no recursive server is asked, but those of the root and of each zone themselves",
	 AT(resolver.from_root)},
	{"Resolver", "TrustAnchorFile", SCHEMA_PATH, 0, 0, "", "",
	 "File with DS or DNSKEY records that DNSSEC is checked by, from the home if the path does "
	 "not begin with /. Empty: that of the packages unbound-anchor or dns-root-data",
	 AT(resolver.trust_anchor_file)},

	{"StubZone", "Name", SCHEMA_NAME, 0, 0, "", "", "The zone, for example corp.example", 0},
	{"StubZone", "Servers", SCHEMA_SERVERS, 0, 0, "", "",
	 "Addresses of its authoritative DNS servers, separated by commas, each with @port if it is "
	 "not 53",
	 OF_STUB(servers)},
	{"StubZone", "Unsigned", SCHEMA_BOOL, 0, 1, "0", "",
	 "1: answers from this zone are taken without signatures, whatever the zone above it says",
	 OF_STUB(is_unsigned)},
};

/* Read elsewhere: by policy/settings. */
static const char *const tls_tables[] = {"Security", "SmtpSecurity", "TlsVariableAlias"};

static const char *const lists[] = {"Service",	 "AcmeCertificate", "RelayRule",
				    "TlsPolicy", "Pop3Account",	    "StubZone"};

bool schema_is_list(struct str name)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (str_equals_nocase(name, str_from_c(lists[i])))
			return true;
	return false;
}

size_t schema_count(void)
{
	return sizeof(rows) / sizeof(rows[0]);
}

const struct schema_row *schema_at(size_t index)
{
	CHECK(index < schema_count());
	return &rows[index];
}

const struct schema_row *schema_find(struct str table, struct str name)
{
	for (size_t i = 0; i < schema_count(); i++) {
		if (str_equals_nocase(table, str_from_c(rows[i].table)) &&
		    str_equals_nocase(name, str_from_c(rows[i].name)))
			return &rows[i];
	}
	return NULL;
}

bool schema_has_table(struct str name)
{
	for (size_t i = 0; i < sizeof(tls_tables) / sizeof(tls_tables[0]); i++) {
		if (str_equals_nocase(name, str_from_c(tls_tables[i])))
			return true;
	}
	for (size_t i = 0; i < schema_count(); i++) {
		if (str_equals_nocase(name, str_from_c(rows[i].table)))
			return true;
	}
	return false;
}

/* A value being read. */
struct application {
	const struct schema_row *row;
	struct finding_place place;
	struct arena *arena;
	struct findings *findings;
	char *field;
};

static bool refuse(const struct application *application, struct str value, const char *admitted)
{
	finding_add(application->findings, FINDING_ERROR, application->place, "\"%.*s\" is %s",
		    STR_ARG(value), admitted);
	return false;
}

static bool number_apply(const struct application *application, struct str value)
{
	const struct schema_row *row = application->row;
	uint64_t number;

	if (!str_parse_u64(value, row->max, &number) || number < row->min) {
		finding_add(application->findings, FINDING_ERROR, application->place,
			    "\"%.*s\" is no whole number from %llu to %llu", STR_ARG(value),
			    (unsigned long long)row->min, (unsigned long long)row->max);
		return false;
	}
	if (row->type == SCHEMA_U16)
		*(uint16_t *)(void *)application->field = (uint16_t)number;
	else if (row->type == SCHEMA_U32)
		*(uint32_t *)(void *)application->field = (uint32_t)number;
	else
		*(uint64_t *)(void *)application->field = number;
	return true;
}

static bool bool_apply(const struct application *application, struct str value)
{
	if (!str_equals(value, STR("0")) && !str_equals(value, STR("1")))
		return refuse(application, value, "neither 0 nor 1");
	*(bool *)application->field = value.ptr[0] == '1';
	return true;
}

static bool tls_apply(const struct application *application, struct str value)
{
	enum service_tls *field = (void *)application->field;

	if (str_equals_nocase(value, STR("starttls")))
		*field = SERVICE_TLS_STARTTLS;
	else if (str_equals_nocase(value, STR("implicit")))
		*field = SERVICE_TLS_IMPLICIT;
	else if (str_equals_nocase(value, STR("none")))
		*field = SERVICE_TLS_NONE;
	else
		return refuse(application, value, "none of starttls, implicit and none");
	return true;
}

bool hostname_is_valid(struct str value)
{
	if (value.len > 253)
		return false;
	for (struct str rest = value; rest.ptr != NULL;) {
		struct str label = str_cut(&rest, '.');
		if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' ||
		    label.ptr[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++) {
			if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-')
				return false;
		}
	}
	return true;
}

static bool is_user_name(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (!ascii_is_alnum(c) && c != '_' && c != '-' && c != '.')
			return false;
	}
	return value.len <= 32 && value.len > 0 && value.ptr[0] != '-';
}

/* A host, and nothing in it that a log or a request would have to escape. */
static bool is_url(struct str value)
{
	struct str scheme = STR("https://");

	if (!str_has_prefix(value, scheme) || value.len > 1024)
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] <= ' ' || value.ptr[i] >= 0x7f || strchr("\"<>\\@", value.ptr[i]))
			return false;
	return value.len > scheme.len && ascii_is_alnum(value.ptr[scheme.len]);
}

static bool is_mail_address(struct str value)
{
	size_t at = str_find_last_char(value, '@');

	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] <= ' ' || value.ptr[i] >= 0x7f || strchr("\"<>\\,?", value.ptr[i]))
			return false;
	return at != STR_NONE && at > 0 && value.len <= 254 &&
	       hostname_is_valid(str_from(value, at + 1));
}

static bool challenge_apply(const struct application *application, struct str value)
{
	enum acme_challenge_kind *field = (void *)application->field;

	if (str_equals_nocase(value, STR("http-01")))
		*field = ACME_HTTP_01;
	else if (str_equals_nocase(value, STR("tls-alpn-01")))
		*field = ACME_TLS_ALPN_01;
	else
		return refuse(application, value, "neither http-01 nor tls-alpn-01");
	return true;
}

static bool hsts_apply(const struct application *application, struct str value)
{
	enum hsts *field = (void *)application->field;

	if (str_equals_nocase(value, STR("auto")))
		*field = HSTS_AUTO;
	else if (str_equals_nocase(value, STR("on")))
		*field = HSTS_ON;
	else if (str_equals_nocase(value, STR("off")))
		*field = HSTS_OFF;
	else
		return refuse(application, value, "neither auto nor on nor off");
	return true;
}

/* What is wrong with a text of that type, or NULL. */
static const char *text_refusal(enum schema_type type, struct str value)
{
	switch (type) {
	case SCHEMA_USER:
		return is_user_name(value) ? NULL : "no name of a system user";
	case SCHEMA_URL:
		return is_url(value) ? NULL : "no address of a page; it begins with https://";
	case SCHEMA_ADDRESS:
		return is_mail_address(value)
			       ? NULL
			       : "no mail address; write for example me@example.com";
	default:
		return hostname_is_valid(value)
			       ? NULL
			       : "no host name; write for example mail.example.com";
	}
}

static bool text_apply(const struct application *application, struct str value)
{
	const char *refusal = text_refusal(application->row->type, value);

	if (refusal != NULL)
		return refuse(application, value, refusal);
	struct str copy = arena_dup(application->arena, value);
	CHECK(copy.ptr != NULL);
	*(struct str *)(void *)application->field = copy;
	return true;
}

static size_t item_count(struct str value)
{
	size_t count = 0;

	for (struct str rest = value; rest.ptr != NULL; count++)
		str_cut(&rest, ',');
	return count;
}

/* The two fields of a list: the items, and how many. */
static void list_store(const struct application *application, const void *items, size_t count)
{
	memcpy(application->field, &items, sizeof(items));
	memcpy(application->field + sizeof(items), &count, sizeof(count));
}

static bool addresses_apply(const struct application *application, struct str value)
{
	struct str *items = arena_array(application->arena, item_count(value), sizeof(*items));
	struct network network;
	size_t count = 0;

	CHECK(items != NULL);
	for (struct str rest = value; rest.ptr != NULL; count++) {
		struct str item = str_trim(str_cut(&rest, ','));
		if (str_find_char(item, '/') != STR_NONE || !network_parse(item, &network))
			return refuse(application, item,
				      "no numeric address; write for example 192.0.2.1 or ::1");
		items[count] = arena_dup(application->arena, item);
		CHECK(items[count].ptr != NULL);
	}
	list_store(application, items, count);
	return true;
}

/* "192.0.2.1" or "192.0.2.1@5353": what is before the port is a numeric address. */
static bool is_server(struct str value)
{
	struct network network;
	uint64_t port;
	struct str rest = value, address = str_cut(&rest, '@');

	if (str_find_char(address, '/') != STR_NONE || !network_parse(address, &network))
		return false;
	return rest.ptr == NULL || (str_parse_u64(rest, 65535, &port) && port > 0);
}

static bool servers_apply(const struct application *application, struct str value)
{
	struct str *items = arena_array(application->arena, item_count(value), sizeof(*items));
	size_t count = 0;

	CHECK(items != NULL);
	for (struct str rest = value; rest.ptr != NULL; count++) {
		struct str item = str_trim(str_cut(&rest, ','));
		if (!is_server(item))
			return refuse(application, item,
				      "no server; write for example 192.0.2.1 or 2001:db8::1@5353");
		items[count] = arena_dup(application->arena, item);
		CHECK(items[count].ptr != NULL);
	}
	list_store(application, items, count);
	return true;
}

static bool path_apply(const struct application *application, struct str value)
{
	struct str copy = arena_dup(application->arena, value);

	CHECK(copy.ptr != NULL);
	*(struct str *)(void *)application->field = copy;
	return true;
}

static bool networks_apply(const struct application *application, struct str value)
{
	struct network *items = arena_array(application->arena, item_count(value), sizeof(*items));
	size_t count = 0;

	CHECK(items != NULL);
	for (struct str rest = value; rest.ptr != NULL; count++) {
		struct str item = str_trim(str_cut(&rest, ','));
		if (!network_parse(item, &items[count]))
			return refuse(
				application, item,
				"no network; write for example 192.0.2.0/24 or 2001:db8::/32");
	}
	list_store(application, items, count);
	return true;
}

bool schema_apply(const struct schema_row *row, struct str value, struct finding_place place,
		  struct arena *arena, struct findings *findings, void *record)
{
	struct application application = {.row = row,
					  .place = place,
					  .arena = arena,
					  .findings = findings,
					  .field = (char *)record + row->offset};

	switch (row->type) {
	case SCHEMA_BOOL:
		return bool_apply(&application, value);
	case SCHEMA_U16:
	case SCHEMA_U32:
	case SCHEMA_U64:
		return number_apply(&application, value);
	case SCHEMA_HOSTNAME:
	case SCHEMA_USER:
	case SCHEMA_URL:
	case SCHEMA_ADDRESS:
		return text_apply(&application, value);
	case SCHEMA_CHALLENGE:
		return challenge_apply(&application, value);
	case SCHEMA_HSTS:
		return hsts_apply(&application, value);
	case SCHEMA_ADDRESSES:
		return addresses_apply(&application, value);
	case SCHEMA_SERVERS:
		return servers_apply(&application, value);
	case SCHEMA_PATH:
		return path_apply(&application, value);
	case SCHEMA_NETWORKS:
		return networks_apply(&application, value);
	case SCHEMA_TLS:
		return tls_apply(&application, value);
	case SCHEMA_NAME:
		return true;
	}
	return false;
}
