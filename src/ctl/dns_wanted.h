/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records that DNS has to have for a domain whose mail this server takes, and whether it
 * has them: the comparison is pure, the asking goes through mailq.
 */
#ifndef POSTERN_CTL_DNS_WANTED_H
#define POSTERN_CTL_DNS_WANTED_H

#include "config/config.h"
#include "ctl/link.h"
#include "mailauth/dkim_folder.h"
#include "proto/dns.h"

/* X(identifier, name) */
#define DNS_STATUS_TABLE(X)                                              \
	X(PUBLISHED, "published")                                        \
	X(OTHER, "other") /* there is one, and it says something else */ \
	X(MISSING, "missing")                                            \
	X(UNKNOWN, "unknown") /* DNS does not tell */

enum dns_status {
#define X(id, name) DNS_STATUS_##id,
	DNS_STATUS_TABLE(X)
#undef X
};

const char *dns_status_name(enum dns_status status);

/* How what was found is compared. */
enum dns_compare {
	DNS_COMPARE_ANY,    /* whatever there is will do */
	DNS_COMPARE_TARGET, /* the end of the value, from its last number or name on: MX, SRV, CAA
			     */
	DNS_COMPARE_SPF,    /* the TXT record that begins with v=spf1 */
	DNS_COMPARE_DMARC,
	DNS_COMPARE_DKIM
};

enum { DNS_WANTED_MAX = 64, DNS_WANTED_VALUE_MAX = 1024 };

struct dns_wanted_record {
	struct dns_name name;
	enum dns_type type;
	enum dns_compare compare;
	char value[DNS_WANTED_VALUE_MAX];
	const char *purpose; /* static */
	bool is_required;
};

struct dns_wanted {
	struct dns_wanted_record items[DNS_WANTED_MAX];
	size_t count;
};

/*
 * Fills in what the domain wants, for a server of that name with that configuration; `keys` are
 * the domain's of DKIM. Pure.
 */
void dns_wanted_fill(struct dns_wanted *wanted, const struct dns_name *domain, const char *hostname,
		     const struct config *config, const struct dkim_keys *keys);

/* Compares what was found, a record a line as dns_given has it. Pure. */
enum dns_status dns_wanted_compare(const struct dns_wanted_record *record, struct str found);

/*
 * Asks mailq for a record, and compares; `found` gets the lines. Once DNS was silent
 * (`*is_silent`) nothing more is asked.
 */
enum dns_status dns_wanted_look(struct link *link, const struct dns_wanted_record *record,
				bool *is_silent, struct buf *found);

#endif
