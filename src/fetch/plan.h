/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a message on the other server, by what is remembered of it. Pure.
 *
 * 1. What is stored here is never fetched again; it is deleted there, or left for as long
 *    as the row says.
 * 2. What is too large is left, told once, and fetched when it may be larger one day.
 * 3. An identifier that two messages share (RFC 1939 section 7 allows it for copies)
 *    stands for the first of them in a session; the next session sees the other.
 * 4. What the server lists no more is forgotten, so that an identifier that is used anew
 *    is a new message. Where messages are left there this waits for a month: a server
 *    that shows an empty mailbox by mistake does not make all of it come once more.
 */
#ifndef POSTERN_FETCH_PLAN_H
#define POSTERN_FETCH_PLAN_H

#include "store/fetched.h"

enum fetch_action {
	FETCH_ACTION_LEAVE,
	FETCH_ACTION_RETRIEVE,
	FETCH_ACTION_DELETE, /* it is here */
	FETCH_ACTION_REFUSE, /* it is too large, and nobody was told */
};

/* A message as the server lists it. */
struct fetch_message {
	uint32_t number;
	struct str uidl; /* empty: unusable */
	uint64_t bytes;	 /* as the server tells */
	bool has_bytes;
	bool is_copy; /* one before it has the same identifier */
	enum fetch_action action;
	bool is_deleted; /* in this session, once it ends in order */
};

struct fetch_rules {
	bool leaves;
	uint32_t leave_days; /* 0: for good */
	uint64_t message_bytes;
	int64_t now_s;
};

/* `known` is what is remembered, or NULL. */
enum fetch_action fetch_action_of(const struct fetch_rules *rules,
				  const struct fetch_message *message,
				  const struct fetched *known);

/* True when the memory of a message changes: `*changed_out` is for fetched_change. */
must_check bool fetch_memory_changes(const struct fetch_rules *rules, const struct fetched *known,
				     bool is_listed, struct fetched *changed_out);

#endif
