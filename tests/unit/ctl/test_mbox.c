/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/mbox.h"
#include "store/mail.h"

#define BORDER "From a@example.org Sat Nov 21 14:03:59 2026\n"

/* Reads all of a file; the messages, each behind a `|`. */
static struct buf read_all(const char *file)
{
	struct buf all = BUF_INIT(1 << 20);
	struct mbox_message message;
	struct mbox mbox;

	if (!mbox_open(&mbox, str_from_c(file)))
		return all;
	while (mbox_next(&mbox, &message)) {
		buf_append_char(&all, '|');
		mbox_append_content(&all, message.content);
	}
	return all;
}

static void expect(const char *file, const char *wanted)
{
	struct buf all = read_all(file);

	if (!str_equals(buf_str(&all), str_from_c(wanted)))
		fail_msg("%s\ngave\n%.*s", file, STR_ARG(buf_str(&all)));
	buf_done(&all);
}

static void test_borders(void **state)
{
	expect(BORDER "A: 1\n\none\n\n" BORDER "B: 2\n\ntwo\n\n", "|A: 1\r\n\r\none\r\n|B: 2\r\n\r\ntwo\r\n");
	/* Without the empty line at the end of the file, and without its line end. */
	expect(BORDER "A: 1\n\none", "|A: 1\r\n\r\none\r\n");
	/* One empty line is the file's, further ones are the message's. */
	expect(BORDER "A: 1\n\none\n\n\n\n" BORDER "B: 2\n", "|A: 1\r\n\r\none\r\n\r\n\r\n|B: 2\r\n");
	/* Not behind a line of text, and not without a date. */
	expect(BORDER "A: 1\n\none\n" BORDER "\nFrom here it is text\nend\n",
	       "|A: 1\r\n\r\none\r\nFrom a@example.org Sat Nov 21 14:03:59 2026\r\n\r\n"
	       "From here it is text\r\nend\r\n");
	/* A file whose borders have no dates. */
	expect("From a\nA: 1\n\none\n\nFrom b\nB: 2\n", "|A: 1\r\n\r\none\r\n|B: 2\r\n");
	expect("From a\n\nFrom b\n", "||");
}

static void test_what_is_no_mbox(void **state)
{
	struct mbox mbox;

	assert_false(mbox_open(&mbox, STR("")));
	assert_false(mbox_open(&mbox, STR("Subject: x\n\n")));
	assert_false(mbox_open(&mbox, STR("From")));
	assert_true(mbox_open(&mbox, STR("From ")));
}

static void test_unquoting(void **state)
{
	expect(BORDER "A: 1\n\n>From x\n>>From y\n> From z\n>from\n>Fro",
	       "|A: 1\r\n\r\nFrom x\r\n>From y\r\n> From z\r\n>from\r\n>Fro\r\n");
}

static void test_line_ends(void **state)
{
	static const char odd[] = BORDER "A: 1\r\n\r\na\rb\r\n\r\r\nc\0d\n";
	struct mbox mbox;
	struct mbox_message message;
	struct buf text = BUF_INIT(1000);

	assert_true(mbox_open(&mbox, str_make(odd, sizeof(odd) - 1)));
	assert_true(mbox_next(&mbox, &message));
	mbox_append_content(&text, message.content);
	assert_true(str_equals(buf_str(&text), STR("A: 1\r\n\r\na\rb\r\n\r\r\nc\0d\r\n")));
	buf_done(&text);
}

static void test_dates(void **state)
{
	static const struct {
		const char *line;
		int64_t wanted; /* 0: none */
	} cases[] = {
		{"From a@example.org Sat Nov 21 14:03:59 2026", 1795269839},
		{"From a Sat Nov 21 14:03:59 2026 +0100", 1795266239},
		{"From a Sat Nov 21 14:03:59 +0100 2026", 1795266239},
		{"From a Sat Nov 21 14:03:59 CET 2026", 1795269839},
		{"From - Sat Nov 21 14:03 2026", 1795269780},
		{"From a Thu Jan  1 00:00:01 1970", 1},
		{"From \"a b\"@example.org Sat Nov 21 14:03:59 2026 remote from x", 0},
		{"From a Sat Nov 32 14:03:59 2026", 0},
		{"From a Sat Nov 21 24:03:59 2026", 0},
		{"From here on it is text", 0},
		{"From ", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t seconds = 0;
		bool is_date = mbox_date_parse(str_from_c(cases[i].line), &seconds);
		if (is_date != (cases[i].wanted != 0) || seconds != cases[i].wanted)
			fail_msg("%s: %lld", cases[i].line, (long long)seconds);
	}
}

static void test_flags(void **state)
{
	assert_int_equal(mbox_flags(STR("Status: RO\nX-Status: AF\n\nX-Status: D\n")),
			 MAIL_SEEN | MAIL_ANSWERED | MAIL_FLAGGED);
	assert_int_equal(mbox_flags(STR("A: 1\n\n")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_borders),	   cmocka_unit_test(test_what_is_no_mbox),
		cmocka_unit_test(test_unquoting),  cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_dates),	   cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
