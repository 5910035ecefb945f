/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of config/document and config/network: structure, places, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/document.h"
#include "config/network.h"

static void test_places_are_exact(void **state)
{
	struct str text = STR("\xef\xbb\xbf<?xml version=\"1.0\"?>\r\n<c>\r\n"
			      "<table name=\"T\"><variable name=\" V \"> a&lt;b </variable>"
			      "<variable name=\"W\"/></table></c>");
	struct findings findings;
	struct document document;

	findings_init(&findings);
	assert_true(document_parse(&document, text, &findings));
	struct element *table = document_find(&document, ELEMENT_TABLE, STR("t"));
	assert_non_null(table);
	assert_int_equal(table->line, 3);
	struct element *v = element_child(table, ELEMENT_VARIABLE, STR("V"));
	assert_true(str_equals(v->value, STR(" a<b ")));
	assert_true(str_equals(str_sub(text, v->begin, v->end - v->begin),
			       STR("<variable name=\" V \"> a&lt;b </variable>")));
	assert_true(str_equals(str_sub(text, v->content_begin, v->content_end - v->content_begin),
			       STR(" a&lt;b ")));
	struct element *w = element_child(table, ELEMENT_VARIABLE, STR("W"));
	assert_true(w->is_self_closed);
	assert_true(str_equals(str_sub(text, w->begin, w->end - w->begin),
			       STR("<variable name=\"W\"/>")));
	document_done(&document);
	findings_done(&findings);
}

static void refused(struct str text, int line, const char *said)
{
	struct findings findings;
	struct document document;

	findings_init(&findings);
	if (document_parse(&document, text, &findings))
		fail_msg("read: %.*s", STR_ARG(str_sub(text, 0, 200)));
	assert_int_equal(findings.count, 1);
	assert_int_equal(findings.items[0].severity, FINDING_ERROR);
	if (str_find(findings.items[0].text, str_from_c(said)) == STR_NONE)
		fail_msg("expected \"%s\" in \"%.*s\"", said, STR_ARG(findings.items[0].text));
	assert_int_equal(findings.items[0].place.line, line);
	document_done(&document);
	findings_done(&findings);
}

static void test_the_lost_blank_is_named_with_its_cure(void **state)
{
	refused(STR("<config>\n<table "
		    "name=\"Security\">\n<variablename=\"ServerTlsProtocols\">TLSv1.2"
		    "</variable>\n</table></config>"),
		3, "write <variable name=\"...\">");
	refused(STR("<config>\n<tablename=\"Security\">"), 2, "write <table name=\"...\">");
	refused(STR("<config>\n<listname=\"Service\">"), 2, "write <list name=\"...\">");
}

static void test_what_is_no_document(void **state)
{
	refused(STR(""), 0, "empty");
	refused(STR(" \r\n"), 0, "empty");
	refused(STR("<a>\n<b>\n"), 3, "the innermost element still open began on line 2");
	refused(STR("<a>\n</b>"), 2, "line 1; each element ends with a tag of its own name");
	refused(STR("<a/>\n<b/>"), 2, "nothing may stand behind the last end tag");
	refused(STR("hello"), 1, "cannot be read (syntax error); compare the line");
	refused(STR("<a>\n&nope;</a>"), 2, "write &amp; for &");
	refused(STR("<a>\nR&D</a>"), 2, "write &amp; for &");
	refused(STR("<a>\n"), 2, "the end of the file is missing");
	refused(str_make("<\0a\0/\0>\0", 8), 0, "UTF-8");
	refused(STR("<?xml version=\"1.0\" encoding=\"KOI8-X\"?><a/>"), 1,
		"save the file as UTF-8");
	refused(STR("<a>\n\xff</a>"), 2, "the line holds bytes that are no UTF-8; save the file");
}

static void test_a_doctype_is_refused(void **state)
{
	refused(STR("<!DOCTYPE a [<!ENTITY x \"y\">]>\n<a>&x;</a>"), 1,
		"document type declaration");
	refused(STR("\n<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"), 2, "document type");
}

static void test_bounds(void **state)
{
	struct buf text = BUF_INIT(8 << 20);

	for (int i = 0; i < DOCUMENT_DEPTH_MAX + 1; i++)
		buf_append_c(&text, "<a>");
	refused(buf_str(&text), 1, "deeper");
	buf_reset(&text);
	buf_append_c(&text, "<a>");
	for (int i = 0; i < DOCUMENT_ELEMENTS_MAX; i++)
		buf_append_c(&text, "<b/>");
	refused(buf_str(&text), 1, "more elements");
	buf_reset(&text);
	buf_append_c(&text, "<variable>");
	for (int i = 0; i < 70000; i++)
		buf_append_char(&text, 'x');
	refused(buf_str(&text), 1, "longer than Postern reads");
	buf_reset(&text);
	buf_append_c(&text, "<a>");
	for (int i = 0; i < DOCUMENT_BYTES_MAX / 8; i++)
		buf_append_c(&text, "        ");
	refused(buf_str(&text), 0, "larger than 4 MiB");
	buf_done(&text);
}

static void test_networks(void **state)
{
	static const struct {
		const char *text;
		int prefix_bits; /* -1: none */
	} cases[] = {
		{"127.0.0.0/8", 104},
		{"127.0.0.1", 128},
		{"::1", 128},
		{"::/0", 0},
		{"0.0.0.0/0", 96},
		{"2001:db8::/32", 32},
		{"127.0.0.1/8", -1},
		{"::1/64", -1},
		{"127.0.0.0/33", -1},
		{"::/129", -1},
		{"", -1},
		{"/8", -1},
		{"127.0.0.0/", -1},
		{"127.0.0.0/8/8", -1},
		{"localhost", -1},
		{"1.2.3", -1},
		{"127.0.0.0/+8", -1},
		{" 127.0.0.1", -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct network network;
		bool is_read = network_parse(str_from_c(cases[i].text), &network);
		if (is_read != (cases[i].prefix_bits >= 0) ||
		    (is_read && network.prefix_bits != cases[i].prefix_bits))
			fail_msg("%s", cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places_are_exact),
		cmocka_unit_test(test_the_lost_blank_is_named_with_its_cure),
		cmocka_unit_test(test_what_is_no_document),
		cmocka_unit_test(test_a_doctype_is_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
