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

/* The row, if it is this pair's or free for it; it is claimed then. */
static bool suite_row_take(struct metric_suite *row, uint16_t version, uint16_t suite, const char *name)
{
	uint32_t seen = 0;

	if (__atomic_compare_exchange_n(&row->claimed, &seen, 1, false, __ATOMIC_ACQUIRE,
					__ATOMIC_ACQUIRE)) {
		row->suite = suite;
		row->version = version;
		snprintf(row->name, sizeof(row->name), "%s", name);
		__atomic_store_n(&row->claimed, 2, __ATOMIC_RELEASE);
		return true;
	}
	/* Another worker is just writing the row. */
	while (seen == 1)
		seen = __atomic_load_n(&row->claimed, __ATOMIC_ACQUIRE);
	return row->suite == suite && row->version == version;
}

static struct metric_suite *suite_row(struct metrics_slot *slot, uint16_t version, uint16_t suite,
				      const char *name)
{
	struct metric_suite *last = &slot->suites[METRIC_SUITES - 1];

	for (struct metric_suite *row = slot->suites; row < last; row++) {
		if (suite_row_take(row, version, suite, name))
			return row;
	}
	CHECK(suite_row_take(last, 0, UINT16_MAX, "other"));
	return last;
}

void metric_tls_add(struct metrics *metrics, const struct metric_handshake *handshake)
{
	struct metric_suite *row = suite_row(metrics->own, handshake->version, handshake->suite,
					     handshake->suite_name);

	__atomic_add_fetch(&row->count[handshake->service][handshake->result], 1, __ATOMIC_RELAXED);
	if (handshake->result == METRIC_TLS_FAILED)
		__atomic_add_fetch(&metrics->own->reasons[handshake->service][handshake->reason], 1,
				   __ATOMIC_RELAXED);
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

static void suite_total(const struct metric_suite *suite, struct metrics_totals *totals)
{
	static const uint16_t versions[METRIC_VERSIONS] = {
#define X(name, version) version,
		METRIC_VERSION_TABLE(X)
#undef X
	};
	size_t version = 0;

	if (__atomic_load_n(&suite->claimed, __ATOMIC_ACQUIRE) != 2)
		return;
	while (version < METRIC_VERSIONS && versions[version] != suite->version)
		version++;
	for (size_t i = 0; i < SERVICE_COUNT && version < METRIC_VERSIONS; i++)
		totals->handshakes[i][version] +=
			__atomic_load_n(&suite->count[i][METRIC_TLS_FULL], __ATOMIC_RELAXED) +
			__atomic_load_n(&suite->count[i][METRIC_TLS_RESUMED], __ATOMIC_RELAXED);
}

void metrics_total(const struct metrics_shared *shared, struct metrics_totals *totals_out)
{
	*totals_out = (struct metrics_totals){0};
	for (size_t front = 0; front < METRIC_FRONTS; front++) {
		const struct metrics_slot *slot = &shared->fronts[front];
		for (size_t i = 0; i < SERVICE_COUNT; i++)
			for (size_t j = 0; j < METRIC_COUNT; j++)
				totals_out->counts[j] +=
					__atomic_load_n(&slot->counts[i][j], __ATOMIC_RELAXED);
		for (size_t i = 0; i < METRIC_SUITES; i++)
			suite_total(&slot->suites[i], totals_out);
	}
}

static const char *version_name(uint16_t version)
{
	switch (version) {
	case 0:
		return "none";
	case 0x0300:
		return "SSLv3";
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

static const char *const result_names[METRIC_TLS_COUNT] = {
#define X(name, label) label,
	METRIC_TLS_TABLE(X)
#undef X
};

static uint64_t suite_count(const struct metrics *metrics, const struct metric_suite *wanted,
			    enum service_id service, enum metric_tls result)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < METRIC_FRONTS; i++)
		for (size_t j = 0; j < METRIC_SUITES; j++) {
			const struct metric_suite *row = &metrics->shared->fronts[i].suites[j];
			if (__atomic_load_n(&row->claimed, __ATOMIC_ACQUIRE) == 2 &&
			    row->suite == wanted->suite && row->version == wanted->version)
				sum += __atomic_load_n(&row->count[service][result],
						       __ATOMIC_RELAXED);
		}
	return sum;
}

static void append_suite(const struct metrics *metrics, const struct metric_suite *row,
			 struct buf *to)
{
	for (int at = 0; at < SERVICE_COUNT * METRIC_TLS_COUNT; at++) {
		enum service_id service = (enum service_id)(at / METRIC_TLS_COUNT);
		enum metric_tls result = (enum metric_tls)(at % METRIC_TLS_COUNT);
		uint64_t count = suite_count(metrics, row, service, result);
		if (count > 0)
			buf_printf(to,
				   "postern_tls_handshakes_total{service=\"%s\",version=\"%s\","
				   "suite=\"%s\",result=\"%s\"} %llu\n",
				   service_name(service), version_name(row->version), row->name,
				   result_names[result], (unsigned long long)count);
	}
}

static void append_suites(const struct metrics *metrics, struct buf *to)
{
	buf_append_c(to, "# HELP postern_tls_handshakes_total TLS handshakes by version, suite and "
			 "result.\n# TYPE postern_tls_handshakes_total counter\n");
	for (size_t i = 0; i < METRIC_FRONTS; i++)
		for (size_t j = 0; j < METRIC_SUITES; j++) {
			const struct metric_suite *row = &metrics->shared->fronts[i].suites[j];
			if (__atomic_load_n(&row->claimed, __ATOMIC_ACQUIRE) == 2 &&
			    suite_is_first(metrics, i, j))
				append_suite(metrics, row, to);
		}
}

static uint64_t reason_count(const struct metrics *metrics, enum service_id service, int reason)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < METRIC_FRONTS; i++)
		sum += __atomic_load_n(&metrics->shared->fronts[i].reasons[service][reason],
				       __ATOMIC_RELAXED);
	return sum;
}

static void append_reason(struct buf *to, int reason)
{
	const char *name = reason == TLS_FAILURE_COUNT ? "ALERT"
						       : tls_failure_name((enum tls_failure)reason);

	for (; *name != '\0'; name++)
		buf_append_char(to, ascii_lower(*name));
}

static void append_reasons(const struct metrics *metrics, struct buf *to)
{
	buf_append_c(to, "# HELP postern_tls_failures_total TLS handshakes that failed, by reason.\n"
			 "# TYPE postern_tls_failures_total counter\n");
	for (int at = 0; at < SERVICE_COUNT * METRIC_REASONS; at++) {
		enum service_id service = (enum service_id)(at / METRIC_REASONS);
		uint64_t count = reason_count(metrics, service, at % METRIC_REASONS);
		if (count == 0)
			continue;
		buf_printf(to, "postern_tls_failures_total{service=\"%s\",reason=\"",
			   service_name(service));
		append_reason(to, at % METRIC_REASONS);
		buf_printf(to, "\"} %llu\n", (unsigned long long)count);
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
	append_suites(metrics, to);
	append_reasons(metrics, to);
}

/* ---- status ---- */

struct sums {
	uint64_t count[METRIC_TLS_COUNT];
};

static struct sums version_sums(const struct metrics_shared *shared, enum service_id service,
				uint16_t version)
{
	struct sums sums = {0};

	for (size_t i = 0; i < METRIC_FRONTS * METRIC_SUITES; i++) {
		const struct metric_suite *row =
			&shared->fronts[i / METRIC_SUITES].suites[i % METRIC_SUITES];
		if (__atomic_load_n(&row->claimed, __ATOMIC_ACQUIRE) != 2 || row->version != version)
			continue;
		for (int result = 0; result < METRIC_TLS_COUNT; result++)
			sums.count[result] +=
				__atomic_load_n(&row->count[service][result], __ATOMIC_RELAXED);
	}
	return sums;
}

static bool append_sums(struct buf *json, const char *lead, enum service_id service,
			uint16_t version, const struct sums *sums)
{
	uint64_t all = 0;

	for (int result = 0; result < METRIC_TLS_COUNT; result++)
		all += sums->count[result];
	if (all == 0)
		return false;
	buf_printf(json, "%s{\"service\":\"%s\",\"version\":\"%s\"", lead, service_name(service),
		   version_name(version));
	for (int result = 0; result < METRIC_TLS_COUNT; result++)
		buf_printf(json, ",\"%s\":%llu", result_names[result],
			   (unsigned long long)sums->count[result]);
	buf_append_char(json, '}');
	return true;
}

void metrics_append_status(const struct metrics_shared *shared, struct buf *json)
{
	static const uint16_t versions[] = {0, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304};
	enum { VERSIONS = sizeof(versions) / sizeof(versions[0]) };
	bool has_some = false;

	buf_append_c(json, ",\"handshakes\":[");
	for (size_t at = 0; at < SERVICE_COUNT * VERSIONS; at++) {
		enum service_id service = (enum service_id)(at / VERSIONS);
		uint16_t version = versions[at % VERSIONS];
		struct sums sums = version_sums(shared, service, version);
		has_some |= append_sums(json, has_some ? "," : "", service, version, &sums);
	}
	buf_append_char(json, ']');
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

void metrics_disk_set(struct metrics_shared *shared, const struct metrics_disk *disk)
{
	__atomic_store_n(&shared->disk.size_bytes, disk->size_bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&shared->disk.free_bytes, disk->free_bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&shared->disk.inodes, disk->inodes, __ATOMIC_RELAXED);
	__atomic_store_n(&shared->disk.free_inodes, disk->free_inodes, __ATOMIC_RELAXED);
}

void metrics_append_disk(const struct metrics_shared *shared, struct buf *to)
{
	const struct {
		const char *name;
		const char *help;
		const uint64_t *value;
	} gauges[] = {
		{"postern_disk_size_bytes", "Size of the file system of the store",
		 &shared->disk.size_bytes},
		{"postern_disk_free_bytes", "Free bytes on it", &shared->disk.free_bytes},
		{"postern_disk_inodes", "Inodes of it", &shared->disk.inodes},
		{"postern_disk_free_inodes", "Free inodes on it", &shared->disk.free_inodes},
	};

	if (__atomic_load_n(&shared->disk.size_bytes, __ATOMIC_RELAXED) == 0)
		return;
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		buf_printf(to, "# HELP %s %s.\n# TYPE %s gauge\n%s %llu\n", gauges[i].name,
			   gauges[i].help, gauges[i].name, gauges[i].name,
			   (unsigned long long)__atomic_load_n(gauges[i].value, __ATOMIC_RELAXED));
}
