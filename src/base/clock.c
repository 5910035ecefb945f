/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdlib.h>

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

int64_t clock_mono_ms(void)
{
	struct timespec now;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_real_s(void)
{
	struct timespec now;

	CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return now.tv_sec;
}

static struct tm local_time(int64_t real_s)
{
	time_t seconds = (time_t)real_s;
	struct tm local;

	CHECK(localtime_r(&seconds, &local) != NULL);
	return local;
}

static void append_zone(struct buf *to, const struct tm *local)
{
	long minutes = local->tm_gmtoff / 60;

	buf_printf(to, "%c%02ld%02ld", minutes < 0 ? '-' : '+', labs(minutes) / 60,
		   labs(minutes) % 60);
}

static void append_time_of_day(struct buf *to, const struct tm *t)
{
	buf_printf(to, "%02d:%02d:%02d", t->tm_hour, t->tm_min, t->tm_sec);
}

void clock_append_log_stamp(struct buf *to, int64_t real_s)
{
	struct tm t = local_time(real_s);

	buf_printf(to, "[%02d/%s/%04d ", t.tm_mday, months[t.tm_mon], t.tm_year + 1900);
	append_time_of_day(to, &t);
	buf_append_c(to, "] ");
}

void clock_append_mail_date(struct buf *to, int64_t real_s)
{
	struct tm t = local_time(real_s);

	buf_printf(to, "%s, %d %s %04d ", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
		   t.tm_year + 1900);
	append_time_of_day(to, &t);
	buf_append_char(to, ' ');
	append_zone(to, &t);
}

void clock_append_imap_date(struct buf *to, int64_t real_s)
{
	struct tm t = local_time(real_s);

	buf_printf(to, "%02d-%s-%04d ", t.tm_mday, months[t.tm_mon], t.tm_year + 1900);
	append_time_of_day(to, &t);
	buf_append_char(to, ' ');
	append_zone(to, &t);
}

void clock_append_iso_date(struct buf *to, int64_t real_s)
{
	time_t seconds = (time_t)real_s;
	struct tm t;

	CHECK(gmtime_r(&seconds, &t) != NULL);
	buf_printf(to, "%04d-%02d-%02dT", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
	append_time_of_day(to, &t);
	buf_append_char(to, 'Z');
}

const char *clock_month_name(int month)
{
	CHECK(month >= 0 && month < 12);
	return months[month];
}

int clock_month_number(struct str name)
{
	for (int month = 0; month < 12; month++)
		if (str_equals_nocase(name, str_from_c(months[month])))
			return month;
	return -1;
}

bool clock_from_civil(int year, int month, int day, int hour, int minute, int second,
		      int zone_minutes, int64_t *real_s_out)
{
	static const int month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (year < 1 || year > 9999 || month < 1 || month > 12)
		return false;
	if (day < 1 || day > month_days[month - 1] + (month == 2 && is_leap))
		return false;
	/* Second 60 is a leap second. */
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	if (zone_minutes < -24 * 60 || zone_minutes > 24 * 60)
		return false;
	struct tm t = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day,
		       .tm_hour = hour, .tm_min = minute, .tm_sec = second};
	*real_s_out = (int64_t)timegm(&t) - (int64_t)zone_minutes * 60;
	return true;
}

/*
 * Not by mktime, which reads the zone anew from a file: behind a sandbox that file
 * may be out of reach, and local time would become UTC.
 */
bool clock_local_midnight(int year, int month, int day, int64_t *real_s_out)
{
	int64_t civil_s;

	if (!clock_from_civil(year, month, day, 0, 0, 0, 0, &civil_s))
		return false;
	/* The offset of a time near by, then the one that holds at the time so found. */
	int64_t real_s = civil_s - local_time(civil_s).tm_gmtoff;
	real_s = civil_s - local_time(real_s).tm_gmtoff;
	/* The clocks skip midnight: an hour later is the same day. */
	if (local_time(real_s).tm_mday != day)
		real_s += 3600;
	*real_s_out = real_s;
	return true;
}
