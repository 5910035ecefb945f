/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates in mail: the Date field (RFC 5322 sections 3.3 and 4.3) and the dates
 * of IMAP commands (RFC 3501 section 9, date and date-time).
 */
#ifndef POSTERN_PROTO_MESSAGE_DATE_H
#define POSTERN_PROTO_MESSAGE_DATE_H

#include "base/cursor.h"

struct message_date {
	int64_t real_s;	  /* seconds since 1970, UTC */
	int zone_minutes; /* east of Greenwich */
};

/*
 * Parses the value of a Date field. Comments, folding, names of zones, years
 * of two digits, the order of ctime(3) and missing seconds or zones are
 * forgiven; false when day, month, year and time cannot be made out.
 */
must_check bool message_date_parse(struct str value, struct message_date *date_out);

/*
 * The midnight (as if UTC) that begins the sender's own day: what SENTON compares (RFC
 * 3501 section 6.4.4).
 */
int64_t message_date_day_s(const struct message_date *date);

/* Parses `1-Feb-1994` into its midnight, as if UTC. */
must_check bool imap_date_parse(struct str text, int64_t *real_s_out);

/*
 * Parses `17-Jul-1996 02:44:25 -0700`, without its quotes; the day may have a blank for
 * its first digit.
 */
must_check bool imap_date_time_parse(struct str text, int64_t *real_s_out);

#endif
