/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/signing.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "mailauth/dkim_signature.h"
#include "proto/address.h"
#include "proto/message_address.h"

enum {
	/* Some milliseconds' worth. */
	BODY_PIECE = 2 << 20,
	REMEMBERED_MAX = 64,
	FROM_ARENA_MAX = 256 * 1024,
	FROM_ADDRESSES_MAX = 16,
	NAMES_MAX = DKIM_DOMAIN_MAX + DKIM_SIGNERS_MAX * (DKIM_SELECTOR_MAX + 1),
	TEXT_MAX = DKIM_SIGNERS_MAX * DKIM_FIELD_MAX,
};

/* The signatures of a message, or that somebody is making them. */
struct memory {
	struct list_node node;
	uint64_t entry;
	struct dkim_table *table; /* a reference */
	bool is_done;
	struct buf text;
};

struct signings {
	struct key_source *keys;
	pthread_mutex_t lock;
	struct dkim_table *table;
	struct list memories; /* the oldest first */
	size_t done_count;
	struct list waiting; /* of struct signing */
};

enum stage { STAGE_BEGIN, STAGE_BODY, STAGE_OVER };

struct signing {
	struct signings *signings;
	const struct load *load;
	struct task *task;
	struct dkim_table *table;
	struct list_node waiting_node;
	struct memory *memory; /* what this one makes; NULL: nothing */
	enum stage stage;
	enum signing_step result; /* once it is over */
	struct buf text, names;

	const struct dkim_line *signers[DKIM_SIGNERS_MAX];
	size_t signer_count;
	size_t header_len; /* of the body's own header, with its end */
	size_t body_at;
	bool has_body;
	struct dkim_body body;
};

struct signings *signings_new(struct key_source *keys)
{
	struct signings *signings = calloc(1, sizeof(*signings));

	CHECK(signings != NULL && pthread_mutex_init(&signings->lock, NULL) == 0);
	signings->keys = keys;
	list_init(&signings->memories);
	list_init(&signings->waiting);
	return signings;
}

static void memory_free(struct memory *memory)
{
	list_remove(&memory->node);
	dkim_table_unref(&memory->table);
	buf_done(&memory->text);
	free(memory);
}

void signings_free(struct signings **signings)
{
	struct signings *old = *signings;

	*signings = NULL;
	if (old == NULL)
		return;
	list_each(node, next, &old->memories)
		memory_free(list_entry(node, struct memory, node));
	dkim_table_unref(&old->table);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

void signings_table_set(struct signings *signings, struct dkim_table *table)
{
	pthread_mutex_lock(&signings->lock);
	struct dkim_table *former = signings->table;
	signings->table = table;
	pthread_mutex_unlock(&signings->lock);
	dkim_table_unref(&former);
}

struct dkim_table *signings_table_get(struct signings *signings)
{
	pthread_mutex_lock(&signings->lock);
	struct dkim_table *table =
		signings->table == NULL ? NULL : dkim_table_ref(signings->table);
	pthread_mutex_unlock(&signings->lock);
	return table;
}

/* ---- what was signed before; all under the lock ---- */

static struct memory *memory_find(struct signings *signings, const struct signing *signing)
{
	list_each(node, next, &signings->memories) {
		struct memory *memory = list_entry(node, struct memory, node);
		if (memory->entry == signing->load->entry.number &&
		    memory->table == signing->table)
			return memory;
	}
	return NULL;
}

static struct memory *memory_new(struct signings *signings, const struct signing *signing)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	CHECK(memory != NULL);
	memory->entry = signing->load->entry.number;
	memory->table = dkim_table_ref(signing->table);
	buf_init(&memory->text, TEXT_MAX);
	list_append(&signings->memories, &memory->node);
	return memory;
}

static void waiting_wake(struct signings *signings)
{
	struct list_node *node;

	while ((node = list_take_first(&signings->waiting)) != NULL)
		task_wake(list_entry(node, struct signing, waiting_node)->task);
}

static void oldest_forget(struct signings *signings)
{
	list_each(node, next, &signings->memories) {
		struct memory *memory = list_entry(node, struct memory, node);
		if (!memory->is_done)
			continue;
		memory_free(memory);
		signings->done_count--;
		return;
	}
}

/* Keeps what was made, or forgets that anything was under way. */
static void memory_settle(struct signing *signing, bool is_done)
{
	struct signings *signings = signing->signings;

	pthread_mutex_lock(&signings->lock);
	if (is_done) {
		buf_append_str(&signing->memory->text, buf_str(&signing->text));
		signing->memory->is_done = true;
		if (++signings->done_count > REMEMBERED_MAX)
			oldest_forget(signings);
	} else
		memory_free(signing->memory);
	signing->memory = NULL;
	waiting_wake(signings);
	pthread_mutex_unlock(&signings->lock);
}

/* SIGNING_DONE: it was signed before; SIGNING_AGAIN: this one is to do it. */
static enum signing_step memory_take(struct signing *signing)
{
	struct signings *signings = signing->signings;
	enum signing_step step = SIGNING_AGAIN;

	pthread_mutex_lock(&signings->lock);
	struct memory *memory = memory_find(signings, signing);
	if (memory == NULL)
		signing->memory = memory_new(signings, signing);
	else if (memory->is_done) {
		buf_append_str(&signing->text, buf_str(&memory->text));
		step = SIGNING_DONE;
	} else {
		if (!list_node_is_linked(&signing->waiting_node))
			list_append(&signings->waiting, &signing->waiting_node);
		step = SIGNING_WAIT;
	}
	pthread_mutex_unlock(&signings->lock);
	return step;
}

/* ---- whether, and for whom ---- */

static bool domain_take(struct buf *to, struct str domain)
{
	return domain.len > 0 && domain_append_ascii(to, domain) && to->len > 0;
}

static bool from_domain(const struct signing *signing, struct buf *to)
{
	const struct mail_content *content = &signing->load->content;
	struct str value, header = str_sub(content->body, 0, signing->header_len);
	struct arena arena;
	bool is_found = false;

	if (!message_field_find(content->prefix, STR("From"), &value) &&
	    !message_field_find(header, STR("From"), &value))
		return false;
	arena_init(&arena, FROM_ARENA_MAX);
	struct message_address *address =
		message_addresses_parse(&arena, value, FROM_ADDRESSES_MAX);
	for (; address != NULL && !is_found; address = address->next)
		is_found = address->kind == MESSAGE_ADDRESS_MAILBOX &&
			   domain_take(to, address->domain);
	arena_rewind(&arena);
	return is_found;
}

static bool sender_domain(const struct signing *signing, struct buf *to)
{
	struct str sender = signing->load->entry.envelope.sender;
	size_t at = str_find_last_char(sender, '@');

	return at != STR_NONE && domain_take(to, str_from(sender, at + 1));
}

static void signers_find(struct signing *signing)
{
	const struct queue_envelope *envelope = &signing->load->entry.envelope;
	struct buf domain = BUF_INIT(ADDRESS_DOMAIN_MAX);

	if (str_is_empty(envelope->user) && (envelope->flags & QUEUE_NOTICE) == 0)
		return;
	if (from_domain(signing, &domain) || sender_domain(signing, &domain))
		signing->signer_count =
			dkim_table_signers(signing->table, buf_str(&domain), signing->signers);
	buf_done(&domain);
}

static void names_make(struct signing *signing)
{
	for (size_t i = 0; i < signing->signer_count; i++) {
		const struct dkim_line *line = signing->signers[i];
		if (i == 0)
			buf_printf(&signing->names, "%.*s/", STR_ARG(line->domain));
		else
			buf_append_char(&signing->names, '+');
		buf_append_str(&signing->names, line->selector);
	}
}

/* ---- signing ---- */

static enum signing_step over(struct signing *signing, enum signing_step step)
{
	if (signing->memory != NULL)
		memory_settle(signing, step == SIGNING_DONE);
	signing->stage = STAGE_OVER;
	signing->result = step;
	return step;
}

static enum signing_step hindered(struct signing *signing, enum signing_step step,
				  const struct dkim_line *line, const char *why)
{
	buf_reset(&signing->text);
	buf_append_c(&signing->text, "The message cannot be signed (DKIM");
	if (line != NULL)
		buf_printf(&signing->text, ", %.*s/%.*s", STR_ARG(line->domain),
			   STR_ARG(line->selector));
	buf_printf(&signing->text, "): %s", why);
	return over(signing, step);
}

static enum fault digest_sign(struct signing *signing, const struct dkim_line *line,
			      const unsigned char digest[SHA256_BYTES], struct buf *field)
{
	struct key_source *keys = signing->signings->keys;
	uint32_t scheme = line->algorithm == DKIM_RSA ? SIGN_SCHEME_RSA_PKCS1_SHA256
						      : SIGN_SCHEME_ED25519;
	unsigned char bytes[SIGN_SIGNATURE_MAX];
	size_t len;
	enum fault fault = keys->sign(keys, line->number, scheme,
				      str_make(digest, SHA256_BYTES), bytes, &len);

	if (fault == FAULT_NONE)
		dkim_signature_end(field, str_make(bytes, len));
	return fault;
}

static enum fault signature_add(struct signing *signing, const struct dkim_line *line,
				const struct dkim_header *header,
				const unsigned char body_digest[SHA256_BYTES])
{
	struct buf field = BUF_INIT(DKIM_FIELD_MAX);
	unsigned char digest[SHA256_BYTES];
	struct dkim_signature signature = {.algorithm = line->algorithm,
					   .domain = line->domain,
					   .selector = line->selector,
					   .time_s = clock_real_s(),
					   .header = header,
					   .body_digest = body_digest};

	dkim_signature_begin(&field, &signature, digest);
	enum fault fault = digest_sign(signing, line, digest, &field);
	if (fault == FAULT_NONE)
		buf_append_str(&signing->text, buf_str(&field));
	buf_done(&field);
	return fault;
}

static enum signing_step sign(struct signing *signing)
{
	const struct mail_content *content = &signing->load->content;
	unsigned char body_digest[SHA256_BYTES];
	struct dkim_header header;
	const struct dkim_line *line = NULL;
	enum fault fault = FAULT_NONE;

	dkim_body_final(&signing->body, body_digest);
	signing->has_body = false;
	if (dkim_header_init(&header, content->prefix,
			     str_sub(content->body, 0, signing->header_len)) != FAULT_NONE)
		return hindered(signing, SIGNING_REFUSED, NULL,
				"its header has the same fields too many times");
	for (size_t i = 0; i < signing->signer_count && fault == FAULT_NONE; i++) {
		line = signing->signers[i];
		fault = signature_add(signing, line, &header, body_digest);
	}
	dkim_header_done(&header);
	if (fault != FAULT_NONE)
		return hindered(signing, SIGNING_LATER, line, fault_text(fault));
	return over(signing, SIGNING_DONE);
}

static enum signing_step body_go(struct signing *signing)
{
	struct str piece = str_sub(signing->load->content.body, signing->body_at, BODY_PIECE);

	dkim_body_update(&signing->body, piece);
	signing->body_at += piece.len;
	return signing->body_at < signing->load->content.body.len ? SIGNING_AGAIN : sign(signing);
}

static enum signing_step begin(struct signing *signing)
{
	for (size_t i = 0; i < signing->signer_count; i++)
		if (signing->signers[i]->number == 0)
			return hindered(signing, SIGNING_LATER, signing->signers[i],
					"the private key cannot be used; see error.log");
	if (signing->signer_count == 0)
		return over(signing, SIGNING_DONE);
	enum signing_step step = memory_take(signing);
	if (step != SIGNING_AGAIN)
		return step == SIGNING_DONE ? over(signing, step) : step;
	dkim_body_init(&signing->body);
	signing->has_body = true;
	signing->body_at = signing->header_len;
	signing->stage = STAGE_BODY;
	return body_go(signing);
}

struct signing *signing_new(struct signings *signings, const struct load *load,
			    struct task *task)
{
	struct signing *signing = calloc(1, sizeof(*signing));

	CHECK(signing != NULL);
	signing->signings = signings;
	signing->load = load;
	signing->task = task;
	signing->table = signings_table_get(signings);
	CHECK(signing->table != NULL);
	signing->header_len = message_header_length(load->content.body);
	buf_init(&signing->text, TEXT_MAX);
	buf_init(&signing->names, NAMES_MAX);
	signers_find(signing);
	names_make(signing);
	return signing;
}

void signing_free(struct signing **signing)
{
	struct signing *old = *signing;

	*signing = NULL;
	if (old == NULL)
		return;
	if (old->memory != NULL)
		memory_settle(old, false);
	pthread_mutex_lock(&old->signings->lock);
	if (list_node_is_linked(&old->waiting_node))
		list_remove(&old->waiting_node);
	pthread_mutex_unlock(&old->signings->lock);
	if (old->has_body)
		dkim_body_done(&old->body);
	dkim_table_unref(&old->table);
	buf_done(&old->text);
	buf_done(&old->names);
	free(old);
}

enum signing_step signing_step(struct signing *signing)
{
	if (signing->stage == STAGE_OVER)
		return signing->result;
	return signing->stage == STAGE_BEGIN ? begin(signing) : body_go(signing);
}

struct str signing_text(const struct signing *signing)
{
	return buf_str(&signing->text);
}

struct str signing_names(const struct signing *signing)
{
	return buf_str(&signing->names);
}
