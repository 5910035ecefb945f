/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/floor.h"

#include "base/clock.h"

enum { DATE_LENGTH = sizeof("2026-12-01") - 1 };

/* ---- values ---- */

static bool protocol_read(struct finding_place place, struct str value, struct findings *findings,
			  uint32_t *number_out)
{
	enum tls_protocol protocol;

	if (tls_protocol_from_name(value, &protocol) && protocol > TLS_PROTOCOL_1_0) {
		*number_out = protocol;
		return true;
	}
	finding_add(findings, FINDING_ERROR, place,
		    "\"%.*s\" is no floor; write TLSv1.1, TLSv1.2 or TLSv1.3", STR_ARG(value));
	return false;
}

static bool mode_read(const struct raw_table *table, struct finding_place place, struct str value,
		      struct findings *findings, uint32_t *number_out)
{
	for (enum tls_rung rung = TLS_RUNG_OBSERVE; rung < TLS_RUNG_COUNT; rung++) {
		if (!str_equals_nocase(value, str_from_c(tls_rung_name(rung))))
			continue;
		*number_out = rung;
		if (rung != TLS_RUNG_REPLY || table->has_reply)
			return true;
		finding_add(findings, FINDING_ERROR, place,
			    "reply is a rung of inbound SMTP on port 25 only, where MAIL can be "
			    "refused in words; write observe or handshake");
		return false;
	}
	finding_add(findings, FINDING_ERROR, place, "\"%.*s\" is none of observe%s and handshake",
		    STR_ARG(value), table->has_reply ? ", reply" : "");
	return false;
}

/* True for digits and hyphens at their places. */
static bool is_date_form(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		bool is_hyphen = i == 4 || i == 7;
		if (is_hyphen ? value.ptr[i] != '-' : !ascii_is_digit(value.ptr[i]))
			return false;
	}
	return value.len == DATE_LENGTH;
}

static uint32_t digits(struct str value, size_t at, size_t len)
{
	uint64_t number = 0;

	CHECK(str_parse_u64(str_sub(value, at, len), 9999, &number));
	return (uint32_t)number;
}

int64_t floor_date_begins_s(uint32_t date)
{
	int64_t real_s = 0;

	CHECK(clock_local_midnight((int)(date / 10000), (int)(date / 100 % 100), (int)(date % 100),
				   &real_s));
	return real_s;
}

static bool date_read(struct finding_place place, struct str value, struct findings *findings,
		      uint32_t *number_out)
{
	int64_t unused;

	if (is_date_form(value)) {
		uint32_t year = digits(value, 0, 4), month = digits(value, 5, 2);
		uint32_t day = digits(value, 8, 2);
		*number_out = year * 10000 + month * 100 + day;
		if (clock_local_midnight((int)year, (int)month, (int)day, &unused))
			return true;
	}
	finding_add(findings, FINDING_ERROR, place,
		    "\"%.*s\" is no day; write YYYY-MM-DD, for example 2027-03-01", STR_ARG(value));
	return false;
}

bool floor_read(const struct raw_table *table, enum tls_variable_kind kind,
		struct finding_place place, struct str value, struct findings *findings,
		uint32_t *number_out)
{
	switch (kind) {
	case TLS_KIND_FLOOR:
		return protocol_read(place, value, findings, number_out);
	case TLS_KIND_FLOOR_MODE:
		return mode_read(table, place, value, findings, number_out);
	case TLS_KIND_FLOOR_DATE:
		return date_read(place, value, findings, number_out);
	default:
		CHECK(!"a variable of the floor");
		return false;
	}
}

/* ---- together ---- */

static enum tls_rung rung_after(enum tls_rung rung, bool has_reply)
{
	return rung == TLS_RUNG_OBSERVE && has_reply ? TLS_RUNG_REPLY : TLS_RUNG_HANDSHAKE;
}

struct floor_plan floor_plan_make(const struct tls_settings *settings, int64_t now_s)
{
	const struct tls_setting *floor = &settings->items[TLS_FLOOR];
	const struct tls_setting *mode = &settings->items[TLS_FLOOR_MODE];
	const struct tls_setting *date = &settings->items[TLS_FLOOR_DATE];

	if (!floor->is_set)
		return (struct floor_plan){.now = TLS_RUNG_NONE};
	struct floor_plan plan = {
		.protocol = (enum tls_protocol)floor->number,
		.written = (enum tls_rung)mode->number,
		.now = (enum tls_rung)mode->number,
		.later = (enum tls_rung)mode->number,
	};
	if (!date->is_set)
		return plan;
	plan.date = date->number;
	plan.later_at_s = floor_date_begins_s(date->number);
	plan.later = rung_after(plan.written, settings->has_reply);
	if (now_s >= plan.later_at_s)
		plan.now = plan.later;
	return plan;
}

static void date_check(const struct tls_settings *settings, int64_t now_s,
		       struct findings *findings)
{
	struct floor_plan plan = floor_plan_make(settings, now_s);
	struct finding_place place = settings->items[TLS_FLOOR_DATE].place;

	if (plan.written == TLS_RUNG_HANDSHAKE)
		finding_add(findings, FINDING_WARNING, place,
			    "has no effect: handshake is the last rung, from which nothing moves");
	else if (plan.now != plan.written)
		finding_add(findings, FINDING_NOTE, place,
			    "the day has come: the rung is %s now, not %s. To say the same without "
			    "the date, write TlsFloorMode %s",
			    tls_rung_name(plan.now), tls_rung_name(plan.written),
			    tls_rung_name(plan.now));
	else
		finding_add(findings, FINDING_NOTE, place,
			    "at 00:00 local time of that day the rung moves from %s to %s, once",
			    tls_rung_name(plan.written), tls_rung_name(plan.later));
}

void floor_check(const struct tls_settings *settings, int64_t now_s, struct findings *findings)
{
	static const enum tls_variable dependants[] = {TLS_FLOOR_MODE, TLS_FLOOR_DATE};

	if (settings->items[TLS_FLOOR].is_set) {
		if (settings->items[TLS_FLOOR_DATE].is_set)
			date_check(settings, now_s, findings);
		return;
	}
	for (size_t i = 0; i < sizeof(dependants) / sizeof(dependants[0]); i++) {
		const struct tls_setting *setting = &settings->items[dependants[i]];
		/* A floor that was refused has its own error. */
		if (setting->is_set && str_is_empty(settings->items[TLS_FLOOR].text))
			finding_add(findings, FINDING_WARNING, setting->place,
				    "has no effect without TlsFloor; write for example TlsFloor "
				    "TLSv1.2");
	}
}
