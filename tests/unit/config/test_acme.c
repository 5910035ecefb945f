/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of config/acme: the table Acme, the list AcmeCertificate, and the service HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/acme.h"
#include "reading.h"
#include "tls/catalog.h"

static const struct suite_catalog *catalog;

#define V(name, value) "<variable name=\"" name "\">" value "</variable>\n"
#define ROW(variables) "<listitem>" variables "</listitem>\n"
#define HTTP_ON "<list name=\"Service\">" ROW(V("Name", "HTTP") V("Enabled", "1")) "</list>\n"
#define AGREED "<table name=\"Acme\">" V("AgreeTerms", "1") "</table>"
#define FILE_OF(rows) "<c>\n" AGREED HTTP_ON "<list name=\"AcmeCertificate\">\n" rows "</list></c>\n"

static void expect(const char *text, const char *parts)
{
	struct reading reading;

	reading_make(&reading, catalog, str_from_c(text));
	reading_expect(&reading, text, parts);
	reading_done(&reading);
}

static void test_nothing_is_asked_for_by_itself(void **state)
{
	struct reading reading;

	reading_make(&reading, catalog, STR("<c/>"));
	reading_expect(&reading, "bare", "^error|^warning");
	const struct config_acme *acme = &reading.config->acme;
	assert_int_equal(acme->certificate_count, 0);
	assert_false(acme->agree_terms);
	assert_false(acme->key_reuse);
	assert_int_equal(acme->renew_days, 30);
	assert_int_equal(acme->challenge, ACME_HTTP_01);
	assert_true(str_has_prefix(acme->directory, STR("https://acme-v02.")));
	assert_false(reading.config->services[SERVICE_HTTP].enabled);
	assert_int_equal(reading.config->services[SERVICE_HTTP].tls, SERVICE_TLS_NONE);
	reading_done(&reading);
}

static void test_rows(void **state)
{
	struct reading reading;

	reading_make(&reading, catalog,
		     STR(FILE_OF(ROW(V("Name", "server") V("Domains", " Mail.A.example , a.example"))
					 ROW(V("Name", "server-rsa") V("Domains", "a.example")
						     V("KeyType", "RSA")))));
	reading_expect(&reading, "rows", "^error|^warning");
	const struct config_acme *acme = &reading.config->acme;
	assert_int_equal(acme->certificate_count, 2);
	assert_int_equal(acme->certificates[0].domain_count, 2);
	assert_true(str_equals(acme->certificates[0].domains[0], STR("mail.a.example")));
	assert_false(acme->certificates[0].is_rsa);
	assert_ptr_equal(acme_certificate_find(acme, STR("server-rsa")), &acme->certificates[1]);
	assert_true(acme->certificates[1].is_rsa);
	assert_null(acme_certificate_find(acme, STR("other")));
	reading_done(&reading);
}

static void test_rows_that_are_wrong(void **state)
{
	expect(FILE_OF(ROW(V("Domains", "a.example"))), "error: AcmeCertificate: needs a Name");
	expect(FILE_OF(ROW(V("Name", "../x") V("Domains", "a.example"))),
	       "error: AcmeCertificate:../x: needs a Name");
	expect(FILE_OF(ROW(V("Name", ".x") V("Domains", "a.example"))), "needs a Name");
	expect(FILE_OF(ROW(V("Name", "x"))), "error: AcmeCertificate:x: needs Domains");
	expect(FILE_OF(ROW(V("Name", "x") V("Domains", "*.a.example"))),
	       "AcmeCertificate:x/Domains: \"*.a.example\" is a wildcard");
	expect(FILE_OF(ROW(V("Name", "x") V("Domains", "192.0.2.1"))), "is an address");
	expect(FILE_OF(ROW(V("Name", "x") V("Domains", "2001:db8::1"))), "is an address");
	expect(FILE_OF(ROW(V("Name", "x") V("Domains", "a.example,"))), "\"\" is no name");
	expect(FILE_OF(ROW(V("Name", "x") V("Domains", "localhost"))), "is no name");
	expect(FILE_OF(ROW(V("Name", "x") V("Domains", "a.example,A.example"))), "stands twice");
	expect(FILE_OF(ROW(V("Name", "x") V("Domains", "a.example") V("KeyType", "dsa"))),
	       "\"dsa\" is neither ecdsa nor rsa");
	expect(FILE_OF(ROW(V("Name", "x") V("Domains", "a.example") V("Keytipe", "rsa"))),
	       "warning: AcmeCertificate:x/Keytipe: not understood");
	expect(FILE_OF(ROW(V("Name", "x") V("Domains", "a.example"))
			       ROW(V("Name", "x") V("Domains", "b.example"))),
	       "error: AcmeCertificate:x: the name has two rows");
	expect(FILE_OF(ROW(V("Name", "x") V("Domains", "a.example") V("Domains", "b.example"))),
	       "Domains: stands twice in the row");
}

#define LIST_ALONE \
	"<list name=\"AcmeCertificate\">" ROW(V("Name", "x") V("Domains", "a.example")) "</list>"

static void test_what_else_is_needed_is_told(void **state)
{
	expect("<c>" LIST_ALONE "</c>", "warning|AgreeTerms|Challenge http-01 needs the service HTTP");
	expect("<c><table name=\"Acme\">" V("AgreeTerms", "1") V("Challenge", "tls-alpn-01")
		       "</table>" LIST_ALONE "</c>",
	       "^warning|port 443, HTTPS listens on 4040");
}

static void test_the_table(void **state)
{
	expect("<c><table name=\"Acme\">" V("Directory", "http://ca/") "</table></c>",
	       "Acme/Directory: \"http://ca/\" is no address of a page");
	expect("<c><table name=\"Acme\">" V("Directory", "https://") "</table></c>", "no address");
	expect("<c><table name=\"Acme\">" V("Directory", "https://u:p@ca/") "</table></c>",
	       "no address");
	expect("<c><table name=\"Acme\">" V("Contact", "me") "</table></c>", "no mail address");
	expect("<c><table name=\"Acme\">" V("Contact", "a@b.example,c@d.example") "</table></c>",
	       "no mail address");
	expect("<c><table name=\"Acme\">" V("Challenge", "dns-01") "</table></c>",
	       "neither http-01 nor tls-alpn-01");
	expect("<c><table name=\"Acme\">" V("RenewDays", "0") "</table></c>", "no whole number");
}

static void test_only_http_is_without_tls(void **state)
{
	expect("<c><list name=\"Service\">" ROW(V("Name", "IMAP") V("Tls", "none")) "</list></c>",
	       "error: Service:IMAP/Tls: only HTTP may be without TLS");
	expect("<c><list name=\"Service\">" ROW(V("Name", "HTTP") V("Tls", "implicit"))
		       "</list></c>",
	       "error: Service:HTTP/Tls: HTTP knows no TLS");
	expect("<c><list name=\"Service\">" ROW(V("Name", "HTTP") V("Tls", "none")) "</list></c>",
	       "^error|^warning");
}

static int catalog_make(void **state)
{
	catalog = tls_catalog_new();
	return 0;
}

static int catalog_drop(void **state)
{
	tls_catalog_free(&catalog);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_asked_for_by_itself),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rows_that_are_wrong),
		cmocka_unit_test(test_what_else_is_needed_is_told),
		cmocka_unit_test(test_the_table),
		cmocka_unit_test(test_only_http_is_without_tls),
	};

	return cmocka_run_group_tests(tests, catalog_make, catalog_drop);
}
