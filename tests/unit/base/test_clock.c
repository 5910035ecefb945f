/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

/* 21 November 2026 14:03:09 UTC. */
enum { MOMENT = 1795269789 };

static int zone_set(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
	return 0;
}

static int zone_east(void **state)
{
	return zone_set("ABC-5:30");
}

static int zone_west(void **state)
{
	return zone_set("ABC+3:30");
}

static void expect(void (*append)(struct buf *, int64_t), int64_t real_s, const char *expected)
{
	struct buf to = BUF_INIT(100);

	append(&to, real_s);
	assert_true(str_equals(buf_str(&to), str_from_c(expected)));
	buf_done(&to);
}

static void test_forms_east_of_greenwich(void **state)
{
	expect(clock_append_log_stamp, MOMENT, "[21/Nov/2026 19:33:09] ");
	expect(clock_append_mail_date, MOMENT, "Sat, 21 Nov 2026 19:33:09 +0530");
	expect(clock_append_imap_date, MOMENT, "21-Nov-2026 19:33:09 +0530");
	expect(clock_append_iso_date, MOMENT, "2026-11-21T14:03:09Z");
}

static void test_forms_west_of_greenwich(void **state)
{
	/* The day before, by half an hour. */
	expect(clock_append_mail_date, 1775013000 - 3 * 3600, "Tue, 31 Mar 2026 20:40:00 -0330");
	expect(clock_append_imap_date, 1775013000, "31-Mar-2026 23:40:00 -0330");
	expect(clock_append_iso_date, 1775013000, "2026-04-01T03:10:00Z");
}

static void test_from_civil(void **state)
{
	int64_t real_s = 0;

	assert_true(clock_from_civil(2026, 11, 21, 14, 3, 9, 0, &real_s));
	assert_int_equal(real_s, MOMENT);
	assert_true(clock_from_civil(2026, 11, 21, 19, 33, 9, 330, &real_s));
	assert_int_equal(real_s, MOMENT);
	assert_true(clock_from_civil(1970, 1, 1, 0, 0, 0, 60, &real_s));
	assert_int_equal(real_s, -3600);
	assert_true(clock_from_civil(2000, 2, 29, 23, 59, 60, 0, &real_s));
	assert_int_equal(real_s, 951868800);
}

static void test_from_civil_refuses_what_is_no_date(void **state)
{
	const int wrong[][7] = {
		{0, 1, 1, 0, 0, 0, 0},      {10000, 1, 1, 0, 0, 0, 0}, {2026, 0, 1, 0, 0, 0, 0},
		{2026, 13, 1, 0, 0, 0, 0},  {2026, 4, 31, 0, 0, 0, 0}, {2026, 2, 29, 0, 0, 0, 0},
		{1900, 2, 29, 0, 0, 0, 0},  {2026, 1, 0, 0, 0, 0, 0},  {2026, 1, 1, 24, 0, 0, 0},
		{2026, 1, 1, 0, 60, 0, 0},  {2026, 1, 1, 0, 0, 61, 0}, {2026, 1, 1, 0, 0, -1, 0},
		{2026, 1, 1, 0, 0, 0, 1441},
	};
	int64_t real_s = 7;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(clock_from_civil(wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3],
					      wrong[i][4], wrong[i][5], wrong[i][6], &real_s));
	assert_int_equal(real_s, 7);
}

/* ---- the beginning of a local day ---- */

/* The first moment of a day, looked for in steps that every zone's clock change is a multiple of. */
static int64_t day_begins_s(int year, int month, int day)
{
	enum { STEP_S = 1800, AROUND_S = 26 * 3600 };
	int64_t noon_s = 0;

	assert_true(clock_from_civil(year, month, day, 12, 0, 0, 0, &noon_s));
	for (int64_t at = noon_s - 2 * AROUND_S; at < noon_s + 2 * AROUND_S; at += STEP_S) {
		time_t seconds = (time_t)at;
		struct tm local;
		localtime_r(&seconds, &local);
		if (local.tm_year == year - 1900 && local.tm_mon == month - 1 &&
		    local.tm_mday == day)
			return at;
	}
	fail_msg("%d-%d-%d never comes", year, month, day);
	return 0;
}

static void test_a_local_day_begins_at_its_first_moment(void **state)
{
	static const char *const zones[] = {
		"UTC0",
		"CET-1CEST,M3.5.0,M10.5.0/3",
		"EST5EDT,M3.2.0,M11.1.0",
		/* Midnight is skipped in spring: Chile, and Cuba, where it comes twice in autumn. */
		"<-04>4<-03>,M9.1.6/24,M4.1.6/24",
		"CST5CDT,M3.2.0/0,M11.1.0/1",
		/* Half an hour, and more than half a day ahead. */
		"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
		"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
		"<+14>-14",
		"<-12>12",
	};
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		zone_set(zones[i]);
		for (int at = 0; at < 12 * 31; at++) {
			int month = at / 31 + 1, day = at % 31 + 1;
			int64_t real_s = 0;
			if (day > month_days[month - 1])
				continue;
			assert_true(clock_local_midnight(2027, month, day, &real_s));
			/* Offsets of a quarter of an hour lie between the steps. */
			int64_t expected = day_begins_s(2027, month, day);
			if (real_s > expected || expected - real_s >= 1800)
				fail_msg("%s: %d-%d begins at %lld, not at %lld", zones[i], month,
					 day, (long long)expected, (long long)real_s);
		}
	}
	int64_t unused;
	assert_false(clock_local_midnight(2027, 2, 29, &unused));
}

static void test_month_names(void **state)
{
	for (int month = 0; month < 12; month++)
		assert_int_equal(clock_month_number(str_from_c(clock_month_name(month))), month);
	assert_int_equal(clock_month_number(STR("dEc")), 11);
	assert_int_equal(clock_month_number(STR("Decem")), -1);
	assert_int_equal(clock_month_number(STR("")), -1);
}

static void test_the_monotonic_clock_goes_on(void **state)
{
	int64_t before = clock_mono_ms();
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	nanosleep(&pause, NULL);
	assert_true(clock_mono_ms() - before >= 19);
	assert_true(clock_real_s() > MOMENT - 10LL * 365 * 86400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_forms_east_of_greenwich, zone_east),
		cmocka_unit_test_setup(test_forms_west_of_greenwich, zone_west),
		cmocka_unit_test(test_from_civil),
		cmocka_unit_test(test_from_civil_refuses_what_is_no_date),
		cmocka_unit_test(test_a_local_day_begins_at_its_first_moment),
		cmocka_unit_test(test_month_names),
		cmocka_unit_test(test_the_monotonic_clock_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
