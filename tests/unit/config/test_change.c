/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of config/change: differences by variable, assignments, minimum, reset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/change.h"

static void differences_expect(const char *before, const char *after, const char *wanted)
{
	struct config_differences differences;
	struct buf found = BUF_INIT(1 << 20);

	config_differences_find(str_from_c(before), str_from_c(after), &differences);
	for (size_t i = 0; i < differences.count; i++) {
		const struct config_difference *at = &differences.items[i];
		config_address_append(&found, &at->address);
		buf_printf(&found, " %.*s>%.*s;",
			   STR_ARG(at->before.ptr == NULL ? STR("(none)") : at->before),
			   STR_ARG(at->after.ptr == NULL ? STR("(none)") : at->after));
	}
	buf_append_char(&found, '\0');
	assert_string_equal(found.data, wanted);
	buf_done(&found);
	config_differences_done(&differences);
}

#define T(name, inner) "<table name=\"" name "\">" inner "</table>"
#define V(name, value) "<variable name=\"" name "\">" value "</variable>"
#define S(inner) "<list name=\"Service\"><listitem>" inner "</listitem></list>"

static void test_differences(void **state)
{
	differences_expect("<c>" T("A", V("x", "1")) "</c>", "<c>" T("a", V("X", " 1 ")) "</c>",
			   "");
	differences_expect("<c>" T("A", V("x", "1") V("y", "")) "</c>",
			   "<c>" T("A", V("x", "2") V("z", "3")) "</c>",
			   "A/x 1>2;A/y >(none);A/z (none)>3;");
	differences_expect("<c>" S(V("Name", "IMAP") V("Port", "143")) "</c>",
			   "<c>" S(V("Name", "IMAP") V("Port", "144")) T("B", V("q", "1")) "</c>",
			   "Service:IMAP/Port 143>144;B/q (none)>1;");
#define P(inner) "<list name=\"TlsPolicy\">" inner "</list>"
#define ROW(more) "<listitem>" V("Peer", "a.example") V("Direction", "in") more "</listitem>"
	/* Rows of TlsPolicy are known by whom they are about, not by their place. */
	differences_expect("<c>" P(ROW(V("Level", "may")) ROW(
				   V("Service", "IMAP") V("Protocols", "TLSv1.3"))) "</c>",
			   "<c>" P(ROW(V("Service", "IMAP") V("Protocols", "TLSv1.2"))
					   ROW(V("Level", "may"))) "</c>",
			   "TlsPolicy:a.example,in,IMAP/Protocols TLSv1.3>TLSv1.2;");
	differences_expect("<c>" P("") "</c>", "<c>" P(ROW(V("Level", "encrypt"))) "</c>",
			   "TlsPolicy:a.example,in/Peer (none)>a.example;"
			   "TlsPolicy:a.example,in/Direction (none)>in;"
			   "TlsPolicy:a.example,in/Level (none)>encrypt;");
	differences_expect("<c>" P(ROW(V("Level", "encrypt"))) "</c>", "<c/>",
			   "TlsPolicy:a.example,in/Peer a.example>(none);"
			   "TlsPolicy:a.example,in/Direction in>(none);"
			   "TlsPolicy:a.example,in/Level encrypt>(none);");
	differences_expect("not a document", "<c>" T("A", V("x", "1")) "</c>", "A/x (none)>1;");
}

static void assignment_expect(const char *word, const char *wanted)
{
	struct buf found = BUF_INIT(4096), error = BUF_INIT(4096);
	struct config_address address;
	struct str value;

	if (config_assignment_read(str_from_c(word), &address, &value, &error)) {
		config_address_append(&found, &address);
		buf_printf(&found, "=%.*s", STR_ARG(value));
	} else
		assert_true(error.len > 0);
	buf_append_char(&found, '\0');
	assert_string_equal(found.data, wanted);
	buf_done(&found);
	buf_done(&error);
}

static void test_assignments(void **state)
{
	assignment_expect("Security.ServerTlsProtocols= TLSv1.2,TLSv1.3 ",
			  "Security/ServerTlsProtocols=TLSv1.2,TLSv1.3");
	assignment_expect("smtpsecurity.EnableDHE=0", "smtpsecurity/EnableDHE=0");
	assignment_expect("Service:IMAPS.Port=993", "Service:IMAPS/Port=993");
	assignment_expect("Service:IMAPS.ServerTlsCiphers=a=b", "Service:IMAPS/ServerTlsCiphers=a=b");
	assignment_expect("Limits.Recipients=", "Limits/Recipients=");
	assignment_expect("Security.ServerTlsProtocol=TLSv1.2", "");
	assignment_expect("Limits.ServerTlsProtocols=TLSv1.2", "");
	assignment_expect("ServerTlsProtocols=TLSv1.2", "");
	assignment_expect("Security.=1", "");
	assignment_expect("Service:.Port=1", "");
	assignment_expect("Security.ServerTlsProtocols", "");
}

static void text_expect(enum fault fault, struct buf *text, const char *wanted)
{
	assert_int_equal(fault, FAULT_NONE);
	buf_append_char(text, '\0');
	assert_string_equal(text->data, wanted);
	buf_done(text);
}

static void test_an_alias_in_use_is_kept(void **state)
{
	struct config_address address = {.table = STR("Security"),
					 .variable = STR("EnableEphemeralDH")};
	struct buf text = BUF_INIT(1 << 20);
	struct findings findings;

	findings_init(&findings);
	text_expect(config_assign(STR("<c>" T("Security", V("EnableDHE", "1")) "</c>"), &address,
				  STR("0"), &findings, &text),
		    &text, "<c>" T("Security", V("EnableDHE", "0")) "</c>");
	findings_done(&findings);
}

static void test_minimum_and_reset(void **state)
{
#define LISTS                                                                                      \
	V("ServerTlsProtocols", "TLSv1.2,TLSv1.3") V("ClientTlsProtocols", "TLSv1.2,TLSv1.3")
	struct buf text = BUF_INIT(1 << 20);
	struct findings findings;

	findings_init(&findings);
	text_expect(config_minimum_set(STR("<c>" T("Security", "") T("SmtpSecurity", "") "</c>"),
				       TLS_PROTOCOL_1_2, &findings, &text),
		    &text, "<c>" T("Security", LISTS) T("SmtpSecurity", LISTS) "</c>");
	text_expect(config_tls_reset(STR("<c>" T("Security", LISTS V("Other", "1"))
						 T("Limits", V("Recipients", "5"))
						 T("SmtpSecurity", V("DisableEphemeralDH", "1")) "</c>"),
				     &findings, &text),
		    &text, "<c>" T("Security", V("Other", "1")) T("Limits", V("Recipients", "5"))
			    T("SmtpSecurity", "") "</c>");
	assert_int_equal(config_tls_reset(STR("<c>"), &findings, &text), FAULT_INVALID);
	findings_done(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_assignments),
		cmocka_unit_test(test_an_alias_in_use_is_kept),
		cmocka_unit_test(test_minimum_and_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
