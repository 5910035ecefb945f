/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a recipient's domain to the hosts that take its mail, in the order in
 * which to try them (RFC 5321 section 5.1).
 *
 * 1. MX records sorted by preference, in random order where they are equal; no
 *    MX record at all: the domain itself. A failure of DNS is never taken for
 *    "none" (ROUTE_LATER).
 * 2. A domain that takes no mail says so (RFC 7505): ROUTE_NULL.
 * 3. A host that is this server, by name or address, is dropped with all that
 *    are not preferred to it; when nothing is left, mail would come back: ROUTE_LOOP.
 * 4. What DNSSEC says is kept, of the MX records and of each host's addresses.
 * 5. Numbers of records, hosts and addresses are bounded.
 *
 * A finder is resumable: it asks the resolver, and has `wake` called when it can
 * go on. It belongs to one thread at a time. Nothing here blocks on the network.
 */
#ifndef POSTERN_DELIVER_ROUTE_H
#define POSTERN_DELIVER_ROUTE_H

#include "net/resolver.h"

enum {
	ROUTE_HOSTS_MAX = 16,
	ROUTE_ADDRESSES_MAX = 8, /* of each kind, of a host */
};

enum route_verdict {
	ROUTE_FOUND,
	ROUTE_INVALID, /* the domain is no name and no address literal */
	ROUTE_NOWHERE, /* it does not exist, or nothing that it names has an address */
	ROUTE_NULL,    /* it takes no mail */
	ROUTE_LOOP,    /* it leads back to this server */
	ROUTE_LATER,   /* DNS did not tell; later it might */
};

/* "found", "null MX", ... */
const char *route_verdict_name(enum route_verdict verdict);

struct route_host {
	struct dns_name name; /* as the MX record or the domain has it; empty for an address literal */
	struct dns_name canonical; /* where its aliases lead */
	uint16_t preference;
	bool is_secure; /* its addresses are proven */
	uint8_t addresses[2 * ROUTE_ADDRESSES_MAX][16]; /* IPv6 first */
	size_t address_count;
};

struct route {
	enum route_verdict verdict;
	struct dns_name domain; /* what DNS was asked for; empty for an address literal */
	bool has_mx;
	bool is_mx_secure; /* the MX records, or that there are none, are proven */
	struct route_host hosts[ROUTE_HOSTS_MAX];
	size_t host_count;
	struct buf why; /* for people; of FOUND what was not to be had, if anything */
};

struct route_request {
	struct resolver *resolver;
	struct str domain; /* ASCII or UTF-8, or an address literal in brackets; copied */
	bool is_host;	   /* no MX is looked for: a host that is named in the configuration */
	/* Whether a name, or an address, is this server's own. May be NULL: none is. */
	bool (*is_own_name)(const void *context, struct str name);
	bool (*is_own_address)(const void *context, const uint8_t address[16]);
	const void *own_context;
	/* Called in the waiter's thread when route_find_step has something to do. */
	void (*wake)(void *context);
	void *wake_context;
};

struct route_find;

/* Begins; ends with route_find_free. */
struct route_find *route_find_new(const struct route_request *request);

/* Goes on. NULL: not yet, `wake` will be called; else the route, which lives as long as the finder. */
const struct route *route_find_step(struct route_find *find);

/* Gives up what is under way. As dns_query_free: hold no lock that `wake` takes. NULL is let be. */
void route_find_free(struct route_find **find);

#endif
