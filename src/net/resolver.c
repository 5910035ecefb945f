/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"

enum {
	CLASS_IN = 1,
	RCODE_NO_ERROR = 0,
	RCODE_REFUSED = 5,
	SETTINGS_TEXT_MAX = 1 << 20,
	ANCHOR_LINE_MAX = 8192,
};

/*
 * What libunbound is given to hand back. It outlives its query when that is
 * given up at the very moment in which the answer comes.
 */
struct flight {
	struct list_node node;
	struct resolver *resolver;
	struct dns_query *query; /* NULL: given up */
	int id;
};

enum query_state { QUERY_WAITING, QUERY_FLYING, QUERY_READY, QUERY_DONE };

struct dns_query {
	struct list_node node; /* in the list of its state; in none when done */
	struct resolver *resolver;
	enum query_state state;
	struct flight *flight;
	struct dns_name name;
	enum dns_type type;
	int64_t deadline_ms;
	void (*done)(void *context, struct dns_query *query);
	void *context;
	struct dns_answer answer;
	struct ub_result *result; /* into which the answer points */
	struct str *records;
};

struct resolver {
	struct waiter *waiter;
	struct watch answers;
	struct watch kicks; /* an eventfd: something is ready without libunbound */
	/* Below: the waiter's thread's own. */
	struct ub_ctx *ub;
	struct buf settings; /* those in force, as text */
	/* Below: under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t called;
	struct list waiting;
	struct list flying;
	struct list ready;
	struct list flights;
	struct dns_query *calling; /* whose `done` runs now, */
	pthread_t caller;	   /* in this thread */
	struct resolver_counts counts;
};

const char *dns_outcome_name(enum dns_outcome outcome)
{
	static const char *const names[] = {[DNS_FOUND] = "found",   [DNS_NO_DATA] = "no data",
					    [DNS_NO_NAME] = "no name", [DNS_BOGUS] = "bogus",
					    [DNS_FAILED] = "failed", [DNS_TIMEOUT] = "timeout"};

	CHECK(outcome <= DNS_TIMEOUT);
	return names[outcome];
}

bool dns_outcome_is_temporary(enum dns_outcome outcome)
{
	return outcome == DNS_BOGUS || outcome == DNS_FAILED || outcome == DNS_TIMEOUT;
}

/* ---- settings ---- */

static void servers_append(struct buf *to, const struct str *servers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(to, " %.*s", STR_ARG(servers[i]));
	buf_append_char(to, '\n');
}

static void settings_append(struct buf *to, const struct resolver_settings *settings)
{
	servers_append(to, settings->servers, settings->server_count);
	for (size_t i = 0; i < settings->stub_count; i++) {
		const struct resolver_stub *stub = &settings->stubs[i];
		buf_printf(to, "%.*s %d", STR_ARG(stub->zone), stub->is_unsigned);
		servers_append(to, stub->servers, stub->server_count);
	}
	buf_append_str(to, settings->anchors);
}

static bool understood(int result, struct buf *why, const char *what, struct str value)
{
	if (result == UB_NOERROR)
		return true;
	buf_printf(why, "%s \"%.*s\": %s", what, STR_ARG(value), ub_strerror(result));
	return false;
}

/* A key that is only announced, or revoked, says so in a comment (RFC 5011 as unbound-anchor keeps it). */
static bool anchor_is_valid(struct str comment)
{
	size_t at = str_find(comment, STR(";state="));

	if (at == STR_NONE)
		return true;
	char state = at + 7 < comment.len ? comment.ptr[at + 7] : '\0';
	return state == '2' || state == '3';
}

static bool anchor_line_add(struct ub_ctx *ub, struct str line, struct buf *why)
{
	char text[ANCHOR_LINE_MAX];
	struct str comment = line;
	struct str record = str_trim(str_cut(&comment, ';'));

	if (record.len == 0 || !anchor_is_valid(comment))
		return true;
	if (!str_copy_c(record, text, sizeof(text)))
		return understood(UB_SYNTAX, why, "trust anchor", str_sub(record, 0, 64));
	return understood(ub_ctx_add_ta(ub, text), why, "trust anchor", record);
}

static bool anchors_add(struct ub_ctx *ub, struct str anchors, struct buf *why)
{
	for (struct str rest = anchors; rest.ptr != NULL;)
		if (!anchor_line_add(ub, str_cut(&rest, '\n'), why))
			return false;
	return true;
}

static bool forwards_add(struct ub_ctx *ub, const struct resolver_settings *settings,
			 struct buf *why)
{
	for (size_t i = 0; i < settings->server_count; i++) {
		char address[64];
		if (!str_copy_c(settings->servers[i], address, sizeof(address)) ||
		    !understood(ub_ctx_set_fwd(ub, address), why, "server", settings->servers[i]))
			return false;
	}
	return true;
}

static bool stub_add(struct ub_ctx *ub, const struct resolver_stub *stub, struct buf *why)
{
	struct dns_name zone;
	char text[DNS_NAME_MAX + 2], address[64];

	if (!dns_name_parse(stub->zone, &zone))
		return understood(UB_SYNTAX, why, "zone", stub->zone);
	snprintf(text, sizeof(text), "%s.", zone.text);
	for (size_t i = 0; i < stub->server_count; i++)
		if (!str_copy_c(stub->servers[i], address, sizeof(address)) ||
		    !understood(ub_ctx_set_stub(ub, text, address, 0), why, "server",
				stub->servers[i]))
			return false;
	return !stub->is_unsigned ||
	       understood(ub_ctx_set_option(ub, "domain-insecure:", text), why, "zone", stub->zone);
}

/*
 * libunbound answers for some zones itself (localhost, test, home.arpa, addresses of this
 * machine): not for one that is named, nor for those that one stands in.
 */
static bool stub_unblock(struct ub_ctx *ub, const struct resolver_stub *stub, struct buf *why)
{
	struct str zone = stub->zone;
	char text[DNS_NAME_MAX + 2];

	while (zone.len > 0 && str_copy_c(zone, text, sizeof(text))) {
		if (!understood(ub_ctx_zone_remove(ub, text), why, "zone", stub->zone))
			return false;
		(void)str_cut(&zone, '.');
	}
	return true;
}

static bool options_set(struct ub_ctx *ub, struct buf *why)
{
	static const char *const options[][2] = {
		/* Resolvers and named zones may well stand on this machine. */
		{"do-not-query-localhost:", "no"},
		/* Private addresses may have names: in zones that are named, or at the servers. */
		{"unblock-lan-zones:", "yes"},
		/* For so many questions at a time; the library's own are for a few. */
		{"outgoing-range:", "512"},
		{"num-queries-per-thread:", "1024"},
		{"outgoing-num-tcp:", "32"},
		/* What somebody waits for, a record that is to be published, is seen soon. */
		{"cache-max-negative-ttl:", "60"},
		{"msg-cache-size:", "8m"},
		{"rrset-cache-size:", "16m"},
		/* A server that was deaf is tried again, so that mail does not wait for 15 minutes. */
		{"infra-keep-probing:", "yes"},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!understood(ub_ctx_set_option(ub, options[i][0], options[i][1]), why, "option",
				str_from_c(options[i][0])))
			return false;
	return true;
}

static bool ub_configure(struct ub_ctx *ub, const struct resolver_settings *settings,
			 struct buf *why)
{
	if (!options_set(ub, why) || !forwards_add(ub, settings, why) ||
	    !anchors_add(ub, settings->anchors, why))
		return false;
	for (size_t i = 0; i < settings->stub_count; i++)
		if (!stub_add(ub, &settings->stubs[i], why))
			return false;
	/* From the first change of local zones on all of the above holds, or is found wrong. */
	if (!understood(ub_ctx_zone_remove(ub, "nothing.invalid"), why, "trust anchors",
			str_sub(settings->anchors, 0, 64)))
		return false;
	for (size_t i = 0; i < settings->stub_count; i++)
		if (!stub_unblock(ub, &settings->stubs[i], why))
			return false;
	return true;
}

static struct ub_ctx *ub_make(const struct resolver_settings *settings, struct buf *why)
{
	struct ub_ctx *ub = ub_ctx_create();

	CHECK(ub != NULL);
	/* What it would say on standard error comes with the answers. */
	(void)ub_ctx_debugout(ub, NULL);
	CHECK(ub_ctx_async(ub, 1) == UB_NOERROR);
	if (ub_configure(ub, settings, why))
		return ub;
	ub_ctx_delete(ub);
	return NULL;
}

/* ---- answers ---- */

static void records_take(struct dns_query *query, const struct ub_result *result)
{
	size_t count = 0;

	while (count < RESOLVER_RECORDS_MAX && result->data[count] != NULL)
		count++;
	query->records = calloc(count + 1, sizeof(*query->records));
	CHECK(query->records != NULL);
	for (size_t i = 0; i < count; i++)
		query->records[i] = str_make(result->data[i], (size_t)result->len[i]);
	query->answer.records = query->records;
	query->answer.record_count = count;
}

static enum dns_outcome outcome_of(const struct ub_result *result)
{
	if (result->bogus)
		return DNS_BOGUS;
	if (result->havedata)
		return DNS_FOUND;
	if (result->nxdomain)
		return DNS_NO_NAME;
	return result->rcode == RCODE_NO_ERROR ? DNS_NO_DATA : DNS_FAILED;
}

/* Takes the result over. */
static void result_take(struct dns_query *query, struct ub_result *result)
{
	struct dns_answer *answer = &query->answer;

	query->result = result;
	answer->outcome = outcome_of(result);
	answer->is_secure = result->secure != 0;
	answer->ttl_s = result->ttl < 0 ? 0 : (uint32_t)result->ttl;
	if (result->canonname != NULL)
		(void)!dns_name_parse(str_from_c(result->canonname), &answer->canonical);
	if (answer->outcome == DNS_FOUND)
		records_take(query, result);
	else if (answer->outcome == DNS_BOGUS)
		answer->why = result->why_bogus == NULL ? "" : result->why_bogus;
	else if (answer->outcome == DNS_FAILED)
		answer->why = result->rcode == RCODE_REFUSED ? "the servers refuse to answer"
							     : "no server gave an answer";
}

/* Calls `done`, for which the lock is given away. */
static void query_finish(struct dns_query *query)
{
	struct resolver *resolver = query->resolver;

	query->state = QUERY_DONE;
	resolver->calling = query;
	resolver->caller = pthread_self();
	pthread_mutex_unlock(&resolver->lock);
	query->done(query->context, query);
	pthread_mutex_lock(&resolver->lock);
	resolver->calling = NULL;
	pthread_cond_broadcast(&resolver->called);
}

static void ready_finish(struct resolver *resolver)
{
	struct list_node *node;

	while ((node = list_take_first(&resolver->ready)) != NULL)
		query_finish(list_entry(node, struct dns_query, node));
}

/* An answer that libunbound did not give; told from the waiter's thread. */
static void query_ready(struct dns_query *query, enum dns_outcome outcome, const char *why)
{
	uint64_t one = 1;

	query->answer.outcome = outcome;
	query->answer.why = why;
	query->state = QUERY_READY;
	list_append(&query->resolver->ready, &query->node);
	(void)!write(query->resolver->kicks.fd, &one, sizeof(one));
}

/* Takes the query out of the list of its state. */
static void query_unlink(struct dns_query *query)
{
	struct resolver_counts *counts = &query->resolver->counts;

	list_remove(&query->node);
	if (query->state == QUERY_WAITING)
		counts->waiting--;
	else if (query->state == QUERY_FLYING)
		counts->in_flight--;
}

static void flight_free(struct flight *flight)
{
	list_remove(&flight->node);
	free(flight);
}

/* The query no longer waits for it. */
static void flight_leave(struct dns_query *query)
{
	struct flight *flight = query->flight;

	query->flight = NULL;
	flight->query = NULL;
	/* If it is too late for that, the answer is on its way, and frees it. */
	if (ub_cancel(query->resolver->ub, flight->id) == UB_NOERROR)
		flight_free(flight);
}

static void waiting_launch(struct resolver *resolver);

/* libunbound's word, in the waiter's thread. */
static void flight_answered(void *argument, int error, struct ub_result *result)
{
	struct flight *flight = argument;
	struct resolver *resolver = flight->resolver;

	pthread_mutex_lock(&resolver->lock);
	struct dns_query *query = flight->query;
	flight_free(flight);
	if (query != NULL) {
		query_unlink(query);
		query->flight = NULL;
		waiting_launch(resolver);
		if (result != NULL)
			result_take(query, result);
		else {
			query->answer.outcome = DNS_FAILED;
			query->answer.why = ub_strerror(error);
		}
		resolver->counts.bogus += query->answer.outcome == DNS_BOGUS;
		resolver->counts.secure += query->answer.is_secure;
		query_finish(query);
	} else
		ub_resolve_free(result);
	pthread_mutex_unlock(&resolver->lock);
}

/* ---- questions ---- */

static void query_launch(struct dns_query *query)
{
	struct resolver *resolver = query->resolver;
	struct flight *flight = calloc(1, sizeof(*flight));

	CHECK(flight != NULL);
	*flight = (struct flight){.resolver = resolver, .query = query};
	query_unlink(query);
	int error = ub_resolve_async(resolver->ub, query->name.len == 0 ? "." : query->name.text,
				     (int)query->type, CLASS_IN, flight, flight_answered,
				     &flight->id);
	if (error != UB_NOERROR) {
		free(flight);
		query_ready(query, DNS_FAILED, ub_strerror(error));
		return;
	}
	list_append(&resolver->flights, &flight->node);
	query->flight = flight;
	query->state = QUERY_FLYING;
	list_append(&resolver->flying, &query->node);
	resolver->counts.in_flight++;
	resolver->counts.asked++;
}

static void waiting_launch(struct resolver *resolver)
{
	while (resolver->ub != NULL && resolver->counts.in_flight < RESOLVER_IN_FLIGHT_MAX &&
	       !list_is_empty(&resolver->waiting))
		query_launch(list_entry(resolver->waiting.anchor.next, struct dns_query, node));
}

static void query_queue(struct dns_query *query)
{
	struct resolver *resolver = query->resolver;

	query->state = QUERY_WAITING;
	list_append(&resolver->waiting, &query->node);
	resolver->counts.waiting++;
}

struct dns_query *resolver_ask(struct resolver *resolver, const struct dns_question *question)
{
	struct dns_query *query = calloc(1, sizeof(*query));
	int patience = question->patience_ms > 0 ? question->patience_ms : RESOLVER_PATIENCE_MS;

	CHECK(query != NULL && question->done != NULL);
	*query = (struct dns_query){.resolver = resolver,
				    .type = question->type,
				    .deadline_ms = clock_mono_ms() + patience,
				    .done = question->done,
				    .context = question->context};
	bool is_name = dns_name_parse(question->name, &query->name);
	query->answer.canonical = query->name;
	pthread_mutex_lock(&resolver->lock);
	if (!is_name)
		query_ready(query, DNS_NO_NAME, NULL);
	else if (resolver->counts.waiting >= RESOLVER_WAITING_MAX)
		query_ready(query, DNS_FAILED, "too many questions at a time");
	else {
		query_queue(query);
		waiting_launch(resolver);
	}
	pthread_mutex_unlock(&resolver->lock);
	return query;
}

const struct dns_answer *dns_query_answer(struct dns_query *query)
{
	pthread_mutex_lock(&query->resolver->lock);
	bool is_done = query->state == QUERY_DONE;
	pthread_mutex_unlock(&query->resolver->lock);
	return is_done ? &query->answer : NULL;
}

const struct dns_name *dns_query_name(const struct dns_query *query)
{
	return &query->name;
}

enum dns_type dns_query_type(const struct dns_query *query)
{
	return query->type;
}

void dns_query_free(struct dns_query **query)
{
	struct dns_query *old = *query;

	*query = NULL;
	if (old == NULL)
		return;
	struct resolver *resolver = old->resolver;
	pthread_mutex_lock(&resolver->lock);
	while (resolver->calling == old && !pthread_equal(resolver->caller, pthread_self()))
		pthread_cond_wait(&resolver->called, &resolver->lock);
	if (old->state != QUERY_DONE)
		query_unlink(old);
	if (old->flight != NULL)
		flight_leave(old);
	waiting_launch(resolver);
	pthread_mutex_unlock(&resolver->lock);
	ub_resolve_free(old->result);
	free(old->records);
	free(old);
}

void dns_wake_task(void *context, struct dns_query *query)
{
	task_wake(context);
}

/* ---- the waiter's thread ---- */

static void answers_ready(struct watch *watch)
{
	struct resolver *resolver = list_entry(watch, struct resolver, answers);

	(void)ub_process(resolver->ub);
}

static void kicks_ready(struct watch *watch)
{
	struct resolver *resolver = list_entry(watch, struct resolver, kicks);
	uint64_t count;

	(void)!read(watch->fd, &count, sizeof(count));
	pthread_mutex_lock(&resolver->lock);
	ready_finish(resolver);
	pthread_mutex_unlock(&resolver->lock);
}

static void expired_take(struct resolver *resolver, struct list *list, int64_t now_ms)
{
	list_each(node, next, list) {
		struct dns_query *query = list_entry(node, struct dns_query, node);
		if (query->deadline_ms > now_ms)
			continue;
		query_unlink(query);
		if (query->flight != NULL)
			flight_leave(query);
		query_ready(query, DNS_TIMEOUT, NULL);
		resolver->counts.timeouts++;
	}
}

void resolver_tick(struct resolver *resolver)
{
	int64_t now = clock_mono_ms();

	pthread_mutex_lock(&resolver->lock);
	expired_take(resolver, &resolver->waiting, now);
	expired_take(resolver, &resolver->flying, now);
	waiting_launch(resolver);
	pthread_mutex_unlock(&resolver->lock);
}

struct resolver *resolver_new(struct waiter *waiter)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	CHECK(resolver != NULL);
	resolver->waiter = waiter;
	resolver->settings = BUF_INIT(SETTINGS_TEXT_MAX);
	CHECK(pthread_mutex_init(&resolver->lock, NULL) == 0);
	CHECK(pthread_cond_init(&resolver->called, NULL) == 0);
	list_init(&resolver->waiting);
	list_init(&resolver->flying);
	list_init(&resolver->ready);
	list_init(&resolver->flights);
	resolver->kicks = (struct watch){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
					 .ready = kicks_ready};
	CHECK(resolver->kicks.fd >= 0);
	waiter_watch(waiter, &resolver->kicks);
	return resolver;
}

/* Whoever is under way waits again, for another libunbound; the old one is gone afterwards. */
static void ub_replace(struct resolver *resolver, struct ub_ctx *ub)
{
	struct list_node *node;

	pthread_mutex_lock(&resolver->lock);
	struct ub_ctx *former = resolver->ub;
	resolver->ub = ub;
	resolver->counts.bogus = resolver->counts.secure = 0;
	list_each(at, next, &resolver->flying) {
		struct dns_query *query = list_entry(at, struct dns_query, node);
		query_unlink(query);
		query->flight = NULL;
		query_queue(query);
	}
	/* Their answers will not be heard: only this thread would. */
	while ((node = list_take_first(&resolver->flights)) != NULL)
		free(list_entry(node, struct flight, node));
	pthread_mutex_unlock(&resolver->lock);
	if (former != NULL)
		ub_ctx_delete(former);
}

enum fault resolver_settings_set(struct resolver *resolver,
				 const struct resolver_settings *settings, struct buf *why)
{
	struct buf text = BUF_INIT(SETTINGS_TEXT_MAX);

	settings_append(&text, settings);
	if (resolver->ub != NULL && str_equals(buf_str(&text), buf_str(&resolver->settings))) {
		buf_done(&text);
		return FAULT_NONE;
	}
	struct ub_ctx *ub = text.failed ? NULL : ub_make(settings, why);
	if (ub == NULL) {
		buf_done(&text);
		return FAULT_INVALID;
	}
	if (resolver->ub != NULL)
		waiter_unwatch(resolver->waiter, &resolver->answers);
	ub_replace(resolver, ub);
	resolver->answers = (struct watch){.fd = ub_fd(ub), .ready = answers_ready};
	waiter_watch(resolver->waiter, &resolver->answers);
	buf_done(&resolver->settings);
	resolver->settings = text;
	pthread_mutex_lock(&resolver->lock);
	waiting_launch(resolver);
	pthread_mutex_unlock(&resolver->lock);
	return FAULT_NONE;
}

void resolver_free(struct resolver **resolver)
{
	struct resolver *old = *resolver;

	*resolver = NULL;
	if (old == NULL)
		return;
	ub_replace(old, NULL);
	CHECK(list_is_empty(&old->waiting) && list_is_empty(&old->ready));
	fd_close(&old->kicks.fd);
	buf_done(&old->settings);
	pthread_mutex_destroy(&old->lock);
	pthread_cond_destroy(&old->called);
	free(old);
}

struct resolver_counts resolver_counts(struct resolver *resolver)
{
	pthread_mutex_lock(&resolver->lock);
	struct resolver_counts counts = resolver->counts;
	pthread_mutex_unlock(&resolver->lock);
	return counts;
}
