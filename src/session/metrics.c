/* SPDX-License-Identifier: Apache-2.0 */
#include "session/metrics.h"

#include <stdio.h>

#include "session/front.h"

static const struct {
	const char *name;
	const char *help;
} rows[METRIC_COUNT] = {
#define X(id, name, help) {name, help},
	METRIC_TABLE(X)
#undef X
};

void metric_add(struct metrics *metrics, enum service_id service, enum metric metric, int64_t amount)
{
	__atomic_add_fetch(&metrics->own->counts[service][metric], (uint64_t)amount,
			   __ATOMIC_RELAXED);
}

/* Finds the row of a pair or claims a free one; NULL when all are taken by others. */
static struct metric_suite *suite_row(struct metrics_slot *slot, uint16_t version, uint16_t suite,
				      const char *name)
{
	for (size_t i = 0; i < METRIC_SUITES; i++) {
		struct metric_suite *row = &slot->suites[i];
		uint32_t seen = 0;
		if (__atomic_compare_exchange_n(&row->claimed, &seen, 1, false, __ATOMIC_ACQUIRE,
						__ATOMIC_ACQUIRE)) {
			row->suite = suite;
			row->version = version;
			snprintf(row->name, sizeof(row->name), "%s", name);
			__atomic_store_n(&row->claimed, 2, __ATOMIC_RELEASE);
			return row;
		}
		/* Another worker is just writing the row. */
		while (seen == 1)
			seen = __atomic_load_n(&row->claimed, __ATOMIC_ACQUIRE);
		if (row->suite == suite && row->version == version)
			return row;
	}
	return NULL;
}

void metric_tls_add(struct metrics *metrics, enum service_id service, uint16_t version,
		    uint16_t suite, const char *suite_name)
{
	struct metric_suite *row = suite_row(metrics->own, version, suite, suite_name);

	if (row != NULL)
		__atomic_add_fetch(&row->count[service], 1, __ATOMIC_RELAXED);
}

static uint64_t count_all(const struct metrics *metrics, enum service_id service,
			  enum metric metric)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < METRIC_FRONTS; i++)
		sum += __atomic_load_n(&metrics->shared->fronts[i].counts[service][metric],
				       __ATOMIC_RELAXED);
	return sum;
}

static const char *version_name(uint16_t version)
{
	switch (version) {
	case 0x0301:
		return "TLSv1";
	case 0x0302:
		return "TLSv1.1";
	case 0x0303:
		return "TLSv1.2";
	case 0x0304:
		return "TLSv1.3";
	default:
		return "other";
	}
}

/* The same pair may stand in several fronts; the first front that has it speaks for all. */
static bool suite_is_first(const struct metrics *metrics, size_t front, size_t row)
{
	const struct metric_suite *wanted = &metrics->shared->fronts[front].suites[row];

	for (size_t i = 0; i < front; i++)
		for (size_t j = 0; j < METRIC_SUITES; j++) {
			const struct metric_suite *other = &metrics->shared->fronts[i].suites[j];
			if (__atomic_load_n(&other->claimed, __ATOMIC_ACQUIRE) == 2 &&
			    other->suite == wanted->suite && other->version == wanted->version)
				return false;
		}
	return true;
}

static uint64_t suite_count(const struct metrics *metrics, const struct metric_suite *wanted,
			    enum service_id service)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < METRIC_FRONTS; i++)
		for (size_t j = 0; j < METRIC_SUITES; j++) {
			const struct metric_suite *row = &metrics->shared->fronts[i].suites[j];
			if (__atomic_load_n(&row->claimed, __ATOMIC_ACQUIRE) == 2 &&
			    row->suite == wanted->suite && row->version == wanted->version)
				sum += __atomic_load_n(&row->count[service], __ATOMIC_RELAXED);
		}
	return sum;
}

static void append_suite(const struct metrics *metrics, const struct metric_suite *row,
			 struct buf *to)
{
	for (int service = 0; service < SERVICE_COUNT; service++) {
		uint64_t count = suite_count(metrics, row, (enum service_id)service);
		if (count > 0)
			buf_printf(to,
				   "postern_tls_handshakes_total{service=\"%s\",version=\"%s\",suite=\"%s\"} %llu\n",
				   service_name((enum service_id)service), version_name(row->version),
				   row->name, (unsigned long long)count);
	}
}

void metrics_append_prometheus(const struct metrics *metrics, struct buf *to)
{
	for (int metric = 0; metric < METRIC_COUNT; metric++) {
		buf_printf(to, "# HELP %s %s.\n# TYPE %s %s\n", rows[metric].name,
			   rows[metric].help, rows[metric].name,
			   metric == METRIC_CONNECTIONS_OPEN ? "gauge" : "counter");
		for (int service = 0; service < SERVICE_COUNT; service++)
			buf_printf(to, "%s{service=\"%s\"} %llu\n", rows[metric].name,
				   service_name((enum service_id)service),
				   (unsigned long long)count_all(metrics, (enum service_id)service,
								 (enum metric)metric));
	}
	buf_append_c(to, "# HELP postern_tls_handshakes_total TLS handshakes by version and suite.\n"
			 "# TYPE postern_tls_handshakes_total counter\n");
	for (size_t i = 0; i < METRIC_FRONTS; i++)
		for (size_t j = 0; j < METRIC_SUITES; j++) {
			const struct metric_suite *row = &metrics->shared->fronts[i].suites[j];
			if (__atomic_load_n(&row->claimed, __ATOMIC_ACQUIRE) == 2 &&
			    suite_is_first(metrics, i, j))
				append_suite(metrics, row, to);
		}
}

/* A label's value: its quotes and backslashes are escaped (text format 0.0.4). */
static void append_label(struct buf *to, const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			buf_append_char(to, '\\');
		if (!ascii_is_control(*c))
			buf_append_char(to, *c);
	}
}

void metrics_append_certificates(const struct snapshot *snapshot, int64_t now_s, struct buf *to)
{
	buf_append_c(to, "# HELP postern_certificate_expiry_seconds Seconds until a certificate ends.\n"
			 "# TYPE postern_certificate_expiry_seconds gauge\n");
	for (size_t i = 0; i < snapshot->certificate_count; i++) {
		const struct snapshot_certificate *row = &snapshot->certificates[i];
		buf_append_c(to, "postern_certificate_expiry_seconds{name=\"");
		append_label(to, row->name);
		buf_printf(to, "\",kind=\"%s\"} %lld\n", row->kind,
			   (long long)(row->not_after_s - now_s));
	}
}
