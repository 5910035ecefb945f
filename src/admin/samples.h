/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of the counters over time, for the charts of the page: what was counted in each minute of
 * the last week. One file of a fixed size; a minute has its place there, so nothing has to be looked
 * for after a restart, and what is older than a week is overwritten. Minutes without a server have
 * no sample.
 */
#ifndef POSTERN_ADMIN_SAMPLES_H
#define POSTERN_ADMIN_SAMPLES_H

#include "base/buf.h"
#include "base/fault.h"
#include "config/config.h"

enum { SAMPLE_PERIOD_S = 60, SAMPLES_MAX = 7 * 24 * 60, SAMPLES_POINTS_MAX = 1500 };

/*
 * X(name, name in JSON, whether it is a state, of which the highest counts, and no sum). New ones
 * stand at the end: a file with fewer is read on.
 */
#define SAMPLE_TABLE(X)                                                                            \
	X(RECEIVED, "messages_received", false)                                                    \
	X(REJECTED, "messages_rejected", false)                                                    \
	X(DELIVERED, "messages_delivered", false)                                                  \
	X(LOGINS, "logins", false)                                                                 \
	X(LOGINS_FAILED, "logins_failed", false)                                                   \
	X(CONNECTIONS, "connections", false)                                                       \
	X(HANDSHAKES_FAILED, "handshakes_failed", false)                                           \
	X(CONNECTIONS_OPEN, "connections_open", true)                                              \
	X(QUEUED, "queued", true)                                                                  \
	X(RELAYED_TLS13, "relayed_tls13", false)                                                   \
	X(RELAYED_TLS12, "relayed_tls12", false)                                                   \
	X(RELAYED_OLDER, "relayed_older", false)                                                   \
	X(RELAYED_PLAIN, "relayed_plain", false)                                                   \
	X(DELAYED, "delayed", false)                                                               \
	X(FAILED, "failed", false)                                                                 \
	X(UNSENT_TLS, "unsent_tls", false)

enum sample_count {
#define X(name, json, is_state) SAMPLE_##name,
	SAMPLE_TABLE(X)
#undef X
	SAMPLE_COUNT
};

/* TLSv1, TLSv1.1, TLSv1.2, TLSv1.3. */
enum { SAMPLE_VERSIONS = 4 };

/* Counters as they stand, since the server started. */
struct sample_counters {
	uint64_t counts[SAMPLE_COUNT];
	uint64_t handshakes[SERVICE_COUNT][SAMPLE_VERSIONS];
};

struct samples;

/*
 * Opens or makes the file. One with fewer counts is written anew with what it has; of any other form
 * it begins anew. DENIED, NO_SPACE, IO.
 */
must_check enum fault samples_open(const char *path, struct samples **samples_out);
void samples_close(struct samples **samples);

/* Writes down what was counted since the call before; the first one only remembers. */
void samples_add(struct samples *samples, const struct sample_counters *counters, int64_t now_s);

/*
 * Appends {"step_s":...,"samples":[...]}: from `since_s` on, `step_s` seconds a sample, rounded up to
 * whole minutes and until there are not more than SAMPLES_POINTS_MAX. Blocks on the disk.
 */
void samples_append(const struct samples *samples, int64_t since_s, int64_t step_s, int64_t now_s,
		    struct buf *json);

/*
 * Reads a query "since=1700000000&step=60"; what does not stand in it stays as it is. Returns the
 * name of what is wrong or stands twice, or NULL; static. Pure.
 */
const char *samples_query_read(struct str query, int64_t *since_s, int64_t *step_s);

#endif
