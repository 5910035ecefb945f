/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/dns_requests.h"

#include <stdlib.h>

#include "deliver/own.h"
#include "deliver/route.h"


/* Somebody sits before the command that asks. */
enum { QUESTION_PATIENCE_MS = 6 * 1000, SMTP_PORT = 25 };

/* Somebody who waits for an answer. */
struct request {
	struct list_node node;
	struct role_peer *peer;
	uint64_t id;
	/* By kind; all NULL for a peer's names. */
	struct dns_query *query;
	struct route_find *route;
	struct config *config; /* what `own` borrows */
	struct own own;
};

static struct request *request_new(struct mailq *mailq, struct role_peer *peer,
				   const struct packet *packet)
{
	struct request *request = calloc(1, sizeof(*request));

	CHECK(request != NULL);
	role_peer_hold(peer);
	request->peer = peer;
	request->id = packet->header.id;
	list_append(&mailq->dns_requests, &request->node);
	return request;
}

static void request_free(struct request *request)
{
	list_remove(&request->node);
	dns_query_free(&request->query);
	route_find_free(&request->route);
	config_unref(&request->config);
	role_peer_release(&request->peer);
	free(request);
}

static void peer_names_told(void *context, enum fault fault, struct str names)
{
	struct request *request = context;
	struct msg_peer_name_given given = {.fault = fault, .names = names};

	role_peer_answer(request->peer, MSG_peer_name_given, request->id, &given);
	request_free(request);
}

void peer_name_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet)
{
	struct str address = packet->message.peer_name_wanted.address;
	struct request *request = request_new(mailq, peer, packet);

	if (address.len != 16)
		peer_names_told(request, FAULT_INVALID, STR(""));
	else
		peer_names_ask(mailq->peer_names, (const uint8_t *)address.ptr,
			       (struct peer_names_asker){peer_names_told, request});
}

static void records_append(struct buf *to, const struct dns_answer *answer, enum dns_type type)
{
	for (size_t i = 0; i < answer->record_count; i++) {
		size_t before = to->len;
		dns_record_append_text(to, type, answer->records[i]);
		buf_append_char(to, '\n');
		if (to->failed) {
			buf_truncate(to, before);
			return;
		}
	}
}

static void dns_answered(void *context, struct dns_query *query)
{
	struct request *request = context;
	const struct dns_answer *answer = dns_query_answer(query);
	struct buf records = BUF_INIT(MESSAGE_INLINE_MAX), why = BUF_INIT(1024);

	records_append(&records, answer, dns_query_type(query));
	if (answer->why != NULL)
		text_append_phrase(&why, str_from_c(answer->why));
	struct msg_dns_given given = {.outcome = answer->outcome,
				      .is_secure = answer->is_secure,
				      .ttl_s = answer->ttl_s,
				      .canonical = dns_name_str(&answer->canonical),
				      .records = buf_str(&records),
				      .why = buf_str(&why)};
	role_peer_answer(request->peer, MSG_dns_given, request->id, &given);
	buf_done(&records);
	buf_done(&why);
	request_free(request);
}

void dns_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet)
{
	const struct msg_dns_wanted *wanted = &packet->message.dns_wanted;
	struct request *request = request_new(mailq, peer, packet);

	request->query = resolver_ask(mailq->resolver,
				      &(struct dns_question){.name = wanted->name,
							     .type = (enum dns_type)wanted->type,
							     .patience_ms = QUESTION_PATIENCE_MS,
							     .done = dns_answered,
							     .context = request});
}

static void host_append(struct buf *to, const struct route_host *host)
{
	buf_printf(to, "%u %s %s", host->preference, host->name.len == 0 ? "-" : host->name.text,
		   host->is_secure ? "secure" : "insecure");
	for (size_t i = 0; i < host->address_count; i++) {
		buf_append_char(to, ' ');
		dns_address_append(to, host->addresses[i]);
	}
	buf_append_char(to, '\n');
}

static void route_answer(struct request *request, const struct route *route)
{
	struct buf hosts = BUF_INIT(MESSAGE_INLINE_MAX), why = BUF_INIT(MESSAGE_INLINE_MAX);

	for (size_t i = 0; i < route->host_count; i++)
		host_append(&hosts, &route->hosts[i]);
	text_append_phrase(&why, buf_str(&route->why));
	struct msg_route_given given = {.verdict = route->verdict,
					.domain = dns_name_str(&route->domain),
					.has_mx = route->has_mx,
					.is_mx_secure = route->is_mx_secure,
					.hosts = buf_str(&hosts),
					.why = buf_str(&why)};
	role_peer_answer(request->peer, MSG_route_given, request->id, &given);
	buf_done(&hosts);
	buf_done(&why);
	request_free(request);
}

static void route_look(void *context)
{
	struct request *request = context;
	const struct route *route = route_find_step(request->route);

	if (route != NULL)
		route_answer(request, route);
}

void route_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet)
{
	struct request *request = request_new(mailq, peer, packet);
	struct route_request wanted = {.resolver = mailq->resolver,
				       .domain = packet->message.route_wanted.domain,
				       .wake = route_look,
				       .wake_context = request};

	request->config = mailq_config_get(mailq);
	if (request->config != NULL) {
		own_init(&request->own, request->config, SMTP_PORT);
		wanted.is_own_name = own_name_check;
		wanted.is_own_address = own_address_check;
		wanted.own_context = &request->own;
	}
	request->route = route_find_new(&wanted);
	route_look(request);
}

void dns_requests_drop(struct mailq *mailq)
{
	list_each(node, next, &mailq->dns_requests) {
		struct request *request = list_entry(node, struct request, node);
		/* Those for a peer's names end with the lookup that knows them. */
		if (request->query != NULL || request->route != NULL)
			request_free(request);
	}
}
