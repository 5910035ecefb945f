/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/peer_names.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/lru.h"

enum {
	REMEMBER_MIN_S = 30,
	REMEMBER_MAX_S = 60 * 60,
	NAMES_TEXT_MAX = PEER_NAMES_MAX * (DNS_NAME_MAX + 1),
	STEP_PATIENCE_MIN_MS = 500,
};

struct remembered {
	struct lru_entry lru;
	uint8_t address[16];
	enum fault fault;
	int64_t until_ms;
	size_t names_len;
	char names[];
};

struct asker_node {
	struct list_node node;
	struct peer_names_asker asker;
};

struct lookup {
	struct list_node node;
	struct peer_names *names;
	uint8_t address[16];
	struct list askers;
	struct dns_query *query;
	struct dns_name candidates[PEER_NAMES_MAX];
	size_t candidate_count;
	size_t candidate_at;
	struct buf confirmed;
	bool is_unsure; /* DNS failed for one of the candidates */
	uint32_t ttl_s;
	int64_t deadline_ms;
};

struct peer_names {
	struct resolver *resolver;
	struct list lookups;
	size_t lookup_count;
	struct hash_key key;
	struct lru remembered;
};

struct peer_names *peer_names_new(struct resolver *resolver)
{
	struct peer_names *names = calloc(1, sizeof(*names));

	CHECK(names != NULL);
	names->resolver = resolver;
	list_init(&names->lookups);
	hash_key_init(&names->key);
	lru_init(&names->remembered, PEER_NAMES_REMEMBERED_MAX,
		 sizeof(struct remembered) + NAMES_TEXT_MAX);
	return names;
}

static uint64_t key_of(const struct peer_names *names, const uint8_t address[16])
{
	return hash_keyed(&names->key, str_make(address, 16));
}

static struct remembered *remembered_find(struct peer_names *names, const uint8_t address[16])
{
	struct remembered *found = lru_find(&names->remembered, key_of(names, address));

	if (found == NULL || memcmp(found->address, address, 16) != 0)
		return NULL;
	if (found->until_ms > clock_mono_ms())
		return found;
	lru_remove(&names->remembered, &found->lru);
	return NULL;
}

static void remember(struct lookup *lookup, enum fault fault)
{
	struct lru *table = &lookup->names->remembered;
	uint64_t key = key_of(lookup->names, lookup->address);
	uint32_t ttl_s = fault == FAULT_UNAVAILABLE ? REMEMBER_MIN_S : lookup->ttl_s;
	struct remembered *entry = lru_find(table, key);

	if (entry != NULL)
		lru_remove(table, &entry->lru);
	if (ttl_s < REMEMBER_MIN_S)
		ttl_s = REMEMBER_MIN_S;
	if (ttl_s > REMEMBER_MAX_S)
		ttl_s = REMEMBER_MAX_S;
	entry = lru_add(table, key);
	memcpy(entry->address, lookup->address, 16);
	entry->fault = fault;
	entry->until_ms = clock_mono_ms() + (int64_t)ttl_s * 1000;
	entry->names_len = lookup->confirmed.len;
	if (entry->names_len > 0)
		memcpy(entry->names, lookup->confirmed.data, entry->names_len);
}

/* Tells everybody who waits, and ends the lookup. */
static void lookup_end(struct lookup *lookup, enum fault fault)
{
	struct list_node *node;

	list_remove(&lookup->node);
	lookup->names->lookup_count--;
	while ((node = list_take_first(&lookup->askers)) != NULL) {
		struct asker_node *asker = list_entry(node, struct asker_node, node);
		asker->asker.told(asker->asker.context, fault, buf_str(&lookup->confirmed));
		free(asker);
	}
	dns_query_free(&lookup->query);
	buf_done(&lookup->confirmed);
	free(lookup);
}

static void lookup_settle(struct lookup *lookup)
{
	enum fault fault = lookup->confirmed.len > 0 ? FAULT_NONE
			   : lookup->is_unsure	     ? FAULT_UNAVAILABLE
						     : FAULT_NOT_FOUND;

	remember(lookup, fault);
	lookup_end(lookup, fault);
}

static void ttl_note(struct lookup *lookup, const struct dns_answer *answer)
{
	if (answer->ttl_s < lookup->ttl_s)
		lookup->ttl_s = answer->ttl_s;
}

static void lookup_ask(struct lookup *lookup, struct str name, enum dns_type type,
		       void (*done)(void *context, struct dns_query *query))
{
	int64_t left = lookup->deadline_ms - clock_mono_ms();
	struct dns_question question = {
		.name = name,
		.type = type,
		.patience_ms = left > STEP_PATIENCE_MIN_MS ? (int)left : STEP_PATIENCE_MIN_MS,
		.done = done,
		.context = lookup};

	dns_query_free(&lookup->query);
	lookup->query = resolver_ask(lookup->names->resolver, &question);
}

static bool answer_has(const struct dns_answer *answer, enum dns_type type,
		       const uint8_t address[16])
{
	for (size_t i = 0; i < answer->record_count; i++) {
		uint8_t found[16];
		if (dns_address_read(answer->records[i], type, found) &&
		    memcmp(found, address, 16) == 0)
			return true;
	}
	return false;
}

static void candidate_next(struct lookup *lookup);

static void candidate_answered(void *context, struct dns_query *query)
{
	struct lookup *lookup = context;
	const struct dns_answer *answer = dns_query_answer(query);
	struct str name = dns_name_str(&lookup->candidates[lookup->candidate_at++]);

	if (dns_outcome_is_temporary(answer->outcome))
		lookup->is_unsure = true;
	else
		ttl_note(lookup, answer);
	if (answer_has(answer, dns_query_type(query), lookup->address))
		buf_printf(&lookup->confirmed, "%s%.*s", lookup->confirmed.len == 0 ? "" : " ",
			   STR_ARG(name));
	candidate_next(lookup);
}

static void candidate_next(struct lookup *lookup)
{
	bool is_late = clock_mono_ms() >= lookup->deadline_ms;

	if (lookup->candidate_at == lookup->candidate_count || is_late) {
		lookup->is_unsure |= is_late;
		lookup_settle(lookup);
		return;
	}
	lookup_ask(lookup, dns_name_str(&lookup->candidates[lookup->candidate_at]),
		   dns_address_is_ipv4(lookup->address) ? DNS_A : DNS_AAAA, candidate_answered);
}

static bool candidate_is_known(const struct lookup *lookup, const struct dns_name *name)
{
	for (size_t i = 0; i < lookup->candidate_count; i++)
		if (strcmp(lookup->candidates[i].text, name->text) == 0)
			return true;
	return false;
}

static int names_compare(const void *a, const void *b)
{
	const struct dns_name *first = a, *second = b;

	return strcmp(first->text, second->text);
}

/* The first of the names that are names; the rest of a long list is what nobody honest needs. */
static void candidates_take(struct lookup *lookup, const struct dns_answer *answer)
{
	for (size_t i = 0;
	     i < answer->record_count && lookup->candidate_count < PEER_NAMES_MAX; i++) {
		struct dns_name name;
		if (dns_name_read(answer->records[i], &name) && name.len > 0 &&
		    !candidate_is_known(lookup, &name))
			lookup->candidates[lookup->candidate_count++] = name;
	}
	qsort(lookup->candidates, lookup->candidate_count, sizeof(lookup->candidates[0]),
	      names_compare);
}

static void reverse_answered(void *context, struct dns_query *query)
{
	struct lookup *lookup = context;
	const struct dns_answer *answer = dns_query_answer(query);

	lookup->is_unsure = dns_outcome_is_temporary(answer->outcome);
	ttl_note(lookup, answer);
	candidates_take(lookup, answer);
	candidate_next(lookup);
}

static void asker_add(struct lookup *lookup, struct peer_names_asker asker)
{
	struct asker_node *node = calloc(1, sizeof(*node));

	CHECK(node != NULL);
	node->asker = asker;
	list_append(&lookup->askers, &node->node);
}

static struct lookup *lookup_find(struct peer_names *names, const uint8_t address[16])
{
	list_each(node, next, &names->lookups) {
		struct lookup *lookup = list_entry(node, struct lookup, node);
		if (memcmp(lookup->address, address, 16) == 0)
			return lookup;
	}
	return NULL;
}

static struct lookup *lookup_begin(struct peer_names *names, const uint8_t address[16])
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	struct dns_name reverse;

	CHECK(lookup != NULL);
	lookup->names = names;
	memcpy(lookup->address, address, 16);
	list_init(&lookup->askers);
	lookup->confirmed = BUF_INIT(NAMES_TEXT_MAX);
	lookup->ttl_s = REMEMBER_MAX_S;
	lookup->deadline_ms = clock_mono_ms() + PEER_NAMES_PATIENCE_MS;
	list_append(&names->lookups, &lookup->node);
	names->lookup_count++;
	dns_reverse_name(address, &reverse);
	lookup_ask(lookup, dns_name_str(&reverse), DNS_PTR, reverse_answered);
	return lookup;
}

void peer_names_ask(struct peer_names *names, const uint8_t address[16],
		    struct peer_names_asker asker)
{
	const struct remembered *known = remembered_find(names, address);

	if (known != NULL) {
		asker.told(asker.context, known->fault, str_make(known->names, known->names_len));
		return;
	}
	struct lookup *lookup = lookup_find(names, address);
	if (lookup == NULL && names->lookup_count >= PEER_NAMES_LOOKUPS_MAX) {
		asker.told(asker.context, FAULT_BUSY, STR(""));
		return;
	}
	asker_add(lookup == NULL ? lookup_begin(names, address) : lookup, asker);
}

void peer_names_free(struct peer_names **names)
{
	struct peer_names *old = *names;

	*names = NULL;
	if (old == NULL)
		return;
	list_each(node, next, &old->lookups)
		lookup_end(list_entry(node, struct lookup, node), FAULT_UNAVAILABLE);
	lru_done(&old->remembered);
	free(old);
}
