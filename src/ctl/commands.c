/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands; a row without help is for our own build and hidden. */
#include "ctl/ctl.h"

#define OPT(id) OPTION_BIT(id)
/* Of commands that change mailserver.cfg. */
#define CHANGE_OPTIONS (OPT(DRY_RUN) | OPT(CONFIRM_WITHIN) | OPT(GENERATION) | OPT(JSON))
/* Of lists. */
#define PAGE_OPTIONS (OPT(SEARCH) | OPT(AFTER) | OPT(LIMIT) | OPT(JSON))

static const struct command rows[] = {
	{"init", "", 0, 0, OPT(HOSTNAME) | OPT(PORTS) | OPT(FROM) | OPT(ADMINISTRATOR) | OPT(PASSWORD_STDIN),
	 "Make a home: configuration, local certificates, empty store",
	 "A home that exists is refused. With --administrator, whose password is asked for, all the "
	 "rest can be done on the administration page. With --from the TLS tables of that file apply as they "
	 "are; what "
	 "Postern does not read in it is kept and listed.",
	 cmd_init},
	{"serve", "", 0, 0, 0, "Run the server in the foreground",
	 "SIGTERM stops it, SIGHUP reloads. `postern: ready` on standard output tells that every "
	 "service "
	 "listens.",
	 cmd_serve},
	{"reload", "", 0, 0, 0, "Put the configuration and certificates on disk in force",
	 "Sessions go on with what they began with. A file with errors is not applied: they are "
	 "told, and "
	 "the exit code is 2.",
	 cmd_reload},
	{"stop", "", 0, 0, 0, "End the running server and wait until it has ended", "", cmd_stop},
	{"status", "", 0, 0, OPT(JSON), "Tell how the running server is", "", cmd_status},
	{"check", "[FILE]", 0, 1, OPT(JSON), "Check mailserver.cfg and say what is effective",
	 "Without FILE the home's, and its certificates. The exit code is 0 when nothing is to "
	 "say, 1 with "
	 "warnings, 2 with errors.",
	 cmd_check},
	{"domain add", "NAME", 1, 1, 0, "Take mail for a domain", "", cmd_domain_add},
	{"domain list", "", 0, 0, PAGE_OPTIONS, "List the domains", "", cmd_domain_list},
	{"domain remove", "NAME", 1, 1, 0,
	 "Take no more mail for a domain without users and aliases", "", cmd_domain_remove},
	{"user add", "ADDRESS", 1, 1, OPT(PASSWORD_STDIN) | OPT(ADMIN) | OPT(ROLE) | OPT(QUOTA),
	 "Make a user with INBOX and the usual mailboxes",
	 "Asks for the password on the terminal unless --password-stdin is given.", cmd_user_add},
	{"user list", "", 0, 0, PAGE_OPTIONS, "List the users", "", cmd_user_list},
	{"user set", "ADDRESS", 1, 1, OPT(QUOTA) | OPT(ROLE), "Change a user's quota or role",
	 "What is not given stays as it is.", cmd_user_set},
	{"user remove", "ADDRESS", 1, 1, 0, "Remove a user with all mail", "", cmd_user_remove},
	{"user passwd", "ADDRESS", 1, 1, OPT(PASSWORD_STDIN) | OPT(SESSION), "Set a user's password",
	 "His sessions of the administration page end.", cmd_user_passwd},
	{"user show", "ADDRESS", 1, 1, OPT(JSON) | OPT(SESSION),
	 "Show a user's role, second factor and sessions of the administration page", "",
	 cmd_user_show},
	{"user logout", "ADDRESS", 1, 1, OPT(SESSION),
	 "End a user's sessions of the administration page",
	 "For a device that was lost, above all. Whoever has the password may log in again.",
	 cmd_user_logout},
	{"user totp begin", "ADDRESS", 1, 1, OPT(JSON),
	 "Make the secret of a second factor for an administrator or auditor",
	 "Prints it once, in base32 and as an otpauth URI for a telephone. Nothing is asked for yet: "
	 "`user totp confirm` switches it on. Then the administration page wants a code "
	 "beside the password; mail does not.",
	 cmd_user_totp_begin},
	{"user totp confirm", "ADDRESS CODE", 2, 2, OPT(SESSION),
	 "Switch a second factor on with a code of the telephone",
	 "The user's sessions of the administration page end.", cmd_user_totp_confirm},
	{"user totp off", "ADDRESS", 1, 1, OPT(SESSION), "Forget a user's second factor",
	 "The way back in for whoever has lost the telephone. His sessions of the administration "
	 "page end.",
	 cmd_user_totp_off},
	{"alias add", "ADDRESS TARGET...", 2, ARGUMENTS_MAX, 0,
	 "Have mail to an address go to users or other aliases", "", cmd_alias_add},
	{"alias list", "", 0, 0, PAGE_OPTIONS, "List the aliases", "", cmd_alias_list},
	{"alias remove", "ADDRESS [TARGET...]", 1, ARGUMENTS_MAX, 0,
	 "Remove an alias, or some of its targets", "", cmd_alias_remove},
	{"import", "ADDRESS FILE|MAILDIR|-", 2, 2, OPT(MAILBOX) | OPT(JSON),
	 "Bring mail of an mbox file, one message or a Maildir into mailboxes",
	 "FILE is an mbox or holds one message; for - the standard input is read. Folders within a "
	 "Maildir (.Sent, .Archive.2025) come into mailboxes of their names; with --mailbox only "
	 "what stands in the Maildir itself is brought. The bytes stay, but for line ends, which "
	 "become CR LF as in transport, and the quoting of mbox files (mboxrd: one > before From is "
	 "taken away). Dates come from the borders of the mbox, the times of the files or the "
	 "message itself, flags and keywords from Status fields or file names.",
	 cmd_import},
	{"remote-password set", "NAME", 1, 1, OPT(PASSWORD_STDIN),
	 "Keep a password with which this server logs in at another",
	 "Rows of RelayRule and Pop3Account name it. It is kept sealed; nothing shows it again.",
	 cmd_remote_password_set},
	{"remote-password list", "", 0, 0, OPT(JSON),
	 "List the names of passwords for other servers", "", cmd_remote_password_list},
	{"remote-password remove", "NAME", 1, 1, 0, "Forget a password for another server", "",
	 cmd_remote_password_remove},
	{"pop3 list", "", 0, 0, OPT(JSON),
	 "List the mailboxes elsewhere that mail is fetched from, and how the last visit went", "",
	 cmd_pop3_list},
	{"pop3 run", "NAME", 1, 1, 0, "Fetch the mail of a row of Pop3Account now",
	 "Waits until the visit is over. The exit code is 1 when it failed.", cmd_pop3_run},
	{"queue list", "", 0, 0, PAGE_OPTIONS,
	 "List the messages that wait for other servers, and why each does", "", cmd_queue_list},
	{"queue show", "ID", 1, 1, OPT(JSON), "Show a message of the queue and each recipient", "",
	 cmd_queue_show},
	{"queue retry", "ID...|all", 1, ARGUMENTS_MAX, OPT(JSON), "Try messages of the queue now", "",
	 cmd_queue_retry},
	{"queue hold", "ID...|all", 1, ARGUMENTS_MAX, OPT(JSON),
	 "Hold messages of the queue until they are released",
	 "Their life goes on; one whose time is over when it is released gets a last attempt.",
	 cmd_queue_hold},
	{"queue release", "ID...|all", 1, ARGUMENTS_MAX, OPT(JSON), "Let held messages of the queue go on",
	 "", cmd_queue_release},
	{"queue remove", "ID...|all", 1, ARGUMENTS_MAX, OPT(JSON),
	 "Remove messages from the queue; the senders are not told", "", cmd_queue_remove},
	{"tls show", "", 0, 0, OPT(SERVICE) | OPT(JSON),
	 "Show the TLS policy in force: protocols, suites in order, groups, certificates",
	 "Asks the running server; without one it shows what mailserver.cfg says.", cmd_tls_show},
	{"tls variables", "", 0, 0, OPT(JSON),
	 "List every TLS variable: its value, whether that is the default, and who set it where",
	 "Both tables whole, and what services set of their own. Who set it comes from "
	 "evidence.log. With "
	 "--json also meaning, type and default of each, what `check` says of it, every service, "
	 "and "
	 "what was edited by hand and is not in force.",
	 cmd_tls_variables},
	{"tls ciphers", "STRING", 1, 1, OPT(JSON),
	 "Show what a cipher string means here, suite by suite", "", cmd_tls_ciphers},
	{"tls probe", "DOMAIN|HOST[:PORT]...", 1, ARGUMENTS_MAX, OPT(SERVICE) | OPT(JSON),
	 "Show what a destination offers, and what the client's policy makes of it",
	 "Connects as the server would to deliver mail: finds the hosts of a domain, says EHLO, "
	 "begins TLS, "
	 "judges the certificate, and goes. Sends nothing. --service is SMTP (the default), "
	 "Submission, "
	 "SMTPS, POP3, POP3S, IMAPS or HTTPS. The exit code is 1 where a destination cannot be "
	 "spoken to as "
	 "the policy demands; with --json each destination is one line.",
	 cmd_tls_probe},
	{"tls set", "[TABLE.VARIABLE=VALUE...]", 0, ARGUMENTS_MAX,
	 OPT(MIN) | OPT(DRY_RUN) | OPT(CONFIRM_WITHIN) | OPT(GENERATION) | OPT(JSON),
	 "Change mailserver.cfg and put the change in force",
	 "--min writes the four protocol lists, every protocol from VERSION up. What would go and "
	 "come "
	 "is shown; the exit code is 1 where a service's own variables admit older ones still. "
	 "Without "
	 "a running server the file is written, and --confirm-within is refused.",
	 cmd_tls_set},
	{"tls reset", "", 0, 0, CHANGE_OPTIONS | OPT(ALLOW_WEAKER),
	 "Delete the TLS variables of both tables, which restores their defaults",
	 "Refused where older protocols would be admitted than now, unless --allow-weaker is "
	 "given.",
	 cmd_tls_reset},
	{"tls confirm", "", 0, 0, 0, "Keep a change that waits for its confirmation", "",
	 cmd_tls_confirm},
	{"tls history", "", 0, 0, PAGE_OPTIONS, "List the former versions of mailserver.cfg",
	 "The newest first, each with what changed then, and who changed it.", cmd_tls_history},
	{"tls revert", "[N]", 0, 1, CHANGE_OPTIONS,
	 "Put a former version of mailserver.cfg in force again",
	 "Without N the newest of the history. Edits by hand that are not in force yet are kept. "
	 "While a "
	 "change waits for its confirmation this ends the wait, and --confirm-within is refused.",
	 cmd_tls_revert},
	{"partner list", "", 0, 0, OPT(JSON),
	 "List the rows of TlsPolicy: what holds for single peers",
	 "With --json also what each variable means, and what `check` says of the rows.",
	 cmd_rows_list},
	{"partner add", "VARIABLE=VALUE...", 1, ARGUMENTS_MAX, CHANGE_OPTIONS,
	 "Add a row to TlsPolicy",
	 "For example Peer=192.0.2.0/24 Direction=in Level=encrypt. The manual's page about single "
	 "peers "
	 "tells each variable.",
	 cmd_rows_add},
	{"partner set", "ROW VARIABLE=VALUE...", 2, ARGUMENTS_MAX, CHANGE_OPTIONS,
	 "Change a row of TlsPolicy",
	 "An empty value takes the variable out. --generation makes sure "
	 "that ROW is still the one that was seen.",
	 cmd_rows_set},
	{"partner remove", "ROW", 1, 1, CHANGE_OPTIONS, "Remove a row of TlsPolicy", "",
	 cmd_rows_remove},
	{"relay list", "", 0, 0, OPT(JSON),
	 "List the rows of RelayRule: which mail goes to which server",
	 "With --json also what each variable means, and what `check` says of the rows.",
	 cmd_rows_list},
	{"relay add", "VARIABLE=VALUE...", 1, ARGUMENTS_MAX, CHANGE_OPTIONS,
	 "Add a row to RelayRule, behind the others",
	 "For example Recipient=example.net Host=relay.example.net. The manual's page about relay "
	 "hosts "
	 "tells each variable.",
	 cmd_rows_add},
	{"relay set", "ROW VARIABLE=VALUE...", 2, ARGUMENTS_MAX, CHANGE_OPTIONS,
	 "Change a row of RelayRule",
	 "An empty value takes the variable out. --generation makes sure "
	 "that ROW is still the one that was seen.",
	 cmd_rows_set},
	{"relay remove", "ROW", 1, 1, CHANGE_OPTIONS, "Remove a row of RelayRule", "",
	 cmd_rows_remove},
	{"pop3-account list", "", 0, 0, OPT(JSON),
	 "List the rows of Pop3Account: mailboxes elsewhere that mail is fetched from",
	 "How the visits went, `pop3 list` tells. With --json also what each variable means, and what "
	 "`check` says of the rows.",
	 cmd_rows_list},
	{"pop3-account add", "VARIABLE=VALUE...", 1, ARGUMENTS_MAX, CHANGE_OPTIONS,
	 "Add a row to Pop3Account",
	 "For example Name=office Host=pop.example.net User=anna Password=office DeliverTo=anna@example.org.",
	 cmd_rows_add},
	{"pop3-account set", "ROW VARIABLE=VALUE...", 2, ARGUMENTS_MAX, CHANGE_OPTIONS,
	 "Change a row of Pop3Account", "An empty value takes the variable out. --generation makes sure "
	 "that ROW is still the one that was seen.",
	 cmd_rows_set},
	{"pop3-account remove", "ROW", 1, 1, CHANGE_OPTIONS, "Remove a row of Pop3Account", "",
	 cmd_rows_remove},
	{"service list", "", 0, 0, OPT(JSON), "List the services: ports, addresses, TLS, limits",
	 "", cmd_service_list},
	{"service set", "NAME VARIABLE=VALUE...", 2, ARGUMENTS_MAX, CHANGE_OPTIONS,
	 "Change a service's settings",
	 "The same as tls set with Service:NAME.VARIABLE=VALUE. An empty "
	 "value restores the default.",
	 cmd_service_set},
	{"service start", "NAME", 1, 1, CHANGE_OPTIONS, "Have a service listen from now on", "",
	 cmd_service_start},
	{"service stop", "NAME", 1, 1, CHANGE_OPTIONS, "Have a service listen no more",
	 "Sessions that have begun go on.", cmd_service_stop},
	{"settings show", "[TABLE]", 0, 1, OPT(JSON),
	 "Show the settings of mailserver.cfg beside TLS, and their defaults", "",
	 cmd_settings_show},
	{"settings set", "TABLE.VARIABLE=VALUE...", 1, ARGUMENTS_MAX, CHANGE_OPTIONS,
	 "Change settings of mailserver.cfg and put them in force",
	 "An empty value restores the default.", cmd_settings_set},
	{"cert list", "", 0, 0, OPT(JSON),
	 "List the certificates in sslcert/: names, key, dates, what serves whom, what is wrong",
	 "The exit code is 0 when nothing is to say, 1 with warnings, 2 with a pair that cannot be "
	 "used.",
	 cmd_cert_list},
	{"cert served", "", 0, 0, OPT(JSON),
	 "Show which certificate each port serves, by the name that a client asks for (SNI)",
	 "With the end of each and the state of its stapled answer (OCSP), from what the running server "
	 "has in force; without one, what it would serve.",
	 cmd_cert_served},
	{"cert request", "NAME [DOMAIN...]", 1, ARGUMENTS_MAX, OPT(CHALLENGE) | OPT(KEY_TYPE),
	 "Have the running server ask a CA for a certificate (ACME)",
	 "Without domains for those of the row NAME in the list AcmeCertificate. Tells how far it "
	 "is; the "
	 "pair in force stays until the new one is. The exit code is 1 when the CA refuses.",
	 cmd_cert_request},
	{"cert import", "NAME [FILE [KEY [CHAIN]]]", 1, 4, OPT(PASSWORD_STDIN) | OPT(DRY_RUN) | OPT(JSON),
	 "Bring a certificate and its key into sslcert/",
	 "FILE is the certificate in PEM form with as many issuers as there are, in any order, or "
	 "a "
	 "PKCS#12 file; without it, or for -, the standard input is read. Without KEY the private "
	 "key stands in FILE, or is the one of the pair already, or one that waits since `cert csr`. "
	 "CHAIN holds further issuers. What is protected by a password asks for it; with "
	 "--password-stdin it is the first line of the input, before FILE. What is not usable is refused, "
	 "and the pair before it stays. --dry-run shows what it is and writes nothing.",
	 cmd_cert_import},
	{"cert self-signed", "NAME [HOST...]", 1, ARGUMENTS_MAX, 0,
	 "Make an RSA and an ECDSA pair as init does: NAME and NAME-ecdsa, signed by a local root",
	 "For the given host names, or for NAME. A pair that came from a CA is not overwritten.",
	 cmd_cert_self_signed},
	{"cert csr", "NAME [HOST...]", 1, ARGUMENTS_MAX, OPT(KEY_TYPE) | OPT(JSON),
	 "Make a request for a CA (PKCS#10), and print it",
	 "With --key-type for a new private key, which stays here and waits: `cert import` without a "
	 "key finds it when the certificate has come. Else with the key of the pair. For the given host "
	 "names, or for those of the certificate that is there.",
	 cmd_cert_csr},
	{"cert pending list", "", 0, 0, OPT(JSON),
	 "List the requests whose certificate has not come",
	 "With --json also each request itself, to be sent once more.", cmd_cert_pending_list},
	{"cert pending remove", "NAME", 1, 1, 0,
	 "Give up a request, and delete its private key",
	 "A certificate that comes for it afterwards cannot be used.", cmd_cert_pending_remove},
	{"acme list", "", 0, 0, OPT(JSON),
	 "List the rows of AcmeCertificate: certificates that a CA is asked for, and renewed",
	 "When each is asked for next, and why the last try failed, `status` tells. With --json also what "
	 "each variable means, and what `check` says of the rows.",
	 cmd_rows_list},
	{"acme add", "VARIABLE=VALUE...", 1, ARGUMENTS_MAX, CHANGE_OPTIONS,
	 "Add a row to AcmeCertificate: the CA is asked for it at once",
	 "For example Name=server-ecdsa Domains=mail.example.org,imap.example.org KeyType=ecdsa. Which CA, "
	 "and that you agree to its terms, stands in the table Acme (`settings set Acme.AgreeTerms=1`).",
	 cmd_rows_add},
	{"acme set", "ROW VARIABLE=VALUE...", 2, ARGUMENTS_MAX, CHANGE_OPTIONS,
	 "Change a row of AcmeCertificate", "An empty value takes the variable out. --generation makes sure "
	 "that ROW is still the one that was seen.",
	 cmd_rows_set},
	{"acme remove", "ROW", 1, 1, CHANGE_OPTIONS, "Remove a row of AcmeCertificate",
	 "The pair in sslcert/ stays and is served; it is renewed no more.", cmd_rows_remove},
	{"evidence list", "", 0, 0, PAGE_OPTIONS,
	 "List the changes of configuration and certificates that were recorded",
	 "The newest first.", cmd_evidence_list},
	{"evidence verify", "", 0, 0, OPT(JSON), "Check that the record is as it was written",
	 "The exit code is 1 when an entry was changed, removed or put elsewhere; each is named.",
	 cmd_evidence_verify},
	{"evidence export", "", 0, 0, 0, "Print the record as one signed JSON document",
	 "Needs the running server, whose keys process signs. The manual's page about evidence "
	 "tells how "
	 "openssl verifies it.",
	 cmd_evidence_export},
	{"dkim add", "DOMAIN", 1, 1, OPT(ALGORITHM) | OPT(SELECTOR) | OPT(NOW),
	 "Make keys for a domain that sign its mail (DKIM), and print the records to publish",
	 "One of RSA and one of Ed25519, unless --algorithm says otherwise; with two keys "
	 "--selector is what "
	 "their selectors begin with. Nothing is signed with a key before the server has seen its "
	 "record in "
	 "DNS, unless --now is given.",
	 cmd_dkim_add},
	{"dkim show", "[DOMAIN]", 0, 1, OPT(JSON),
	 "Show the keys of a domain or of all, their records, and whether DNS has them",
	 "States: waiting for publication, signing, retiring, retired. The exit code is 1 when DNS "
	 "has not "
	 "the record of a key that signs.",
	 cmd_dkim_show},
	{"dkim rotate", "DOMAIN", 1, 1, OPT(SELECTOR) | OPT(NOW),
	 "Make the next keys of a domain, which take over when their records are in DNS",
	 "Those before them retire then: their records are to stay for seven days.",
	 cmd_dkim_rotate},
	{"dkim activate", "DOMAIN [SELECTOR]", 1, 2, 0,
	 "Sign with a key that waits, whether or not its record is in DNS", "", cmd_dkim_activate},
	{"dkim remove", "DOMAIN [SELECTOR]", 1, 2, 0,
	 "Remove a key of a domain, or all of them: then its mail is not signed", "",
	 cmd_dkim_remove},
	{"dns lookup", "NAME [TYPE]", 1, 2, OPT(JSON),
	 "Ask DNS as the server does, and tell what DNSSEC says of the answer",
	 "TYPE is A (the default), AAAA, MX, PTR, TXT or TLSA. The exit code is 1 when there is "
	 "nothing, or "
	 "nothing that may be used.",
	 cmd_dns_lookup},
	{"dns peer", "ADDRESS", 1, 1, OPT(JSON),
	 "Show the names of an address that lead back to it",
	 "They are the names by which a peer is known. The exit code is 1 when there is none.",
	 cmd_dns_peer},
	{"dns route", "DOMAIN", 1, 1, OPT(JSON),
	 "Show the hosts to which mail for a domain goes, in the order in which they are tried",
	 "DOMAIN is the part of an address behind the @. Of hosts that are equal the order is by "
	 "chance. The "
	 "exit code is 1 when there is no host.",
	 cmd_dns_route},
	{"dns records", "DOMAIN", 1, 1, OPT(JSON),
	 "List the records that DNS has to have for a domain here, and whether it has them",
	 "MX, SPF, the keys of DKIM, DMARC, and those by which mail programs find the services. "
	 "The exit "
	 "code is 1 when one without which mail suffers is missing, or is another.",
	 cmd_dns_records},
	{"setup status", "", 0, 0, OPT(JSON),
	 "Tell what is still to be done before mail comes and goes",
	 "Host name, first domain, first user, administrator, certificate of a CA, MX record. The "
	 "exit code is "
	 "1 when something is left.",
	 cmd_setup_status},
	{"connections", "", 0, 0, OPT(SERVICE) | PAGE_OPTIONS,
	 "List who is connected now: service, address, user, since when, and what TLS agreed on",
	 "", cmd_connections},
	{"logs", "[NAME]", 0, 1, OPT(FOLLOW) | OPT(LINES) | OPT(BEFORE) | OPT(FILTER) | OPT(JSON),
	 "Print a log file",
	 "With --filter, --before or --json it is a page: the last lines (100 unless --lines says "
	 "otherwise) before a place, files that were put aside included. NAME is mail (the "
	 "default), security, error, warning, operations, audit, config or "
	 "debug.",
	 cmd_logs},
	{"print man", "", 0, 0, 0, "", "", cmd_print_man},
	{"print bash", "", 0, 0, 0, "", "", cmd_print_bash},
	{"print openapi", "", 0, 0, 0, "", "", cmd_print_openapi},
};

const struct command_table ctl_commands = {rows, sizeof(rows) / sizeof(rows[0])};
