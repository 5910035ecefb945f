/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: a monotonic clock for deadlines, real time for stamps.
 */
#ifndef POSTERN_BASE_CLOCK_H
#define POSTERN_BASE_CLOCK_H

#include <time.h>

#include "base/buf.h"

/* Milliseconds of the monotonic clock; only differences mean anything. */
int64_t clock_mono_ms(void);

/* Seconds since 1970, UTC. */
int64_t clock_real_s(void);

/* Appends `[21/Nov/2026 14:03:59] `, local time: the stamp of our log files. */
void clock_append_log_stamp(struct buf *to, int64_t real_s);

/* Appends `Sat, 21 Nov 2026 14:03:59 +0100` (RFC 5322 section 3.3), local time. */
void clock_append_mail_date(struct buf *to, int64_t real_s);

/* Appends `21-Nov-2026 14:03:59 +0100` (RFC 3501 date-time, with a two-digit day), local time. */
void clock_append_imap_date(struct buf *to, int64_t real_s);

/* Appends `2026-11-21T14:03:59Z` (RFC 3339). */
void clock_append_iso_date(struct buf *to, int64_t real_s);

/* The three-letter English name of a month 0..11, and back (-1 if it is none). */
const char *clock_month_name(int month);
int clock_month_number(struct str name);

/*
 * Seconds since 1970 of a civil date and time at a zone `zone_minutes` east of
 * Greenwich. `month` is 1..12. False when a field is out of its range.
 */
must_check bool clock_from_civil(int year, int month, int day, int hour, int minute, int second,
				 int zone_minutes, int64_t *real_s_out);

/*
 * Seconds since 1970 when a civil day begins in local time; `month` is 1..12. Where the clocks
 * skip midnight, it is the first moment that exists. False when there is no such day.
 */
must_check bool clock_local_midnight(int year, int month, int day, int64_t *real_s_out);

#endif
