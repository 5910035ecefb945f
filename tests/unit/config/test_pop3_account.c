/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of config/pop3_account: the list Pop3Account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/pop3_account.h"
#include "reading.h"
#include "tls/catalog.h"

static const struct suite_catalog *catalog;

#define V(name, value) "<variable name=\"" name "\">" value "</variable>\n"
#define ROW(variables) "<listitem>" variables "</listitem>\n"
#define FILE_OF(rows) "<c>\n<list name=\"Pop3Account\">\n" rows "</list></c>\n"
#define LOGIN V("User", "u") V("Password", "p")
#define MUST V("Host", "pop.example") LOGIN V("DeliverTo", "a@b.c")
#define GOOD V("Name", "one") MUST

static void expect(const char *text, const char *parts)
{
	struct reading reading;

	reading_make(&reading, catalog, str_from_c(text));
	reading_expect(&reading, text, parts);
	reading_done(&reading);
}

static void test_defaults(void **state)
{
	struct reading reading;

	reading_make(&reading, catalog, STR(FILE_OF(ROW(GOOD))));
	reading_expect(&reading, "defaults", "^error|^warning");
	assert_int_equal(reading.config->pop3_account_count, 1);
	const struct pop3_account *account = pop3_account_find(reading.config, STR("ONE"));
	assert_non_null(account);
	assert_null(pop3_account_find(reading.config, STR("two")));
	assert_true(account->is_enabled && account->verifies && !account->leaves);
	assert_int_equal(account->tls, POP3_ACCOUNT_IMPLICIT);
	assert_int_equal(account->port, 995);
	assert_int_equal(account->interval_s, 900);
	assert_int_equal(account->sort_count, 0);
	struct tls_demand demand = pop3_account_demand(account);
	assert_int_equal(demand.level, TLS_LEVEL_VERIFY);
	assert_int_equal(demand.proof_count, 1);
	assert_true(str_equals(demand.proofs[0].names[0], STR("pop.example")));
	reading_done(&reading);
}

static void test_all_of_it(void **state)
{
	struct reading reading;

	reading_make(&reading, catalog,
		     STR(FILE_OF(ROW(
			     V("Name", "a.b-c_d@e") V("Enabled", "0") V("Host", "[192.0.2.1]")
				     V("Tls", "STLS") LOGIN V("DeliverTo", "a@b.c") V("Mailbox", "In/Old")
					     V("Sort", "Delivered-To, To,Cc") V("LeaveOnServer", "1")
						     V("LeaveDays", "7") V("IntervalSeconds", "0")
							     V("MaxMessages", "3")))));
	reading_expect(&reading, "all", "^error|^warning");
	const struct pop3_account *account = &reading.config->pop3_accounts[0];
	assert_false(account->is_enabled);
	assert_int_equal(account->tls, POP3_ACCOUNT_STLS);
	assert_int_equal(account->port, 110);
	assert_int_equal(account->sort_count, 3);
	assert_true(str_equals(account->sort[1], STR("To")));
	assert_true(account->leaves);
	assert_int_equal(account->leave_days, 7);
	assert_int_equal(account->interval_s, 0);
	assert_int_equal(account->max_messages, 3);
	struct tls_demand demand = pop3_account_demand(account);
	assert_true(str_equals(demand.proofs[0].names[0], STR("192.0.2.1")));
	reading_done(&reading);
}

static void test_what_is_weak_is_told(void **state)
{
	struct reading reading;

	expect(FILE_OF(ROW(GOOD V("Tls", "none"))), "warning|Pop3Account:one|can be read");
	expect(FILE_OF(ROW(GOOD V("VerifyCertificate", "0"))),
	       "warning|whoever answers in place of pop.example");
	expect(FILE_OF(ROW(GOOD V("LeaveDays", "3"))), "warning|LeaveOnServer 1");
	reading_make(&reading, catalog,
		     STR(FILE_OF(ROW(GOOD V("Tls", "none"))
					 ROW(V("Name", "two") V("Host", "b.example") LOGIN
						     V("DeliverTo", "a@b.c")
							     V("VerifyCertificate", "0")))));
	assert_int_equal(pop3_account_demand(&reading.config->pop3_accounts[0]).level,
			 TLS_LEVEL_NONE);
	assert_int_equal(pop3_account_demand(&reading.config->pop3_accounts[1]).level,
			 TLS_LEVEL_ENCRYPT);
	reading_done(&reading);
}

static void test_what_is_wrong_names_its_line(void **state)
{
	expect(FILE_OF(ROW(MUST)), "error|needs a Name");
	expect(FILE_OF(ROW(V("Name", "a b") MUST)), "error|needs a Name");
	expect(FILE_OF(ROW(V("Name", "x") LOGIN V("DeliverTo", "a@b.c"))), "error|needs a Host");
	expect(FILE_OF(ROW(V("Name", "x") V("Host", "a b") LOGIN V("DeliverTo", "a@b.c"))),
	       "error|is no name of a host");
	expect(FILE_OF(ROW(V("Name", "x") V("Host", "b.c") V("User", "u") V("DeliverTo", "a@b.c"))),
	       "error|needs User and Password");
	expect(FILE_OF(ROW(V("Name", "x") V("Host", "b.c") LOGIN)), "error|needs DeliverTo");
	expect(FILE_OF(ROW(V("Name", "x") V("Host", "b.c") LOGIN V("DeliverTo", "a"))),
	       "error|is no address");
	expect(FILE_OF(ROW(GOOD V("Tls", "starttls"))), "error|none of implicit, stls, none");
	expect(FILE_OF(ROW(GOOD V("Port", "0"))), "error|no number from 1 to 65535");
	expect(FILE_OF(ROW(GOOD V("LeaveOnServer", "yes"))), "error|no number from 0 to 1");
	expect(FILE_OF(ROW(GOOD V("Sort", "To,,Cc"))), "error|header fields");
	expect(FILE_OF(ROW(GOOD V("Sort", "To:"))), "error|header fields");
	expect(FILE_OF(ROW(GOOD V("Prot", "1"))), "warning|not understood, not applied");
	expect(FILE_OF(ROW(GOOD V("Port", "1") V("Port", "2"))), "error|stands twice in the row");
	expect(FILE_OF(ROW(GOOD) ROW(GOOD)), "error|has the same Name|fetches the same mailbox");
	expect(FILE_OF(ROW(GOOD) ROW(V("Name", "two") MUST)), "error|line 3 fetches the same mailbox");
}

static int setup(void **state)
{
	catalog = tls_catalog_new();
	return 0;
}

static int teardown(void **state)
{
	tls_catalog_free(&catalog);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_what_is_weak_is_told),
		cmocka_unit_test(test_what_is_wrong_names_its_line),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
