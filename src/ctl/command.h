/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands: what there is, what it takes, what it does.
 *
 * From this one table come the reading of the command line, --help, the manual
 * page and the completion of bash. An option means the same wherever it may
 * stand; a row names those it takes.
 */
#ifndef POSTERN_CTL_COMMAND_H
#define POSTERN_CTL_COMMAND_H

#include "base/str.h"

/* X(identifier, long name, short letter or 0, name of its value or NULL, help) */
#define OPTION_TABLE(X)                                                                            \
	X(HOME, "home", 0, "DIR", "the home directory (default /var/lib/postern)")                 \
	X(HELP, "help", 'h', NULL, "show help and do nothing")                                     \
	X(VERSION, "version", 0, NULL, "show the version and do nothing")                          \
	X(JSON, "json", 0, NULL, "print one JSON document")                                        \
	X(HOSTNAME, "hostname", 0, "NAME", "the server's name (default: this machine's)")          \
	X(PORTS, "ports", 0, "SET",                                                                \
	  "standard: 25, 993 ... on all addresses; unprivileged: 2525, 2993 ... on loopback")      \
	X(FROM, "from", 0, "FILE", "begin with this mailserver.cfg, as it is")                     \
	X(ADMINISTRATOR, "administrator", 0, "ADDRESS",                                            \
	  "make this user, who may administer the server, and his domain")                         \
	X(PASSWORD_STDIN, "password-stdin", 0, NULL,                                               \
	  "the password is the first line of the input")                                           \
	X(ADMIN, "admin", 0, NULL, "the same as --role administrator")                             \
	X(QUOTA, "quota", 0, "BYTES", "the room for the user's mail (K, M, G, T; 0: no limit)")    \
	X(MAILBOX, "mailbox", 0, "NAME", "the mailbox to import into (default INBOX)")             \
	X(SERVICE, "service", 0, "NAME", "only this service")                                      \
	X(FOLLOW, "follow", 'f', NULL, "go on as lines are added")                                 \
	X(LINES, "lines", 'n', "N", "only the last N lines")                                       \
	X(MIN, "min", 0, "VERSION",                                                                \
	  "the oldest protocol to admit: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3")                        \
	X(DRY_RUN, "dry-run", 0, NULL, "show what would change and write nothing")                 \
	X(CONFIRM_WITHIN, "confirm-within", 0, "TIME",                                             \
	  "undo the change unless it is confirmed in time: 90s, 10m, 2h")                          \
	X(ALLOW_WEAKER, "allow-weaker", 0, NULL,                                                   \
	  "do it even where older protocols are admitted again")                                   \
	X(CHALLENGE, "challenge", 0, "KIND", "how the CA is convinced: http-01, tls-alpn-01")      \
	X(KEY_TYPE, "key-type", 0, "KIND", "the kind of the key: ecdsa, rsa")                      \
	X(ALGORITHM, "algorithm", 0, "NAME", "rsa, ed25519 or both (the default)")                 \
	X(SELECTOR, "selector", 0, "NAME", "the selector, the name of the key in DNS")             \
	X(NOW, "now", 0, NULL, "sign with it at once, not only when its record is seen in DNS")    \
	X(ROLE, "role", 0, "ROLE",                                                                 \
	  "what the user may do here: user, auditor (see all), administrator")                     \
	X(SEARCH, "search", 0, "TEXT", "only what has this text in it")                            \
	X(AFTER, "after", 0, "KEY", "begin behind this one: what `next` was in the answer before") \
	X(LIMIT, "limit", 0, "N", "at most so many")                                               \
	X(BEFORE, "before", 0, "PLACE",                                                            \
	  "end before this place of the log: what `before` was in the answer before")              \
	X(FILTER, "filter", 0, "TEXT", "only lines with this text in them, in any case")           \
	X(GENERATION, "generation", 0, "SIGN",                                                     \
	  "refuse unless the configuration is still the one of that sign (shown with --json)")         \
	X(SESSION, "session", 0, "NAME", "the session of the page that goes on while others end")

enum option {
#define X(id, name, letter, value, help) OPTION_##id,
	OPTION_TABLE(X)
#undef X
	OPTION_COUNT
};

#define OPTION_BIT(id) (UINT64_C(1) << OPTION_##id)
_Static_assert(OPTION_COUNT <= 64, "options are bits of a number");

/* What every command takes. */
#define OPTIONS_COMMON (OPTION_BIT(HOME) | OPTION_BIT(HELP))

struct option_row {
	const char *name;
	char letter;
	const char *value; /* NULL: it takes none */
	const char *help;
};

const struct option_row *option_row(enum option option);

struct ctl;

enum { ARGUMENTS_MAX = 64 };

struct command {
	const char *name;      /* "user add" */
	const char *arguments; /* as help shows them */
	size_t arguments_min;
	size_t arguments_max;
	uint64_t options;  /* of OPTION_BIT, beside the common ones */
	const char *help;  /* one line */
	const char *about; /* more, for its help and the manual page; may be empty */
	/* Returns the exit code; NULL for what the caller of the table does itself. */
	int (*run)(struct ctl *ctl);
};

/* Rows of commands; those of one group ("user add", "user list") stand together. */
struct command_table {
	const struct command *rows;
	size_t count;
};

#endif
