/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/counts.h"

const char *count_result_name(enum count_result result)
{
	static const char *const names[COUNT_RESULT_COUNT] = {
#define X(name, label) label,
		COUNT_RESULT_TABLE(X)
#undef X
	};

	CHECK(result < COUNT_RESULT_COUNT);
	return names[result];
}

static const struct {
	const char *label;
	const char *status;
} reasons[COUNT_REASON_COUNT] = {
#define X(name, label, status) {label, status},
	COUNT_REASON_TABLE(X)
#undef X
};

static void add(uint64_t *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static uint64_t value(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void counts_add(struct counts *counts, const struct count_tls *tls, enum count_result result)
{
	size_t rule = tls->is_reached ? (size_t)tls->rule : TLS_LEVEL_COUNT;
	size_t version = tls->is_active ? (size_t)tls->version : TLS_PROTOCOL_COUNT;

	CHECK(rule < COUNT_RULES && version < COUNT_VERSIONS && result < COUNT_RESULT_COUNT);
	add(&counts->sent[rule][version][result]);
}

static enum count_reason reason_of(bool is_reply, struct str status)
{
	if (is_reply)
		return COUNT_REASON_REPLY;
	for (int reason = 0; reason < COUNT_REASON_COUNT; reason++)
		if (reasons[reason].status[0] != '\0' &&
		    str_equals(status, str_from_c(reasons[reason].status)))
			return (enum count_reason)reason;
	return COUNT_REASON_OTHER;
}

void counts_reason_add(struct counts *counts, enum count_result result, bool is_reply,
		       struct str status)
{
	CHECK(result < COUNT_RESULT_COUNT);
	add(&counts->reasons[result][reason_of(is_reply, status)]);
}

/* Of one result, at all levels, in one version (or without TLS). */
static uint64_t version_sum(const struct counts *counts, size_t version, enum count_result result)
{
	uint64_t sum = 0;

	for (size_t rule = 0; rule < COUNT_RULES; rule++)
		sum += value(&counts->sent[rule][version][result]);
	return sum;
}

static uint64_t result_sum(const struct counts *counts, enum count_result result)
{
	uint64_t sum = 0;

	for (size_t version = 0; version < COUNT_VERSIONS; version++)
		sum += version_sum(counts, version, result);
	return sum;
}

void counts_sum(const struct counts *counts, struct counts_summary *summary_out)
{
	uint64_t tls13 = version_sum(counts, TLS_PROTOCOL_1_3, COUNT_RELAYED);
	uint64_t tls12 = version_sum(counts, TLS_PROTOCOL_1_2, COUNT_RELAYED);
	uint64_t plain = version_sum(counts, TLS_PROTOCOL_COUNT, COUNT_RELAYED);

	*summary_out = (struct counts_summary){
		.relayed_tls13 = tls13,
		.relayed_tls12 = tls12,
		.relayed_older = result_sum(counts, COUNT_RELAYED) - tls13 - tls12 - plain,
		.relayed_plain = plain,
		.delayed = result_sum(counts, COUNT_DELAYED),
		.failed = result_sum(counts, COUNT_FAILED),
		.unsent_tls = value(&counts->reasons[COUNT_DELAYED][COUNT_REASON_TLS]) +
			      value(&counts->reasons[COUNT_FAILED][COUNT_REASON_TLS]),
		.queued = value(&counts->queued),
	};
}

void counts_queued_set(struct counts *counts, uint64_t queued)
{
	__atomic_store_n(&counts->queued, queued, __ATOMIC_RELAXED);
}

static void sent_append(const struct counts *counts, size_t rule, size_t version, struct buf *to)
{
	for (int result = 0; result < COUNT_RESULT_COUNT; result++) {
		uint64_t count = value(&counts->sent[rule][version][result]);
		if (count == 0)
			continue;
		buf_printf(to,
			   "postern_sent_total{rule=\"%s\",version=\"%s\",result=\"%s\"} %llu\n",
			   rule == TLS_LEVEL_COUNT ? "unreached"
						   : tls_level_name((enum tls_level)rule),
			   version == TLS_PROTOCOL_COUNT
				   ? "none"
				   : tls_protocol_name((enum tls_protocol)version),
			   count_result_name((enum count_result)result), (unsigned long long)count);
	}
}

static void reason_append(const struct counts *counts, enum count_result result, int reason,
			  struct buf *to)
{
	uint64_t count = value(&counts->reasons[result][reason]);

	if (count > 0)
		buf_printf(to, "postern_not_sent_total{result=\"%s\",reason=\"%s\"} %llu\n",
			   count_result_name(result), reasons[reason].label,
			   (unsigned long long)count);
}

void counts_append_prometheus(const struct counts *counts, struct buf *to)
{
	buf_append_c(to, "# HELP postern_sent_total Recipients at other servers after an attempt, by the "
			 "level of TLS that was demanded, the version that was got, and the result.\n"
			 "# TYPE postern_sent_total counter\n");
	for (size_t at = 0; at < (size_t)COUNT_RULES * COUNT_VERSIONS; at++)
		sent_append(counts, at / COUNT_VERSIONS, at % COUNT_VERSIONS, to);
	buf_append_c(to, "# HELP postern_not_sent_total Recipients that were delayed or failed, by "
			 "reason.\n# TYPE postern_not_sent_total counter\n");
	for (int at = 0; at < COUNT_RESULT_COUNT * COUNT_REASON_COUNT; at++)
		reason_append(counts, (enum count_result)(at / COUNT_REASON_COUNT),
			      at % COUNT_REASON_COUNT, to);
}
