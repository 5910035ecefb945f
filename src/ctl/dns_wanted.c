/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/dns_wanted.h"

#include <stdarg.h>
#include <stdio.h>

#include "mailauth/dkim_record.h"
#include "net/resolver.h"

const char *dns_status_name(enum dns_status status)
{
	static const char *const names[] = {
#define X(id, name) name,
		DNS_STATUS_TABLE(X)
#undef X
	};

	return names[status];
}

/* ---- what is wanted ---- */

/* A new record at `prefix` and the domain; NULL when there is no more room, or no such name. */
static struct dns_wanted_record *record_add(struct dns_wanted *wanted, const char *prefix,
					    const struct dns_name *domain, enum dns_type type,
					    enum dns_compare compare)
{
	CLEANUP_BUF struct buf name = BUF_INIT(2 * DNS_NAME_MAX);

	buf_printf(&name, "%s%s", prefix, domain->text);
	if (wanted->count == DNS_WANTED_MAX)
		return NULL;
	struct dns_wanted_record *record = &wanted->items[wanted->count];
	*record = (struct dns_wanted_record){.type = type, .compare = compare};
	if (!dns_name_parse(buf_str(&name), &record->name))
		return NULL;
	wanted->count++;
	return record;
}

static void format_printf(4, 5) value_set(struct dns_wanted_record *record, bool is_required,
					  const char *purpose, const char *format, ...)
{
	va_list args;

	if (record == NULL)
		return;
	record->is_required = is_required;
	record->purpose = purpose;
	va_start(args, format);
	(void)vsnprintf(record->value, sizeof(record->value), format, args);
	va_end(args);
}

/* How mail programs find the server (RFC 6186, RFC 8314). */
static void services_add(struct dns_wanted *wanted, const struct dns_name *domain,
			 const char *hostname, const struct config *config)
{
	static const struct {
		enum service_id service;
		const char *prefix;
	} rows[] = {
		{SERVICE_SMTPS, "_submissions._tcp."}, {SERVICE_SUBMISSION, "_submission._tcp."},
		{SERVICE_IMAPS, "_imaps._tcp."},       {SERVICE_IMAP, "_imap._tcp."},
		{SERVICE_POP3S, "_pop3s._tcp."},       {SERVICE_POP3, "_pop3._tcp."}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct service_config *service = &config->services[rows[i].service];
		if (!service->enabled)
			continue;
		value_set(record_add(wanted, rows[i].prefix, domain, DNS_SRV, DNS_COMPARE_TARGET),
			  false, "mail programs find the service by it", "0 1 %u %s.",
			  (unsigned)service->port, hostname);
	}
}

static void keys_add(struct dns_wanted *wanted, const struct dns_name *domain,
		     const struct dkim_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		CLEANUP_BUF struct buf prefix = BUF_INIT(DNS_NAME_MAX);
		const struct dkim_key *key = &keys->items[i];
		if (key->state != DKIM_WAITING && key->state != DKIM_SIGNING)
			continue;
		buf_printf(&prefix, "%s._domainkey.", key->selector);
		buf_append_char(&prefix, '\0');
		value_set(record_add(wanted, prefix.data, domain, DNS_TXT, DNS_COMPARE_DKIM),
			  key->state == DKIM_SIGNING, "signatures of mail (DKIM) are checked by it",
			  "%s", key->record);
	}
}

void dns_wanted_fill(struct dns_wanted *wanted, const struct dns_name *domain, const char *hostname,
		     const struct config *config, const struct dkim_keys *keys)
{
	struct dns_name host;

	wanted->count = 0;
	value_set(record_add(wanted, "", domain, DNS_MX, DNS_COMPARE_TARGET), true,
		  "mail for the domain comes here", "10 %s.", hostname);
	if (dns_name_parse(str_from_c(hostname), &host))
		value_set(record_add(wanted, "", &host, DNS_A, DNS_COMPARE_ANY), true,
			  "the server is found", "the server's public IPv4 address");
	value_set(record_add(wanted, "", domain, DNS_TXT, DNS_COMPARE_SPF), true,
		  "others know who may send mail of the domain (SPF)", "v=spf1 mx -all");
	keys_add(wanted, domain, keys);
	value_set(record_add(wanted, "_dmarc.", domain, DNS_TXT, DNS_COMPARE_DMARC), false,
		  "others know what to do with mail that is not the domain's (DMARC)",
		  "v=DMARC1; p=none; rua=mailto:postmaster@%s", domain->text);
	services_add(wanted, domain, hostname, config);
	if (str_find(config->acme.directory, STR("letsencrypt.org")) != STR_NONE)
		value_set(record_add(wanted, "", domain, DNS_CAA, DNS_COMPARE_TARGET), false,
			  "no other CA gives out certificates for the domain",
			  "0 issue \"letsencrypt.org\"");
}

/* ---- what is there ---- */

/* "993 mail.example.org." of "0 1 993 mail.example.org."; "mail.example.org." of "10 mail...". */
static struct str target_of(struct str value, enum dns_type type)
{
	size_t fields = type == DNS_MX || type == DNS_CAA ? 1 : 2;

	for (size_t i = 0; i < fields; i++)
		(void)str_cut(&value, ' ');
	return value;
}

/* The text of a TXT record without its quotes. */
static struct str unquoted(struct str line)
{
	if (line.len < 2 || line.ptr[0] != '"')
		return line;
	return str_sub(line, 1, line.len - 2);
}

/* UNKNOWN: the record is none that the comparison is about. */
static enum dns_status line_compare(const struct dns_wanted_record *record, struct str line)
{
	struct str value = str_from_c(record->value);

	switch (record->compare) {
	case DNS_COMPARE_ANY:
		return DNS_STATUS_PUBLISHED;
	case DNS_COMPARE_TARGET:
		return str_equals_nocase(target_of(line, record->type),
					 target_of(value, record->type))
			       ? DNS_STATUS_PUBLISHED
			       : DNS_STATUS_OTHER;
	case DNS_COMPARE_SPF:
		if (!str_has_prefix_nocase(unquoted(line), STR("v=spf1")))
			return DNS_STATUS_UNKNOWN;
		return str_equals_nocase(unquoted(line), value) ? DNS_STATUS_PUBLISHED
								: DNS_STATUS_OTHER;
	case DNS_COMPARE_DMARC:
		return str_has_prefix_nocase(unquoted(line), STR("v=DMARC1")) ? DNS_STATUS_PUBLISHED
									      : DNS_STATUS_UNKNOWN;
	case DNS_COMPARE_DKIM:
		return dkim_record_compare(unquoted(line), value) == DKIM_PUBLISHED
			       ? DNS_STATUS_PUBLISHED
			       : DNS_STATUS_OTHER;
	}
	return DNS_STATUS_UNKNOWN;
}

enum dns_status dns_wanted_compare(const struct dns_wanted_record *record, struct str found)
{
	enum dns_status status = DNS_STATUS_MISSING;

	for (struct str rest = found; rest.len > 0 && status != DNS_STATUS_PUBLISHED;) {
		enum dns_status one = line_compare(record, str_cut(&rest, '\n'));
		if (one != DNS_STATUS_UNKNOWN)
			status = one;
	}
	return status;
}

enum dns_status dns_wanted_look(struct link *link, const struct dns_wanted_record *record,
				bool *is_silent, struct buf *found)
{
	struct msg_dns_wanted wanted = {.name = dns_name_str(&record->name), .type = record->type};
	enum dns_status status = DNS_STATUS_UNKNOWN;
	struct packet answer;

	if (*is_silent)
		return status;
	packet_init(&answer);
	enum fault fault = role_client_call(&link->mailq_role, MSG_dns_wanted, &wanted,
					    MSG_dns_given, &answer);
	const struct msg_dns_given *given = &answer.message.dns_given;
	if (fault == FAULT_NONE && given->outcome != DNS_BOGUS && given->outcome < DNS_FAILED) {
		buf_append_str(found, given->records);
		status = dns_wanted_compare(record, given->records);
	} else
		*is_silent = fault != FAULT_NONE || given->outcome == DNS_TIMEOUT;
	packet_done(&answer);
	return status;
}
