/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connects to the first of several addresses that takes the connection.
 *
 * The addresses are tried in the order given, one after the other, each with a
 * deadline of its own and all within one. A task does it in its run():
 *
 *     switch (dial_step(&session->dial, task)) {
 *     case DIAL_WAIT:      return STEP_WAIT_OUTPUT;
 *     case DIAL_CONNECTED: stream_init(&session->stream, dial_take(&session->dial), ...);
 *
 * Nothing here blocks.
 */
#ifndef POSTERN_NET_DIAL_H
#define POSTERN_NET_DIAL_H

#include "base/buf.h"
#include "net/waiter.h"

struct dial_target {
	uint8_t address[16]; /* IPv6 or IPv6-mapped */
	uint16_t port;
};

struct dial_options {
	const struct dial_target *targets; /* borrowed */
	size_t target_count;
	int attempt_ms; /* for one address; 0: DIAL_ATTEMPT_MS */
	int all_ms;	/* for all of them; 0: DIAL_ALL_MS */
	/* From which address to connect, by family; NULL: as the system chooses. */
	const uint8_t *source_ipv4; /* 16 bytes, IPv6-mapped */
	const uint8_t *source_ipv6; /* 16 bytes */
};

enum { DIAL_ATTEMPT_MS = 30 * 1000, DIAL_ALL_MS = 2 * 60 * 1000 };

enum dial_result { DIAL_WAIT, DIAL_CONNECTED, DIAL_FAILED };

struct dial {
	struct dial_options options;
	size_t at; /* the target that is tried, or that took the connection */
	int fd;
	int64_t deadline_ms;
	int64_t attempt_deadline_ms;
	bool is_late; /* the time for all of them has run out */
	struct buf why; /* "192.0.2.1: Connection refused; ...": each address that failed */
};

/* The time for all addresses begins with the first dial_step. */
void dial_init(struct dial *dial, const struct dial_options *options);

/*
 * Goes on, and sets the task's descriptor and deadline. WAIT: run again when the
 * task's descriptor is writable, or its deadline passes. FAILED: no address took
 * the connection; `why` tells.
 */
must_check enum dial_result dial_step(struct dial *dial, struct task *task);

/* Hands the connected, non-blocking descriptor over; it is the task's as well. */
int dial_take(struct dial *dial);

/* The address that took the connection, or is tried. */
static inline const struct dial_target *dial_target(const struct dial *dial)
{
	return &dial->options.targets[dial->at];
}

/* Closes a descriptor that nobody took; where the task is past its last run. */
void dial_done(struct dial *dial);

#endif
