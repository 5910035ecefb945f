/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/plan.h"

enum { DAY_S = 24 * 60 * 60, MISSING_DAYS = 30 };

static enum fetch_action stored_action(const struct fetch_rules *rules,
				       const struct fetched *known)
{
	if (!rules->leaves)
		return FETCH_ACTION_DELETE;
	if (rules->leave_days == 0 ||
	    rules->now_s - known->at_s < (int64_t)rules->leave_days * DAY_S)
		return FETCH_ACTION_LEAVE;
	return FETCH_ACTION_DELETE;
}

enum fetch_action fetch_action_of(const struct fetch_rules *rules,
				  const struct fetch_message *message,
				  const struct fetched *known)
{
	bool is_too_large = message->bytes > rules->message_bytes;

	if (str_is_empty(message->uidl) || message->is_copy)
		return FETCH_ACTION_LEAVE;
	if (known == NULL)
		return is_too_large ? FETCH_ACTION_REFUSE : FETCH_ACTION_RETRIEVE;
	if (known->state == FETCHED_STORED)
		return stored_action(rules, known);
	/* Without a size it was left for another reason, which stays. */
	if (is_too_large || known->bytes == 0 || known->bytes > rules->message_bytes)
		return FETCH_ACTION_LEAVE;
	return FETCH_ACTION_RETRIEVE;
}

bool fetch_memory_changes(const struct fetch_rules *rules, const struct fetched *known,
			  bool is_listed, struct fetched *changed_out)
{
	struct fetched changed = *known;

	if (is_listed)
		changed.missing_s = 0;
	else if (!rules->leaves || known->state == FETCHED_LEFT)
		changed.state = 0;
	else if (known->missing_s == 0)
		changed.missing_s = rules->now_s;
	else if (rules->now_s - known->missing_s >= (int64_t)MISSING_DAYS * DAY_S)
		changed.state = 0;
	*changed_out = changed;
	return changed.state != known->state || changed.missing_s != known->missing_s;
}
