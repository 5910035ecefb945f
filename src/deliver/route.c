/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/route.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/random.h"
#include "proto/address.h"
#include "proto/idn.h"

enum { RECORDS_MAX = 64, WHY_MAX = 2048 };

/* The two questions about a host. */
struct host_queries {
	struct dns_query *of_type[2];
	bool is_unsure; /* one of them was not answered */
};

static const enum dns_type address_types[2] = {DNS_AAAA, DNS_A};

enum find_state { FIND_MX, FIND_ADDRESSES, FIND_DONE };

struct route_find {
	struct route route;
	struct route_request request;
	enum find_state state;
	struct dns_query *mx;
	struct host_queries queries[ROUTE_HOSTS_MAX];
};

const char *route_verdict_name(enum route_verdict verdict)
{
	static const char *const names[] = {[ROUTE_FOUND] = "found",	   [ROUTE_INVALID] = "no domain",
					    [ROUTE_NOWHERE] = "nowhere", [ROUTE_NULL] = "null MX",
					    [ROUTE_LOOP] = "loop",	   [ROUTE_LATER] = "later"};

	CHECK(verdict <= ROUTE_LATER);
	return names[verdict];
}

/* ---- verdicts ---- */

static void verdict_set(struct route_find *find, enum route_verdict verdict)
{
	find->route.verdict = verdict;
	find->state = FIND_DONE;
	if (verdict != ROUTE_FOUND)
		find->route.host_count = 0;
}

static void answer_explain(struct route_find *find, struct str name, enum dns_type type,
			   const struct dns_answer *answer)
{
	struct buf *why = &find->route.why;

	buf_printf(why, "%s%s of %.*s: %s", why->len == 0 ? "" : "; ", dns_type_name(type),
		   STR_ARG(name), dns_outcome_name(answer->outcome));
	if (answer->why != NULL && answer->why[0] != '\0')
		buf_printf(why, " (%s)", answer->why);
}

static bool is_own_name(const struct route_find *find, struct str name)
{
	const struct route_request *request = &find->request;

	return request->is_own_name != NULL && request->is_own_name(request->own_context, name);
}

static bool is_own_host(const struct route_find *find, const struct route_host *host)
{
	const struct route_request *request = &find->request;

	for (size_t i = 0; request->is_own_address != NULL && i < host->address_count; i++)
		if (request->is_own_address(request->own_context, host->addresses[i]))
			return true;
	return false;
}

/* Drops the host and all that are not preferred to it (RFC 5321 section 5.1); true when none is left. */
static bool hosts_cut(struct route_find *find, uint16_t preference)
{
	struct route *route = &find->route;

	while (route->host_count > 0 &&
	       route->hosts[route->host_count - 1].preference >= preference)
		route->host_count--;
	return route->host_count == 0;
}

/* ---- addresses ---- */

static void query_done(void *context, struct dns_query *query)
{
	struct route_find *find = context;

	find->request.wake(find->request.wake_context);
}

static struct dns_query *ask(struct route_find *find, struct str name, enum dns_type type)
{
	return resolver_ask(
		find->request.resolver,
		&(struct dns_question){
			.name = name, .type = type, .done = query_done, .context = find});
}

static void addresses_ask(struct route_find *find)
{
	find->state = FIND_ADDRESSES;
	for (size_t i = 0; i < find->route.host_count; i++)
		for (size_t j = 0; j < 2; j++)
			find->queries[i].of_type[j] =
				ask(find, dns_name_str(&find->route.hosts[i].name),
				    address_types[j]);
}

static bool addresses_are_there(const struct route_find *find)
{
	for (size_t i = 0; i < find->route.host_count; i++)
		for (size_t j = 0; j < 2; j++)
			if (dns_query_answer(find->queries[i].of_type[j]) == NULL)
				return false;
	return true;
}

/* Equal ones are tried in turn by chance, so that each bears its part. */
static void addresses_shuffle(uint8_t (*addresses)[16], size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_below((uint32_t)i);
		uint8_t kept[16];
		memcpy(kept, addresses[i - 1], 16);
		memcpy(addresses[i - 1], addresses[j], 16);
		memcpy(addresses[j], kept, 16);
	}
}

static void addresses_take(struct route_host *host, enum dns_type type,
			   const struct dns_answer *answer)
{
	size_t first = host->address_count;

	for (size_t i = 0; i < answer->record_count &&
			   host->address_count - first < ROUTE_ADDRESSES_MAX;
	     i++)
		if (dns_address_read(answer->records[i], type,
				     host->addresses[host->address_count]))
			host->address_count++;
	addresses_shuffle(host->addresses + first, host->address_count - first);
	if (answer->record_count > 0) {
		host->canonical = answer->canonical;
		host->is_secure = host->is_secure && answer->is_secure;
	}
}

static void host_answers_take(struct route_find *find, size_t index)
{
	struct route_host *host = &find->route.hosts[index];
	struct host_queries *queries = &find->queries[index];

	host->canonical = host->name;
	host->is_secure = true;
	for (size_t i = 0; i < 2; i++) {
		const struct dns_answer *answer = dns_query_answer(queries->of_type[i]);
		if (dns_outcome_is_temporary(answer->outcome))
			queries->is_unsure = true;
		if (answer->outcome != DNS_FOUND)
			answer_explain(find, dns_name_str(&host->name), address_types[i], answer);
		addresses_take(host, address_types[i], answer);
	}
	host->is_secure = host->is_secure && host->address_count > 0;
}

/* Leaves the hosts that have addresses; true when DNS left one in doubt. */
static bool hosts_pack(struct route_find *find)
{
	struct route *route = &find->route;
	bool is_unsure = false;
	size_t kept = 0;

	for (size_t i = 0; i < route->host_count; i++) {
		is_unsure = is_unsure || find->queries[i].is_unsure;
		if (route->hosts[i].address_count > 0)
			route->hosts[kept++] = route->hosts[i];
	}
	route->host_count = kept;
	return is_unsure;
}

static void addresses_settle(struct route_find *find)
{
	struct route *route = &find->route;

	for (size_t i = 0; i < route->host_count; i++)
		host_answers_take(find, i);
	for (size_t i = 0; i < route->host_count; i++)
		if (is_own_host(find, &route->hosts[i]) &&
		    hosts_cut(find, route->hosts[i].preference)) {
			buf_reset(&route->why);
			buf_printf(&route->why, "%s is an address of this server",
				   route->hosts[i].name.text);
			verdict_set(find, ROUTE_LOOP);
			return;
		}
	bool is_unsure = hosts_pack(find);
	/* That a host lacks one kind of addresses is nothing to tell where another serves. */
	if (route->host_count > 0 && !is_unsure)
		buf_reset(&route->why);
	verdict_set(find, route->host_count > 0 ? ROUTE_FOUND
			  : is_unsure		? ROUTE_LATER
						: ROUTE_NOWHERE);
}

/* ---- MX ---- */

static int preferences_compare(const void *a, const void *b)
{
	const struct dns_mx *first = a, *second = b;

	return (first->preference > second->preference) - (first->preference < second->preference);
}

/* By preference; by chance among equals, which a stable order behind a shuffle is. */
static void mx_sort(struct dns_mx *records, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_below((uint32_t)i);
		struct dns_mx kept = records[i - 1];
		records[i - 1] = records[j];
		records[j] = kept;
	}
	qsort(records, count, sizeof(records[0]), preferences_compare);
}

/* The records that name a host; `null_out`: one says that there is none (RFC 7505 section 3). */
static size_t mx_read(const struct dns_answer *answer, struct dns_mx *records, bool *null_out)
{
	size_t count = 0;

	*null_out = false;
	for (size_t i = 0; i < answer->record_count && count < RECORDS_MAX; i++) {
		if (!dns_mx_read(answer->records[i], &records[count]))
			continue;
		if (records[count].host.len == 0)
			*null_out = true;
		else
			count++;
	}
	return count;
}

static bool host_is_known(const struct route *route, const struct dns_name *name)
{
	for (size_t i = 0; i < route->host_count; i++)
		if (str_equals(dns_name_str(&route->hosts[i].name), dns_name_str(name)))
			return true;
	return false;
}

static void host_add(struct route *route, const struct dns_name *name, uint16_t preference)
{
	if (route->host_count < ROUTE_HOSTS_MAX && !host_is_known(route, name))
		route->hosts[route->host_count++] =
			(struct route_host){.name = *name, .preference = preference};
}

/* Takes the sorted records up to where this server stands; false when it stands first. */
static bool mx_hosts_add(struct route_find *find, const struct dns_mx *records, size_t count)
{
	struct route *route = &find->route;

	for (size_t i = 0; i < count; i++) {
		if (is_own_name(find, dns_name_str(&records[i].host))) {
			if (!hosts_cut(find, records[i].preference))
				return true;
			buf_printf(&route->why, "%s, this server, is its best MX",
				   records[i].host.text);
			return false;
		}
		host_add(route, &records[i].host, records[i].preference);
	}
	return true;
}

static void mx_take(struct route_find *find, const struct dns_answer *answer)
{
	struct dns_mx records[RECORDS_MAX];
	struct route *route = &find->route;
	bool is_null;
	size_t count = mx_read(answer, records, &is_null);

	route->has_mx = true;
	if (count == 0) {
		buf_printf(&route->why, is_null ? "%s takes no mail"
						: "the MX records of %s name no host",
			   route->domain.text);
		verdict_set(find, is_null ? ROUTE_NULL : ROUTE_NOWHERE);
		return;
	}
	mx_sort(records, count);
	if (!mx_hosts_add(find, records, count))
		verdict_set(find, ROUTE_LOOP);
	else
		addresses_ask(find);
}

/* The domain itself is the host. */
static void domain_take(struct route_find *find)
{
	if (is_own_name(find, dns_name_str(&find->route.domain))) {
		buf_printf(&find->route.why, "%s is this server", find->route.domain.text);
		verdict_set(find, ROUTE_LOOP);
		return;
	}
	host_add(&find->route, &find->route.domain, 0);
	addresses_ask(find);
}

static void mx_settle(struct route_find *find, const struct dns_answer *answer)
{
	find->route.is_mx_secure = answer->is_secure;
	switch (answer->outcome) {
	case DNS_FOUND:
		mx_take(find, answer);
		break;
	case DNS_NO_DATA:
		domain_take(find);
		break;
	case DNS_NO_NAME:
		buf_printf(&find->route.why, "there is no domain %s", find->route.domain.text);
		verdict_set(find, ROUTE_NOWHERE);
		break;
	case DNS_BOGUS:
	case DNS_FAILED:
	case DNS_TIMEOUT:
		answer_explain(find, dns_name_str(&find->route.domain), DNS_MX, answer);
		verdict_set(find, ROUTE_LATER);
		break;
	}
}

/* ---- address literals ---- */

/* "192.0.2.1" or "IPv6:2001:db8::1" (RFC 5321 section 4.1.3), without the brackets. */
static bool literal_read(struct str text, uint8_t address_out[16])
{
	char number[INET6_ADDRSTRLEN];

	if (str_has_prefix_nocase(text, STR("IPv6:")))
		return str_copy_c(str_from(text, 5), number, sizeof(number)) &&
		       inet_pton(AF_INET6, number, address_out) == 1;
	memset(address_out, 0, 10);
	memset(address_out + 10, 0xff, 2);
	return str_copy_c(text, number, sizeof(number)) &&
	       inet_pton(AF_INET, number, address_out + 12) == 1;
}

/* A host of mailserver.cfg has its address in brackets without a tag; one that was asked for has it. */
static bool host_literal_read(struct str literal, uint8_t address_out[16])
{
	struct str inner = literal.len > 2 ? str_sub(literal, 1, literal.len - 2) : STR("");
	char number[INET6_ADDRSTRLEN];

	if (literal.ptr[literal.len - 1] != ']')
		return false;
	return literal_read(inner, address_out) ||
	       (str_copy_c(inner, number, sizeof(number)) &&
		inet_pton(AF_INET6, number, address_out) == 1);
}

static bool mail_literal_read(struct str literal, uint8_t address_out[16])
{
	return domain_literal_check(literal) &&
	       literal_read(str_sub(literal, 1, literal.len - 2), address_out);
}

static void literal_take(struct route_find *find, struct str literal)
{
	struct route *route = &find->route;
	struct route_host *host = &route->hosts[0];
	bool is_good = find->request.is_host ? host_literal_read(literal, host->addresses[0])
					     : mail_literal_read(literal, host->addresses[0]);

	if (!is_good) {
		buf_append_c(&route->why, "not an address literal");
		verdict_set(find, ROUTE_INVALID);
		return;
	}
	host->address_count = route->host_count = 1;
	bool is_own = is_own_host(find, host);
	if (is_own)
		buf_append_c(&route->why, "the address is this server's own");
	verdict_set(find, is_own ? ROUTE_LOOP : ROUTE_FOUND);
}

/* ---- the finder ---- */

static void find_begin(struct route_find *find, struct str domain)
{
	if (domain.len > 0 && domain.ptr[0] == '[') {
		literal_take(find, domain);
	} else if (!idn_to_ascii(domain, &find->route.domain)) {
		buf_append_c(&find->route.why, "not a domain name");
		verdict_set(find, ROUTE_INVALID);
	} else if (find->request.is_host) {
		domain_take(find);
	} else
		find->mx = ask(find, dns_name_str(&find->route.domain), DNS_MX);
}

struct route_find *route_find_new(const struct route_request *request)
{
	struct route_find *find = calloc(1, sizeof(*find));

	CHECK(find != NULL && request->wake != NULL);
	find->request = *request;
	find->route.why = BUF_INIT(WHY_MAX);
	find_begin(find, request->domain);
	find->request.domain = STR("");
	return find;
}

const struct route *route_find_step(struct route_find *find)
{
	if (find->state == FIND_MX) {
		const struct dns_answer *answer = dns_query_answer(find->mx);
		if (answer != NULL)
			mx_settle(find, answer);
	}
	if (find->state == FIND_ADDRESSES && addresses_are_there(find))
		addresses_settle(find);
	return find->state == FIND_DONE ? &find->route : NULL;
}

void route_find_free(struct route_find **find)
{
	struct route_find *old = *find;

	*find = NULL;
	if (old == NULL)
		return;
	dns_query_free(&old->mx);
	for (size_t i = 0; i < ROUTE_HOSTS_MAX; i++)
		for (size_t j = 0; j < 2; j++)
			dns_query_free(&old->queries[i].of_type[j]);
	buf_done(&old->route.why);
	free(old);
}
