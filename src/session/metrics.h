/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of the fronts, for /metrics and `status`.
 *
 * They stand in a memory file shared by all fronts, one slot a front, so that
 * whichever front answers /metrics can add them up. Each is one atomic number.
 */
#ifndef POSTERN_SESSION_METRICS_H
#define POSTERN_SESSION_METRICS_H

#include "base/buf.h"
#include "config/config.h"
#include "session/own_peers.h"
#include "tls/failure.h"

/* X(name, metric, help): counted per service. */
#define METRIC_TABLE(X)                                                                            \
	X(CONNECTIONS, "postern_connections_total", "Connections accepted")                        \
	X(CONNECTIONS_OPEN, "postern_connections_open", "Connections open now")                    \
	X(CONNECTIONS_REFUSED, "postern_connections_refused_total", "Connections refused by a limit") \
	X(LOGINS, "postern_logins_total", "Logins granted")                                        \
	X(LOGINS_FAILED, "postern_logins_failed_total", "Logins refused")                          \
	X(HANDSHAKES_FAILED, "postern_tls_handshakes_failed_total", "TLS handshakes that failed")  \
	X(HANDSHAKES_RESUMED, "postern_tls_handshakes_resumed_total", "TLS handshakes that resumed a session") \
	X(BELOW_FLOOR, "postern_tls_below_floor_total", "TLS sessions below TlsFloor that were let in") \
	X(BELOW_PARTNER, "postern_tls_below_partner_total", "MAIL that did not meet the sender's row of TlsPolicy") \
	X(MESSAGES_RECEIVED, "postern_messages_received_total", "Messages accepted")               \
	X(MESSAGES_REJECTED, "postern_messages_rejected_total", "Recipients or messages refused")  \
	X(MESSAGES_DELIVERED, "postern_messages_delivered_total", "Copies put into mailboxes")     \
	X(BYTES_IN, "postern_received_bytes_total", "Bytes received")                              \
	X(BYTES_OUT, "postern_sent_bytes_total", "Bytes sent")

enum metric {
#define X(name, metric, help) METRIC_##name,
	METRIC_TABLE(X)
#undef X
	METRIC_COUNT
};

/* X(name, label): how a handshake ended. */
#define METRIC_TLS_TABLE(X)                                                                        \
	X(FULL, "full")                                                                            \
	X(RESUMED, "resumed")                                                                      \
	X(FAILED, "failed")

enum metric_tls {
#define X(name, label) METRIC_TLS_##name,
	METRIC_TLS_TABLE(X)
#undef X
	METRIC_TLS_COUNT
};

/*
 * Handshakes by version and suite: a row is claimed when the pair is first seen. The last row is
 * for pairs that find no room.
 */
enum { METRIC_SUITES = 192, METRIC_FRONTS = 16, METRIC_SUITE_NAME = 48 };

/* Why handshakes failed: the kinds of tls/failure.h, and an alert of the peer's. */
enum { METRIC_REASONS = TLS_FAILURE_COUNT + 1 };

struct metric_suite {
	uint32_t claimed; /* atomic: 0 free, 1 being written, 2 readable */
	uint16_t suite;   /* IANA */
	uint16_t version; /* 0x0303, 0x0304, ...; 0: none */
	char name[METRIC_SUITE_NAME]; /* the suite's IANA name */
	uint64_t count[SERVICE_COUNT][METRIC_TLS_COUNT];
};

struct metrics_slot {
	uint64_t counts[SERVICE_COUNT][METRIC_COUNT];
	struct metric_suite suites[METRIC_SUITES];
	uint64_t reasons[SERVICE_COUNT][METRIC_REASONS];
	uint64_t started_s;
};

/* Room on the file system of the store, as the parent last saw it; size 0: not yet. */
struct metrics_disk {
	uint64_t size_bytes;
	uint64_t free_bytes; /* to who is not root */
	uint64_t inodes;     /* 0: there they are not counted */
	uint64_t free_inodes;
};

struct metrics_shared {
	struct own_peers own_peers; /* what all fronts have to know of the parent's doings */
	struct metrics_disk disk;
	struct metrics_slot fronts[METRIC_FRONTS];
};

struct metrics {
	struct metrics_shared *shared;
	struct metrics_slot *own;
};

void metric_add(struct metrics *metrics, enum service_id service, enum metric metric, int64_t amount);

/* A handshake as it is counted. */
struct metric_handshake {
	enum service_id service;
	enum metric_tls result;
	uint16_t version; /* of one that failed: the highest that was offered; 0: none */
	uint16_t suite;	  /* 0 where it failed */
	const char *suite_name;
	enum tls_failure reason; /* why it failed */
};
void metric_tls_add(struct metrics *metrics, const struct metric_handshake *handshake);

/* X(name, version as on the wire): those whose handshakes are counted apart in totals. */
#define METRIC_VERSION_TABLE(X) X(TLS1, 0x0301) X(TLS11, 0x0302) X(TLS12, 0x0303) X(TLS13, 0x0304)

enum metric_version {
#define X(name, version) METRIC_VERSION_##name,
	METRIC_VERSION_TABLE(X)
#undef X
	METRIC_VERSIONS
};

/* Of all fronts together: counters of all services, and handshakes that came about. */
struct metrics_totals {
	uint64_t counts[METRIC_COUNT];
	uint64_t handshakes[SERVICE_COUNT][METRIC_VERSIONS];
};
void metrics_total(const struct metrics_shared *shared, struct metrics_totals *totals_out);

/* Appends all fronts' counters in Prometheus' text format 0.0.4. */
void metrics_append_prometheus(const struct metrics *metrics, struct buf *to);

/* Keeps it, each number for itself; and appends it in Prometheus' text format. */
void metrics_disk_set(struct metrics_shared *shared, const struct metrics_disk *disk);
void metrics_append_disk(const struct metrics_shared *shared, struct buf *to);

struct snapshot;

/* Appends when each certificate of a configuration ends, likewise. */
void metrics_append_certificates(const struct snapshot *snapshot, int64_t now_s, struct buf *to);

/* Appends the member `handshakes` of `status`, led by a comma: by service and version, all fronts together. */
void metrics_append_status(const struct metrics_shared *shared, struct buf *json);

#endif
