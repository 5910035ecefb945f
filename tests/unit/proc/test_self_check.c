/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proc/self_check: a context that does what is intended, and contexts that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "config/config.h"
#include "proc/self_check.h"
#include "tls/catalog.h"

static const struct suite_catalog *catalog;

/* What IMAPS is meant to be under these variables of the table Security. */
static struct config *intention_make(const char *variables)
{
	struct buf text = BUF_INIT(1 << 16);
	struct config *config = NULL;
	struct findings findings;

	findings_init(&findings);
	buf_printf(&text, "<config><table name=\"Security\">%s</table></config>", variables);
	assert_int_equal(config_parse(buf_str(&text), "m.cfg", catalog, &findings, &config),
			 FAULT_NONE);
	findings_done(&findings);
	buf_done(&text);
	return config;
}

/* Checks a context made of some variables against others as the intention. */
static void expect(const char *effective, const char *intended, int with, const char *wanted)
{
	struct config *real = intention_make(effective), *meant = intention_make(intended);
	struct tls_context *context =
		context_make(&real->services[SERVICE_IMAPS].policy, with, NULL);
	struct self_check check;

	self_check_init(&check);
	self_check_context(&check, "IMAPS", &meant->services[SERVICE_IMAPS].policy, context,
			   catalog);
	assert_true(check.handshakes >= 4);
	buf_append_char(&check.differences, '\0');
	if (wanted[0] == '\0' ? check.differences.len > 1
			      : strstr(check.differences.data, wanted) == NULL)
		fail_msg("%s with %d: expected: %s\nis: %s", effective, with, wanted,
			 check.differences.data);
	self_check_done(&check);
	tls_context_unref(&context);
	config_unref(&real);
	config_unref(&meant);
}

#define V(name, value) "<variable name=\"" name "\">" value "</variable>"
#define PROTOCOLS(list) V("ServerTlsProtocols", list)
#define CIPHERS(list) V("ServerTlsCiphers", list)

static void test_as_intended(void **state)
{
	static const char *const policies[] = {
		"",
		PROTOCOLS("TLSv1.2,TLSv1.3"),
		PROTOCOLS("TLSv1.2"),
		PROTOCOLS("TLSv1.3"),
		PROTOCOLS("TLSv1,TLSv1.2"),
		PROTOCOLS("TLSv1"),
		V("EnableEphemeralECDH", "0"),
		V("EnableEphemeralDH", "0"),
		V("EnableEphemeralDH", "0") V("EnableEphemeralECDH", "0"),
		V("EphemeralDHKeySize", "1024") CIPHERS("DHE+AES"),
		V("ServerCipherPreference", "0"),
		CIPHERS("ECDHE+CHACHA20:ECDHE+AESGCM:TLS_CHACHA20_POLY1305_SHA256"),
		CIPHERS("HIGH"),
		V("TlsFloor", "TLSv1.2") V("TlsFloorMode", "handshake"),
		V("TlsFloor", "TLSv1.2") V("TlsFloorDate", "2999-01-01"),
	};

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		expect(policies[i], policies[i], WITH_BOTH, "");
	expect("", "", WITH_RSA, "");
	expect(PROTOCOLS("TLSv1.2,TLSv1.3"), PROTOCOLS("TLSv1.2,TLSv1.3"), WITH_EC, "");
}

static void test_differences_are_named(void **state)
{
	expect("", PROTOCOLS("TLSv1.2,TLSv1.3"), WITH_BOTH,
	       "IMAPS: TLSv1.1 is not admitted, but its handshake succeeds\n");
	expect(PROTOCOLS("TLSv1.2,TLSv1.3"), "", WITH_BOTH,
	       "IMAPS: TLSv1 is admitted, but its handshake fails: ");
	expect(PROTOCOLS("TLSv1.2") CIPHERS("AES128-GCM-SHA256"), PROTOCOLS("TLSv1.2"), WITH_RSA,
	       "IMAPS: TLSv1.2 came about with the suite TLS_RSA_WITH_AES_128_GCM_SHA256, where "
	       "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 stands first\n");
	expect(PROTOCOLS("TLSv1.2") CIPHERS("aRSA"), PROTOCOLS("TLSv1.2"), WITH_BOTH,
	       "IMAPS: the ECDSA certificate is not shown to a client that needs it: ");
	/* Today all is well; on the day of the floor it would not be. */
	expect("", V("TlsFloor", "TLSv1.2") V("TlsFloorDate", "2999-01-01"), WITH_BOTH,
	       "IMAPS: TLSv1.1 is not admitted, but its handshake succeeds\n");
}

static int catalog_make(void **state)
{
	catalog = tls_catalog_new();
	return world_make(state);
}

static int catalog_drop(void **state)
{
	tls_catalog_free(&catalog);
	return world_drop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_intended),
		cmocka_unit_test(test_differences_are_named),
			};

	return cmocka_run_group_tests(tests, catalog_make, catalog_drop);
}
