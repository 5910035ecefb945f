/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/self_checks.h"

#include <stdlib.h>

#include "base/clock.h"
#include "proc/json.h"
#include "proc/parent.h"

void self_checks_done(struct self_checks *checks)
{
	for (size_t i = 0; i < SELF_CHECKS_MAX; i++) {
		free(checks->fronts[i].differences);
		checks->fronts[i].differences = NULL;
	}
}

void self_checks_take(struct parent *parent, unsigned front, const struct msg_self_checked *answer)
{
	struct self_checks *checks = &parent->self_checks;

	if (front >= SELF_CHECKS_MAX)
		return;
	free(checks->fronts[front].differences);
	checks->fronts[front].differences =
		str_is_empty(answer->differences) ? NULL : str_dup_c(answer->differences);
	checks->fronts[front].generation = answer->generation;
	checks->fronts[front].time_s = clock_real_s();
	checks->fronts[front].handshakes = answer->handshakes;
	for (struct str rest = answer->differences; !str_is_empty(rest);) {
		struct str line = str_cut(&rest, '\n');
		if (line.len > 0)
			log_printf(&parent->logs.log, LOG_ERROR,
				   "self-check: %.*s; what is in force is not what mailserver.cfg says",
				   STR_ARG(line));
	}
	if (!str_is_empty(answer->differences))
		change_record_self_check(parent, str_trim(answer->differences));
}

/* Every front must have answered for what is in force. */
static const char *state_of(const struct parent *parent)
{
	const char *state = "passed";

	for (size_t i = 0; i < parent->child_count; i++) {
		const struct child *child = &parent->children[i];
		if (child->role != ROLE_FRONT || child->index >= SELF_CHECKS_MAX)
			continue;
		if (parent->self_checks.fronts[child->index].differences != NULL)
			return "failed";
		if (parent->self_checks.fronts[child->index].generation != parent->generation)
			state = "running";
	}
	if (parent->port_checks.differences != NULL)
		return "failed";
	return port_checks_are_running(parent) ? "running" : state;
}

/* Fronts of one configuration mostly find the same. */
static bool is_said(const struct self_checks *checks, size_t front)
{
	for (size_t i = 0; i < front; i++)
		if (checks->fronts[i].differences != NULL &&
		    strcmp(checks->fronts[i].differences, checks->fronts[front].differences) == 0)
			return true;
	return false;
}

static void append_differences(const struct self_checks *checks, struct buf *json)
{
	size_t count = 0;

	for (size_t i = 0; i < SELF_CHECKS_MAX; i++) {
		struct str rest = str_from_c(checks->fronts[i].differences);
		if (!str_is_empty(rest) && is_said(checks, i))
			continue;
		while (!str_is_empty(rest)) {
			struct str line = str_cut(&rest, '\n');
			if (line.len == 0)
				continue;
			buf_append_c(json, count++ == 0 ? "" : ",");
			append_json_string(json, line);
		}
	}
}

void self_checks_append_status(const struct parent *parent, struct buf *json)
{
	const struct self_checks *checks = &parent->self_checks;
	unsigned handshakes = 0;
	int64_t time_s = 0;

	for (size_t i = 0; i < SELF_CHECKS_MAX; i++) {
		handshakes += checks->fronts[i].handshakes;
		if (checks->fronts[i].time_s > time_s)
			time_s = checks->fronts[i].time_s;
	}
	buf_printf(json, ",\"self_check\":{\"state\":\"%s\",\"time\":%lld,\"handshakes\":%u,"
			 "\"differences\":[",
		   state_of(parent), (long long)time_s, handshakes);
	append_differences(checks, json);
	buf_append_char(json, ']');
	port_checks_append_status(parent, json);
	buf_append_char(json, '}');
}
