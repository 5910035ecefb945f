/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of mail for other servers, counted for /metrics: by the level that was
 * demanded, the TLS version that was got, and the result; and why mail waits.
 *
 * Each counter is one atomic number; any thread may add. They stand where the options of the role
 * say, in memory that outlives it and that others read, or in its own.
 */
#ifndef POSTERN_MAILQ_COUNTS_H
#define POSTERN_MAILQ_COUNTS_H

#include "base/buf.h"
#include "policy/demand.h"

/* X(name, label): as mail.log names it. */
#define COUNT_RESULT_TABLE(X)                                                  \
	X(RELAYED, "relayed")                                                  \
	X(DELAYED, "delayed")                                                  \
	X(FAILED, "failed")

enum count_result {
#define X(name, label) COUNT_##name,
	COUNT_RESULT_TABLE(X)
#undef X
	COUNT_RESULT_COUNT
};

/* "relayed", ... */
const char *count_result_name(enum count_result result);

/*
 * X(name, label, status): why a recipient was not taken; but for a reply of the server it is
 * told by the status code that we give ourselves.
 */
#define COUNT_REASON_TABLE(X)                                                  \
	X(REPLY, "reply", "")                                                  \
	X(DNS, "dns", "4.4.3")                                                 \
	X(CONNECTION, "connection", "4.4.1")                                   \
	X(SESSION, "session", "4.4.2")                                         \
	X(TLS, "tls", "4.7.5")                                                 \
	X(LOGIN, "login", "4.7.0")                                             \
	X(OTHER, "other", "")

enum count_reason {
#define X(name, label, status) COUNT_REASON_##name,
	COUNT_REASON_TABLE(X)
#undef X
	COUNT_REASON_COUNT
};

/* How far an attempt came. */
struct count_tls {
	bool is_reached; /* a server was connected to; else nothing was demanded of any */
	enum tls_level rule;
	bool is_active; /* TLS stood, in this version */
	enum tls_protocol version;
};

/* The places behind the levels and the versions: no server, no TLS. */
enum { COUNT_RULES = TLS_LEVEL_COUNT + 1, COUNT_VERSIONS = TLS_PROTOCOL_COUNT + 1 };

struct counts {
	uint64_t sent[COUNT_RULES][COUNT_VERSIONS][COUNT_RESULT_COUNT];
	uint64_t reasons[COUNT_RESULT_COUNT][COUNT_REASON_COUNT];
	uint64_t queued; /* jobs of the queue, as they stand */
};

/* What was counted, in a form for charts: TLS by version, and what failed for want of it. */
struct counts_summary {
	uint64_t relayed_tls13;
	uint64_t relayed_tls12;
	uint64_t relayed_older;
	uint64_t relayed_plain;
	uint64_t delayed;
	uint64_t failed;
	uint64_t unsent_tls; /* of both: because of TLS */
	uint64_t queued;
};
void counts_sum(const struct counts *counts, struct counts_summary *summary_out);

/* Keeps how many jobs there are. */
void counts_queued_set(struct counts *counts, uint64_t queued);

/* Counts a recipient. */
void counts_add(struct counts *counts, const struct count_tls *tls, enum count_result result);

/* Counts why a recipient is delayed or failed; `status` is that of an attempt in our words. */
void counts_reason_add(struct counts *counts, enum count_result result, bool is_reply,
		       struct str status);

/* Appends them in Prometheus' text format 0.0.4; those that are 0 are left out. */
void counts_append_prometheus(const struct counts *counts, struct buf *to);

#endif
