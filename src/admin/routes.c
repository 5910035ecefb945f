/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes; those of one subject stand together. */
#include "admin/route.h"

#define OPT(id) OPTION_BIT(id)

/*
 * Connecting to others takes its time; a CA too. A stream ends now and then, so that whoever has
 * lost his session does not go on reading; browsers ask for the next one by themselves. A file may
 * ask for any number of rounds before it opens: it gets some seconds.
 */
enum {
	PROBE_S = 3 * 60,
	ORDER_S = 10 * 60,
	REQUEST_S = 15 * 60,
	STREAM_S = 10 * 60,
	IMPORT_S = 10,
	MAIL_S = 4 * 3600
};

/* Of lists, which come in pages. */
#define PAGE_PARAMETERS                                                                            \
	{"search", PLACE_QUERY, TARGET_OPTION, OPTION_SEARCH, false, "only what has this text in it"}, \
		{"from", PLACE_QUERY, TARGET_OPTION, OPTION_AFTER, false,                          \
		 "`next` of the page before"},                                                     \
		{"limit", PLACE_QUERY, TARGET_OPTION, OPTION_LIMIT, false, "at most so many"}

/* Of changes of mailserver.cfg. */
#define CHANGE_PARAMETERS                                                                          \
	{"dry_run", PLACE_BODY, TARGET_FLAG, OPTION_DRY_RUN, false,                                \
	 "show what would change and write nothing"},                                              \
		{"confirm_within", PLACE_BODY, TARGET_OPTION, OPTION_CONFIRM_WITHIN, false,        \
		 "undo the change unless it is confirmed in time: 90s, 10m, 2h"},                  \
		{"generation", PLACE_BODY, TARGET_OPTION, OPTION_GENERATION, false,                \
		 "refuse unless the configuration is still the one of that sign"}

#define VALUES(about)                                                                              \
	{"values", PLACE_BODY, TARGET_ASSIGNMENTS, 0, true, about}

/* The rows of a list of mailserver.cfg, by the group of commands that changes them. */
#define LIST_ROUTES(list, group)                                                                   \
	{"GET", "/lists/" list, group " list", ACCESS_READ, "Rows", "The rows of " list, 0, 0,     \
	 OWN_NONE, {{0}}},                                                                         \
		{"POST", "/lists/" list, group " add", ACCESS_CHANGE, "TlsChange",                 \
		 "Add a row to " list, 0, 0, OWN_NONE,                                             \
		 {VALUES("by variable"), CHANGE_PARAMETERS}},                                      \
		{"PATCH", "/lists/" list "/{row}", group " set", ACCESS_CHANGE, "TlsChange",       \
		 "Change a row of " list, 0, 0, OWN_NONE,                                          \
		 {{"row", PLACE_PATH, TARGET_WORD, 0, true, "its number"},                         \
		  VALUES("by variable; null takes one out"), CHANGE_PARAMETERS}},                  \
		{"DELETE", "/lists/" list "/{row}", group " remove", ACCESS_CHANGE, "TlsChange",   \
		 "Remove a row of " list, 0, 0, OWN_NONE,                                          \
		 {{"row", PLACE_PATH, TARGET_WORD, 0, true, "its number"}, CHANGE_PARAMETERS}}

#define QUEUE_ORDER                                                                                \
	{{"ids", PLACE_BODY, TARGET_WORDS, 0, true, "of the messages, or [\"all\"]"}},            \
		.may_be_followed = true

#define DKIM_SELECTOR_PARAMETER                                                                    \
	{"selector", PLACE_BODY, TARGET_WORD, 0, false, "of the key; without: each"}

/* Of keys that are made. */
#define DKIM_MADE_PARAMETERS                                                                       \
	{"selector", PLACE_BODY, TARGET_OPTION, OPTION_SELECTOR, false,                            \
	 "what it is called in DNS; with two keys, what both begin with"},                         \
		{"now", PLACE_BODY, TARGET_FLAG, OPTION_NOW, false,                                \
		 "sign at once, without waiting for DNS"}

/* The session goes on that a change of one's own login is asked for in. */
#define SESSION_OF_WHO_ASKS {"session", PLACE_SESSION, TARGET_OPTION, OPTION_SESSION, false, ""}
#define ACCOUNT_OF_WHO_ASKS {"address", PLACE_SESSION, TARGET_WORD, 0, true, ""}
#define WHO_ASKS ACCOUNT_OF_WHO_ASKS, SESSION_OF_WHO_ASKS

#define OWN_PASSWORD {"password", PLACE_BODY, TARGET_PROOF, 0, true, "one's own, once more"}

const struct route admin_routes[] = {
	{"POST", "/session", NULL, ACCESS_ALL, "Session", "Log in; gives the cookie of the session", 0,
	 0, OWN_LOGIN,
	 {{"account", PLACE_BODY, TARGET_WORD, 0, true, "the address of the user"},
	  {"password", PLACE_BODY, TARGET_INPUT, 0, true, ""},
	  {"code", PLACE_BODY, TARGET_WORD, 0, false,
	   "of the second factor; 401 code_wanted tells that one is wanted"}}},
	{"GET", "/session", NULL, ACCESS_READ, "Session",
	 "Who is logged in, and what X-Postern-Csrf is to say", 0, 0, OWN_SESSION, {{0}}},
	{"DELETE", "/session", NULL, ACCESS_READ, "Empty", "Log out", 0, 0, OWN_LOGOUT, {{0}}},

	{"GET", "/account", "user show", ACCESS_READ, "Account",
	 "Who is logged in: his role, his second factor, his sessions", 0, 0, OWN_NONE, {WHO_ASKS}},
	{"POST", "/account/password", "user passwd", ACCESS_OWN, "Done",
	 "Change one's own password, which ends one's other sessions", 0, 0, OWN_NONE,
	 {WHO_ASKS,
	  {"old", PLACE_BODY, TARGET_PROOF, 0, true, "the password that holds now"},
	  {"new", PLACE_BODY, TARGET_INPUT, 0, true, ""}}},
	{"POST", "/account/totp", "user totp begin", ACCESS_OWN, "TotpSecret",
	 "Make the secret of one's own second factor, which is shown once", 0, 0, OWN_NONE,
	 {ACCOUNT_OF_WHO_ASKS, OWN_PASSWORD}},
	{"POST", "/account/totp/confirm", "user totp confirm", ACCESS_OWN, "Done",
	 "Switch it on with a code; logins want one from then on, and one's other sessions end", 0, 0,
	 OWN_NONE, {WHO_ASKS, {"code", PLACE_BODY, TARGET_WORD, 0, true, "six digits"}}},
	{"DELETE", "/account/totp", "user totp off", ACCESS_OWN, "Done",
	 "Forget one's own second factor; one's other sessions end", 0, 0, OWN_NONE,
	 {WHO_ASKS, OWN_PASSWORD}},
	{"DELETE", "/account/sessions", "user logout", ACCESS_OWN, "Done",
	 "End one's other sessions", 0, 0, OWN_NONE, {WHO_ASKS}},

	{"GET", "/openapi.json", NULL, ACCESS_READ, "OpenApi", "This description", 0, 0, OWN_OPENAPI,
	 {{0}}},

	{"GET", "/status", "status", ACCESS_READ, "Status", "How the server is", 0, 0, OWN_NONE, {{0}}},
	{"GET", "/metrics/history", NULL, ACCESS_READ, "MetricsHistory",
	 "What was counted, minute by minute of the last week", 0, 0, OWN_HISTORY,
	 {{"since", PLACE_QUERY, TARGET_WORD, 0, false, "seconds since 1970; without: a day ago"},
	  {"step", PLACE_QUERY, TARGET_WORD, 0, false, "seconds a sample; whole minutes"}}},

	{"GET", "/tls", "tls show", ACCESS_READ, "TlsPolicy",
	 "The TLS policy in force: protocols, suites in order, groups, certificates", 0, 0, OWN_NONE,
	 {{"service", PLACE_QUERY, TARGET_OPTION, OPTION_SERVICE, false, "only this service"}}},
	{"GET", "/tls/variables", "tls variables", ACCESS_READ, "TlsVariables",
	 "Every TLS variable: what it means, is, and who set it where", 0, 0, OWN_NONE, {{0}}},
	{"GET", "/tls/ciphers", "tls ciphers", ACCESS_READ, "CipherList",
	 "What a cipher string means here, suite by suite", 0, 0, OWN_NONE,
	 {{"string", PLACE_QUERY, TARGET_WORD, 0, true, "as in mailserver.cfg"}}},
	{"POST", "/tls/plan", "tls set", ACCESS_READ, "TlsChange",
	 "What a change would do, service by service; nothing is written", OPT(DRY_RUN), 0, OWN_NONE,
	 {{"min", PLACE_BODY, TARGET_OPTION, OPTION_MIN, false, "the oldest protocol to admit"},
	  {"variables", PLACE_BODY, TARGET_ASSIGNMENTS, 0, false,
	   "new values by TABLE.VARIABLE; an empty text deletes"},
	  {"generation", PLACE_BODY, TARGET_OPTION, OPTION_GENERATION, false,
	   "refuse unless the configuration is still the one of that sign"}}},
	{"POST", "/tls/set", "tls set", ACCESS_CHANGE, "TlsChange",
	 "Change mailserver.cfg and put the change in force", 0, 0, OWN_NONE,
	 {{"min", PLACE_BODY, TARGET_OPTION, OPTION_MIN, false, "the oldest protocol to admit"},
	  {"variables", PLACE_BODY, TARGET_ASSIGNMENTS, 0, false,
	   "new values by TABLE.VARIABLE; an empty text deletes"},
	  {"confirm_within", PLACE_BODY, TARGET_OPTION, OPTION_CONFIRM_WITHIN, false,
	   "undo the change unless it is confirmed in time: 90s, 10m, 2h"},
	  {"generation", PLACE_BODY, TARGET_OPTION, OPTION_GENERATION, false,
	   "refuse unless the configuration is still the one of that sign"}}},
	{"POST", "/tls/reset", "tls reset", ACCESS_CHANGE, "TlsChange",
	 "Delete the TLS variables of both tables, which restores their defaults", 0, 0, OWN_NONE,
	 {{"allow_weaker", PLACE_BODY, TARGET_FLAG, OPTION_ALLOW_WEAKER, false,
	   "do it even where older protocols are admitted again"},
	  CHANGE_PARAMETERS}},
	{"POST", "/tls/confirm", "tls confirm", ACCESS_CHANGE, "Done",
	 "Keep a change that waits for its confirmation", 0, 0, OWN_NONE, {{0}}},
	{"GET", "/tls/history", "tls history", ACCESS_READ, "TlsHistory",
	 "The former versions of mailserver.cfg, the newest first", 0, 0, OWN_NONE,
	 {PAGE_PARAMETERS}},
	{"POST", "/tls/revert", "tls revert", ACCESS_CHANGE, "TlsChange",
	 "Put a former version of mailserver.cfg in force again", 0, 0, OWN_NONE,
	 {{"version", PLACE_BODY, TARGET_WORD, 0, false, "its number in the history; without: the newest"},
	  CHANGE_PARAMETERS}},

	{"GET", "/tls/probe", "tls probe", ACCESS_READ, "Probe",
	 "What a destination offers, and what the client's policy makes of it", 0, PROBE_S, OWN_NONE,
	 {{"destination", PLACE_QUERY, TARGET_WORD, 0, true, "a domain, or HOST[:PORT]"},
	  {"service", PLACE_QUERY, TARGET_OPTION, OPTION_SERVICE, false,
	   "SMTP, Submission, SMTPS, POP3, POP3S, IMAPS or HTTPS"}},
	 .may_be_followed = true},

	LIST_ROUTES("TlsPolicy", "partner"),
	LIST_ROUTES("RelayRule", "relay"),
	LIST_ROUTES("Pop3Account", "pop3-account"),
	LIST_ROUTES("AcmeCertificate", "acme"),

	{"GET", "/services", "service list", ACCESS_READ, "Services",
	 "The services: ports, addresses, TLS, limits", 0, 0, OWN_NONE, {{0}}},
	{"PATCH", "/services/{name}", "service set", ACCESS_CHANGE, "TlsChange",
	 "Change a service's settings", 0, 0, OWN_NONE,
	 {{"name", PLACE_PATH, TARGET_WORD, 0, true, ""},
	  VALUES("by variable; null restores the default"), CHANGE_PARAMETERS}},
	{"POST", "/services/{name}/start", "service start", ACCESS_CHANGE, "TlsChange",
	 "Have a service listen from now on", 0, 0, OWN_NONE,
	 {{"name", PLACE_PATH, TARGET_WORD, 0, true, ""}, CHANGE_PARAMETERS}},
	{"POST", "/services/{name}/stop", "service stop", ACCESS_CHANGE, "TlsChange",
	 "Have a service listen no more; sessions that have begun go on", 0, 0, OWN_NONE,
	 {{"name", PLACE_PATH, TARGET_WORD, 0, true, ""}, CHANGE_PARAMETERS}},
	{"GET", "/settings", "settings show", ACCESS_READ, "Settings",
	 "The settings of mailserver.cfg beside TLS, and their defaults", 0, 0, OWN_NONE,
	 {{"table", PLACE_QUERY, TARGET_WORD, 0, false, "only this one"}}},
	{"PATCH", "/settings", "settings set", ACCESS_CHANGE, "TlsChange",
	 "Change settings of mailserver.cfg and put them in force", 0, 0, OWN_NONE,
	 {VALUES("by TABLE.VARIABLE; null restores the default"), CHANGE_PARAMETERS}},

	{"GET", "/check", "check", ACCESS_READ, "Check", "What is to say about mailserver.cfg", 0, 0,
	 OWN_NONE, {{0}}},
	{"POST", "/reload", "reload", ACCESS_CHANGE, "Done",
	 "Put the configuration and certificates on disk in force", 0, 0, OWN_NONE, {{0}}},

	{"GET", "/certificates", "cert list", ACCESS_READ, "Certificates",
	 "The certificates: names, dates, what serves whom, what is wrong", 0, 0, OWN_NONE, {{0}}},
	{"GET", "/certificates/served", "cert served", ACCESS_READ, "CertificatesServed",
	 "Which certificate each port serves, by the name that a client asks for (SNI)", 0, 0, OWN_NONE,
	 {{0}}},
	{"POST", "/certificates/request", "cert request", ACCESS_CHANGE, "Done",
	 "Have the server ask a CA for a certificate (ACME)", 0, REQUEST_S, OWN_NONE,
	 {{"name", PLACE_BODY, TARGET_WORD, 0, true, "of the pair"},
	  {"domains", PLACE_BODY, TARGET_WORDS, 0, false, "without: those of its row in AcmeCertificate"},
	  {"challenge", PLACE_BODY, TARGET_OPTION, OPTION_CHALLENGE, false, "http-01, tls-alpn-01"},
	  {"key_type", PLACE_BODY, TARGET_OPTION, OPTION_KEY_TYPE, false, "ecdsa, rsa"}},
	 .may_be_followed = true},

	{"GET", "/evidence", "evidence list", ACCESS_READ, "Evidence",
	 "The changes of configuration and certificates that were recorded, the newest first", 0, 0,
	 OWN_NONE, {PAGE_PARAMETERS}},
	{"GET", "/evidence/verify", "evidence verify", ACCESS_READ, "EvidenceVerdict",
	 "Whether the record is as it was written", 0, 0, OWN_NONE, {{0}}},
	{"GET", "/evidence/export", "evidence export", ACCESS_READ, "EvidenceExport",
	 "The record as one signed document", 0, 0, OWN_NONE, {{0}}},

	{"GET", "/domains", "domain list", ACCESS_READ, "Domains", "The domains", 0, 0, OWN_NONE,
	 {PAGE_PARAMETERS}},
	{"POST", "/domains", "domain add", ACCESS_CHANGE, "Done", "Take mail for a domain", 0, 0,
	 OWN_NONE, {{"name", PLACE_BODY, TARGET_WORD, 0, true, ""}}},
	{"DELETE", "/domains/{name}", "domain remove", ACCESS_CHANGE, "Done",
	 "Take no more mail for a domain without users and aliases", 0, 0, OWN_NONE,
	 {{"name", PLACE_PATH, TARGET_WORD, 0, true, ""}}},

	{"GET", "/users", "user list", ACCESS_READ, "Users", "The users", 0, 0, OWN_NONE,
	 {PAGE_PARAMETERS}},
	{"POST", "/users", "user add", ACCESS_CHANGE, "Done",
	 "Make a user with INBOX and the usual mailboxes", 0, 0, OWN_NONE,
	 {{"address", PLACE_BODY, TARGET_WORD, 0, true, ""},
	  {"password", PLACE_BODY, TARGET_INPUT, 0, true, ""},
	  {"role", PLACE_BODY, TARGET_OPTION, OPTION_ROLE, false, "user, auditor or administrator"},
	  {"quota", PLACE_BODY, TARGET_OPTION, OPTION_QUOTA, false,
	   "bytes, or with K, M, G, T behind; 0: no limit"}}},
	{"PATCH", "/users/{address}", "user set", ACCESS_CHANGE, "Done", "Change a user's quota or role",
	 0, 0, OWN_NONE,
	 {{"address", PLACE_PATH, TARGET_WORD, 0, true, ""},
	  {"role", PLACE_BODY, TARGET_OPTION, OPTION_ROLE, false, "user, auditor or administrator"},
	  {"quota", PLACE_BODY, TARGET_OPTION, OPTION_QUOTA, false,
	   "bytes, or with K, M, G, T behind; 0: no limit"}}},
	{"DELETE", "/users/{address}", "user remove", ACCESS_CHANGE, "Done",
	 "Remove a user with all mail", 0, 0, OWN_NONE,
	 {{"address", PLACE_PATH, TARGET_WORD, 0, true, ""}}},
	{"POST", "/users/{address}/password", "user passwd", ACCESS_CHANGE, "Done",
	 "Set a user's password, which ends his sessions", 0, 0, OWN_NONE,
	 {{"address", PLACE_PATH, TARGET_WORD, 0, true, ""},
	  SESSION_OF_WHO_ASKS,
	  {"password", PLACE_BODY, TARGET_INPUT, 0, true, ""}}},
	{"GET", "/users/{address}", "user show", ACCESS_READ, "Account",
	 "A user's role, second factor and sessions of the page", 0, 0, OWN_NONE,
	 {{"address", PLACE_PATH, TARGET_WORD, 0, true, ""}, SESSION_OF_WHO_ASKS}},
	{"DELETE", "/users/{address}/sessions", "user logout", ACCESS_CHANGE, "Done",
	 "End a user's sessions of the page", 0, 0, OWN_NONE,
	 {{"address", PLACE_PATH, TARGET_WORD, 0, true, ""}, SESSION_OF_WHO_ASKS}},
	{"POST", "/users/{address}/totp", "user totp begin", ACCESS_CHANGE, "TotpSecret",
	 "Make the secret of a second factor, which is shown once", 0, 0, OWN_NONE,
	 {{"address", PLACE_PATH, TARGET_WORD, 0, true, ""}}},
	{"POST", "/users/{address}/totp/confirm", "user totp confirm", ACCESS_CHANGE, "Done",
	 "Switch it on with a code; logins want one from then on", 0, 0, OWN_NONE,
	 {{"address", PLACE_PATH, TARGET_WORD, 0, true, ""},
	  SESSION_OF_WHO_ASKS,
	  {"code", PLACE_BODY, TARGET_WORD, 0, true, "six digits"}}},
	{"DELETE", "/users/{address}/totp", "user totp off", ACCESS_CHANGE, "Done",
	 "Forget a user's second factor", 0, 0, OWN_NONE,
	 {{"address", PLACE_PATH, TARGET_WORD, 0, true, ""}, SESSION_OF_WHO_ASKS}},

	{"POST", "/users/{address}/import", "import", ACCESS_CHANGE, "Imported",
	 "Bring mail into a user's mailbox: the body is an mbox file, or one message", 0, MAIL_S,
	 OWN_NONE,
	 {{"address", PLACE_PATH, TARGET_WORD, 0, true, ""},
	  {"mail", PLACE_BODY, TARGET_UPLOAD, 0, true, "application/mbox or message/rfc822"},
	  {"mailbox", PLACE_QUERY, TARGET_OPTION, OPTION_MAILBOX, false, "without: INBOX"}},
	 .may_be_followed = true,
	 .takes_upload = true},

	{"GET", "/aliases", "alias list", ACCESS_READ, "Aliases", "The aliases", 0, 0, OWN_NONE,
	 {PAGE_PARAMETERS}},
	{"POST", "/aliases", "alias add", ACCESS_CHANGE, "Done",
	 "Have mail to an address go to users or other aliases", 0, 0, OWN_NONE,
	 {{"address", PLACE_BODY, TARGET_WORD, 0, true, ""},
	  {"targets", PLACE_BODY, TARGET_WORDS, 0, true, ""}}},
	{"DELETE", "/aliases/{address}", "alias remove", ACCESS_CHANGE, "Done",
	 "Remove an alias, or some of its targets", 0, 0, OWN_NONE,
	 {{"address", PLACE_PATH, TARGET_WORD, 0, true, ""},
	  {"targets", PLACE_BODY, TARGET_WORDS, 0, false, "these alone"}}},

	{"GET", "/remote-passwords", "remote-password list", ACCESS_READ, "RemotePasswords",
	 "The names of passwords for other servers", 0, 0, OWN_NONE, {{0}}},
	{"POST", "/remote-passwords", "remote-password set", ACCESS_CHANGE, "Done",
	 "Keep a password with which this server logs in at another", 0, 0, OWN_NONE,
	 {{"name", PLACE_BODY, TARGET_WORD, 0, true, ""},
	  {"password", PLACE_BODY, TARGET_INPUT, 0, true, ""}}},
	{"DELETE", "/remote-passwords/{name}", "remote-password remove", ACCESS_CHANGE, "Done",
	 "Forget a password for another server", 0, 0, OWN_NONE,
	 {{"name", PLACE_PATH, TARGET_WORD, 0, true, ""}}},

	{"GET", "/downloads", "pop3 list", ACCESS_READ, "Downloads",
	 "The mailboxes elsewhere that mail is fetched from, and how the last visit went", 0, 0,
	 OWN_NONE, {{0}}},
	{"POST", "/downloads/run", "pop3 run", ACCESS_CHANGE, "Done",
	 "Fetch the mail of a row of Pop3Account now", 0, REQUEST_S, OWN_NONE,
	 {{"name", PLACE_BODY, TARGET_WORD, 0, true, "of the row"}},
	 .may_be_followed = true},

	{"GET", "/queue", "queue list", ACCESS_READ, "Queue",
	 "The messages that wait for other servers, and why each does", 0, 0, OWN_NONE,
	 {PAGE_PARAMETERS}},
	{"GET", "/queue/{id}", "queue show", ACCESS_READ, "QueueEntry",
	 "A message of the queue and each recipient", 0, 0, OWN_NONE,
	 {{"id", PLACE_PATH, TARGET_WORD, 0, true, ""}}},
	{"POST", "/queue/retry", "queue retry", ACCESS_CHANGE, "QueueOrdered",
	 "Try messages of the queue now", 0, ORDER_S, OWN_NONE, QUEUE_ORDER},
	{"POST", "/queue/hold", "queue hold", ACCESS_CHANGE, "QueueOrdered",
	 "Hold messages of the queue until they are released", 0, ORDER_S, OWN_NONE, QUEUE_ORDER},
	{"POST", "/queue/release", "queue release", ACCESS_CHANGE, "QueueOrdered",
	 "Let held messages of the queue go on", 0, ORDER_S, OWN_NONE, QUEUE_ORDER},
	{"POST", "/queue/remove", "queue remove", ACCESS_CHANGE, "QueueOrdered",
	 "Remove messages from the queue; the senders are not told", 0, ORDER_S, OWN_NONE, QUEUE_ORDER},

	{"GET", "/dkim", "dkim show", ACCESS_READ, "Dkim",
	 "The keys that sign mail, their records, and whether DNS has them", 0, 0, OWN_NONE,
	 {{"domain", PLACE_QUERY, TARGET_WORD, 0, false, "only this one"}}},

	{"POST", "/dkim", "dkim add", ACCESS_CHANGE, "Done",
	 "Make keys that sign a domain's mail; the text has the records to publish", 0, 0, OWN_NONE,
	 {{"domain", PLACE_BODY, TARGET_WORD, 0, true, ""},
	  {"algorithm", PLACE_BODY, TARGET_OPTION, OPTION_ALGORITHM, false, "rsa, ed25519 or both"},
	  DKIM_MADE_PARAMETERS}},
	{"POST", "/dkim/{domain}/rotate", "dkim rotate", ACCESS_CHANGE, "Done",
	 "Make the next keys of a domain; the text has the records to publish", 0, 0, OWN_NONE,
	 {{"domain", PLACE_PATH, TARGET_WORD, 0, true, ""}, DKIM_MADE_PARAMETERS}},
	{"POST", "/dkim/{domain}/activate", "dkim activate", ACCESS_CHANGE, "Done",
	 "Sign with keys that wait, whether or not DNS has their records", 0, 0, OWN_NONE,
	 {{"domain", PLACE_PATH, TARGET_WORD, 0, true, ""}, DKIM_SELECTOR_PARAMETER}},
	{"DELETE", "/dkim/{domain}", "dkim remove", ACCESS_CHANGE, "Done",
	 "Remove a key of a domain, or all of them: then its mail is not signed", 0, 0, OWN_NONE,
	 {{"domain", PLACE_PATH, TARGET_WORD, 0, true, ""}, DKIM_SELECTOR_PARAMETER}},

	{"GET", "/dns/lookup", "dns lookup", ACCESS_READ, "DnsAnswer",
	 "What DNS says, and what DNSSEC says of it", 0, 0, OWN_NONE,
	 {{"name", PLACE_QUERY, TARGET_WORD, 0, true, ""},
	  {"type", PLACE_QUERY, TARGET_WORD, 0, false, "A, AAAA, MX, PTR, TXT, SRV, TLSA or CAA"}}},
	{"GET", "/domains/{name}/records", "dns records", ACCESS_READ, "DnsRecords",
	 "The records that DNS has to have for a domain here, and whether it has them", 0, 0, OWN_NONE,
	 {{"name", PLACE_PATH, TARGET_WORD, 0, true, ""}}},
	{"GET", "/setup", "setup status", ACCESS_READ, "Setup",
	 "What is still to be done before mail comes and goes", 0, 0, OWN_NONE, {{0}}},
	{"GET", "/connections", "connections", ACCESS_READ, "Connections", "Who is connected now", 0, 0,
	 OWN_NONE,
	 {PAGE_PARAMETERS,
	  {"service", PLACE_QUERY, TARGET_OPTION, OPTION_SERVICE, false, "only this service"}}},
	{"POST", "/certificates/import", "cert import", ACCESS_CHANGE, "CertificateImport",
	 "Bring a certificate and its key into sslcert/, or show what would come", 0, IMPORT_S, OWN_NONE,
	 {{"name", PLACE_BODY, TARGET_WORD, 0, true, "of the pair"},
	  {"password", PLACE_BODY, TARGET_INPUT, 0, false, "of the private key, or of the PKCS#12 file"},
	  {"pem", PLACE_BODY, TARGET_TEXT, 0, false,
	   "in PEM form: the certificate, its issuers in any order, and its private key unless that is here"},
	  {"pkcs12", PLACE_BODY, TARGET_BYTES, 0, false, "in place of `pem`: a PKCS#12 file"},
	  {"dry_run", PLACE_BODY, TARGET_FLAG, OPTION_DRY_RUN, false,
	   "show what it is and write nothing"}}},
	{"POST", "/certificates/csr", "cert csr", ACCESS_CHANGE, "CertificateRequest",
	 "Make a private key and a request for a CA; the key waits here for the certificate", 0, 0, OWN_NONE,
	 {{"name", PLACE_BODY, TARGET_WORD, 0, true, "of the pair"},
	  {"hosts", PLACE_BODY, TARGET_WORDS, 0, false, "without: those of the certificate that is there"},
	  {"key_type", PLACE_BODY, TARGET_OPTION, OPTION_KEY_TYPE, true, "ecdsa, rsa"}}},
	{"GET", "/certificates/requests", "cert pending list", ACCESS_READ, "CertificateRequests",
	 "The requests whose certificate has not come", 0, 0, OWN_NONE, {{0}}},
	{"DELETE", "/certificates/requests/{name}", "cert pending remove", ACCESS_CHANGE, "Done",
	 "Give up a request, and delete its private key", 0, 0, OWN_NONE,
	 {{"name", PLACE_PATH, TARGET_WORD, 0, true, ""}}},
	{"POST", "/certificates/self-signed", "cert self-signed", ACCESS_CHANGE, "Done",
	 "Make an RSA and an ECDSA pair as init does", 0, 0, OWN_NONE,
	 {{"name", PLACE_BODY, TARGET_WORD, 0, true, "of the pair"},
	  {"hosts", PLACE_BODY, TARGET_WORDS, 0, false, "the names that it is for"}}},
	{"GET", "/dns/peer", "dns peer", ACCESS_READ, "DnsPeer",
	 "The names of an address that lead back to it", 0, 0, OWN_NONE,
	 {{"address", PLACE_QUERY, TARGET_WORD, 0, true, ""}}},
	{"GET", "/dns/route", "dns route", ACCESS_READ, "DnsRoute",
	 "The hosts to which mail for a domain goes", 0, 0, OWN_NONE,
	 {{"domain", PLACE_QUERY, TARGET_WORD, 0, true, ""}}},

	{"GET", "/logs/{name}", "logs", ACCESS_READ, "Log", "The end of a log file", 0, 0, OWN_NONE,
	 {{"name", PLACE_PATH, TARGET_WORD, 0, true,
	   "mail, security, error, warning, operations, audit, config or debug"},
	  {"lines", PLACE_QUERY, TARGET_OPTION, OPTION_LINES, false, "so many lines"},
	  {"before", PLACE_QUERY, TARGET_OPTION, OPTION_BEFORE, false,
	   "those before this place: `before` of the answer"},
	  {"filter", PLACE_QUERY, TARGET_OPTION, OPTION_FILTER, false,
	   "only lines with this text in them, in any case"}}},
	{"GET", "/logs/{name}/follow", "logs", ACCESS_READ, "Log",
	 "The lines of a log file as they are written, as server-sent events", OPT(FOLLOW), STREAM_S,
	 OWN_NONE,
	 {{"name", PLACE_PATH, TARGET_WORD, 0, true,
	   "mail, security, error, warning, operations, audit, config or debug"},
	  {"lines", PLACE_QUERY, TARGET_OPTION, OPTION_LINES, false, "begin with so many lines"},
	  {"filter", PLACE_QUERY, TARGET_OPTION, OPTION_FILTER, false,
	   "only lines with this text in them, in any case"}},
	 true},
};

const size_t admin_route_count = sizeof(admin_routes) / sizeof(admin_routes[0]);
