/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is: nobody takes all places. Auditors together hold at most half of those of a kind and
 * of all, one account at most three quarters, so that an administrator always finds one; and the short
 * commands find one beside those that stay long. Pure.
 */
#ifndef POSTERN_ADMIN_TURNS_H
#define POSTERN_ADMIN_TURNS_H

#include "base/str.h"

enum turn_kind {
	TURN_SHORT,
	TURN_LONG,   /* its time limit is its own */
	TURN_STREAM, /* it goes on until its client has enough */
	TURN_KINDS
};

/* Places of commands that run, in all and of those that stay long; and of requests of known sessions. */
enum { TURNS_MAX = 20, TURNS_LONG_MAX = 4, TURNS_STREAM_MAX = 8, TURNS_CALLS_MAX = 64 };

/* Of a command that runs or would. */
struct turn {
	enum turn_kind kind;
	bool is_auditor;
	struct str account;
};

/* How many are there, as one of them sees it. */
struct turn_count {
	size_t all;
	size_t auditors;
	size_t own; /* of the same account */
};

struct turn_use {
	struct turn_count all;
	struct turn_count of_kind;
};

/* Counts another for `turn`. */
void turn_use_add(struct turn_use *use, const struct turn *turn, const struct turn *other);

/* True when one more finds a place among `max`. */
bool turn_has_room(const struct turn *turn, const struct turn_count *count, size_t max);

/* True when it may run beside those that run. */
bool turn_may_begin(const struct turn *turn, const struct turn_use *running);

#endif
