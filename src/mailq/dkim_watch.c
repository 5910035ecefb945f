/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/dkim_watch.h"

#include <stdlib.h>

#include "base/clock.h"
#include "mailauth/dkim_record.h"
#include "mailq/signing.h"

enum {
	AWAITED_EVERY_MS = 60 * 1000,
	SIGNERS_EVERY_MS = 6 * 3600 * 1000,
	/* Somebody sits before the command that asks. */
	PATIENCE_MS = 6 * 1000,
	NAME_MAX_BYTES = DKIM_SELECTOR_MAX + DKIM_DOMAIN_MAX + 16,
	FOUND_MAX = 64 * 1024,
};

struct dkim_watch {
	struct mailq *mailq;
	struct list looks;
	size_t own_looks; /* those for the table */
	int64_t awaited_ms; /* when to look for them next */
	int64_t signers_ms;
};

struct look {
	struct list_node node;
	struct dkim_watch *watch;
	struct role_peer *peer; /* NULL: for the table */
	uint64_t id;
	struct dns_query *query;
	char *domain, *selector, *record;
};

struct dkim_watch *dkim_watch_new(struct mailq *mailq)
{
	struct dkim_watch *watch = calloc(1, sizeof(*watch));

	CHECK(watch != NULL);
	watch->mailq = mailq;
	list_init(&watch->looks);
	return watch;
}

static void look_free(struct look *look)
{
	list_remove(&look->node);
	look->watch->own_looks -= look->peer == NULL;
	dns_query_free(&look->query);
	role_peer_release(&look->peer);
	free(look->domain);
	free(look->selector);
	free(look->record);
	free(look);
}

void dkim_watch_free(struct dkim_watch **watch)
{
	list_each(node, next, &(*watch)->looks)
		look_free(list_entry(node, struct look, node));
	free(*watch);
	*watch = NULL;
}

/* ---- what was found ---- */

static enum dkim_published records_judge(const struct dns_answer *answer, struct str record,
					 struct buf *found)
{
	if (answer->outcome == DNS_NO_DATA || answer->outcome == DNS_NO_NAME)
		return DKIM_PUBLISHED_MISSING;
	if (answer->outcome != DNS_FOUND)
		return DKIM_PUBLISHED_UNKNOWN;
	if (answer->record_count > 1)
		return DKIM_PUBLISHED_SEVERAL;
	if (answer->record_count == 0 || !dns_text_append(answer->records[0], found))
		return DKIM_PUBLISHED_UNUSABLE;
	return dkim_record_compare(buf_str(found), record);
}

/* Whether the key is awaited, or else signs, by the table as it is now. */
static bool is_in_table(const struct look *look, bool is_awaited)
{
	struct dkim_table *table = signings_table_get(look->watch->mailq->signings);
	bool is_found = false;

	for (size_t i = 0; table != NULL && i < dkim_table_count(table) && !is_found; i++) {
		const struct dkim_line *line = dkim_table_line(table, i);
		is_found = line->is_awaited == is_awaited &&
			   str_equals(line->domain, str_from_c(look->domain)) &&
			   str_equals(line->selector, str_from_c(look->selector)) &&
			   str_equals(line->record, str_from_c(look->record));
	}
	dkim_table_unref(&table);
	return is_found;
}

/* One that is lost is told with the next look. */
static void parent_tell(const struct look *look)
{
	struct mailq *mailq = look->watch->mailq;
	struct msg_dkim_seen seen = {.domain = str_from_c(look->domain),
				     .selector = str_from_c(look->selector)};

	if (channel_send(&mailq->server.parent, MSG_dkim_seen, 0, &seen) != FAULT_NONE)
		log_printf(mailq->options.log, LOG_DEBUG, "mailq: a record of DKIM is told of later");
}

static void signer_warn(const struct look *look, enum dkim_published published)
{
	log_printf(look->watch->mailq->options.log, LOG_WARNING,
		   "dkim: mail is signed with %s._domainkey.%s, but in DNS: %s; see `postern dkim show "
		   "%s`",
		   look->selector, look->domain, dkim_published_name(published), look->domain);
}

static void peer_tell(const struct look *look, enum dkim_published published,
		      const struct dns_answer *answer, struct str found)
{
	struct buf text = BUF_INIT(MESSAGE_INLINE_MAX);

	if (published == DKIM_PUBLISHED_UNKNOWN)
		text_append_phrase(&text, str_from_c(answer->why != NULL
							     ? answer->why
							     : dns_outcome_name(answer->outcome)));
	else
		text_append_phrase(&text, str_sub(found, 0, DKIM_RECORD_MAX));
	struct msg_dkim_looked looked = {.published = published, .text = buf_str(&text)};
	role_peer_answer(look->peer, MSG_dkim_looked, look->id, &looked);
	buf_done(&text);
}

static void answered(void *context, struct dns_query *query)
{
	struct look *look = context;
	const struct dns_answer *answer = dns_query_answer(query);
	struct buf found = BUF_INIT(FOUND_MAX);
	enum dkim_published published =
		records_judge(answer, str_from_c(look->record), &found);

	if (published == DKIM_PUBLISHED && is_in_table(look, true))
		parent_tell(look);
	if (look->peer == NULL && published != DKIM_PUBLISHED &&
	    published != DKIM_PUBLISHED_UNKNOWN && is_in_table(look, false))
		signer_warn(look, published);
	if (look->peer != NULL)
		peer_tell(look, published, answer, buf_str(&found));
	buf_done(&found);
	look_free(look);
}

/* ---- looking ---- */

/* The question may be answered before this returns. */
static void look_begin(struct dkim_watch *watch, struct role_peer *peer, uint64_t id,
		       const struct dkim_line *line)
{
	struct look *look = calloc(1, sizeof(*look));
	struct buf name = BUF_INIT(NAME_MAX_BYTES);

	CHECK(look != NULL);
	*look = (struct look){.watch = watch,
			      .peer = peer,
			      .id = id,
			      .domain = str_dup_c(line->domain),
			      .selector = str_dup_c(line->selector),
			      .record = str_dup_c(line->record)};
	list_append(&watch->looks, &look->node);
	if (peer != NULL)
		role_peer_hold(peer);
	else
		watch->own_looks++;
	dkim_record_append_name(&name, line->domain, line->selector);
	look->query = resolver_ask(watch->mailq->resolver,
				   &(struct dns_question){.name = buf_str(&name),
							  .type = DNS_TXT,
							  .patience_ms = PATIENCE_MS,
							  .done = answered,
							  .context = look});
	buf_done(&name);
}

void dkim_look_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet)
{
	const struct msg_dkim_look_wanted *wanted = &packet->message.dkim_look_wanted;
	struct dkim_line line = {.domain = wanted->domain,
				 .selector = wanted->selector,
				 .record = wanted->record};
	struct msg_dkim_looked refused = {.published = DKIM_PUBLISHED_UNUSABLE};

	if (wanted->domain.len > DKIM_DOMAIN_MAX || !dkim_selector_check(wanted->selector))
		role_peer_answer(peer, MSG_dkim_looked, packet->header.id, &refused);
	else
		look_begin(mailq->dkim_watch, peer, packet->header.id, &line);
}

void dkim_watch_table_changed(struct dkim_watch *watch)
{
	watch->awaited_ms = watch->signers_ms = 0;
}

/* True, and the next time is set, when it is due. */
static bool due_take(int64_t *due_ms, int64_t now_ms, int64_t every_ms)
{
	if (now_ms < *due_ms)
		return false;
	*due_ms = now_ms + every_ms;
	return true;
}

void dkim_watch_tick(struct dkim_watch *watch)
{
	int64_t now_ms = clock_mono_ms();

	if (watch->own_looks > 0 || watch->mailq->sender == NULL)
		return;
	bool has_awaited = due_take(&watch->awaited_ms, now_ms, AWAITED_EVERY_MS);
	bool has_signers = due_take(&watch->signers_ms, now_ms, SIGNERS_EVERY_MS);
	if (!has_awaited && !has_signers)
		return;
	struct dkim_table *table = signings_table_get(watch->mailq->signings);
	for (size_t i = 0; table != NULL && i < dkim_table_count(table); i++) {
		const struct dkim_line *line = dkim_table_line(table, i);
		if (line->is_awaited ? has_awaited : has_signers)
			look_begin(watch, NULL, 0, line);
	}
	dkim_table_unref(&table);
}
