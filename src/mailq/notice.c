/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/notice.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "proto/address.h"
#include "proto/message_summary.h"
#include "store/directory.h"

enum {
	UNIQUE_BYTES = 12,
	ID_MAX = 64,
	/* A larger message comes back with its header only, unless all of it was asked for. */
	RETURNED_MAX = 64 * 1024,
	NOTICE_OVERHEAD = 4 << 20,
};

struct notice {
	struct mail_append append;
	struct mail_target *targets;
	struct queue_new queue;
	struct queue_recipient recipient;
	struct buf body;
	struct buf prefix;
	struct buf summary;
	struct buf message; /* the one it tells about, prefix and body in one */
	char id[ID_MAX];
};

static void id_make(struct notice *notice, struct buf *unique)
{
	unsigned char bytes[UNIQUE_BYTES];

	random_bytes(bytes, sizeof(bytes));
	hex_encode(unique, str_make(bytes, sizeof(bytes)));
	snprintf(notice->id, sizeof(notice->id), "%08x-%.8s", (unsigned)clock_real_s(),
		 unique->data);
}

static bool returns_body(const struct load *load, enum dsn_action action)
{
	uint32_t flags = load->entry.envelope.flags;

	/* RFC 3461 section 6.2: the content comes back with failures only. */
	if (action != DSN_FAILED || (flags & QUEUE_RETURN_HEADERS) != 0)
		return false;
	return (flags & QUEUE_RETURN_FULL) != 0 || load->entry.size <= RETURNED_MAX;
}

static void body_make(struct notice *notice, const struct notice_parts *parts, struct str unique)
{
	const struct load *load = parts->load;
	const struct queue_envelope *envelope = &load->entry.envelope;

	buf_append_str(&notice->message, load->content.prefix);
	buf_append_str(&notice->message, load->content.body);
	struct dsn dsn = {.action = parts->action,
			  .hostname = parts->hostname,
			  .sender = envelope->sender,
			  .envid = envelope->envid,
			  .queue_id = envelope->queue_id,
			  .unique = unique,
			  .arrived_s = load->entry.received_s,
			  .now_s = clock_real_s(),
			  .retry_until_s =
				  load->entry.received_s + parts->config->queue.lifetime_s,
			  .recipients = parts->recipients,
			  .recipient_count = parts->recipient_count,
			  .message = buf_str(&notice->message),
			  .returns_body = returns_body(load, parts->action),
			  .is_utf8 = (envelope->flags & QUEUE_UTF8) != 0};
	dsn_append(&notice->body, &dsn);
	buf_done(&notice->message);
}

/* ---- whereto ---- */

static void mailboxes_set(struct notice *notice, const struct route *route, struct str sender)
{
	notice->targets = calloc(route->count, sizeof(*notice->targets));
	CHECK(notice->targets != NULL);
	buf_printf(&notice->prefix, "Return-Path: <>\r\nDelivered-To: %.*s\r\n", STR_ARG(sender));
	for (size_t i = 0; i < route->count; i++)
		notice->targets[i] = (struct mail_target){.account = route->accounts[i],
							  .prefix = buf_str(&notice->prefix)};
	notice->append.targets = notice->targets;
	notice->append.target_count = route->count;
	struct mime_limits limits = {.parts = 100, .depth = 10, .header_bytes = 1 << 20};
	if (message_summary_make(buf_str(&notice->body), &limits, &notice->summary) != FAULT_NONE)
		buf_reset(&notice->summary);
	notice->append.summary = buf_str(&notice->summary);
}

static void queue_set(struct notice *notice, const struct queue_envelope *about)
{
	notice->recipient = (struct queue_recipient){.address = about->sender,
						     .notify = QUEUE_NOTIFY_NEVER};
	notice->queue = (struct queue_new){
		.envelope = {.queue_id = str_from_c(notice->id),
			     .message_id = str_from_c(notice->id),
			     .flags = QUEUE_NOTICE | (about->flags & (QUEUE_UTF8 | QUEUE_8BIT))},
		.recipients = &notice->recipient,
		.recipient_count = 1};
	notice->append.queue = &notice->queue;
}

static enum fault route_set(struct notice *notice, const struct notice_parts *parts)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct str sender = parts->load->entry.envelope.sender;
	struct address address;
	struct route *route = calloc(1, sizeof(*route));
	struct buf key = BUF_INIT(ADDRESS_MAX);

	CHECK(route != NULL);
	enum fault fault = view_open(parts->store, &view);
	if (fault == FAULT_NONE && !address_parse(sender, &address))
		fault = FAULT_NOT_FOUND;
	if (fault == FAULT_NONE) {
		address_append_key(&key, &address);
		fault = directory_route(view, buf_str(&key), route);
	}
	if (fault == FAULT_NONE)
		mailboxes_set(notice, route, sender);
	else if (fault == FAULT_DENIED) {
		/* Not one of our domains. */
		queue_set(notice, &parts->load->entry.envelope);
		fault = FAULT_NONE;
	}
	buf_done(&key);
	free(route);
	return fault;
}

enum fault notice_new(const struct notice_parts *parts, struct notice **out)
{
	struct notice *notice = calloc(1, sizeof(*notice));
	struct buf unique = BUF_INIT(2 * UNIQUE_BYTES + 1);

	CHECK(notice != NULL);
	buf_init(&notice->body, parts->load->entry.size + NOTICE_OVERHEAD);
	buf_init(&notice->message, parts->load->entry.size + NOTICE_OVERHEAD);
	buf_init(&notice->prefix, MAIL_PREFIX_MAX);
	buf_init(&notice->summary, MAIL_SUMMARY_MAX);
	id_make(notice, &unique);
	body_make(notice, parts, buf_str(&unique));
	buf_done(&unique);
	enum fault fault = notice->body.failed ? FAULT_TOO_LARGE : route_set(notice, parts);
	notice->append.body = (struct mail_body){.bytes = buf_str(&notice->body), .fd = -1};
	notice->append.received_s = clock_real_s();
	*out = notice;
	if (fault != FAULT_NONE)
		notice_free(out);
	return fault;
}

void notice_free(struct notice **notice)
{
	struct notice *old = *notice;

	*notice = NULL;
	free(old->targets);
	buf_done(&old->body);
	buf_done(&old->prefix);
	buf_done(&old->summary);
	buf_done(&old->message);
	free(old);
}

struct mail_append *notice_append_of(const struct notice *notice)
{
	return (struct mail_append *)(uintptr_t)&notice->append;
}
