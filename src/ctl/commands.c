/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands; a row without help is for our own build and hidden. */
#include "ctl/ctl.h"

#define OPT(id) OPTION_BIT(id)

static const struct command rows[] = {
	{"init", "", 0, 0, OPT(HOSTNAME) | OPT(PORTS) | OPT(FROM),
	 "Make a home: configuration, local certificates, empty store",
	 "A home that exists is refused. With --from the TLS tables of that file apply as they are; what "
	 "Postern does not read in it is kept and listed.",
	 cmd_init},
	{"serve", "", 0, 0, 0, "Run the server in the foreground",
	 "SIGTERM stops it, SIGHUP reloads. `postern: ready` on standard output tells that every service "
	 "listens.",
	 cmd_serve},
	{"reload", "", 0, 0, 0, "Put the configuration and certificates on disk in force",
	 "Sessions go on with what they began with. A file with errors is not applied: they are told, and "
	 "the exit code is 2.",
	 cmd_reload},
	{"stop", "", 0, 0, 0, "End the running server and wait until it has ended", "", cmd_stop},
	{"status", "", 0, 0, OPT(JSON), "Tell how the running server is", "", cmd_status},
	{"check", "[FILE]", 0, 1, OPT(JSON), "Check mailserver.cfg and say what is effective",
	 "Without FILE the home's, and its certificates. The exit code is 0 when nothing is to say, 1 with "
	 "warnings, 2 with errors.",
	 cmd_check},
	{"domain add", "NAME", 1, 1, 0, "Take mail for a domain", "", cmd_domain_add},
	{"domain list", "", 0, 0, OPT(JSON), "List the domains", "", cmd_domain_list},
	{"domain remove", "NAME", 1, 1, 0, "Take no more mail for a domain without users and aliases", "",
	 cmd_domain_remove},
	{"user add", "ADDRESS", 1, 1, OPT(PASSWORD_STDIN) | OPT(ADMIN) | OPT(QUOTA),
	 "Make a user with INBOX and the usual mailboxes",
	 "Asks for the password on the terminal unless --password-stdin is given.", cmd_user_add},
	{"user list", "", 0, 0, OPT(JSON), "List the users", "", cmd_user_list},
	{"user remove", "ADDRESS", 1, 1, 0, "Remove a user with all mail", "", cmd_user_remove},
	{"user passwd", "ADDRESS", 1, 1, OPT(PASSWORD_STDIN), "Set a user's password", "",
	 cmd_user_passwd},
	{"alias add", "ADDRESS TARGET...", 2, ARGUMENTS_MAX, 0,
	 "Have mail to an address go to users or other aliases", "", cmd_alias_add},
	{"alias list", "", 0, 0, OPT(JSON), "List the aliases", "", cmd_alias_list},
	{"alias remove", "ADDRESS [TARGET...]", 1, ARGUMENTS_MAX, 0,
	 "Remove an alias, or some of its targets", "", cmd_alias_remove},
	{"import", "ADDRESS FILE.mbox|MAILDIR", 2, 2, OPT(MAILBOX),
	 "Bring mail of an mbox file or a Maildir into a mailbox",
	 "The bytes stay, but for line ends, which become CR LF as in transport, and the quoting of mbox "
	 "files (mboxrd: one > before From is taken away). Dates come from the borders of the mbox or the "
	 "times of the files, flags from Status fields or file names.",
	 cmd_import},
	{"tls show", "", 0, 0, OPT(SERVICE) | OPT(JSON),
	 "Show the TLS policy in force: protocols, suites in order, groups, certificates",
	 "Asks the running server; without one it shows what mailserver.cfg says.", cmd_tls_show},
	{"tls ciphers", "STRING", 1, 1, OPT(JSON),
	 "Show what a cipher string means here, suite by suite", "", cmd_tls_ciphers},
	{"tls set", "[TABLE.VARIABLE=VALUE...]", 0, ARGUMENTS_MAX,
	 OPT(MIN) | OPT(DRY_RUN) | OPT(CONFIRM_WITHIN) | OPT(JSON),
	 "Change mailserver.cfg and put the change in force",
	 "--min writes the four protocol lists, every protocol from VERSION up. What would go and come "
	 "is shown; the exit code is 1 where a service's own variables admit older ones still. Without "
	 "a running server the file is written, and --confirm-within is refused.",
	 cmd_tls_set},
	{"tls reset", "", 0, 0, OPT(DRY_RUN) | OPT(ALLOW_WEAKER) | OPT(JSON),
	 "Delete the TLS variables of both tables, which restores their defaults",
	 "Refused where older protocols would be admitted than now, unless --allow-weaker is given.",
	 cmd_tls_reset},
	{"tls confirm", "", 0, 0, 0, "Keep a change that waits for its confirmation", "",
	 cmd_tls_confirm},
	{"tls history", "", 0, 0, OPT(JSON), "List the former versions of mailserver.cfg", "",
	 cmd_tls_history},
	{"tls revert", "[N]", 0, 1, OPT(DRY_RUN) | OPT(JSON),
	 "Put a former version of mailserver.cfg in force again",
	 "Without N the newest of the history. Edits by hand that are not in force yet are kept.",
	 cmd_tls_revert},
	{"cert list", "", 0, 0, OPT(JSON),
	 "List the certificates in sslcert/: names, key, dates, what serves whom, what is wrong",
	 "The exit code is 0 when nothing is to say, 1 with warnings, 2 with a pair that cannot be "
	 "used.",
	 cmd_cert_list},
	{"evidence list", "", 0, 0, OPT(JSON),
	 "List the changes of configuration and certificates that were recorded", "",
	 cmd_evidence_list},
	{"evidence verify", "", 0, 0, OPT(JSON), "Check that the record is as it was written",
	 "The exit code is 1 when an entry was changed, removed or put elsewhere; each is named.",
	 cmd_evidence_verify},
	{"evidence export", "", 0, 0, 0, "Print the record as one signed JSON document",
	 "Needs the running server, whose keys process signs. The manual's page about evidence tells how "
	 "openssl verifies it.",
	 cmd_evidence_export},
	{"dns lookup", "NAME [TYPE]", 1, 2, OPT(JSON),
	 "Ask DNS as the server does, and tell what DNSSEC says of the answer",
	 "TYPE is A (the default), AAAA, MX, PTR, TXT or TLSA. The exit code is 1 when there is nothing, or "
	 "nothing that may be used.",
	 cmd_dns_lookup},
	{"dns peer", "ADDRESS", 1, 1, OPT(JSON),
	 "Show the names of an address that lead back to it",
	 "They are the names by which a peer is known. The exit code is 1 when there is none.",
	 cmd_dns_peer},
	{"logs", "[NAME]", 0, 1, OPT(FOLLOW) | OPT(LINES), "Print a log file",
	 "NAME is mail (the default), security, error, warning, operations, audit, config or debug.",
	 cmd_logs},
	{"print man", "", 0, 0, 0, "", "", cmd_print_man},
	{"print bash", "", 0, 0, 0, "", "", cmd_print_bash},
};

const struct command_table ctl_commands = {rows, sizeof(rows) / sizeof(rows[0])};
