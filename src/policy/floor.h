/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three rungs for raising a floor (tls-policy section 4): TlsFloor,
 * TlsFloorMode and TlsFloorDate, read and put together.
 *
 * The rung moves once, at the beginning of a local day. What comes out says both
 * what holds before and after; whoever shakes hands asks the clock.
 */
#ifndef POSTERN_POLICY_FLOOR_H
#define POSTERN_POLICY_FLOOR_H

#include "policy/settings.h"

/* What the three variables say. Zeroed: there is no floor. */
struct floor_plan {
	enum tls_protocol protocol;
	enum tls_rung written; /* TlsFloorMode */
	enum tls_rung now;     /* in force at the time asked for */
	enum tls_rung later;   /* in force from `later_at_s` on; `now` when nothing is to come */
	uint32_t date;
	int64_t later_at_s; /* seconds since 1970 */
};

struct floor_plan floor_plan_make(const struct tls_settings *settings, int64_t now_s);

/*
 * Read one value each, which is not empty; false, with an error that says what
 * is admitted, when it is refused. A date needs no table.
 */
must_check bool floor_read(const struct raw_table *table, enum tls_variable_kind kind,
			   struct finding_place place, struct str value, struct findings *findings,
			   uint32_t *number_out);

/* When a day that was read begins, local time; seconds since 1970. */
int64_t floor_date_begins_s(uint32_t date);

/* Adds what there is to say of how the three stand together. */
void floor_check(const struct tls_settings *settings, int64_t now_s, struct findings *findings);

#endif
