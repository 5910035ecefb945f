/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as a value: mailserver.cfg read once into an immutable
 * snapshot, which sessions keep while a newer one takes over.
 *
 * A snapshot is reference counted; config_ref and config_unref may be called
 * from any thread. Every text in it is terminated and lives as long as it.
 * Parsing does no I/O and does not block; the file itself is config/file.h.
 */
#ifndef POSTERN_CONFIG_CONFIG_H
#define POSTERN_CONFIG_CONFIG_H

#include "base/fault.h"
#include "config/network.h"
#include "policy/policy.h"

/* NONE: HTTP, which only answers challenges of a CA and sends everybody else to HTTPS. */
enum service_tls { SERVICE_TLS_STARTTLS, SERVICE_TLS_IMPLICIT, SERVICE_TLS_NONE };

/* X(identifier, name, standard port, unprivileged port, TLS, governing table, users log in) */
#define SERVICE_TABLE(X)                                                                           \
	X(SMTP, "SMTP", 25, 2525, STARTTLS, "SmtpSecurity", false)                                 \
	X(SUBMISSION, "Submission", 587, 2587, STARTTLS, "SmtpSecurity", true)                     \
	X(SMTPS, "SMTPS", 465, 2465, IMPLICIT, "SmtpSecurity", true)                               \
	X(IMAP, "IMAP", 143, 2143, STARTTLS, "Security", true)                                     \
	X(IMAPS, "IMAPS", 993, 2993, IMPLICIT, "Security", true)                                   \
	X(POP3, "POP3", 110, 2110, STARTTLS, "Security", true)                                     \
	X(POP3S, "POP3S", 995, 2995, IMPLICIT, "Security", true)                                   \
	X(HTTPS, "HTTPS", 4040, 4040, IMPLICIT, "Security", true)                                  \
	X(HTTP, "HTTP", 80, 2080, NONE, "Security", false)

enum service_id {
#define X(id, name, port, unprivileged, tls, table, login) SERVICE_##id,
	SERVICE_TABLE(X)
#undef X
	SERVICE_COUNT
};

/* X(identifier, name, governing table) */
#define CLIENT_TABLE(X)                                                                            \
	X(SMTP, "SMTP", "SmtpSecurity")                                                            \
	X(POP3, "POP3", "Security")

enum client_id {
#define X(id, name, table) CLIENT_##id,
	CLIENT_TABLE(X)
#undef X
	CLIENT_COUNT
};

/* "SMTP", "Submission", ...: as the file, the logs and the command line name it. */
const char *service_name(enum service_id id);
const char *client_name(enum client_id id);
/* Which table governs: CONFIG_SECURITY or CONFIG_SMTP_SECURITY. */
int service_table(enum service_id id);
int client_table(enum client_id id);
/* When TLS begins on it, and that as a word: "starttls", "implicit", "none". */
enum service_tls service_tls(enum service_id id);
const char *service_tls_name(enum service_tls tls);
must_check bool service_from_name(struct str name, enum service_id *id_out); /* any case */

struct service_config {
	enum service_id id;
	bool enabled;
	const struct str *addresses; /* numeric; none at all means every one, IPv4 and IPv6 */
	size_t address_count;
	uint16_t port;
	enum service_tls tls;
	bool allow_plain_login; /* log in without TLS */
	bool require_tls;	/* refuse everything but STARTTLS before TLS */
	uint32_t max_connections;
	bool client_certificates; /* ask for one, by which a user may log in */
	struct tls_policy policy;
};

/* Whether browsers are told to take nothing but HTTPS with a good certificate from this host (RFC 6797). */
enum hsts { HSTS_AUTO, HSTS_ON, HSTS_OFF };

struct config_server {
	struct str hostname; /* empty: the machine's own name */
	bool auto_reload;    /* apply a hand edit at once */
	struct str user;     /* whom roles become when started by root; empty: "postern" */
	uint32_t fronts;     /* how many front processes; 0: one, whose workers use every core */
	bool allow_scram;    /* offer SCRAM-SHA-256, and keep the verifiers it needs */
	enum hsts admin_hsts; /* on the administration page */
};

/* How a CA is shown that a name is this server's (RFC 8555 section 8). */
enum acme_challenge_kind { ACME_HTTP_01, ACME_TLS_ALPN_01 };

/* A certificate to be asked for. */
struct acme_certificate {
	struct finding_place place; /* the row */
	struct str name;	    /* of the files in sslcert */
	const struct str *domains;  /* lower case */
	size_t domain_count;
	bool is_rsa;
};

struct config_acme {
	struct str directory; /* URL */
	struct str contact;   /* mail address; may be empty */
	bool agree_terms;
	enum acme_challenge_kind challenge;
	uint32_t renew_days;
	bool key_reuse;
	const struct acme_certificate *certificates;
	size_t certificate_count;
};

struct config_limits {
	uint64_t message_bytes;
	uint32_t recipients;
	uint32_t line_bytes;	/* of a command line, line end counted */
	uint32_t literal_bytes; /* of an IMAP literal that is no message */
	uint32_t header_bytes;
	uint32_t mime_parts;
	uint32_t mime_depth;
	uint32_t commands_before_login;
	uint32_t failed_logins_per_address;
	uint32_t connections_per_address;
	uint32_t idle_seconds;
	uint32_t min_bytes_per_second;
	uint64_t free_disk_bytes; /* with less, warnings are given */
	uint64_t import_bytes; /* of mail that the page sends at once */
	const struct network *exempt_networks; /* not counted by the two limits per address */
	size_t exempt_network_count;
};

/* Times in seconds; their meaning: queue/schedule.h, queue/outbox.h. */
struct config_queue {
	uint32_t first_retry_s;
	uint32_t longest_retry_s;
	uint32_t delay_notice_s;
	uint32_t tls_notice_s;
	uint32_t lifetime_s;
	uint32_t connections;
	uint32_t destination_connections;
	uint32_t connection_messages;
	uint32_t connection_idle_s;
	uint32_t message_recipients;
	uint32_t answer_s; /* 0: as RFC 5321 has it */
	const struct str *sources; /* numeric addresses to connect from, at most one of each family */
	size_t source_count;
};

struct pop3_account;
struct relay;
struct partner; /* config/partner.h */
struct tls_settings; /* policy/settings.h */

/* The two tables that govern TLS. */
enum { CONFIG_SECURITY, CONFIG_SMTP_SECURITY, CONFIG_TLS_TABLE_COUNT };

/* A zone whose servers are named. */
struct config_stub_zone {
	struct str name;
	const struct str *servers;
	size_t server_count;
	bool is_unsigned; /* taken without signatures, whatever its parent says */
};

struct config_resolver {
	const struct str *servers; /* "192.0.2.1" or "192.0.2.1@5353"; none: those of the machine */
	size_t server_count;
	bool from_root; /* no servers are asked but those of the root and of each zone */
	struct str trust_anchor_file; /* empty: the distribution's */
	const struct config_stub_zone *stubs;
	size_t stub_count;
};

struct config {
	struct str file_name; /* as findings print it */
	struct str text;      /* the file, byte for byte: the base of a later merge */
	struct config_server server;
	struct config_limits limits;
	struct config_resolver resolver;
	struct config_queue queue;

	struct config_acme acme;
	struct service_config services[SERVICE_COUNT];
	struct tls_policy clients[CLIENT_COUNT];
	const struct relay *relays; /* config/relay.h */
	size_t relay_count;
	const struct pop3_account *pop3_accounts; /* config/pop3_account.h */
	size_t pop3_account_count;
	const struct partner *partners; /* the rows of the list TlsPolicy */
	size_t partner_count;
	/* What the policies were made of; of a service its own values over those of its table. */
	const struct tls_settings *tls_tables;	 /* CONFIG_TLS_TABLE_COUNT of them */
	const struct tls_settings *tls_services; /* SERVICE_COUNT of them; HTTP's mean nothing */
};

enum { CONFIG_FILE_MAX = 4 << 20 };

/*
 * Reads mailserver.cfg from `text` (copied). Adds to `findings`, which are left
 * sorted by line; gives the snapshot, with one reference, exactly when there
 * is no error among those it added. Faults: INVALID (see the findings),
 * TOO_LARGE (past CONFIG_FILE_MAX; a finding too).
 */
must_check enum fault config_parse(struct str text, const char *file_name,
				   const struct suite_catalog *catalog, struct findings *findings,
				   struct config **out);

struct config *config_ref(struct config *config);
/* Gives a reference back and sets the pointer to NULL; the last one frees. */
void config_unref(struct config **config);

/* True when a service that is enabled asks clients for certificates. */
bool config_asks_for_certificates(const struct config *config);

/* True when the two limits per address do not count this address (IPv6 or IPv6-mapped form). */
bool config_is_exempt(const struct config *config, const uint8_t address[16]);

#endif
