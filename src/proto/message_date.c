/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message_date.h"

#include "base/clock.h"
#include "proto/message.h"

enum { DAY_S = 24 * 60 * 60 };

struct civil {
	int year, month, day; /* month 1..12, 0 while unknown */
	int hour, minute, second;
	int zone_minutes;
	bool has_year, has_day, has_time;
};

struct zone {
	struct str name;
	int minutes;
};

/* RFC 5322 section 4.3; all other names mean +0000. */
static const struct zone zones[] = {
	{STR_INIT("EST"), -300}, {STR_INIT("EDT"), -240}, {STR_INIT("CST"), -360},
	{STR_INIT("CDT"), -300}, {STR_INIT("MST"), -420}, {STR_INIT("MDT"), -360},
	{STR_INIT("PST"), -480}, {STR_INIT("PDT"), -420}, {STR_INIT("CET"), 60},
	{STR_INIT("CEST"), 120}, {STR_INIT("MET"), 60},	  {STR_INIT("MEST"), 120},
	{STR_INIT("JST"), 540},
};

static int zone_from_name(struct str name)
{
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (str_equals_nocase(name, zones[i].name))
			return zones[i].minutes;
	return 0;
}

static bool zone_from_digits(struct str digits, bool is_west, int *minutes_out)
{
	uint64_t value;

	if (digits.len != 4 || !str_parse_u64(digits, 2400, &value) || value % 100 > 59)
		return false;
	int minutes = (int)(value / 100 * 60 + value % 100);
	*minutes_out = is_west ? -minutes : minutes;
	return true;
}

/* Takes `:mm[:ss]` behind the hour. */
static bool time_take(struct cursor *cursor, uint64_t hour, struct civil *civil)
{
	civil->hour = (int)hour;
	civil->minute = (int)cursor_number(cursor, 59);
	message_cfws_skip(cursor, NULL);
	if (cursor_take_char(cursor, ':')) {
		message_cfws_skip(cursor, NULL);
		civil->second = (int)cursor_number(cursor, 60);
	}
	civil->has_time = true;
	return !cursor->failed && hour <= 23;
}

/* RFC 5322 section 4.3: years of two and three digits. */
static int year_widen(int year, size_t digits)
{
	if (digits == 2)
		return year < 50 ? year + 2000 : year + 1900;
	return digits == 3 ? year + 1900 : year;
}

static bool number_place(struct cursor *cursor, struct civil *civil)
{
	struct str digits = cursor_take_while(cursor, ascii_is_digit);
	uint64_t value;

	if (!str_parse_u64(digits, 9999, &value))
		return false;
	message_cfws_skip(cursor, NULL);
	if (!civil->has_time && cursor_take_char(cursor, ':')) {
		message_cfws_skip(cursor, NULL);
		return time_take(cursor, value, civil);
	}
	if (!civil->has_day) {
		civil->has_day = true;
		civil->day = (int)value;
	} else if (!civil->has_year) {
		civil->has_year = true;
		civil->year = year_widen((int)value, digits.len);
	}
	return true;
}

static void word_place(struct cursor *cursor, struct civil *civil)
{
	struct str word = cursor_take_while(cursor, ascii_is_alpha);
	int month = clock_month_number(str_sub(word, 0, 3));

	if (civil->has_time && civil->month != 0)
		civil->zone_minutes = zone_from_name(word);
	else if (month >= 0 && civil->month == 0)
		civil->month = month + 1;
}

/* Takes one item: a number, a word, a zone with its sign, or punctuation that says nothing. */
static bool item_take(struct cursor *cursor, struct civil *civil)
{
	int next = cursor_peek(cursor);

	if (ascii_is_digit((char)next))
		return number_place(cursor, civil);
	if (ascii_is_alpha((char)next)) {
		word_place(cursor, civil);
		return true;
	}
	cursor->at++;
	if (civil->has_time && (next == '+' || next == '-')) {
		struct str digits = cursor_take_while(cursor, ascii_is_digit);
		/* "+0100 (CET)" and an unparsable zone: keep the time as UTC. */
		if (!zone_from_digits(digits, next == '-', &civil->zone_minutes))
			civil->zone_minutes = 0;
	}
	return next == ',' || next == '-' || next == '+' || next == '.' || next == '"';
}

bool message_date_parse(struct str value, struct message_date *date_out)
{
	struct cursor cursor = cursor_make(str_trim(value));
	struct civil civil = {0};
	int64_t real_s;

	for (;;) {
		message_cfws_skip(&cursor, NULL);
		if (cursor_left(&cursor) == 0)
			break;
		if (!item_take(&cursor, &civil))
			return false;
	}
	if (!civil.has_day || !civil.has_year || !civil.has_time)
		return false;
	if (!clock_from_civil(civil.year, civil.month, civil.day, civil.hour, civil.minute,
			      civil.second, civil.zone_minutes, &real_s))
		return false;
	*date_out = (struct message_date){.real_s = real_s, .zone_minutes = civil.zone_minutes};
	return true;
}

int64_t message_date_day_s(const struct message_date *date)
{
	int64_t local = date->real_s + (int64_t)date->zone_minutes * 60;
	int64_t within = local % DAY_S;

	return local - within - (within < 0 ? DAY_S : 0);
}

/* Takes `d-Mon-yyyy`. */
static void imap_day_take(struct cursor *cursor, struct civil *civil)
{
	civil->day = (int)cursor_number(cursor, 31);
	if (!cursor_take_char(cursor, '-'))
		cursor_fail(cursor);
	civil->month = clock_month_number(cursor_bytes(cursor, 3)) + 1;
	if (!cursor_take_char(cursor, '-'))
		cursor_fail(cursor);
	struct str year = cursor_take_while(cursor, ascii_is_digit);
	uint64_t value = 0;
	if (year.len != 4 || !str_parse_u64(year, 9999, &value))
		cursor_fail(cursor);
	civil->year = (int)value;
}

bool imap_date_parse(struct str text, int64_t *real_s_out)
{
	struct cursor cursor = cursor_make(text);
	struct civil civil = {0};

	imap_day_take(&cursor, &civil);
	return cursor_is_done(&cursor) &&
	       clock_from_civil(civil.year, civil.month, civil.day, 0, 0, 0, 0, real_s_out);
}

static int two_digits_take(struct cursor *cursor, uint64_t max)
{
	struct str digits = cursor_bytes(cursor, 2);
	uint64_t value = 0;

	if (!str_parse_u64(digits, max, &value))
		cursor_fail(cursor);
	return (int)value;
}

bool imap_date_time_parse(struct str text, int64_t *real_s_out)
{
	struct cursor cursor = cursor_make(text);
	struct civil civil = {0};

	cursor_take_char(&cursor, ' ');
	imap_day_take(&cursor, &civil);
	cursor_take_char(&cursor, ' ');
	civil.hour = two_digits_take(&cursor, 23);
	cursor_take_char(&cursor, ':');
	civil.minute = two_digits_take(&cursor, 59);
	cursor_take_char(&cursor, ':');
	civil.second = two_digits_take(&cursor, 60);
	cursor_take_char(&cursor, ' ');
	bool is_west = cursor_peek(&cursor) == '-';
	if (!cursor_take_char(&cursor, is_west ? '-' : '+'))
		return false;
	struct str digits = cursor_take_while(&cursor, ascii_is_digit);
	return cursor_is_done(&cursor) && zone_from_digits(digits, is_west, &civil.zone_minutes) &&
	       clock_from_civil(civil.year, civil.month, civil.day, civil.hour, civil.minute,
				civil.second, civil.zone_minutes, real_s_out);
}
