/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of proto/message, message_address, message_date, message_text,
 * message_structure and message_summary.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "proto/message.h"
#include "proto/message_address.h"
#include "proto/message_structure.h"
#include "proto/message_summary.h"
#include "proto/message_text.h"

static const struct mime_limits limits = {.parts = 1000, .depth = 20, .header_bytes = 65536};

static void check_text(const struct buf *text, const char *expected)
{
	struct str got = buf_str(text);

	if (!str_equals(got, str_from_c(expected)))
		print_error("got      %.*s\nexpected %s\n", STR_ARG(got),
			    expected == NULL ? "nothing" : expected);
	assert_true(str_equals(got, str_from_c(expected)));
}

static void test_fields(void **state)
{
	struct str header = STR("From anna Mon Jan 1\r\nA: 1\r\n folded\r\nno field\r\n more\r\nB : 2\n\r\nC: 3\r\n");
	struct message_field field;

	assert_true(message_field_next(&header, &field));
	assert_true(str_equals(field.name, STR("A")));
	assert_true(str_equals(field.value, STR(" 1\r\n folded")));
	assert_true(message_field_next(&header, &field));
	assert_true(str_equals(field.name, STR("B")));
	assert_true(str_equals(field.whole, STR("B : 2\n")));
	assert_false(message_field_next(&header, &field));
}

static void test_unfolding(void **state)
{
	struct buf to = BUF_INIT(1000);

	message_value_unfold(&to, STR("  a  b \r\n\t\tc\n d\r e \r\n"));
	check_text(&to, "a  b c d e");
	buf_done(&to);
}

static void test_header_length(void **state)
{
	assert_int_equal(message_header_length(STR("A: b\r\n\r\nbody")), 8);
	assert_int_equal(message_header_length(STR("A: b\n\nbody")), 6);
	assert_int_equal(message_header_length(STR("A: b\r\n \r\nc")), 10);
	assert_int_equal(message_header_length(STR("\r\nbody")), 2);
	assert_int_equal(message_header_length(STR("")), 0);
}

/* Address lists, as From of an ENVELOPE shows them. */
static void test_addresses(void **state)
{
	static const char *const cases[][2] = {
		{"a@b.c", "((NIL NIL \"a\" \"b.c\"))"},
		{"Joe Q. Public <john.q.public@example.com>",
		 "((\"Joe Q. Public\" NIL \"john.q.public\" \"example.com\"))"},
		{"\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>, who?",
		 "((\"Giant; \\\"Big\\\" Box\" NIL \"sysservices\" \"example.net\")(NIL NIL \"who?\" \"\"))"},
		{"A Group:Ed Jones <joe@where.test>,a@b;, x@y",
		 "((NIL NIL \"A Group\" NIL)(\"Ed Jones\" NIL \"joe\" \"where.test\")"
		 "(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)(NIL NIL \"x\" \"y\"))"},
		{"Undisclosed recipients:;",
		 "((NIL NIL \"Undisclosed recipients\" NIL)(NIL NIL NIL NIL))"},
		{"open: a@b", "((NIL NIL \"open\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL))"},
		{"<@r1.test,@r2.test:joe@where.test>",
		 "((NIL \"@r1.test,@r2.test\" \"joe\" \"where.test\"))"},
		{"pete(his account)@silly.test (Pete (A \\) chap))",
		 "((\"Pete (A \\\\) chap)\" NIL \"pete\" \"silly.test\"))"},
		{"joe . q @ example . com", "((NIL NIL \"joe.q\" \"example.com\"))"},
		{"\"a b\"@c", "((NIL NIL \"a b\" \"c\"))"},
		{"x@[192.0.2.1]", "((NIL NIL \"x\" \"[192.0.2.1]\"))"},
		{"=?utf-8?Q?=C3=A4?= <a@b>", "((\"=?utf-8?Q?=C3=A4?=\" NIL \"a\" \"b\"))"},
		{"<>", "NIL"},
		{"", "NIL"},
		{",, ,", "NIL"},
		{"a@b, ", "((NIL NIL \"a\" \"b\"))"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena;
		struct buf header = BUF_INIT(1000), envelope = BUF_INIT(10000), expected = BUF_INIT(10000);
		arena_init(&arena, 1u << 20);
		buf_printf(&header, "To: %s\r\n", cases[i][0]);
		buf_printf(&expected, "(NIL NIL NIL NIL NIL %s NIL NIL NIL NIL)", cases[i][1]);
		buf_append_char(&expected, '\0');
		message_envelope_write(&envelope, &arena, buf_str(&header));
		check_text(&envelope, expected.data);
		arena_rewind(&arena);
		buf_done(&header);
		buf_done(&envelope);
		buf_done(&expected);
	}
}

static void test_envelope_defaults_and_literals(void **state)
{
	struct arena arena;
	struct buf envelope = BUF_INIT(10000);

	arena_init(&arena, 1u << 20);
	message_envelope_write(&envelope, &arena,
			       STR("Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\nFrom: a@b\r\n"
				   "Sender: \r\nSubject: caf\xc3\xa9 \"q\"\r\nMessage-ID: <x@y>\r\n"));
	check_text(&envelope, "(\"Mon, 7 Feb 1994 21:52:25 -0800 (PST)\" {9}\r\ncaf\xc3\xa9 \"q\" "
			      "((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) "
			      "NIL NIL NIL NIL \"<x@y>\")");
	arena_rewind(&arena);
	buf_done(&envelope);
}

static void test_too_many_addresses_are_cut(void **state)
{
	struct arena arena;
	struct buf value = BUF_INIT(1u << 20);

	arena_init(&arena, 16u << 20);
	buf_append_c(&value, "g:");
	for (int i = 0; i < 5000; i++)
		buf_append_c(&value, "a@b,");
	struct message_address *list = message_addresses_parse(&arena, buf_str(&value), 1000);
	size_t count = 0;
	enum message_address_kind last = MESSAGE_ADDRESS_MAILBOX;
	for (; list != NULL; list = list->next, count++)
		last = list->kind;
	assert_int_equal(count, 1000);
	assert_int_equal(last, MESSAGE_ADDRESS_GROUP_END);
	arena_rewind(&arena);
	buf_done(&value);
}

static void test_dates(void **state)
{
	static const struct {
		const char *text;
		int64_t real_s;
		int zone;
	} good[] = {
		{"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360},
		{" Thu,\r\n 13\r\n Feb 1969 23:32 -0330 (Newfoundland Time)", -27723480, -210},
		{"21 Nov 97 09:55:06 GMT", 880106106, 0},
		{"Wed, 11 Feb 98 11:51 CST", 887219460, -360},
		{"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360},
		{"Sat Nov 21 14:03:59 2026", 1795269839, 0},
		{"1 Jan 2000 00:00:60 +0000", 946684860, 0},
	};
	static const char *const bad[] = {"", "Mon", "32 Jan 2000 00:00:00 +0000", "<HR>",
					  "Wed, 15 Dec 2010 59:10 -0500", "1 Foo 2000 00:00:00 +0000",
					  "29 Feb 2001 00:00:00 +0000"};
	struct message_date date;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(message_date_parse(str_from_c(good[i].text), &date));
		assert_int_equal(date.real_s, good[i].real_s);
		assert_int_equal(date.zone_minutes, good[i].zone);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(message_date_parse(str_from_c(bad[i]), &date));
}

static void test_imap_dates(void **state)
{
	int64_t real_s = 0;
	struct message_date date = {.real_s = 3600, .zone_minutes = -120};

	assert_true(imap_date_parse(STR("1-Feb-1994"), &real_s));
	assert_int_equal(real_s, 760060800);
	assert_false(imap_date_parse(STR("1-Feb-94"), &real_s));
	assert_true(imap_date_time_parse(STR("17-Jul-1996 02:44:25 -0700"), &real_s));
	assert_int_equal(real_s, 837596665);
	assert_true(imap_date_time_parse(STR(" 7-Jul-1996 02:44:25 +0000"), &real_s));
	assert_false(imap_date_time_parse(STR("17-Jul-1996 02:44:25"), &real_s));
	assert_false(imap_date_time_parse(STR("17-Jul-1996 25:44:25 +0000"), &real_s));
	assert_int_equal(message_date_day_s(&date), -86400);
}

static void words_check(const char *value, const char *expected)
{
	struct buf to = BUF_INIT(10000);

	message_words_decode(&to, str_from_c(value));
	check_text(&to, expected);
	buf_done(&to);
}

/* RFC 2047 section 8, and what mailers do. */
static void test_encoded_words(void **state)
{
	words_check("(=?ISO-8859-1?Q?a?=)", "(a)");
	words_check("=?ISO-8859-1?Q?a?= b", "a b");
	words_check("=?ISO-8859-1?Q?a?=  \r\n  =?ISO-8859-1?Q?b?=", "ab");
	words_check("=?ISO-8859-1?Q?a_b?=", "a b");
	words_check("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <x>", "Keld J\xc3\xb8rn Simonsen <x>");
	words_check("=?utf-8?B?w6Q=?=", "\xc3\xa4");
	words_check("=?utf-8?B?w?= =?utf-8?B?6Q=?=", "\xef\xbf\xbd");
	words_check("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac");
	words_check("=?koi8-r*ru?q?=F0?=", "\xd0\x9f");
	words_check("=?x-none?Q?=41?=", "A");
	words_check("=?broken?= =? =?a?b?c", "=?broken?= =? =?a?b?c");
	words_check("raw \xe4 latin", "raw \xc3\xa4 latin");
	words_check("raw \xc3\xa4 utf", "raw \xc3\xa4 utf");
	words_check("=?utf-8?Q?=3D=5F?=", "=_");
}

static void test_only_listed_character_sets_are_opened(void **state)
{
	assert_true(message_charset_is_known(STR("Windows-1251")));
	assert_false(message_charset_is_known(STR("ISO-2022-CN-EXT")));
	assert_false(message_charset_is_known(STR("UTF-8//TRANSLIT")));
	assert_false(message_charset_is_known(STR("../../etc/passwd")));
}

static void test_folding(void **state)
{
	struct buf a = BUF_INIT(1000), b = BUF_INIT(1000);

	message_text_fold(&a, STR("STRA\xc3\x9f" "E  \xc3\x84\t\xef\xac\x81"));
	message_text_fold(&b, STR("strasse a\xcc\x88 FI"));
	assert_true(str_equals(buf_str(&a), buf_str(&b)));
	buf_done(&a);
	buf_done(&b);
}

/* ---- summaries ---- */

static const struct str nested =
	STR_INIT("Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
		 "--o\r\nContent-ID: <1>\r\n\r\nfirst\r\n"
		 "--o\r\nContent-Type: message/rfc822\r\n\r\n"
		 "Subject: inner\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
		 "--i\r\n\r\nplain\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>\r\n--i--\r\n"
		 "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: leaf\r\n\r\nleaf body\r\n"
		 "--o--\r\n");

struct made {
	struct buf blob;
	struct message_summary summary;
};

static struct made summary_make(struct str message, size_t max)
{
	struct made made;

	buf_init(&made.blob, max);
	assert_int_equal(message_summary_make(message, &limits, &made.blob), FAULT_NONE);
	assert_true(message_summary_read(buf_str(&made.blob), &made.summary));
	return made;
}

static void section_check(const struct made *made, struct str message, const char *path,
			  enum message_section section, const char *expected)
{
	uint32_t numbers[16];
	size_t count = 0;
	struct message_range range;

	for (struct str rest = str_from_c(path); rest.ptr != NULL && rest.len > 0;) {
		uint64_t number = 0;
		assert_true(str_parse_u64(str_cut(&rest, '.'), UINT32_MAX, &number));
		numbers[count++] = (uint32_t)number;
	}
	bool is_found = message_summary_section(&made->summary, numbers, count, section, &range);
	assert_int_equal(is_found, expected != NULL);
	if (is_found)
		assert_true(str_equals(str_sub(message, range.from, range.len), str_from_c(expected)));
}

static void test_sections(void **state)
{
	struct made made = summary_make(nested, MESSAGE_SUMMARY_MAX);

	section_check(&made, nested, "", MESSAGE_SECTION_HEADER,
		      "Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n");
	section_check(&made, nested, "1", MESSAGE_SECTION_WHOLE, "first");
	section_check(&made, nested, "1", MESSAGE_SECTION_MIME, "Content-ID: <1>\r\n\r\n");
	section_check(&made, nested, "1", MESSAGE_SECTION_HEADER, NULL);
	section_check(&made, nested, "2", MESSAGE_SECTION_HEADER,
		      "Subject: inner\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n");
	section_check(&made, nested, "2", MESSAGE_SECTION_MIME,
		      "Content-Type: message/rfc822\r\n\r\n");
	section_check(&made, nested, "2.1", MESSAGE_SECTION_WHOLE, "plain");
	section_check(&made, nested, "2.2", MESSAGE_SECTION_MIME, "Content-Type: text/html\r\n\r\n");
	section_check(&made, nested, "2.3", MESSAGE_SECTION_WHOLE, NULL);
	section_check(&made, nested, "3", MESSAGE_SECTION_TEXT, "leaf body");
	section_check(&made, nested, "3.1", MESSAGE_SECTION_WHOLE, "leaf body");
	section_check(&made, nested, "3.1.1", MESSAGE_SECTION_WHOLE, NULL);
	section_check(&made, nested, "4", MESSAGE_SECTION_WHOLE, NULL);
	buf_done(&made.blob);

	/* A message that is no multipart has one part: its body. */
	struct str simple = STR("Subject: s\r\n\r\nbody");
	made = summary_make(simple, MESSAGE_SUMMARY_MAX);
	section_check(&made, simple, "1", MESSAGE_SECTION_WHOLE, "body");
	section_check(&made, simple, "", MESSAGE_SECTION_WHOLE, simple.ptr);
	section_check(&made, simple, "", MESSAGE_SECTION_TEXT, "body");
	section_check(&made, simple, "1.1", MESSAGE_SECTION_WHOLE, NULL);
	section_check(&made, simple, "2", MESSAGE_SECTION_WHOLE, NULL);
	buf_done(&made.blob);
}

static void test_structures(void **state)
{
	struct made made = summary_make(nested, MESSAGE_SUMMARY_MAX);
	struct buf text = BUF_INIT(10000);

	buf_append_str(&text, made.summary.body);
	check_text(&text,
		   "((\"text\" \"plain\" (\"charset\" \"us-ascii\") \"<1>\" NIL \"7bit\" 5 0)"
		   "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 123 "
		   "(NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) "
		   "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 0)"
		   "(\"text\" \"html\" NIL NIL NIL \"7bit\" 3 0) \"alternative\") 10)"
		   "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 26 "
		   "(NIL \"leaf\" NIL NIL NIL NIL NIL NIL NIL NIL) "
		   "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 9 0) 2) \"mixed\")");
	buf_reset(&text);
	buf_done(&made.blob);

	made = summary_make(STR("Content-Type: Text/Plain; charset=utf-8\r\n"
				"Content-Disposition: attachment; filename=\"a b.txt\"\r\n"
				"Content-Language: de, en\r\nContent-Location: here\r\n"
				"Content-MD5: Q2hlY2s=\r\nContent-Description: d\r\n"
				"Content-Transfer-Encoding: BASE64\r\n\r\nYQ==\r\n"),
			    MESSAGE_SUMMARY_MAX);
	buf_append_str(&text, made.summary.structure);
	check_text(&text, "(\"Text\" \"Plain\" (\"charset\" \"utf-8\") NIL \"d\" \"BASE64\" 6 1 "
			  "\"Q2hlY2s=\" (\"attachment\" (\"filename\" \"a b.txt\")) (\"de\" \"en\") \"here\")");
	buf_done(&text);
	buf_done(&made.blob);
}

static void test_keys(void **state)
{
	struct made made = summary_make(STR("Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n"
					    "Subject: =?utf-8?Q?=C3=84RGER?=\r\nTo: A@B\r\nTo: C@D\r\n\r\n"),
					MESSAGE_SUMMARY_MAX);

	assert_true(str_equals(made.summary.keys[MESSAGE_KEY_SUBJECT], STR("\xc3\xa4rger")));
	assert_true(str_equals(made.summary.keys[MESSAGE_KEY_TO], STR("a@b\nc@d")));
	assert_true(made.summary.has_sent);
	assert_int_equal(made.summary.sent.real_s, 880127706);
	buf_done(&made.blob);
}

static void test_what_does_not_fit_is_partial_and_then_simplified(void **state)
{
	struct buf message = BUF_INIT(8u << 20);

	buf_append_c(&message, "Subject: Big\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 900; i++)
		buf_append_c(&message, "--b\r\nContent-Description: quite a long description\r\n\r\n");
	struct made made = summary_make(buf_str(&message), 32 * 1024);
	assert_true(made.summary.is_partial);
	assert_true(made.blob.len < 1500);
	assert_true(str_equals(made.summary.keys[MESSAGE_KEY_SUBJECT], STR("big")));
	buf_done(&made.blob);

	made = summary_make(buf_str(&message), MESSAGE_SUMMARY_MAX);
	assert_false(made.summary.is_partial);
	assert_false(made.summary.is_simplified);
	buf_done(&made.blob);

	/* A parameter of megabytes in every part cannot be described at all. */
	buf_reset(&message);
	buf_append_c(&message, "Subject: Big\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 100; i++) {
		buf_append_c(&message, "--b\r\nContent-Type: a/b; x=");
		char *at = buf_reserve(&message, 60000);
		memset(at, 'y', 60000);
		buf_commit(&message, 60000);
		buf_append_c(&message, "\r\n\r\n");
	}
	made = summary_make(buf_str(&message), MESSAGE_SUMMARY_MAX);
	assert_true(made.summary.is_simplified);
	section_check(&made, buf_str(&message), "2", MESSAGE_SECTION_WHOLE, NULL);
	buf_done(&made.blob);
	buf_done(&message);
}

static void test_damaged_blobs_are_refused(void **state)
{
	struct made made = summary_make(nested, MESSAGE_SUMMARY_MAX);
	struct message_summary summary;

	for (size_t len = 0; len < made.blob.len; len++)
		assert_false(message_summary_read(str_sub(buf_str(&made.blob), 0, len), &summary));
	made.blob.data[0]++;
	assert_false(message_summary_read(buf_str(&made.blob), &summary));
	buf_done(&made.blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_unfolding),
		cmocka_unit_test(test_header_length),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_envelope_defaults_and_literals),
		cmocka_unit_test(test_too_many_addresses_are_cut),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_imap_dates),
		cmocka_unit_test(test_encoded_words),
		cmocka_unit_test(test_only_listed_character_sets_are_opened),
		cmocka_unit_test(test_folding),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_structures),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_what_does_not_fit_is_partial_and_then_simplified),
		cmocka_unit_test(test_damaged_blobs_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
