/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS variables of mailserver.cfg, read from one table (Security,
 * SmtpSecurity) or from one item of the Service list: names and aliases
 * resolved, values checked (tls-policy sections 1 and 3).
 */
#ifndef POSTERN_POLICY_SETTINGS_H
#define POSTERN_POLICY_SETTINGS_H

#include "policy/cipher_list.h"

/* X(identifier, canonical name, kind, scope, default, meaning) */
#define TLS_VARIABLE_TABLE(X)                                                                      \
	X(ENABLE_DHE, "EnableEphemeralDH", BOOL, BOTH, "1",                                        \
	  "DHE key exchange (TLS 1.2 and older, and the finite-field groups of TLS 1.3)")          \
	X(DHE_SIZE, "EphemeralDHKeySize", DH_SIZE, BOTH, "0",                                      \
	  "size of the DHE group in bits: 1024, 2048 or 4096; 0 is the built-in choice, 2048. "    \
	  "As a client: the smallest group accepted")                                              \
	X(ENABLE_ECDHE, "EnableEphemeralECDH", BOOL, BOTH, "1",                                    \
	  "ECDHE key exchange (TLS 1.2 and older, and the curves of TLS 1.3)")                     \
	X(NO_EMPTY_FRAGMENTS, "DontInsertEmptyFragments", BOOL, BOTH, "1",                         \
	  "1 switches OpenSSL's countermeasure against CVE-2011-3389 off, so that old clients "    \
	  "can connect; 0 leaves it on. Matters for TLSv1 with CBC suites only")                   \
	X(SERVER_PROTOCOLS, "ServerTlsProtocols", PROTOCOLS, LISTENER, "",                         \
	  "protocols of the listeners, separated by commas: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3. "    \
	  "Empty: all four")                                                                       \
	X(SERVER_CIPHERS, "ServerTlsCiphers", CIPHERS, LISTENER, "",                               \
	  "suites of the listeners, an OpenSSL cipher string. Empty: " CIPHER_STRING_DEFAULT)      \
	X(CLIENT_PROTOCOLS, "ClientTlsProtocols", PROTOCOLS, CLIENT, "",                           \
	  "protocols when Postern is the client. Empty: all four")                                 \
	X(CLIENT_CIPHERS, "ClientTlsCiphers", CIPHERS, CLIENT, "",                                 \
	  "suites when Postern is the client, an OpenSSL cipher string. Empty: "                   \
	  CIPHER_STRING_DEFAULT)                                                                   \
	X(SERVER_PREFERENCE, "ServerCipherPreference", BOOL, LISTENER, "1",                        \
	  "1: the order of the server's suites decides; 0: the client's")                          \
	X(FLOOR, "TlsFloor", FLOOR, BOTH, "",                                                      \
	  "oldest protocol that peers shall still use, TLSv1.1, TLSv1.2 or TLSv1.3; TlsFloorMode " \
	  "says what happens to older ones that the list admits. Empty: no floor")                 \
	X(FLOOR_MODE, "TlsFloorMode", FLOOR_MODE, BOTH, "observe",                                 \
	  "observe: their sessions go on, counted and logged; reply (SMTP only): the handshake "   \
	  "completes and MAIL is refused; handshake: as if their protocol were not in the list")   \
	X(FLOOR_DATE, "TlsFloorDate", FLOOR_DATE, BOTH, "",                                        \
	  "YYYY-MM-DD: at 00:00 local time of that day the mode moves one rung. Empty: never")

enum tls_variable {
#define X(id, name, kind, scope, standard, text) TLS_##id,
	TLS_VARIABLE_TABLE(X)
#undef X
	TLS_VARIABLE_COUNT
};

enum tls_variable_kind {
	TLS_KIND_BOOL,
	TLS_KIND_DH_SIZE,
	TLS_KIND_PROTOCOLS,
	TLS_KIND_CIPHERS,
	TLS_KIND_FLOOR,
	TLS_KIND_FLOOR_MODE,
	TLS_KIND_FLOOR_DATE
};
enum tls_variable_scope { TLS_SCOPE_BOTH, TLS_SCOPE_LISTENER, TLS_SCOPE_CLIENT };

struct tls_variable_row {
	const char *name;
	enum tls_variable_kind kind;
	enum tls_variable_scope scope;
	const char *standard; /* the default, as text */
	const char *text;
};

const struct tls_variable_row *tls_variable_row(enum tls_variable variable);

/* Finds a canonical name or a built-in alias, in any case; DisableEphemeralDH is neither. */
must_check bool tls_variable_from_name(struct str name, enum tls_variable *variable_out);

/* One variable as it stands in the file. */
struct raw_variable {
	struct str name;
	struct str value;
	int line;
};

/* A table of the file, or an item of the Service list. Borrowed. */
struct raw_table {
	struct str name; /* "Security", "SmtpSecurity" or "Service:IMAPS" */
	const struct raw_variable *variables;
	size_t count;
	bool is_service; /* Client* is then an error */
	bool has_reply;	 /* the rung `reply` is one here: SmtpSecurity, and the service SMTP */
};

/* A row of <table name="TlsVariableAlias">: a further name of a canonical one. */
struct tls_alias {
	struct str alias;
	enum tls_variable variable;
};

struct tls_setting {
	bool is_set; /* it stands in the table and is not empty */
	struct finding_place place; /* line 0: it does not stand there. Name as written */
	struct str text;	    /* the value, trimmed */
	/*
	 * BOOL, DH_SIZE: also when not set, then the default. FLOOR: enum tls_protocol, FLOOR_MODE:
	 * enum tls_rung, FLOOR_DATE: 20261201; likewise.
	 */
	uint32_t number;
	tls_protocols protocols;    /* PROTOCOLS: those this build can speak; likewise */
	struct cipher_list ciphers; /* CIPHERS; likewise */
};

/* The values of one table, complete with defaults. */
struct tls_settings {
	struct str table;
	bool has_reply; /* as in raw_table; the service's where it sets a variable of the floor */
	struct tls_setting items[TLS_VARIABLE_COUNT];
};

/* What reading needs besides the table. */
struct settings_context {
	const struct suite_catalog *catalog;
	const struct tls_alias *aliases;
	size_t alias_count;
	struct arena *arena;
	struct findings *findings;
	int64_t now_s; /* what TlsFloorDate is compared with */
};

/*
 * Reads a list of protocols that is not empty; those this build lacks are warned
 * of, and left out. False when an error was added.
 */
must_check bool tls_protocols_read(const struct settings_context *context,
				   struct finding_place place, struct str value,
				   tls_protocols *set_out);

/* Reads the aliases an administrator added; reports rows that name nothing. */
void tls_aliases_read(const struct raw_table *table, struct findings *findings,
		      struct tls_alias *aliases_out, size_t *count_out);

/* Reads a table; every variable in it is taken or reported. Values are borrowed from `table`. */
void tls_settings_read(const struct raw_table *table, const struct settings_context *context,
		       struct tls_settings *settings_out);

/* The table's settings with those that a service's item sets put over them. */
struct tls_settings tls_settings_override(const struct tls_settings *table,
					  const struct tls_settings *service,
					  const struct settings_context *context);

/*
 * Warns of each variable that differs between the two tables: read by direction
 * (Security inbound, SmtpSecurity outbound) the file would mean something else.
 */
void tls_settings_compare(const struct tls_settings *security, const struct tls_settings *smtp,
			  struct findings *findings);

#endif
