/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/host_addresses.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/condition.h"

enum { LOOK_MS = 200, PATIENCE_MS = RESOLVER_PATIENCE_MS + 5000 };

/* Both questions, and who waits for their answers. */
struct wait {
	pthread_mutex_t lock;
	struct condition answered;
};

static void query_done(void *context, struct dns_query *query)
{
	struct wait *wait = context;

	pthread_mutex_lock(&wait->lock);
	condition_broadcast(&wait->answered);
	pthread_mutex_unlock(&wait->lock);
}

/* Now and then it is looked whether to give up: the resolver ends before the answer may come. */
static void answers_await(struct wait *wait, struct dns_query *queries[2],
			  bool (*is_ending)(void *context), void *context)
{
	int64_t give_up_ms = clock_mono_ms() + PATIENCE_MS;

	pthread_mutex_lock(&wait->lock);
	while ((dns_query_answer(queries[0]) == NULL || dns_query_answer(queries[1]) == NULL) &&
	       clock_mono_ms() < give_up_ms && !is_ending(context)) {
		(void)condition_wait_until(&wait->answered, &wait->lock,
					   clock_mono_ms() + LOOK_MS);
	}
	pthread_mutex_unlock(&wait->lock);
}

static void answer_append(struct buf *to, enum dns_type type, const struct dns_answer *answer)
{
	for (size_t i = 0; answer != NULL && i < answer->record_count; i++) {
		buf_append_c(to, to->len == 0 ? "" : ",");
		dns_record_append_text(to, type, answer->records[i]);
	}
}

static void append_reason(struct buf *why, struct str host, const struct dns_answer *answer)
{
	buf_printf(why, "no address of %.*s: %s", STR_ARG(host),
		   dns_outcome_name(answer == NULL ? DNS_TIMEOUT : answer->outcome));
}

enum fault host_addresses_wait(struct resolver *resolver, struct str host,
			       bool (*is_ending)(void *context), void *context,
			       struct buf *addresses, struct buf *why)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA};
	struct wait wait = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct dns_query *queries[2];

	condition_init(&wait.answered);
	for (int i = 0; i < 2; i++)
		queries[i] = resolver_ask(resolver, &(struct dns_question){.name = host,
									   .type = types[i],
									   .done = query_done,
									   .context = &wait});
	answers_await(&wait, queries, is_ending, context);
	for (int i = 0; i < 2; i++)
		answer_append(addresses, types[i], dns_query_answer(queries[i]));
	bool is_found = addresses->len > 0 && !addresses->failed;
	if (!is_found)
		append_reason(why, host, dns_query_answer(queries[0]));
	for (int i = 0; i < 2; i++)
		dns_query_free(&queries[i]);
	condition_done(&wait.answered);
	pthread_mutex_destroy(&wait.lock);
	return is_found ? FAULT_NONE : FAULT_UNAVAILABLE;
}
