/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connects to one of several addresses (RFC 8305).
 *
 * The addresses are tried in the order given, but for the families, which come by
 * turns. Each has a deadline of its own, and all have one; when one has not answered
 * after a moment, or has failed, the next is tried beside it, a few at a time. The
 * first that takes the connection is it. A task does it in its run():
 *
 *     switch (dial_step(&session->dial, task)) {
 *     case DIAL_WAIT_INPUT: return STEP_WAIT_INPUT;
 *     case DIAL_CONNECTED:  stream_init(&session->stream, dial_take(&session->dial), ...);
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
	size_t target_count; /* at most DIAL_TARGETS_MAX */
	int attempt_ms; /* for one address; 0: DIAL_ATTEMPT_MS */
	int stagger_ms; /* before the next is tried beside it; 0: DIAL_STAGGER_MS */
	int all_ms;	/* for all of them; 0: DIAL_ALL_MS */
	/* From which address to connect, by family; NULL: as the system chooses. Borrowed. */
	const uint8_t *source_ipv4; /* 16 bytes, IPv6-mapped */
	const uint8_t *source_ipv6; /* 16 bytes */
};

enum {
	DIAL_ATTEMPT_MS = 30 * 1000,
	DIAL_STAGGER_MS = 250, /* RFC 8305 section 5 */
	DIAL_ALL_MS = 2 * 60 * 1000,
	DIAL_TARGETS_MAX = 32,
	DIAL_PARALLEL = 4
};

enum dial_result { DIAL_WAIT_INPUT, DIAL_CONNECTED, DIAL_FAILED };

struct dial_attempt {
	int fd;
	size_t target;
	int64_t deadline_ms;
};

struct dial {
	struct dial_options options;
	uint8_t order[DIAL_TARGETS_MAX];
	size_t started; /* in that order */
	struct dial_attempt attempts[DIAL_PARALLEL]; /* under way */
	size_t attempt_count;
	int epoll_fd; /* readable when one of them has an answer, or the next is to begin */
	int timer_fd;
	size_t at; /* the target that took the connection; target_count while none has */
	int fd;	   /* the connection, until it is taken */
	int64_t deadline_ms;
	int64_t next_start_ms;
	bool is_late; /* the time for all of them has run out */
	struct buf why; /* "192.0.2.1: Connection refused; ...": each address that failed */
};

/* The time for all addresses begins with the first dial_step. */
void dial_init(struct dial *dial, const struct dial_options *options);

/*
 * Goes on, and sets the task's descriptor and deadline. WAIT_INPUT: run again when the
 * task's descriptor is readable, or its deadline passes. CONNECTED: the descriptor is
 * the connection's. FAILED: no address took the connection; `why` tells.
 */
must_check enum dial_result dial_step(struct dial *dial, struct task *task);

/* Hands the connected, non-blocking descriptor over; it is the task's as well. */
int dial_take(struct dial *dial);

/* The address that took the connection; there must be one. */
static inline const struct dial_target *dial_target(const struct dial *dial)
{
	return &dial->options.targets[dial->at];
}

/* Closes what nobody took; where the task is past its last run. */
void dial_done(struct dial *dial);

#endif
