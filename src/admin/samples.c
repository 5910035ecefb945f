/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file: a head of HEAD_BYTES with the sign of its form, then SAMPLES_MAX places of one struct
 * stored each, in the byte order of the machine. The form has the number of counts in its sign; that
 * of the first, COUNTS_FIRST, has not.
 */
#include "admin/samples.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { HEAD_BYTES = 64, COUNTS_FIRST = 8 };

struct stored {
	int64_t time_s; /* of the minute's begin; 0: none */
	uint32_t counts[SAMPLE_COUNT];
	uint32_t handshakes[SERVICE_COUNT][SAMPLE_VERSIONS];
};

struct samples {
	int fd;
	bool has_former;
	struct sample_counters former;
};

static const struct {
	const char *name;
	bool is_state;
} rows[SAMPLE_COUNT] = {
#define X(name, json, is_state) {json, is_state},
	SAMPLE_TABLE(X)
#undef X
};

static const char *const versions[SAMPLE_VERSIONS] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

/* ---- the file ---- */

static off_t place_of(int64_t time_s)
{
	return HEAD_BYTES + (off_t)(time_s / SAMPLE_PERIOD_S % SAMPLES_MAX) *
				    (off_t)sizeof(struct stored);
}

/* Of a place with so many counts; the handshakes stand behind them. */
static size_t stored_bytes(size_t counts)
{
	size_t bytes = offsetof(struct stored, counts) + counts * sizeof(uint32_t) +
		       sizeof(((struct stored *)NULL)->handshakes);
	size_t unit = _Alignof(struct stored);

	return (bytes + unit - 1) / unit * unit;
}

static void head_make(char head[HEAD_BYTES], size_t counts)
{
	struct buf text = BUF_INIT(HEAD_BYTES);

	memset(head, 0, HEAD_BYTES);
	if (counts == COUNTS_FIRST)
		buf_printf(&text, "postern samples 1 %zu %d\n", stored_bytes(counts), SAMPLES_MAX);
	else
		buf_printf(&text, "postern samples 2 %zu %d %zu\n", stored_bytes(counts),
			   SAMPLES_MAX, counts);
	memcpy(head, text.data, text.len);
	buf_done(&text);
}

/* How many counts the places of the file have; 0: it is of no form that is known. */
static size_t file_counts(int fd)
{
	char head[HEAD_BYTES], found[HEAD_BYTES];

	if (pread(fd, found, HEAD_BYTES, 0) != HEAD_BYTES)
		return 0;
	for (size_t counts = SAMPLE_COUNT; counts >= COUNTS_FIRST; counts--) {
		head_make(head, counts);
		if (memcmp(head, found, HEAD_BYTES) == 0)
			return counts;
	}
	return 0;
}

/* A place of an earlier form, which has not all counts. */
static struct stored stored_widen(const char *former, size_t counts)
{
	struct stored stored = {0};
	size_t head = offsetof(struct stored, counts);

	memcpy(&stored.time_s, former, sizeof(stored.time_s));
	memcpy(stored.counts, former + head, counts * sizeof(uint32_t));
	memcpy(stored.handshakes, former + head + counts * sizeof(uint32_t),
	       sizeof(stored.handshakes));
	return stored;
}

/* All places of an earlier form, in the present one; the caller frees. NULL: it cannot be read. */
static struct stored *places_widen(int fd, size_t counts)
{
	size_t size = stored_bytes(counts);
	char *former = calloc(SAMPLES_MAX, size);
	struct stored *places = calloc(SAMPLES_MAX, sizeof(*places));

	CHECK(former != NULL && places != NULL);
	bool is_read = pread(fd, former, SAMPLES_MAX * size, HEAD_BYTES) ==
		       (ssize_t)(SAMPLES_MAX * size);
	for (size_t i = 0; i < SAMPLES_MAX; i++)
		places[i] = stored_widen(former + i * size, counts);
	free(former);
	if (is_read)
		return places;
	free(places);
	return NULL;
}

static enum fault file_write(int fd, const struct stored *places)
{
	const size_t bytes = SAMPLES_MAX * sizeof(struct stored);
	char head[HEAD_BYTES];

	head_make(head, SAMPLE_COUNT);
	if (ftruncate(fd, 0) != 0 ||
	    ftruncate(fd, HEAD_BYTES + (off_t)bytes) != 0 ||
	    (places != NULL && pwrite(fd, places, bytes, HEAD_BYTES) != (ssize_t)bytes) ||
	    pwrite(fd, head, HEAD_BYTES, 0) != HEAD_BYTES)
		return fault_from_errno(errno);
	return FAULT_NONE;
}

static enum fault file_settle(int fd)
{
	size_t counts = file_counts(fd);

	if (counts == SAMPLE_COUNT)
		return FAULT_NONE;
	struct stored *places = counts == 0 ? NULL : places_widen(fd, counts);
	enum fault fault = file_write(fd, places);
	free(places);
	return fault;
}

enum fault samples_open(const char *path, struct samples **samples_out)
{
	CLEANUP_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fault_from_errno(errno);
	enum fault fault = file_settle(fd);
	if (fault != FAULT_NONE)
		return fault;
	struct samples *samples = calloc(1, sizeof(*samples));
	CHECK(samples != NULL);
	samples->fd = fd;
	fd = -1;
	*samples_out = samples;
	return FAULT_NONE;
}

void samples_close(struct samples **samples)
{
	struct samples *closed = *samples;

	*samples = NULL;
	if (closed == NULL)
		return;
	fd_close(&closed->fd);
	free(closed);
}

/* ---- writing ---- */

/* Counters that went back were begun anew. */
static uint32_t difference(uint64_t former, uint64_t now)
{
	uint64_t counted = now >= former ? now - former : now;

	return counted < UINT32_MAX ? (uint32_t)counted : UINT32_MAX;
}

void samples_add(struct samples *samples, const struct sample_counters *counters, int64_t now_s)
{
	struct stored stored = {.time_s = now_s - now_s % SAMPLE_PERIOD_S};

	for (size_t i = 0; i < SAMPLE_COUNT; i++)
		stored.counts[i] = rows[i].is_state
					   ? difference(0, counters->counts[i])
					   : difference(samples->former.counts[i], counters->counts[i]);
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		for (size_t j = 0; j < SAMPLE_VERSIONS; j++)
			stored.handshakes[i][j] = difference(samples->former.handshakes[i][j],
							     counters->handshakes[i][j]);
	/* A chart with a gap is all that a full disk costs. */
	if (samples->has_former)
		(void)!pwrite(samples->fd, &stored, sizeof(stored), place_of(stored.time_s));
	samples->former = *counters;
	samples->has_former = true;
}

/* ---- reading ---- */

static void stored_merge(struct stored *to, const struct stored *from)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++)
		if (!rows[i].is_state)
			to->counts[i] += from->counts[i];
		else if (from->counts[i] > to->counts[i])
			to->counts[i] = from->counts[i];
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		for (size_t j = 0; j < SAMPLE_VERSIONS; j++)
			to->handshakes[i][j] += from->handshakes[i][j];
}

static void service_append(struct buf *json, const struct stored *stored, size_t service,
			   const char **separator)
{
	const char *inner = "";
	uint64_t sum = 0;

	for (size_t i = 0; i < SAMPLE_VERSIONS; i++)
		sum += stored->handshakes[service][i];
	if (sum == 0)
		return;
	buf_printf(json, "%s\"%s\":{", *separator, service_name((enum service_id)service));
	for (size_t i = 0; i < SAMPLE_VERSIONS; i++)
		if (stored->handshakes[service][i] > 0) {
			buf_printf(json, "%s\"%s\":%u", inner, versions[i],
				   stored->handshakes[service][i]);
			inner = ",";
		}
	buf_append_char(json, '}');
	*separator = ",";
}

static void sample_append(struct buf *json, const struct stored *stored, bool is_first)
{
	const char *separator = "";

	buf_printf(json, "%s{\"time\":%lld", is_first ? "" : ",\n", (long long)stored->time_s);
	for (size_t i = 0; i < SAMPLE_COUNT; i++)
		buf_printf(json, ",\"%s\":%u", rows[i].name, stored->counts[i]);
	buf_append_c(json, ",\"handshakes\":{");
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		service_append(json, stored, i, &separator);
	buf_append_c(json, "}}");
}

/* Whole minutes, and not too many points. */
static int64_t step_choose(int64_t since_s, int64_t step_s, int64_t now_s)
{
	int64_t least = (now_s - since_s) / SAMPLES_POINTS_MAX;

	if (step_s < least)
		step_s = least;
	step_s += SAMPLE_PERIOD_S - 1;
	return step_s < SAMPLE_PERIOD_S ? SAMPLE_PERIOD_S : step_s - step_s % SAMPLE_PERIOD_S;
}

/* The samples of one step together; false when there is none. */
static bool step_read(const struct samples *samples, int64_t from_s, int64_t step_s,
		      struct stored *sum)
{
	bool any = false;

	*sum = (struct stored){.time_s = from_s};
	for (int64_t at_s = from_s; at_s < from_s + step_s; at_s += SAMPLE_PERIOD_S) {
		struct stored stored;
		if (pread(samples->fd, &stored, sizeof(stored), place_of(at_s)) != sizeof(stored) ||
		    stored.time_s != at_s)
			continue;
		stored_merge(sum, &stored);
		any = true;
	}
	return any;
}

void samples_append(const struct samples *samples, int64_t since_s, int64_t step_s, int64_t now_s,
		    struct buf *json)
{
	const int64_t kept_s = (int64_t)SAMPLES_MAX * SAMPLE_PERIOD_S;
	bool is_first = true;
	struct stored sum;

	if (since_s < now_s - kept_s)
		since_s = now_s - kept_s;
	if (since_s > now_s)
		since_s = now_s;
	step_s = step_choose(since_s, step_s < kept_s ? step_s : kept_s, now_s);
	buf_printf(json, "{\"step_s\":%lld,\"samples\":[", (long long)step_s);
	for (int64_t at_s = since_s - since_s % step_s; at_s <= now_s; at_s += step_s)
		if (step_read(samples, at_s, step_s, &sum)) {
			sample_append(json, &sum, is_first);
			is_first = false;
		}
	buf_append_c(json, "]}\n");
}

const char *samples_query_read(struct str query, int64_t *since_s, int64_t *step_s)
{
	static const struct str names[] = {STR_INIT("since"), STR_INIT("step")};
	bool is_given[2] = {false, false};

	for (struct str rest = query; rest.len > 0;) {
		struct str value = str_cut(&rest, '&');
		struct str name = str_cut(&value, '=');
		size_t i = str_equals(name, names[0]) ? 0 : 1;
		uint64_t number;
		if (!str_equals(name, names[i]))
			return "query";
		if (is_given[i] || !str_parse_u64(value, INT32_MAX * UINT64_C(1000), &number))
			return names[i].ptr;
		is_given[i] = true;
		*(i == 0 ? since_s : step_s) = (int64_t)number;
	}
	return NULL;
}
