/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of config/partner: what rows of the list TlsPolicy mean, which one holds, and what is
 * wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "config/partner.h"
#include "reading.h"
#include "tls/catalog.h"

static const struct suite_catalog *catalog;

#define V(name, value) "<variable name=\"" name "\">" value "</variable>\n"
#define TABLE(name)                                                            \
	"<table name=\"" name "\">" V("ServerTlsProtocols", "TLSv1.2,TLSv1.3") \
		V("ClientTlsProtocols", "TLSv1.2,TLSv1.3") "</table>\n"
#define TABLES TABLE("Security") TABLE("SmtpSecurity")
/* The first row begins in line 9, its first variable in line 9 too. */
#define FILE_OF(rows) "<c>\n" TABLES "<list name=\"TlsPolicy\">\n" rows "</list></c>\n"
#define ROW(variables) "<listitem>" variables "</listitem>\n"
#define IN(peer) V("Peer", peer) V("Direction", "in")
#define OUT(peer) V("Peer", peer) V("Direction", "out")
#define UNTIL_2099 V("Reason", "old firewall") V("Expires", "2099-01-01")
#define PIN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

struct file_case {
	const char *text;
	const char *expected; /* see reading_expect */
};

static void cases_run(const struct file_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct reading reading;
		reading_make(&reading, catalog, str_from_c(cases[i].text));
		reading_expect(&reading, cases[i].text, cases[i].expected);
		reading_done(&reading);
	}
}

static void test_rows_that_are_wrong(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF(ROW(V("Direction", "in") V("Level", "encrypt"))),
		 "m.cfg:9: error: TlsPolicy: a row without Peer"},
		{FILE_OF(ROW(V("Peer", "192.0.2.1") V("Level", "encrypt"))),
		 "m.cfg:9: error: TlsPolicy:192.0.2.1: a row without Direction"},
		{FILE_OF(ROW(IN("192.0.2.1/24") V("Level", "encrypt"))),
		 "m.cfg:9: error: TlsPolicy:192.0.2.1/24/Peer|neither a network"},
		{FILE_OF(ROW(IN("mx_1..example") V("Level", "encrypt"))), "neither a network"},
		{FILE_OF(ROW(IN(".") V("Level", "encrypt"))), "neither a network"},
		{FILE_OF(ROW(V("Peer", "a.example") V("Direction", "both"))),
		 "m.cfg:10: error|neither in nor out"},
		{FILE_OF(ROW(IN("a.example") V("Levle", "encrypt"))),
		 "m.cfg:11: error|did you mean Level?"},
		{FILE_OF(ROW(IN("a.example") V("Level", "encrypt") V("Level", "may"))),
		 "stands twice, on lines 11 and 12"},
		{FILE_OF(ROW(IN("a.example") V("Level", "verify"))),
		 "m.cfg:11: error|inbound the level is may or encrypt"},
		{FILE_OF(ROW(IN("a.example") V("Service", "IMAPS") V("Level", "encrypt"))),
		 "so it is for the service SMTP"},
		{FILE_OF(ROW(IN("a.example") V("Service", "IMAP5"))), "no service"},
		{FILE_OF(ROW(IN("a.example") V("Level", "may") V("MinVersion", "TLSv1.2"))),
		 "m.cfg:12: error|plain text taken"},
		{FILE_OF(ROW(IN("a.example") V("MinVersion", "TLSv1"))),
		 "none of TLSv1.1, TLSv1.2 and TLSv1.3"},
		{FILE_OF(ROW(IN("a.example") V("Protocols", "TLSv1.2,TLSv9"))),
		 "m.cfg:11: error: TlsPolicy:a.example/Protocols: \"TLSv9\" is no protocol"},
		{FILE_OF(ROW(IN("a.example") V("Ciphers", "HIGH:!NOSUCH"))),
		 "m.cfg:11: error: TlsPolicy:a.example/Ciphers"},
		{FILE_OF(ROW(IN("a.example") V("Mode", "observe") V("SessionTickets", "0"))),
		 "has no effect without Level or MinVersion"},
		{FILE_OF(ROW(IN("a.example") V("LegacyRenegotiation", "1"))),
		 "is for Direction out"},
		{FILE_OF(ROW(OUT("a.example") V("Service", "SMTP") V("Level", "may"))),
		 "is for Direction in"},
		{FILE_OF(ROW(OUT("a.example") V("Level", "pin"))),
		 "Level pin and Pin belong together"},
		{FILE_OF(ROW(OUT("a.example") V("Level", "verify") V("Pin", PIN))),
		 "Level pin and Pin belong together"},
		{FILE_OF(ROW(OUT("a.example") V("Level", "pin") V("Pin", "AAAA"))), "no SHA-256"},
		{FILE_OF(ROW(IN("a.example") V("SessionTickets", "no"))), "neither 0 nor 1"},
		{FILE_OF(ROW(IN("a.example") V("Level", "encrypt") V("Expires", "soon"))),
		 "is no day"},
		{FILE_OF(ROW(IN("192.0.2.0/24") V("Level", "encrypt")) ROW(OUT("192.0.2.0/24") V(
			 "Level", "may")) ROW(IN("192.0.2.0/24") V("SessionTickets", "0"))),
		 "m.cfg:17: error: TlsPolicy:192.0.2.0/24: the peer has two rows, on lines 9 and "
		 "17"},
		{FILE_OF(ROW(IN("A.example") V("Level", "encrypt"))
				 ROW(IN("a.EXAMPLE") V("Level", "encrypt"))),
		 "the peer has two rows"},
		{FILE_OF(ROW(IN("192.0.2.1"))),
		 "warning: TlsPolicy:192.0.2.1: the row changes nothing"},
		{FILE_OF(ROW(IN("192.0.2.1") V("Protocols", "SSLv3"))),
		 "error: TlsPolicy:192.0.2.1/Protocols: leaves no protocol"},
	};

	cases_run(cases, sizeof(cases) / sizeof(cases[0]));
}

/* Beyond the table only with a reason and a day; within it without either. */
static void test_widening(void **state)
{
	static const struct file_case cases[] = {
		{FILE_OF(ROW(IN("a.example") V("Protocols", "TLSv1,TLSv1.2"))),
		 "m.cfg:9: error: TlsPolicy:a.example: the row admits"},
		{FILE_OF(ROW(IN("a.example") V("Protocols", "TLSv1") V("Reason", "old"))),
		 "needs Reason and Expires"},
		{FILE_OF(ROW(IN("a.example") V("Protocols", "TLSv1") V("Expires", "2099-01-01"))),
		 "needs Reason and Expires"},
		{FILE_OF(ROW(IN("a.example") V("Protocols", "TLSv1") UNTIL_2099)), "^error"},
		{FILE_OF(ROW(IN("a.example") V("Protocols", "TLSv1.3"))), "^error|^warning"},
		{FILE_OF(ROW(IN("a.example") V("SessionTickets", "0") V("PostQuantum", "0"))),
		 "^error|^warning"},
		{FILE_OF(ROW(IN("a.example") V("Ciphers", "ECDHE+AESGCM"))), "^error|^warning"},
		{FILE_OF(ROW(IN("a.example") V("Ciphers", "ECDHE+AESGCM") UNTIL_2099)),
		 "note: TlsPolicy:a.example/Expires: has no effect"},
		{FILE_OF(ROW(OUT("a.example") V("Level", "none"))), "needs Reason and Expires"},
		{FILE_OF(ROW(OUT("a.example") V("LegacyRenegotiation", "1"))),
		 "needs Reason and Expires"},
		{FILE_OF(ROW(OUT("a.example") V("Level", "verify") V("MinVersion", "TLSv1.3"))),
		 "^error|^warning"},
		{FILE_OF(ROW(OUT("a.example") V("Level", "pin") V("Pin", "sha256//" PIN "," PIN))),
		 "^error|^warning"},
		{FILE_OF(ROW(IN("a.example") V("Protocols", "TLSv1") V("Reason", "old")
				     V("Expires", "2020-02-29"))),
		 "m.cfg:13: warning: TlsPolicy:a.example/Expires: the day has come: the row is not "
		 "applied any more"},
	};
	static const struct file_case floors[] = {
		/* What a floor would refuse, or will one day, is beyond the table. */
		{"<c><table name=\"Security\">" V("TlsFloor", "TLSv1.2")
			 V("TlsFloorMode",
			   "handshake") "</table>"
					"<list name=\"TlsPolicy\">" ROW(
						IN("a.example") V("Service", "IMAPS")
							V("Protocols", "TLSv1")) "</list></c>",
		 "needs Reason and Expires"},
		{"<c><table name=\"Security\">" V("TlsFloor", "TLSv1.2")
			 V("TlsFloorDate",
			   "2098-01-01") "</table>"
					 "<list name=\"TlsPolicy\">" ROW(
						 IN("a.example") V("Service", "IMAPS")
							 V("Protocols", "TLSv1")) "</list></c>",
		 "needs Reason and Expires"},
		{"<c><table name=\"SmtpSecurity\">" V("TlsFloor", "TLSv1.2") V(
			 "TlsFloorMode",
			 "reply") "</table>"
				  "<list name=\"TlsPolicy\">" ROW(IN("a.example") V(
					  "Service", "SMTP") V("Protocols", "TLSv1")) "</list></c>",
		 "needs Reason and Expires"},
		{"<c><table name=\"Security\">" V("TlsFloor", "TLSv1.2")
			 V("TlsFloorMode",
			   "handshake") "</table>"
					"<list name=\"TlsPolicy\">" ROW(
						IN("a.example") V("Service", "IMAPS")
							V("SessionTickets", "0")) "</list></c>",
		 "^error"},
	};

	cases_run(cases, sizeof(cases) / sizeof(cases[0]));
	cases_run(floors, sizeof(floors) / sizeof(floors[0]));
}

static const struct partner *find(const struct config *config, const char *network,
				  const char *name, enum service_id service, int64_t now_s)
{
	struct network address;
	struct partner_query query = {.direction = PARTNER_IN,
				      .service = service,
				      .names = str_from_c(name),
				      .now_s = now_s};

	assert_true(network_parse(str_from_c(network), &address));
	query.address = address.address;
	return partner_find(config, &query);
}

static void expect(const struct partner *partner, const char *peer)
{
	if (peer == NULL)
		assert_null(partner);
	else {
		assert_non_null(partner);
		assert_true(str_equals(partner->peer, str_from_c(peer)));
	}
}

static void test_the_most_special_row_holds(void **state)
{
	struct reading reading;

	reading_make(
		&reading, catalog,
		STR(FILE_OF(
			ROW(IN("192.0.2.0/24") V("SessionTickets", "0")) ROW(IN("192.0.2.128/25") V(
				"SessionTickets", "0")) ROW(IN("192.0.2.130") V("Service", "SMTP")
								    V("SessionTickets", "0"))
				ROW(IN(".example") V("SessionTickets", "0")) ROW(
					IN(".old.example") V("Level", "encrypt"))
					ROW(IN("mx.old.example") V("SessionTickets", "0")) ROW(
						IN("mx.old.example") V("Service", "IMAPS")
							V("Protocols", "TLSv1.3"))
						ROW(OUT("mx.old.example") V("Level", "encrypt"))
							ROW(IN("2001:db8::/32") V("Protocols",
										  "TLSv1,TLSv1.2")
								    V("Ciphers", "ALL") V("Reason",
											  "r")
									    V("Expires",
									      "2030-01-01")))));
	reading_expect(&reading, "rows", "^error");
	const struct config *config = reading.config;
	int64_t now = clock_real_s();

	assert_int_equal(config->partner_count, 9);
	expect(find(config, "192.0.2.1", "", SERVICE_SMTP, now), "192.0.2.0/24");
	expect(find(config, "192.0.2.129", "", SERVICE_SMTP, now), "192.0.2.128/25");
	expect(find(config, "192.0.2.130", "", SERVICE_SMTP, now), "192.0.2.130");
	expect(find(config, "192.0.2.130", "", SERVICE_IMAP, now), "192.0.2.128/25");
	expect(find(config, "198.51.100.1", "", SERVICE_SMTP, now), NULL);
	expect(find(config, "198.51.100.1", "a.example", SERVICE_SMTP, now), ".example");
	expect(find(config, "198.51.100.1", "old.example", SERVICE_SMTP, now), ".example");
	expect(find(config, "198.51.100.1", "x.OLD.example", SERVICE_SMTP, now), ".old.example");
	expect(find(config, "198.51.100.1", "example", SERVICE_SMTP, now), NULL);
	expect(find(config, "198.51.100.1", "notexample", SERVICE_SMTP, now), NULL);
	expect(find(config, "198.51.100.1", "MX.old.example", SERVICE_SMTP, now), "mx.old.example");
	assert_int_equal(find(config, "198.51.100.1", "mx.old.example", SERVICE_IMAPS, now)
				 ->services[SERVICE_IMAPS]
				 ->min,
			 TLS_PROTOCOL_1_3);
	/* Of several names the one with the most special row counts. */
	expect(find(config, "198.51.100.1", "a.example mx.old.example zzz", SERVICE_SMTP, now),
	       "mx.old.example");
	/* An address is certain, a name comes from somebody's DNS. */
	expect(find(config, "192.0.2.1", "mx.old.example", SERVICE_SMTP, now), "192.0.2.0/24");

	/* The day ends it. */
	const struct partner *wide = find(config, "2001:db8::1", "", SERVICE_SMTP, now);
	assert_true(wide->widens && wide->services[SERVICE_SMTP]->min == TLS_PROTOCOL_1_0);
	assert_true(tls_protocols_has(wide->services[SERVICE_IMAPS]->holes, TLS_PROTOCOL_1_1));
	expect(find(config, "2001:db8::1", "", SERVICE_SMTP, wide->expires_at_s - 1),
	       "2001:db8::/32");
	expect(find(config, "2001:db8::1", "", SERVICE_SMTP, wide->expires_at_s), NULL);
	assert_true(partner_wants_names(config, SERVICE_IMAP, now));
	reading_done(&reading);
}

/* What differs is in the policy's text, so that no ticket of one serves the other. */
static void test_policies_of_rows(void **state)
{
	struct reading reading;

	reading_make(
		&reading, catalog,
		STR(FILE_OF(
			ROW(IN("192.0.2.1") V("SessionTickets", "0") V("PostQuantum", "0")) ROW(
				OUT("192.0.2.1") V("Protocols", "TLSv1.3") V("PostQuantum", "0"))
				ROW(IN("192.0.2.2") V("Service", "SMTP") V("MinVersion", "TLSv1.3"))
					ROW(OUT("x.example") V("Level", "pin") V("Pin", PIN)))));
	reading_expect(&reading, "rows", "^error");
	const struct partner *in = &reading.config->partners[0], *out = in + 1, *min = in + 2;
	const struct tls_policy *table = &reading.config->services[SERVICE_IMAPS].policy;
	const struct tls_policy *own = in->services[SERVICE_IMAPS];

	assert_false(own->session_tickets);
	assert_true(table->session_tickets);
	assert_false(str_equals(own->text, table->text));
	for (size_t i = 0; i < own->group_count; i++)
		assert_int_not_equal(own->groups[i]->kind, TLS_GROUP_HYBRID);
	assert_null(in->clients[CLIENT_SMTP]);
	assert_null(out->services[SERVICE_SMTP]);
	assert_int_equal(out->clients[CLIENT_SMTP]->min, TLS_PROTOCOL_1_3);
	assert_int_equal(out->clients[CLIENT_SMTP]->direction, TLS_CLIENT);
	assert_true(partner_demand(out).without_hybrid);
	/* MinVersion alone demands TLS at all. */
	assert_int_equal(min->level, TLS_LEVEL_ENCRYPT);
	assert_int_equal(min->min, TLS_PROTOCOL_1_3);
	assert_null(min->services[SERVICE_SMTP]);
	struct tls_demand demand = partner_demand(in + 3);
	assert_int_equal(demand.level, TLS_LEVEL_PIN);
	assert_int_equal(demand_proof(&demand, TLS_LEVEL_PIN)->pin_count, 1);
	assert_false(partner_wants_names(reading.config, SERVICE_SMTP, 0));
	reading_done(&reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_that_are_wrong),
		cmocka_unit_test(test_widening),
		cmocka_unit_test(test_the_most_special_row_holds),
		cmocka_unit_test(test_policies_of_rows),
	};

	catalog = tls_catalog_new();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	tls_catalog_free(&catalog);
	return failed;
}
