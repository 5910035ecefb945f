/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of admin/events.h. */
#include "admin/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct buf line, out;

static int setup(void **state)
{
	buf_init(&line, 8);
	buf_init(&out, EVENTS_PART_MAX);
	return 0;
}

static int teardown(void **state)
{
	buf_done(&line);
	buf_done(&out);
	return 0;
}

static void expect(const char *text)
{
	assert_true(str_equals(buf_str(&out), str_from_c(text)));
	buf_reset(&out);
}

static void test_lines(void **state)
{
	events_append(&out, &line, STR("one\ntw"));
	expect("data: one\n\n");
	events_append(&out, &line, STR("o"));
	expect("");
	events_append(&out, &line, STR("\n\nx\n"));
	expect("data: two\n\ndata: \n\ndata: x\n\n");
}

static void test_a_line_that_is_too_long(void **state)
{
	events_append(&out, &line, STR("0123456789"));
	events_append(&out, &line, STR("0123456789\nx\n"));
	expect("data: 01234567\n\ndata: x\n\n");
}

/* What stands in a line cannot begin another event. */
static void test_nothing_breaks_out(void **state)
{
	events_append(&out, &line, STR("a\rid: 1\n"));
	expect("data: aid: 1\n\n");
	event_append(&out, "end", STR("{}"));
	expect("event: end\ndata: {}\n\n");
}

static void test_an_answer(void **state)
{
	event_append_answer(&out, 200, STR("{\n \"a\": 1\r\n}\n"));
	expect("event: result\ndata: {\"status\":200,\"answer\":\n"
	       "data: {\ndata:  \"a\": 1\ndata: }\ndata: }\n\n");
	event_append_answer(&out, 504, STR("null"));
	expect("event: fault\ndata: {\"status\":504,\"answer\":\ndata: null\ndata: }\n\n");
}

static void test_who_wants_events(void **state)
{
	assert_true(events_are_wanted(STR("text/event-stream")));
	assert_true(events_are_wanted(STR("application/json;q=0.5, Text/Event-Stream ; q=0.9")));
	assert_false(events_are_wanted(STR("text/event-stream;q=0")));
	assert_false(events_are_wanted(STR("application/json, */*")));
	assert_false(events_are_wanted(STR("")));
	assert_false(events_are_wanted(str_make(NULL, 0)));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_a_line_that_is_too_long),
		TEST(test_nothing_breaks_out),
		TEST(test_an_answer),
		TEST(test_who_wants_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
