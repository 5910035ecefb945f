/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of config/relay: the list RelayRule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/relay.h"
#include "reading.h"
#include "tls/catalog.h"

static const struct suite_catalog *catalog;

#define V(name, value) "<variable name=\"" name "\">" value "</variable>\n"
#define ROW(variables) "<listitem>" variables "</listitem>\n"
#define FILE_OF(rows) "<c>\n<list name=\"RelayRule\">\n" rows "</list></c>\n"

static void expect(const char *text, const char *parts)
{
	struct reading reading;

	reading_make(&reading, catalog, str_from_c(text));
	reading_expect(&reading, text, parts);
	reading_done(&reading);
}

static void test_defaults_follow_from_the_login(void **state)
{
	struct reading reading;

	reading_make(&reading, catalog,
		     STR(FILE_OF(ROW(V("Host", "a.example"))
					 ROW(V("Host", "b.example") V("User", "u")
						     V("Password", "p"))
						 ROW(V("Host", "[192.0.2.1]") V("Tls", "implicit")))));
	reading_expect(&reading, "defaults", "^error|^warning");
	const struct relay *relays = reading.config->relays;
	assert_int_equal(reading.config->relay_count, 3);
	assert_int_equal(relays[0].port, 25);
	assert_int_equal(relays[0].level, TLS_LEVEL_MAY);
	assert_int_equal(relays[1].port, 587);
	assert_int_equal(relays[1].level, TLS_LEVEL_VERIFY);
	assert_false(relays[1].is_implicit);
	assert_int_equal(relays[2].port, 465);
	assert_true(relays[2].is_implicit);
	struct tls_demand demand = relay_demand(&relays[1]);
	assert_int_equal(demand.level, TLS_LEVEL_VERIFY);
	assert_int_equal(demand.proof_count, 1);
	assert_true(str_equals(demand.proofs[0].names[0], STR("b.example")));
	reading_done(&reading);
}

static void expect_host(const struct reading *reading, const char *sender, const char *recipient,
			const char *host)
{
	const struct relay *found =
		relay_find(reading->config, str_from_c(sender), str_from_c(recipient));

	if (host == NULL)
		assert_null(found);
	else {
		assert_non_null(found);
		assert_true(str_equals(found->host, str_from_c(host)));
		assert_ptr_equal(relay_of_key(reading->config, found->key), found);
	}
}

static void test_the_first_row_that_fits_holds(void **state)
{
	struct reading reading;

	reading_make(&reading, catalog,
		     STR(FILE_OF(ROW(V("Sender", "Boss@here.example") V("Host", "one.example"))
					 ROW(V("Recipient", ".far.example") V("Host", "two.example"))
						 ROW(V("Sender", "here.example")
							     V("Recipient", "far.example")
								     V("Host", "three.example")))));
	reading_expect(&reading, "rows", "^error|^warning");
	expect_host(&reading, "boss@HERE.example", "x@far.example", "one.example");
	expect_host(&reading, "a@here.example", "x@sub.FAR.example", "two.example");
	expect_host(&reading, "a@here.example", "x@far.example", "three.example");
	expect_host(&reading, "a@else.example", "x@far.example", NULL);
	expect_host(&reading, "a@here.example", "x@notfar.example", NULL);
	expect_host(&reading, "", "x@far.example", NULL);
	assert_null(relay_of_key(reading.config, STR("relay gone:25 starttls may ")));
	reading_done(&reading);
}

static void test_what_is_wrong_is_told(void **state)
{
	expect(FILE_OF(ROW(V("Sender", "a"))), ":3: error: RelayRule: needs a Host");
	expect(FILE_OF(ROW(V("Host", "a b"))), "error|RelayRule:a b/Host|no name of a host");
	expect(FILE_OF(ROW(V("Host", "192.0.2.1:25"))), "error|no name of a host");
	expect(FILE_OF(ROW(V("Host", "[nonsense]"))), "error|no name of a host");
	expect(FILE_OF(ROW(V("Host", "a.example") V("Port", "0"))), "error|/Port|no number from 1 to 65535");
	expect(FILE_OF(ROW(V("Host", "a.example") V("Port", "65536"))), "error|/Port|no number from 1 to 65535");
	expect(FILE_OF(ROW(V("Host", "a.example") V("Tls", "ssl"))), "error|/Tls|neither starttls");
	expect(FILE_OF(ROW(V("Host", "a.example") V("Level", "pin"))), "error|/Level|none of none");
	expect(FILE_OF(ROW(V("Host", "a.example") V("User", "u"))), "error|needs both User");
	expect(FILE_OF(ROW(V("Host", "a.example") V("Password", "p"))), "error|needs both User");
	expect(FILE_OF(ROW(V("Host", "a.example") V("Host", "b.example"))), "error|stands twice");
	expect(FILE_OF(ROW(V("Host", "a.example") V("Hots", "x"))),
	       "warning|/Hots|not understood, not applied");
	expect(FILE_OF(ROW(V("Host", "a.example") V("User", "u") V("Password", "p")
				   V("Level", "encrypt"))),
	       "warning|logs in with Level encrypt");
}

static int setup(void **state)
{
	catalog = tls_catalog_new();
	return catalog == NULL;
}

static int teardown(void **state)
{
	tls_catalog_free(&catalog);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_follow_from_the_login),
		cmocka_unit_test(test_the_first_row_that_fits_holds),
		cmocka_unit_test(test_what_is_wrong_is_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
