/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/turns.h"

static void count_add(struct turn_count *count, const struct turn *turn, const struct turn *other)
{
	count->all++;
	count->auditors += other->is_auditor;
	count->own += str_equals(other->account, turn->account);
}

void turn_use_add(struct turn_use *use, const struct turn *turn, const struct turn *other)
{
	count_add(&use->all, turn, other);
	if (other->kind == turn->kind)
		count_add(&use->of_kind, turn, other);
}

bool turn_has_room(const struct turn *turn, const struct turn_count *count, size_t max)
{
	return count->all < max && (!turn->is_auditor || count->auditors < max / 2) &&
	       count->own < max - max / 4;
}

bool turn_may_begin(const struct turn *turn, const struct turn_use *running)
{
	static const size_t kinds[TURN_KINDS] = {[TURN_SHORT] = TURNS_MAX,
						 [TURN_LONG] = TURNS_LONG_MAX,
						 [TURN_STREAM] = TURNS_STREAM_MAX};

	return turn_has_room(turn, &running->all, TURNS_MAX) &&
	       turn_has_room(turn, &running->of_kind, kinds[turn->kind]);
}
