/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks DNS, validating (RFC 4035): libunbound in a thread of its own, whose
 * answers come through a descriptor in the waiter.
 *
 * 1. A question has a deadline; what is not answered by then is DNS_TIMEOUT.
 * 2. Every question is answered once, by calling `done` in the waiter's thread,
 *    unless it was given up before. The answer stays in the query until that is
 *    freed; `done` of a task only wakes it.
 * 3. So many questions are under way at a time, so many wait, the rest fail.
 * 4. An answer that fails validation is DNS_BOGUS and has no records.
 * 5. Until the first settings came, questions wait.
 *
 * CNAMEs are followed. Functions are thread safe where it is not said otherwise,
 * and none blocks on the network.
 */
#ifndef POSTERN_NET_RESOLVER_H
#define POSTERN_NET_RESOLVER_H

#include "base/fault.h"
#include "net/waiter.h"
#include "proto/dns.h"

/* A zone whose servers are named. */
struct resolver_stub {
	struct str zone;
	const struct str *servers; /* its authoritative ones, "192.0.2.1" or "192.0.2.1@5353" */
	size_t server_count;
	bool is_unsigned; /* its answers are taken without signatures, whatever its parent says */
};

struct resolver_settings {
	/* Recursive servers that are asked, as above; none: the resolver begins at the root itself. */
	const struct str *servers;
	size_t server_count;
	const struct resolver_stub *stubs;
	size_t stub_count;
	/* DS or DNSKEY records, a line each, comments behind `;`. Without any nothing is secure. */
	struct str anchors;
};

enum dns_outcome {
	DNS_FOUND,
	DNS_NO_DATA, /* the name exists, without such records */
	DNS_NO_NAME, /* there is no such name, or it is none */
	DNS_BOGUS,   /* signatures that should be there are missing or wrong */
	DNS_FAILED,  /* servers failed or refused; too much was asked */
	DNS_TIMEOUT,
};

/* "found", "bogus", ... */
const char *dns_outcome_name(enum dns_outcome outcome);

/* True when asking again later may give something else. */
bool dns_outcome_is_temporary(enum dns_outcome outcome);

struct dns_answer {
	enum dns_outcome outcome;
	bool is_secure; /* validated, also that there is nothing */
	uint32_t ttl_s;
	struct dns_name canonical; /* where CNAMEs led; else what was asked */
	const struct str *records; /* the data of each, as proto/dns.h reads it */
	size_t record_count;
	const char *why; /* of DNS_BOGUS and DNS_FAILED, in words; may hold foreign text */
};

struct resolver;
struct dns_query;

struct dns_question {
	struct str name; /* copied */
	enum dns_type type;
	int patience_ms; /* 0: RESOLVER_PATIENCE_MS */
	/* Called once the answer is there, in the waiter's thread; may free the query and ask anew. */
	void (*done)(void *context, struct dns_query *query);
	void *context;
};

enum {
	RESOLVER_PATIENCE_MS = 20 * 1000,
	RESOLVER_IN_FLIGHT_MAX = 256,
	RESOLVER_WAITING_MAX = 4096,
	RESOLVER_SERVERS_MAX = 16,
	RESOLVER_RECORDS_MAX = 1024,
};

/* Starts nothing yet. In the waiter's thread, or before it runs; so the next three. */
struct resolver *resolver_new(struct waiter *waiter);

/*
 * Has further questions asked under these settings, and those under way anew.
 * INVALID, and the former settings stay, when they cannot be understood; `why`
 * is appended in words.
 */
must_check enum fault resolver_settings_set(struct resolver *resolver,
					    const struct resolver_settings *settings,
					    struct buf *why);

/* Looks at deadlines; to be called several times a second. */
void resolver_tick(struct resolver *resolver);

/* Forgets what is under way, without calling `done`. Every query must have been freed. After the waiter ended. */
void resolver_free(struct resolver **resolver);

/* Asks; to be freed with dns_query_free. */
struct dns_query *resolver_ask(struct resolver *resolver, const struct dns_question *question);

/* The answer, or NULL while there is none. It lives as long as the query. */
const struct dns_answer *dns_query_answer(struct dns_query *query);

/* What was asked. */
const struct dns_name *dns_query_name(const struct dns_query *query);
enum dns_type dns_query_type(const struct dns_query *query);

/*
 * Gives a query up and frees it. When it returns, `done` has returned or will
 * never be called; so its caller must hold no lock that `done` takes. NULL is
 * let be.
 */
void dns_query_free(struct dns_query **query);

/* A `done` that wakes a task, which is the context. */
void dns_wake_task(void *context, struct dns_query *query);

struct resolver_counts {
	unsigned in_flight;
	unsigned waiting;
	uint64_t asked;
	uint64_t timeouts;
	/* Under the settings in force: */
	uint64_t bogus;
	uint64_t secure;
};
struct resolver_counts resolver_counts(struct resolver *resolver);

#endif
