/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/dns_requests.h"

#include <stdlib.h>


/* Somebody sits before the command that asks. */
enum { QUESTION_PATIENCE_MS = 6 * 1000 };

/* Somebody who waits for an answer. */
struct request {
	struct list_node node;
	struct role_peer *peer;
	uint64_t id;
	struct dns_query *query; /* NULL for a peer's names */
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

void dns_requests_drop(struct mailq *mailq)
{
	list_each(node, next, &mailq->dns_requests) {
		struct request *request = list_entry(node, struct request, node);
		/* Those for a peer's names end with the lookup that knows them. */
		if (request->query != NULL)
			request_free(request);
	}
}
