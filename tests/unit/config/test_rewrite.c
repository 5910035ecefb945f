/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of config/rewrite and config/merge: what is meant changes, every
 * other byte stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/initial.h"
#include "config/rewrite.h"

static struct findings findings;

static struct config_address address_of(const char *table, const char *item, const char *variable)
{
	return (struct config_address){.table = str_from_c(table),
				       .item = str_from_c(item),
				       .variable = str_from_c(variable)};
}

struct set_case {
	const char *before;
	const char *item; /* of the list Service; empty: the table T */
	const char *value;
	const char *after;
};

/* Sets the variable V. */
static void set_expect(const struct set_case *c)
{
	struct buf after = BUF_INIT(1 << 20);
	struct config_address address =
		address_of(c->item[0] == '\0' ? "T" : "Service", c->item, "V");

	assert_int_equal(config_set_variable(str_from_c(c->before), &address, str_from_c(c->value),
					     &findings, &after),
			 FAULT_NONE);
	if (!str_equals(buf_str(&after), str_from_c(c->after)))
		fail_msg("from:\n%s\nexpected:\n%s\nis:\n%.*s", c->before, c->after,
			 STR_ARG(buf_str(&after)));
	buf_done(&after);
}

static void test_set(void **state)
{
	static const struct set_case cases[] = {
		{"<c><table name=\"T\"><variable name=\"V\">old</variable></table></c>", "", "new",
		 "<c><table name=\"T\"><variable name=\"V\">new</variable></table></c>"},
		/* The same value changes nothing, however it is written. */
		{"<c><table name=\"T\"><variable name=\"v\"> <![CDATA[a]]>b "
		 "</variable></table></c>",
		 "", "ab",
		 "<c><table name=\"T\"><variable name=\"v\"> <![CDATA[a]]>b "
		 "</variable></table></c>"},
		{"<c><table name=\"T\"><variable name='V' x=\"1\" /></table></c>", "", "a<b>&\"",
		 "<c><table name=\"T\"><variable name='V' x=\"1\" "
		 ">a&lt;b&gt;&amp;&quot;</variable></table></c>"},
		{"<c>\n  <table name=\"T\">\n    <variable name=\"A\">1</variable>\n  "
		 "</table>\n</c>\n",
		 "", "2",
		 "<c>\n  <table name=\"T\">\n    <variable name=\"A\">1</variable>\n    <variable "
		 "name=\"V\">2</variable>\n  </table>\n</c>\n"},
		/* CRLF, tabs, and a comment that belongs to the line before. */
		{"<c>\r\n\t<table name=\"T\">\r\n\t\t<variable name=\"A\">1</variable> <!-- a "
		 "-->\r\n\t"
		 "</table>\r\n</c>",
		 "", "2",
		 "<c>\r\n\t<table name=\"T\">\r\n\t\t<variable name=\"A\">1</variable> <!-- a "
		 "-->\r\n\t\t"
		 "<variable name=\"V\">2</variable>\r\n\t</table>\r\n</c>"},
		/* A comment that goes on over the line end is not cut. */
		{"<c><table name=\"T\"><variable name=\"A\"/> <!-- a\nb --></table></c>", "", "2",
		 "<c><table name=\"T\"><variable name=\"A\"/><variable name=\"V\">2</variable> "
		 "<!-- a\nb "
		 "--></table></c>"},
		{"<c>\n\t<table name=\"T\">\n\t</table>\n</c>", "", "2",
		 "<c>\n\t<table name=\"T\">\n\t\t<variable "
		 "name=\"V\">2</variable>\n\t</table>\n</c>"},
		{"<c><table name=\"T\"></table></c>", "", "2",
		 "<c><table name=\"T\"><variable name=\"V\">2</variable></table></c>"},
		{"<c><Table name=\"T\"/></c>", "", "2",
		 "<c><Table name=\"T\"><variable name=\"V\">2</variable></Table></c>"},
		{"<c>\n  <x/>\n</c>", "", "2",
		 "<c>\n  <x/>\n  <table name=\"T\">\n    <variable name=\"V\">2</variable>\n  "
		 "</table>\n</c>"},
		{"<c/>", "", "2",
		 "<c><table name=\"T\"><variable name=\"V\">2</variable></table></c>"},
		{"<c>\n</c>\n", "IMAP", "2",
		 "<c>\n  <list name=\"Service\">\n    <listitem>\n      <variable "
		 "name=\"Name\">IMAP</variable>\n      <variable name=\"V\">2</variable>\n    "
		 "</listitem>\n  </list>\n</c>\n"},
		{"<c>\n<list name=\"service\">\n  <listitem><variable name=\"Name\">SMTP</variable>"
		 "</listitem>\n</list>\n</c>\n",
		 "IMAP", "2",
		 "<c>\n<list name=\"service\">\n  <listitem><variable name=\"Name\">SMTP</variable>"
		 "</listitem>\n  <listitem>\n    <variable name=\"Name\">IMAP</variable>\n    "
		 "<variable "
		 "name=\"V\">2</variable>\n  </listitem>\n</list>\n</c>\n"},
		{"<c><list name=\"Service\"><listitem><variable "
		 "name=\"Name\">imap</variable></listitem>"
		 "</list></c>",
		 "IMAP", "2",
		 "<c><list name=\"Service\"><listitem><variable "
		 "name=\"Name\">imap</variable><variable "
		 "name=\"V\">2</variable></listitem></list></c>"},
		{"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<c><y>\xe4</y><table "
		 "name=\"T\"/></c>",
		 "", "\xc3\xa4",
		 "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<c><y>\xe4</y><table "
		 "name=\"T\"><variable name=\"V\">&#228;</variable></table></c>"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		set_expect(&cases[i]);
}

static void test_values_that_xml_cannot_hold(void **state)
{
	static const char *const values[] = {"a\nb",	     "\x01", "\xff", "\xc0\x80",
					     "\xed\xa0\x80", "\xc3", "\x7f", "\xbf\xbf"};
	struct config_address address = address_of("T", "", "V");
	struct buf after = BUF_INIT(1000);

	buf_append_c(&after, "kept");
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_int_equal(config_set_variable(STR("<c/>"), &address, str_from_c(values[i]),
						     &findings, &after),
				 FAULT_INVALID);
		assert_true(str_equals(buf_str(&after), STR("kept")));
	}
	buf_done(&after);
}

static void test_delete(void **state)
{
	static const char *const cases[][2] = {
		{"<c><table name=\"T\">\n  <variable name=\"v\">1</variable>\n</table></c>",
		 "<c><table name=\"T\">\n</table></c>"},
		{"<c><table name=\"T\">\r\n  <variable name=\"V\">1</variable> \t\r\n</table></c>",
		 "<c><table name=\"T\">\r\n</table></c>"},
		{"<c><table name=\"T\">\n  <variable name=\"V\">1</variable> <!-- x "
		 "-->\n</table></c>",
		 "<c><table name=\"T\">\n   <!-- x -->\n</table></c>"},
		{"<c><table name=\"T\"><variable name=\"V\"/></table></c>",
		 "<c><table name=\"T\"></table></c>"},
	};
	struct config_address address = address_of("T", "", "V");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf after = BUF_INIT(1000);
		assert_int_equal(config_delete_variable(str_from_c(cases[i][0]), &address,
							&findings, &after),
				 FAULT_NONE);
		if (!str_equals(buf_str(&after), str_from_c(cases[i][1])))
			fail_msg("%s became %.*s", cases[i][0], STR_ARG(buf_str(&after)));
		buf_reset(&after);
		assert_int_equal(config_delete_variable(STR("<c><table name=\"T\"/></c>"), &address,
							&findings, &after),
				 FAULT_NOT_FOUND);
		assert_int_equal(after.len, 0);
		buf_done(&after);
	}
}

/* Files as people and programs write them, with much that Postern does not know. */
static const char *const shapes[] = {
	"<?xml version=\"1.0\"?>\n<!-- head -->\n<config>\n  <!-- &lt; -->\n  <table "
	"name=\"Security\">\n"
	"    <variable name=\"A\">x</variable>\n  </table>\n  <list name=\"Service\">\n    "
	"<listitem>\n"
	"      <variable name=\"Name\">IMAP</variable>\n    </listitem>\n  </list>\n"
	"  <table name=\"Users\"><odd attr='1'>text</odd></table>\n</config>\n<!-- tail -->",
	"<config>\r\n\t<table name=\"Security\">\r\n\t\t<variable "
	"name=\"A\">x</variable>\t\r\n\t</table>\r\n"
	"\t<list name=\"Service\"><listitem><variable "
	"name=\"Name\">IMAP</variable></listitem></list>\r\n"
	"</config>\r\n",
	"<config><table name=\"Security\"></table><list name=\"Service\"><listitem><variable "
	"name=\"Name\">IMAP</variable></listitem></list></config>",
	"<config>\n<table name=\"Security\">\n</table>\n<list "
	"name=\"Service\">\n<listitem>\n<variable "
	"name=\"Name\">IMAP</variable> <!-- mail -->\n<!-- end --></listitem></list></config>",
	"<config>\n<table name=\"Security\"> <!-- all on\ntwo lines --> </table>\n<list "
	"name=\"Service\">"
	"<listitem><variable name=\"Name\">IMAP</variable>\n\n\n</listitem></list></config>",
};

static void restored_expect(const char *shape, const struct config_address *address)
{
	static const char *const values[] = {"", "1", "TLSv1.2,TLSv1.3", "a&b<c>\"'",
					     "\xe2\x82\xac \t x"};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct buf set = BUF_INIT(1 << 16);
		struct buf got = BUF_INIT(1 << 16);
		struct buf deleted = BUF_INIT(1 << 16);
		assert_int_equal(config_set_variable(str_from_c(shape), address,
						     str_from_c(values[i]), &findings, &set),
				 FAULT_NONE);
		assert_int_equal(config_get_variable(buf_str(&set), address, &findings, &got),
				 FAULT_NONE);
		assert_true(str_equals(buf_str(&got), str_from_c(values[i])));
		assert_int_equal(
			config_delete_variable(buf_str(&set), address, &findings, &deleted),
			FAULT_NONE);
		if (!str_equals(buf_str(&deleted), str_from_c(shape)))
			fail_msg("from:\n%s\nset:\n%.*s\ndeleted:\n%.*s", shape,
				 STR_ARG(buf_str(&set)), STR_ARG(buf_str(&deleted)));
		buf_done(&set);
		buf_done(&got);
		buf_done(&deleted);
	}
}

static void test_set_and_delete_restore_every_byte(void **state)
{
	struct config_address in_table = address_of("Security", "", "New");
	struct config_address in_item = address_of("Service", "IMAP", "New");

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		restored_expect(shapes[i], &in_table);
		restored_expect(shapes[i], &in_item);
	}
}

/* What is cut out of the changed text is all that was put in: the rest is the old text in two
 * parts. */
static void test_a_change_is_one_splice(void **state)
{
	static const char *const tables[] = {"Security", "Users", "Brand", "New"};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]) * 4; i++) {
		struct str shape = str_from_c(shapes[i / 4]);
		struct config_address address = address_of(tables[i % 4], "", "Fresh");
		struct buf set = BUF_INIT(1 << 16);
		size_t front = 0, back = 0;
		assert_int_equal(config_set_variable(shape, &address, STR("1"), &findings, &set),
				 FAULT_NONE);
		while (front < shape.len && shape.ptr[front] == set.data[front])
			front++;
		while (back < shape.len - front &&
		       shape.ptr[shape.len - 1 - back] == set.data[set.len - 1 - back])
			back++;
		assert_int_equal(front + back, shape.len);
		buf_done(&set);
	}
}

struct merge_case {
	const char *base;
	const char *ours;
	const char *theirs;
	const char *merged; /* NULL: conflict */
};

#define T(content) "<c>\n<table name=\"T\">" content "\n</table>\n</c>"
#define A(value) "\n<variable name=\"A\">" value "</variable>"
#define B(value) "\n<variable name=\"B\">" value "</variable>"
#define IMAP(port)                                                                                \
	"<c>\n<list name=\"Service\"><listitem><variable name=\"Name\">IMAP</variable><variable " \
	"name=\"Port\">" port "</variable></listitem></list>\n</c>"

#define R(value)                                                              \
	"<c>\n  <list name=\"R\">\n    <listitem><variable name=\"V\">" value \
	"</variable></listitem>\n  </list>\n</c>"

static void test_merge(void **state)
{
	static const struct merge_case cases[] = {
		{T(A("1")), T(A("2")), T(A("1")), T(A("2"))},
		{T(A("1")), T(A("2")), "<!-- note -->" T(A("1")), "<!-- note -->" T(A("2"))},
		{T(A("1") B("1")), T(A("2") B("1")), T(A("1") B("3")), T(A("2") B("3"))},
		{T(A("1")), T(A("2")), T(A("2") "<!-- x -->"), T(A("2") "<!-- x -->")},
		{T(A("1")), T(A("2")), T(A("3")), NULL},
		{T(A("1")), T(A("2")), T(), NULL},
		{T(A("1")), T(), T(A("1") B("1")), T(B("1"))},
		{T(A("1")), T(), T(A("3")), NULL},
		{T(), T(A("1")), T(B("1")), T(B("1") A("1"))},
		{T(), T(A("1")), T(A("2")), NULL},
		{T(), T(A("1")), T(A("1") B("2")), T(A("1") B("2"))},
		{T(A("1")), T(A("1")), T(A("5")), T(A("5"))},
		{IMAP("1"), IMAP("2"), "<!-- x -->" IMAP("1"), "<!-- x -->" IMAP("2")},
		{IMAP("1"), IMAP("2"), IMAP("3"), NULL},
		/* Lists whose items have no names: each as a whole. */
		{R("a"), R("b"), "<!-- x -->" R("a"), "<!-- x -->" R("b")},
		{R("a"), R("b"), R("c"), NULL},
		{R("a"), "<c>\n</c>", "<!-- x -->" R("a"), "<!-- x --><c>\n</c>"},
		{"<c>\n</c>", R("a"), "<c>\n</c><!-- x -->", R("a") "<!-- x -->"},
		{"<c>\n</c>", "<c>\n</c>", R("a"), R("a")},
		{R("a"), R("a"), R("b"), R("b")},
		{"<c>\n</c>", R("a"), R("b"), NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf merged = BUF_INIT(1 << 16);
		struct findings said;
		findings_init(&said);
		enum fault fault =
			config_merge(str_from_c(cases[i].base), str_from_c(cases[i].ours),
				     str_from_c(cases[i].theirs), &said, &merged);
		assert_int_equal(fault, cases[i].merged == NULL ? FAULT_CONFLICT : FAULT_NONE);
		if (!str_equals(buf_str(&merged), str_from_c(cases[i].merged)))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_str(&merged)));
		assert_int_equal(said.count, cases[i].merged == NULL);
		findings_done(&said);
		buf_done(&merged);
	}
}

/* Each step on the text that the one before left. */
static void test_items_by_number(void **state)
{
	static const struct {
		const char *item;
		const char *value; /* NULL: the item goes */
		const char *after;
	} steps[] = {
		{"#1", "a",
		 "<c>\n  <list name=\"R\">\n    <listitem>\n      <variable name=\"V\">a"
		 "</variable>\n    </listitem>\n  </list>\n</c>"},
		{"#2", "b",
		 "<c>\n  <list name=\"R\">\n    <listitem>\n      <variable name=\"V\">a"
		 "</variable>\n    </listitem>\n    <listitem>\n      <variable name=\"V\">b"
		 "</variable>\n    </listitem>\n  </list>\n</c>"},
		{"#1", NULL,
		 "<c>\n  <list name=\"R\">\n    <listitem>\n      <variable name=\"V\">b"
		 "</variable>\n    </listitem>\n  </list>\n</c>"},
		{"#1", "<",
		 "<c>\n  <list name=\"R\">\n    <listitem>\n      <variable name=\"V\">&lt;"
		 "</variable>\n    </listitem>\n  </list>\n</c>"},
		{"#1", NULL, "<c>\n  <list name=\"R\">\n  </list>\n</c>"},
	};
	struct buf text = BUF_INIT(10000), next = BUF_INIT(10000);

	buf_append_c(&text, "<c>\n</c>");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct config_address address = address_of("R", steps[i].item, "V");
		enum fault fault =
			steps[i].value == NULL
				? config_delete_item(buf_str(&text), STR("R"), address.item,
						     &findings, &next)
				: config_set_variable(buf_str(&text), &address,
						      str_from_c(steps[i].value), &findings, &next);
		assert_int_equal(fault, FAULT_NONE);
		buf_done(&text);
		text = next;
		next = BUF_INIT(10000);
		if (!str_equals(buf_str(&text), str_from_c(steps[i].after)))
			fail_msg("step %zu: %.*s", i, STR_ARG(buf_str(&text)));
	}
	assert_int_equal(config_delete_item(buf_str(&text), STR("R"), STR("#1"), &findings, &next),
			 FAULT_NOT_FOUND);
	buf_done(&text);
	buf_done(&next);
}

static void test_a_conflict_names_both_values(void **state)
{
	struct buf merged = BUF_INIT(1000);
	struct buf text = BUF_INIT(1000);
	struct findings said;

	findings_init(&said);
	assert_int_equal(
		config_merge(STR(T(A("1"))), STR(T(A("2"))), STR(T(A("3"))), &said, &merged),
		FAULT_CONFLICT);
	finding_append(&text, STR("m.cfg"), &said.items[0]);
	assert_true(
		str_equals(buf_str(&text),
			   STR("m.cfg:3: error: T/A: was changed in the file to \"3\" and here to "
			       "\"2\"; reload the file and decide\n")));
	findings_done(&said);
	buf_done(&text);
	buf_done(&merged);
}

static int findings_open(void **state)
{
	findings_init(&findings);
	return 0;
}

static int findings_close(void **state)
{
	size_t errors = findings.totals[FINDING_ERROR];

	findings_done(&findings);
	return errors == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_values_that_xml_cannot_hold),
		cmocka_unit_test(test_delete),
		cmocka_unit_test(test_set_and_delete_restore_every_byte),
		cmocka_unit_test(test_a_change_is_one_splice),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_items_by_number),
		cmocka_unit_test(test_a_conflict_names_both_values),
	};

	return cmocka_run_group_tests(tests, findings_open, findings_close);
}
