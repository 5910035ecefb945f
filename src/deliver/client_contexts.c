/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/client_contexts.h"

#include <stdlib.h>

#include "base/clock.h"

struct client_contexts {
	int references; /* atomic */
	struct config *config;
	struct tls_context *clients[CLIENT_COUNT];
	/* Of each row, by its place in the configuration; NULL where it has no policy of its own. */
	struct tls_context *(*rows)[CLIENT_COUNT];
};

static void contexts_free(struct client_contexts *self)
{
	for (size_t i = 0; i < CLIENT_COUNT; i++) {
		tls_context_unref(&self->clients[i]);
		for (size_t row = 0; row < self->config->partner_count; row++)
			tls_context_unref(&self->rows[row][i]);
	}
	free(self->rows);
	config_unref(&self->config);
	free(self);
}

/* What a client, or a row for it, shakes hands with. */
struct maker {
	struct client_contexts *self;
	struct tls_anchors *anchors;
	struct buf *why;
};

static enum fault context_make(const struct maker *maker, const struct tls_policy *policy,
			       struct tls_context **out)
{
	struct tls_context_parts parts = {.policy = policy,
					  .anchors = maker->anchors,
					  .file_name = maker->self->config->file_name};

	return policy == NULL ? FAULT_NONE : tls_context_new(&parts, maker->why, out);
}

static enum fault contexts_make(const struct maker *maker)
{
	struct client_contexts *self = maker->self;
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < CLIENT_COUNT && fault == FAULT_NONE; i++) {
		fault = context_make(maker, &self->config->clients[i], &self->clients[i]);
		for (size_t row = 0; row < self->config->partner_count && fault == FAULT_NONE; row++)
			fault = context_make(maker, self->config->partners[row].clients[i],
					     &self->rows[row][i]);
	}
	return fault;
}

enum fault client_contexts_new(struct config *config, struct tls_anchors *anchors, struct buf *why,
			       struct client_contexts **out)
{
	struct client_contexts *self = calloc(1, sizeof(*self));

	CHECK(self != NULL);
	self->references = 1;
	self->config = config;
	self->rows = calloc(config->partner_count + 1, sizeof(*self->rows));
	CHECK(self->rows != NULL);
	enum fault fault =
		contexts_make(&(struct maker){.self = self, .anchors = anchors, .why = why});
	if (fault != FAULT_NONE) {
		contexts_free(self);
		return fault;
	}
	*out = self;
	return FAULT_NONE;
}

struct client_contexts *client_contexts_ref(struct client_contexts *contexts)
{
	__atomic_add_fetch(&contexts->references, 1, __ATOMIC_RELAXED);
	return contexts;
}

void client_contexts_unref(struct client_contexts **contexts)
{
	struct client_contexts *self = *contexts;

	*contexts = NULL;
	if (self != NULL && __atomic_sub_fetch(&self->references, 1, __ATOMIC_ACQ_REL) == 0)
		contexts_free(self);
}

struct config *client_contexts_config(const struct client_contexts *contexts)
{
	return contexts->config;
}

static const struct partner *row_find(const struct client_contexts *self,
				      const struct client_destination *destination)
{
	struct buf names = BUF_INIT(2 * TLS_HOST_MAX);

	buf_append_str(&names, destination->domain);
	buf_append_c(&names, destination->domain.len > 0 && destination->host.len > 0 ? " " : "");
	buf_append_str(&names, destination->host);
	struct partner_query query = {.direction = PARTNER_OUT,
				      .address = destination->address,
				      .names = buf_str(&names),
				      .now_s = clock_real_s()};
	const struct partner *row = partner_find(self->config, &query);
	buf_done(&names);
	return row;
}

static void names_demand(struct tls_demand *demand, const struct client_destination *destination)
{
	struct tls_proof proof = {.kind = TLS_LEVEL_VERIFY, .source = demand->level_source};

	if (!str_is_empty(destination->host))
		proof.names[proof.name_count++] = destination->host;
	if (!str_is_empty(destination->domain))
		proof.names[proof.name_count++] = destination->domain;
	demand_prove(demand, &proof);
}

struct client_rule client_contexts_rule(const struct client_contexts *contexts,
					const struct client_destination *destination)
{
	const struct partner *row = row_find(contexts, destination);
	struct client_rule rule = {.row = row,
				   .context = contexts->clients[destination->client],
				   .demand = row == NULL ? demand_may() : partner_demand(row)};

	if (rule.demand.level == TLS_LEVEL_VERIFY)
		names_demand(&rule.demand, destination);
	if (row == NULL)
		return rule;
	size_t at = (size_t)(row - contexts->config->partners);
	if (contexts->rows[at][destination->client] != NULL)
		rule.context = contexts->rows[at][destination->client];
	return rule;
}
