/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of tls-policy.md section 3, case by case: variables in, policy or
 * finding out. Run against the OpenSSL at hand, as Debian builds it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "outcome.h"
#include "tls/catalog.h"

static const struct suite_catalog *catalog;

struct rule_case {
	const char *variables;
	enum tls_direction direction;
	const char *expected; /* see outcome_expect */
};

static void cases_run(const struct rule_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct outcome outcome;
		outcome_make(&outcome, catalog, cases[i].variables, cases[i].direction);
		outcome_expect(cases[i].variables, &outcome.text, cases[i].expected);
		outcome_done(&outcome);
	}
}

#define RUN(cases) cases_run((cases), sizeof(cases) / sizeof((cases)[0]))

#define ALL_FOUR "protocols TLSv1, TLSv1.1, TLSv1.2, TLSv1.3\nmin TLSv1 max TLSv1.3\nholes []"

static void test_rule_1_empty_or_absent_protocols_are_all_four(void **state)
{
	static const struct rule_case cases[] = {
		{"", TLS_LISTENER, ALL_FOUR "|^error|^warning"},
		{"ServerTlsProtocols=", TLS_LISTENER, ALL_FOUR "|^error|^warning"},
		{"ServerTlsProtocols=  ", TLS_LISTENER, ALL_FOUR},
		{"", TLS_CLIENT, ALL_FOUR},
		{"ClientTlsProtocols=\nServerTlsProtocols=TLSv1.3", TLS_CLIENT, ALL_FOUR},
		{"ClientTlsProtocols=TLSv1.3", TLS_LISTENER, ALL_FOUR},
	};

	RUN(cases);
}

static void test_protocol_lists(void **state)
{
	static const struct rule_case cases[] = {
		{"ServerTlsProtocols=TLSv1.2,TLSv1.3", TLS_LISTENER,
		 "protocols TLSv1.2, TLSv1.3\nmin TLSv1.2 max TLSv1.3|^error|^warning"},
		{"ServerTlsProtocols= tlsV1.2 , TLSV1.3 ", TLS_LISTENER,
		 "protocols TLSv1.2, TLSv1.3\n"},
		{"ServerTlsProtocols=TLSv1.0,TLSv1.1", TLS_LISTENER, "protocols TLSv1, TLSv1.1\n"},
		{"ServerTlsProtocols=TLSv1.2", TLS_LISTENER, "min TLSv1.2 max TLSv1.2|suites13 []"},
		{"servertlsprotocols=TLSv1.3", TLS_LISTENER, "min TLSv1.3 max TLSv1.3|cipher []"},
		{"ClientTlsProtocols=TLSv1.3", TLS_CLIENT, "min TLSv1.3 max TLSv1.3"},
		{"ServerTlsProtocols=TLSv1.2,,TLSv1.3", TLS_LISTENER,
		 "error:1 Security/ServerTlsProtocols: the list has an empty item"},
		{"ServerTlsProtocols=TLSv1.2,", TLS_LISTENER, "error:1 |empty item"},
		{"\nServerTlsProtocols=TLSv1.2,TLSv1.4", TLS_LISTENER,
		 "error:2 Security/ServerTlsProtocols: \"TLSv1.4\" is no protocol"},
		{"ServerTlsProtocols=TLSv1.2 TLSv1.3", TLS_LISTENER, "error:1 |is no protocol"},
		{"ServerTlsProtocols=SSLv2", TLS_LISTENER, "error:1 |\"SSLv2\" is no protocol"},
	};

	RUN(cases);
}

static void test_rule_2_empty_ciphers_are_the_documented_string(void **state)
{
	static const struct rule_case cases[] = {
		{"", TLS_LISTENER,
		 "cipher [AESGCM:HIGH:!aNULL:!eNULL]|note:0 Security/ServerTlsCiphers: not in this "
		 "OpenSSL build: EDH-RSA-DES-CBC3-SHA, EDH-DSS-DES-CBC3-SHA, DES-CBC3-SHA|^error"},
		{"ServerTlsCiphers=", TLS_LISTENER, "cipher [AESGCM:HIGH:!aNULL:!eNULL]"},
		{"ClientTlsCiphers=", TLS_CLIENT, "cipher [AESGCM:HIGH:!aNULL:!eNULL]"},
		/* Written out it means the same. */
		{"ServerTlsCiphers=" CIPHER_STRING_DEFAULT, TLS_LISTENER,
		 "cipher [AESGCM:HIGH:!aNULL:!eNULL]|note:1 |^error|^warning"},
	};

	RUN(cases);
}

static void test_rule_3_names_of_both_kinds(void **state)
{
	static const struct rule_case cases[] = {
		{"ServerTlsCiphers=TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", TLS_LISTENER,
		 "cipher [ECDHE-RSA-AES256-SHA384:!aNULL:!eNULL]|suites ECDHE-RSA-AES256-SHA384\n"},
		{"ServerTlsCiphers=HIGH:!TLS_RSA_WITH_AES_128_CBC_SHA", TLS_LISTENER,
		 "cipher [HIGH:!AES128-SHA:!aNULL|^ AES128-SHA "},
		{"ServerTlsCiphers=ECDHE+AESGCM:DHE+AESGCM", TLS_LISTENER,
		 "cipher [ECDHE+AESGCM:DHE+AESGCM:!aNULL|suites ECDHE-ECDSA-AES256-GCM-SHA384"},
		/* OpenSSL's other separators, and none at all before an operator. */
		{"ServerTlsCiphers=ECDHE+AESGCM,DHE+AESGCM;AES256-SHA HIGH!MD5", TLS_LISTENER,
		 "cipher [ECDHE+AESGCM:DHE+AESGCM:AES256-SHA:HIGH:!MD5:!aNULL"},
		{"ServerTlsCiphers=HIGH:@STRENGTH", TLS_LISTENER, "cipher [HIGH:@STRENGTH:!aNULL"},
		{"ServerTlsCiphers=DEFAULT:!SHA1", TLS_LISTENER, "cipher [DEFAULT:!SHA1:!aNULL"},
		{"ServerTlsCiphers=HIGH:DEFAULT", TLS_LISTENER,
		 "warning:1 |knows the name \"DEFAULT\""},
		{"ServerTlsCiphers=TLS_RSA_WITH_RC4_128_SHA:RC4-MD5:EXPORT:HIGH", TLS_LISTENER,
		 "note:1 |not in this OpenSSL build: TLS_RSA_WITH_RC4_128_SHA, RC4-MD5, EXPORT|"
		 "cipher [HIGH:!aNULL|^warning|^error"},
		{"ServerTlsCiphers=HIGH:!RC4:!EXPORT:!TLS_RSA_WITH_RC4_128_MD5:!DES-CBC3-SHA",
		 TLS_LISTENER, "cipher [HIGH:!RC4:!aNULL|^note:1|^warning|^error"},
		{"ServerTlsCiphers=RC4:HIGH", TLS_LISTENER, "not in this OpenSSL build: RC4\n"},
		{"ServerTlsCiphers=HIGH:ECDHE-RSA-AES265-GCM-SHA384", TLS_LISTENER,
		 "warning:1 Security/ServerTlsCiphers: neither OpenSSL nor IANA knows the name "
		 "\"ECDHE-RSA-AES265-GCM-SHA384\"; it is skipped; did you mean "
		 "ECDHE-RSA-AES256-GCM-SHA384?|cipher [HIGH:!aNULL"},
		{"ServerTlsCiphers=HIGH:!AES128-SAH", TLS_LISTENER,
		 "error:1 Security/ServerTlsCiphers|so what it should remove would stay; did you "
		 "mean "
		 "AES128-SHA?"},
		{"ServerTlsCiphers=HIGH:-AES128-SAH", TLS_LISTENER, "error:1 "},
		{"ServerTlsCiphers=HIGH:+AES128-SAH", TLS_LISTENER, "warning:1 |^error"},
		{"ServerTlsCiphers=HIGH:!ECDHE+NOPE", TLS_LISTENER, "error:1 |\"NOPE\""},
		{"ServerTlsCiphers=high", TLS_LISTENER, "did you mean HIGH?"},
		{"ServerTlsCiphers=HIGH:\"AES\"", TLS_LISTENER, "error:1 |is not understood"},
		{"ServerTlsCiphers=HIGH:!", TLS_LISTENER, "error:1 |is not understood"},
		{"ServerTlsCiphers=HIGH:!:aNULL", TLS_LISTENER, "error:1 |is not understood"},
		{"ServerTlsCiphers=SUITEB128", TLS_LISTENER, "error:1 |rules for certificates"},
		{"ServerTlsCiphers=HIGH:@FOO", TLS_LISTENER, "error:1 |no command"},
	};

	RUN(cases);
}

static void test_rule_3_tls13_names_steer_the_tls13_list(void **state)
{
	static const struct rule_case cases[] = {
		{"", TLS_LISTENER,
		 "suites13 "
		 "[TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256]"},
		{"ServerTlsCiphers=TLS_AES_128_GCM_SHA256:HIGH:TLS_AES_256_GCM_SHA384",
		 TLS_LISTENER,
		 "suites13 [TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384]|cipher [HIGH:!aNULL"},
		{"ServerTlsCiphers=HIGH:!TLS_AES_128_GCM_SHA256", TLS_LISTENER,
		 "suites13 [TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256]"},
		{"ServerTlsCiphers=HIGH:-TLS_AES_256_GCM_SHA384", TLS_LISTENER,
		 "suites13 [TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256]"},
		{"ServerTlsCiphers=HIGH:+TLS_AES_256_GCM_SHA384", TLS_LISTENER,
		 "suites13 "
		 "[TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384]"},
		/* ! is for ever, - is not. */
		{"ServerTlsCiphers=HIGH:!TLS_AES_128_GCM_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_"
		 "GCM_SHA384",
		 TLS_LISTENER, "suites13 [TLS_AES_256_GCM_SHA384]"},
		{"ServerTlsCiphers=HIGH:TLS_AES_256_GCM_SHA384:-TLS_AES_256_GCM_SHA384:TLS_AES_128_"
		 "GCM_SHA256:"
		 "TLS_AES_256_GCM_SHA384",
		 TLS_LISTENER, "suites13 [TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384]"},
		{"ServerTlsCiphers=HIGH:!AESGCM:!CHACHA20", TLS_LISTENER,
		 "suites13 [TLS_AES_256_GCM_SHA384:TLS_CHACHA20"},
		{"ServerTlsCiphers=HIGH:TLS_AES_128_CCM_SHA256", TLS_LISTENER,
		 "suites13 [TLS_AES_128_CCM_SHA256]"},
		{"ServerTlsCiphers=HIGH:AES+TLS_AES_128_GCM_SHA256", TLS_LISTENER,
		 "error:1 |joins a TLS 1.3 suite"},
		/* A name of TLS 1.3 that the world knows and this build lacks. */
		{"ServerTlsCiphers=HIGH:TLS_SM4_GCM_SM3", TLS_LISTENER,
		 "not in this OpenSSL build: TLS_SM4_GCM_SM3|suites13 [TLS_AES_256_GCM_SHA384:"},
		{"ServerTlsCiphers=HIGH:!TLS_AES_128_GCM_SHA265", TLS_LISTENER,
		 "error:1 |did you mean TLS_AES_128_GCM_SHA256?"},
	};

	RUN(cases);
}

/* A refused string is not in force: the rest of the file is judged as if it were not set. */
static void test_refusals_are_told_to_the_caller(void **state)
{
	static const struct {
		const char *text;
		bool accepted;
	} cases[] = {
		{"HIGH", true},
		{"HIGH:NOPE", true},
		{"HIGH:!NOPE", false},
		{"HIGH:ADH", false},
		{"HIGH:@SECLEVEL=1", false},
		{"HIGH:%", false},
		{"SUITEB192", false},
		{"", true},
		{"HIGH:@NO", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome outcome;
		struct cipher_list list;
		outcome_make(&outcome, catalog, "", TLS_LISTENER);
		assert_int_equal(cipher_list_parse(str_from_c(cases[i].text), catalog,
						   (struct finding_place){.line = 1},
						   &outcome.arena, &outcome.findings, &list),
				 cases[i].accepted);
		outcome_done(&outcome);
	}
}

static void test_rule_4_nothing_anonymous(void **state)
{
	static const struct rule_case cases[] = {
		{"ServerTlsCiphers=ALL", TLS_LISTENER,
		 "cipher [ALL:!aNULL:!eNULL]|^ADH-|^AECDH|^NULL-"},
		{"ServerTlsCiphers=HIGH:!aNULL:-eNULL:!ADH:+aNULL", TLS_LISTENER,
		 "^error|^warning"},
		{"ServerTlsCiphers=HIGH:aNULL", TLS_LISTENER,
		 "error:1 Security/ServerTlsCiphers: \"aNULL\" is refused"},
		{"ServerTlsCiphers=ADH:HIGH", TLS_LISTENER, "error:1 |\"ADH\" is refused"},
		{"ServerTlsCiphers=HIGH:eNULL", TLS_LISTENER, "error:1 |\"eNULL\" is refused"},
		{"ServerTlsCiphers=HIGH:NULL", TLS_LISTENER, "error:1 "},
		{"ServerTlsCiphers=HIGH:AECDH", TLS_LISTENER, "error:1 "},
		{"ServerTlsCiphers=ALL:COMPLEMENTOFALL", TLS_LISTENER, "error:1 "},
		{"ServerTlsCiphers=HIGH:ADH-AES256-GCM-SHA384", TLS_LISTENER, "error:1 "},
		{"ServerTlsCiphers=HIGH:TLS_DH_anon_WITH_AES_256_GCM_SHA384", TLS_LISTENER,
		 "error:1 "},
		{"ServerTlsCiphers=HIGH:TLS_DH_anon_WITH_RC4_128_MD5", TLS_LISTENER, "error:1 "},
		{"ServerTlsCiphers=HIGH:TLS_RSA_WITH_NULL_SHA", TLS_LISTENER, "error:1 "},
		{"ServerTlsCiphers=HIGH:NULL-SHA256", TLS_LISTENER, "error:1 "},
		{"ServerTlsCiphers=HIGH:kDHE+aNULL", TLS_LISTENER, "error:1 "},
		{"ServerTlsCiphers=HIGH:EXP-ADH-RC4-MD5", TLS_LISTENER, "error:1 "},
		{"ClientTlsCiphers=HIGH:aNULL", TLS_CLIENT, "error:1 Security/ClientTlsCiphers"},
	};

	RUN(cases);
}

static void test_rule_5_relaxes_only_what_is_named(void **state)
{
	static const struct rule_case cases[] = {
		{"", TLS_LISTENER,
		 "relaxed SHA-1 and MD5+SHA-1 signatures in TLSv1 and TLSv1.1 by "
		 "ServerTlsProtocols line 0"},
		{"\nServerTlsProtocols=TLSv1.1,TLSv1.2", TLS_LISTENER,
		 "relaxed SHA-1 and MD5+SHA-1 signatures in TLSv1 and TLSv1.1 by "
		 "ServerTlsProtocols line 2|"
		 "^DH groups"},
		{"ServerTlsProtocols=TLSv1.2,TLSv1.3", TLS_LISTENER, "^relaxed"},
		{"ClientTlsProtocols=TLSv1.2,TLSv1.3", TLS_CLIENT, "^relaxed"},
		{"ServerTlsProtocols=TLSv1.2\nEphemeralDHKeySize=1024", TLS_LISTENER,
		 "relaxed DH groups of 1024 bits by EphemeralDHKeySize line 2|^signatures in"},
		{"ServerTlsCiphers=HIGH:@SECLEVEL=0", TLS_LISTENER,
		 "error:1 Security/ServerTlsCiphers: \"@SECLEVEL=0\" is refused: lowering"},
		{"ServerTlsCiphers=@seclevel=1:HIGH", TLS_LISTENER, "error:1 |is refused"},
	};

	RUN(cases);
}

static void test_rule_6_holes(void **state)
{
	static const struct rule_case cases[] = {
		{"ServerTlsProtocols=TLSv1,TLSv1.2,TLSv1.3", TLS_LISTENER,
		 "protocols TLSv1, TLSv1.2, TLSv1.3\nmin TLSv1 max TLSv1.3\nholes [TLSv1.1]|"
		 "warning:1 Security/ServerTlsProtocols: the list has a hole at TLSv1.1|"
		 "and abort (inappropriate fallback)"},
		{"ServerTlsProtocols=TLSv1.1,TLSv1.3", TLS_LISTENER,
		 "holes [TLSv1.2]|whose newest version is TLSv1.2 are brought down to "
		 "TLSv1.1|^abort"},
		{"ServerTlsProtocols=TLSv1,TLSv1.3", TLS_LISTENER,
		 "holes [TLSv1.1, TLSv1.2]|hole at TLSv1.1|hole at TLSv1.2"},
		{"ServerTlsProtocols=TLSv1.1,TLSv1.2", TLS_LISTENER, "holes []|^hole at"},
		{"ClientTlsProtocols=TLSv1,TLSv1.2,TLSv1.3", TLS_CLIENT,
		 "protocols TLSv1.2, TLSv1.3\nmin TLSv1.2 max TLSv1.3\nholes []|"
		 "warning:1 Security/ClientTlsProtocols: |offers TLSv1.2 and TLSv1.3; left out: "
		 "TLSv1\n"},
		{"ClientTlsProtocols=TLSv1,TLSv1.1,TLSv1.3", TLS_CLIENT,
		 "protocols TLSv1.3\n|left out: TLSv1 and TLSv1.1|^relaxed"},
		{"ClientTlsProtocols=TLSv1,TLSv1.2", TLS_CLIENT, "protocols TLSv1.2\n|suites13 []"},
	};

	RUN(cases);
}

static void test_rule_7_sslv3_and_lists_that_leave_nothing(void **state)
{
	static const struct rule_case cases[] = {
		{"ServerTlsProtocols=SSLv3,TLSv1.2", TLS_LISTENER,
		 "warning:1 Security/ServerTlsProtocols: SSLv3 is not available in this OpenSSL "
		 "build|"
		 "protocols TLSv1.2\n"},
		{"ServerTlsProtocols=SSLv3", TLS_LISTENER,
		 "error:1 Security/ServerTlsProtocols: leaves no protocol that can be used: the "
		 "service "
		 "would not start|no policy"},
		{"ClientTlsProtocols=sslv3", TLS_CLIENT, "error:1 |no policy"},
	};

	RUN(cases);
}

static void test_rule_8_protocols_without_a_suite(void **state)
{
	static const struct rule_case cases[] = {
		/* The commonest hand edit: a strong string and nothing else. It must start. */
		{"ServerTlsCiphers=ECDHE+AESGCM:ECDHE+CHACHA20", TLS_LISTENER,
		 "warning:1 Security/ServerTlsCiphers: the cipher string leaves no suite for TLSv1 "
		 "and "
		 "TLSv1.1|protocols TLSv1.2, TLSv1.3\nmin TLSv1.2|^error|^relaxed"},
		/* A list that is refused is one mistake, not two. */
		{"ServerTlsProtocols=TLSv1.9\nServerTlsCiphers=ECDHE+AESGCM", TLS_LISTENER,
		 "error:1 |is no protocol|^leaves no suite"},
		{"ServerTlsProtocols=TLSv1.1,TLSv1.2\nServerTlsCiphers=ECDHE+AESGCM", TLS_LISTENER,
		 "error:2 Security/ServerTlsCiphers: the cipher string leaves no suite for "
		 "TLSv1.1, which "
		 "ServerTlsProtocols (line 1) names: the service would not start|no policy"},
		{"ServerTlsCiphers=TLS_AES_256_GCM_SHA384", TLS_LISTENER,
		 "warning:1 |no suite for TLSv1, TLSv1.1 and TLSv1.2|protocols TLSv1.3\n|cipher "
		 "[]"},
		{"ServerTlsProtocols=TLSv1.2\nServerTlsCiphers=TLS_AES_256_GCM_SHA384",
		 TLS_LISTENER, "error:2 |no policy"},
		{"ServerTlsCiphers=HIGH:!TLS_AES_256_GCM_SHA384:!TLS_CHACHA20_POLY1305_SHA256:"
		 "!TLS_AES_128_GCM_SHA256",
		 TLS_LISTENER, "warning:1 |no suite for TLSv1.3|max TLSv1.2|suites13 []"},
		{"ServerTlsProtocols=TLSv1.2,TLSv1.3\nServerTlsCiphers=HIGH:!TLS_AES_256_GCM_"
		 "SHA384:"
		 "!TLS_CHACHA20_POLY1305_SHA256:!TLS_AES_128_GCM_SHA256",
		 TLS_LISTENER, "error:2 |no suite for TLSv1.3, which"},
		{"ServerTlsCiphers=PSK", TLS_LISTENER,
		 "warning:1 |no suite for TLSv1, TLSv1.1 and TLSv1.2|protocols TLSv1.3\n"},
		{"ServerTlsProtocols=TLSv1.3\nServerTlsCiphers=RC4", TLS_LISTENER,
		 "protocols TLSv1.3\n|^error"},
		{"ServerTlsCiphers=!RC4:!TLS_AES_256_GCM_SHA384:!TLS_CHACHA20_POLY1305_SHA256:"
		 "!TLS_AES_128_GCM_SHA256",
		 TLS_LISTENER, "error:1 |leaves no protocol that can be used|no policy"},
		{"ClientTlsCiphers=ECDHE+AESGCM", TLS_CLIENT,
		 "warning:1 |protocols TLSv1.2, TLSv1.3\n"},
	};

	RUN(cases);
}

static void test_rule_9_ephemeral_dh(void **state)
{
	static const struct rule_case cases[] = {
		{"", TLS_LISTENER, "dhe 2048|:ffdhe2048:ffdhe3072:ffdhe4096]"},
		{"EphemeralDHKeySize=0", TLS_LISTENER, "dhe 2048|^warning"},
		{"EphemeralDHKeySize=2048", TLS_LISTENER, "dhe 2048|^warning"},
		{"EphemeralDHKeySize=4096", TLS_LISTENER, "dhe 4096|:P-521:ffdhe4096]"},
		{"EphemeralDHKeySize=1024", TLS_LISTENER,
		 "dhe 1024|warning:1 Security/EphemeralDHKeySize: DH groups of 1024|:ffdhe2048:"},
		{"EphemeralDHKeySize=3072", TLS_LISTENER,
		 "error:1 |none of 0, 1024, 2048 and 4096"},
		{"EphemeralDHKeySize=4096", TLS_CLIENT, "dhe 4096"},
		{"EnableEphemeralDH=0", TLS_LISTENER,
		 "dhe 0|X25519:P-256:X448:P-384:P-521]|:!kDHE:!kDHEPSK:!aNULL|^ "
		 "DHE-RSA|^warning"},
		{"EnableEphemeralDH=0\nEphemeralDHKeySize=2048", TLS_LISTENER,
		 "warning:2 Security/EphemeralDHKeySize: has no effect, since EnableEphemeralDH "
		 "(line 1) "
		 "switches DHE off. The old DisableEphemeralDH meant the opposite"},
		{"DisableEphemeralDH=1\nEphemeralDHKeySize=2048", TLS_LISTENER,
		 "warning:2 |since DisableEphemeralDH (line 1)"},
		{"EnableEphemeralDH=0\nEphemeralDHKeySize=0", TLS_LISTENER, "dhe 0|^warning"},
		{"EnableEphemeralDH=2", TLS_LISTENER, "error:1 |neither 0 nor 1"},
		{"EnableEphemeralECDH=0", TLS_LISTENER,
		 "ecdhe 0|groups [ffdhe2048:ffdhe3072:ffdhe4096]|:!kECDHE:!kECDHEPSK:|^ ECDHE-|max "
		 "TLSv1.3"},
		{"EnableEphemeralECDH=0\nEnableEphemeralDH=0", TLS_LISTENER,
		 "warning:1 Security/EnableEphemeralECDH: without DHE and ECDHE there is no group "
		 "for "
		 "TLSv1.3; on by default only|protocols TLSv1, TLSv1.1, TLSv1.2\n|groups "
		 "[]|suites13 []|"
		 "suites AES256-GCM-SHA384"},
		{"EnableEphemeralECDH=0\nEnableEphemeralDH=0\nServerTlsProtocols=TLSv1.2,TLSv1.3",
		 TLS_LISTENER, "error:1 |which ServerTlsProtocols (line 3) names|no policy"},
		{"EnableEphemeralECDH=0\nServerTlsCiphers=ECDHE+AESGCM\nServerTlsProtocols=TLSv1.2",
		 TLS_LISTENER, "error:2 |(with EnableEphemeralECDH 0)"},
	};

	RUN(cases);
}

static void test_old_switch_is_inverted(void **state)
{
	static const struct rule_case cases[] = {
		{"DisableEphemeralDH=1", TLS_LISTENER, "dhe 0|^warning"},
		{"DisableEphemeralDH=0", TLS_LISTENER, "dhe 2048|^warning"},
		{"disableephemeraldh=", TLS_LISTENER, "dhe 2048"},
		{"DisableEphemeralDH=1\nEnableEphemeralDH=1", TLS_LISTENER,
		 "dhe 2048|warning:1 Security/DisableEphemeralDH: is not applied, since "
		 "EnableEphemeralDH "
		 "(line 2) says 1"},
		{"EnableEphemeralDH=0\nDisableEphemeralDH=0", TLS_LISTENER, "dhe 0|warning:2 "},
		{"DisableEphemeralDH=yes", TLS_LISTENER, "error:1 |neither 0 nor 1"},
		{"DisableEphemeralDH=0\nDisableEphemeralDH=0", TLS_LISTENER,
		 "stands twice, on lines 1 and 2"},
	};

	RUN(cases);
}

static void test_preference_and_fragments(void **state)
{
	static const struct rule_case cases[] = {
		{"", TLS_LISTENER, "preference 1|fragments 0"},
		{"ServerCipherPreference=0", TLS_LISTENER, "preference 0"},
		{"ServerCipherPreference=1", TLS_CLIENT, "preference 0"},
		{"DontInsertEmptyFragments=0", TLS_LISTENER, "fragments 1"},
		{"DontInsertEmptyFragments=1", TLS_CLIENT, "fragments 0"},
		{"DontInsertEmptyFragments=0", TLS_CLIENT, "fragments 1"},
	};

	RUN(cases);
}

static void test_aliases_built_in(void **state)
{
	static const struct rule_case cases[] = {
		{"EphemeralDHEnabled=0", TLS_LISTENER, "dhe 0|^warning"},
		{"EnableDHE=0", TLS_LISTENER, "dhe 0|^warning"},
		{"DHEKeySize=4096", TLS_LISTENER, "dhe 4096|^warning"},
		{"EphemeralDHSize=4096", TLS_LISTENER, "dhe 4096|^warning"},
		{"EnableECDHE=0", TLS_LISTENER, "ecdhe 0|^warning"},
		{"ephemeralecdhenabled=0", TLS_LISTENER, "ecdhe 0|^warning"},
		{"DisableEmptyFragments=0", TLS_LISTENER, "fragments 1|^warning"},
		{"PreferServerCiphers=0", TLS_LISTENER, "preference 0|^warning"},
		{"CipherServerPreference=0", TLS_LISTENER, "preference 0|^warning"},
		{"EnableDHE=1\nEnableEphemeralDH=1", TLS_LISTENER,
		 "error:2 Security/EnableEphemeralDH: stands twice, on lines 1 and 2, under two "
		 "names of "
		 "EnableEphemeralDH"},
	};

	RUN(cases);
}

static void test_unknown_and_double_variables(void **state)
{
	static const struct rule_case cases[] = {
		{"\nServerTlsProtocol=", TLS_LISTENER,
		 "warning:2 Security/ServerTlsProtocol: not understood, not applied; did you mean "
		 "ServerTlsProtocols?"},
		{"SomethingElse=1", TLS_LISTENER, "not understood, not applied\n"},
		{"MinimumVersion=TLSv1.2", TLS_LISTENER,
		 "error:1 Security/MinimumVersion: not understood, yet its value names a protocol"},
		{"MinimumVersion=tls 1.2", TLS_LISTENER, "error:1 "},
		{"MinimumVersion=TLS1_2", TLS_LISTENER, "error:1 "},
		{"TlsMinimum=TLSv1.2", TLS_LISTENER, "error:1 "},
		{"TlsMinimumMode=observe", TLS_LISTENER, "warning:1 |not applied"},
		{"Note=uses TLS and SSL", TLS_LISTENER, "warning:1 |^error"},
		{"ServerTlsProtocols=TLSv1.2\nServerTLSProtocols=TLSv1.3", TLS_LISTENER,
		 "error:2 Security/ServerTLSProtocols: stands twice, on lines 1 and 2; delete one\n"},
	};

	RUN(cases);
}

static void test_groups_of_newer_libraries_come_first(void **state)
{
	struct suite_catalog newer = *catalog;
	struct outcome outcome;

	newer.groups |= 1; /* tls_group_at(0) is X25519MLKEM768 */
	outcome_make(&outcome, &newer, "", TLS_LISTENER);
	outcome_expect("hybrid", &outcome.text, "groups [X25519MLKEM768:X25519:P-256:");
	outcome_done(&outcome);
	outcome_make(&outcome, &newer, "", TLS_CLIENT);
	outcome_expect("hybrid, client", &outcome.text, "groups [X25519MLKEM768:X25519:P-256:");
	outcome_done(&outcome);
	outcome_make(&outcome, &newer, "EnableEphemeralECDH=0", TLS_LISTENER);
	outcome_expect("hybrid without curves", &outcome.text, "groups [ffdhe2048:");
	outcome_done(&outcome);
}

/* OpenSSL 3.2 and later count CCM with short tags as 64 bits, which their security level refuses.
 */
static void ccm8_strength_set(struct suite *suites, size_t count, int bits)
{
	for (size_t i = 0; i < count; i++)
		if (str_find(suites[i].iana_name, STR("_CCM_8")) != STR_NONE)
			suites[i].strength_bits = bits;
}

static void test_what_the_library_calls_weak_is_not_offered(void **state)
{
	struct suite suites[SUITE_CATALOG_MAX];
	struct suite_catalog newer = *catalog;
	struct outcome outcome;

	memcpy(suites, catalog->suites, catalog->suite_count * sizeof(suites[0]));
	newer.suites = suites;
	ccm8_strength_set(suites, newer.suite_count, 64);
	outcome_make(&outcome, &newer,
		     "ServerTlsCiphers=AESCCM8:TLS_AES_128_CCM_8_SHA256:AES256-SHA", TLS_LISTENER);
	outcome_expect("CCM8", &outcome.text,
		       "no suite for TLSv1.3|suites13 []|suites AES256-SHA\n");
	outcome_done(&outcome);
	/* As OpenSSL 3.0 counts it. */
	ccm8_strength_set(suites, newer.suite_count, 128);
	outcome_make(&outcome, &newer, "ServerTlsCiphers=AESCCM8:TLS_AES_128_CCM_8_SHA256",
		     TLS_LISTENER);
	outcome_expect("CCM8 in 3.0", &outcome.text, "suites13 [TLS_AES_128_CCM_8_SHA256]");
	outcome_done(&outcome);
}

static void test_session_text_tells_policies_apart(void **state)
{
	static const char *const variants[] = {
		"",
		"ServerTlsProtocols=TLSv1.2,TLSv1.3",
		"ServerTlsCiphers=HIGH:!AES128-SHA",
		"ServerTlsCiphers=HIGH:!TLS_AES_128_GCM_SHA256",
		"EnableEphemeralDH=0",
		"EphemeralDHKeySize=4096",
		"EphemeralDHKeySize=1024",
		"ServerCipherPreference=0",
		"DontInsertEmptyFragments=0",
	};
	enum { COUNT = sizeof(variants) / sizeof(variants[0]) };
	struct outcome outcomes[COUNT];

	for (int i = 0; i < COUNT; i++)
		outcome_make(&outcomes[i], catalog, variants[i], TLS_LISTENER);
	for (int i = 0; i < COUNT; i++) {
		for (int j = 0; j < i; j++)
			assert_false(str_equals(outcomes[i].policy.text, outcomes[j].policy.text));
		struct outcome again;
		outcome_make(&again, catalog, variants[i], TLS_LISTENER);
		assert_true(str_equals(outcomes[i].policy.text, again.policy.text));
		outcome_done(&again);
	}
	struct tls_policy other =
		policy_fit(&outcomes[0].policy, (struct policy_ends){0}, &outcomes[0].arena);
	assert_false(str_equals(other.text, outcomes[0].policy.text));
	for (int i = 0; i < COUNT; i++)
		outcome_done(&outcomes[i]);
}

static void test_floors(void **state)
{
	static const struct rule_case cases[] = {
		{"", TLS_LISTENER, "^floor"},
		{"TlsFloor=", TLS_LISTENER, "^floor|^warning"},
		{"TlsFloor=tlsv1.2", TLS_LISTENER,
		 ALL_FOUR "|floor TLSv1.2 observe written observe date 0 line 1|^warning|^later"},
		{"TlsFloor=TLSv1.2\nTlsFloorMode=Handshake", TLS_LISTENER,
		 "protocols TLSv1.2, TLSv1.3\nmin TLSv1.2 max TLSv1.3|"
		 "floor TLSv1.2 handshake|^relaxed|^warning"},
		{"TlsFloor=TLSv1.2\nTlsFloorMode=handshake", TLS_CLIENT,
		 "protocols TLSv1.2, TLSv1.3\n"},
		{"@TlsFloor=TLSv1.2\nTlsFloorMode=reply", TLS_LISTENER,
		 ALL_FOUR "|floor TLSv1.2 reply|^error|^warning"},
		/* Wrong values. */
		{"TlsFloor=TLSv1.2\nTlsFloorMode=reply", TLS_LISTENER,
		 "error:2 Security/TlsFloorMode: reply is a rung of inbound SMTP on port 25 only"},
		{"TlsFloor=TLSv1.2\nTlsFloorMode=warn", TLS_LISTENER,
		 "error:2 Security/TlsFloorMode: \"warn\" is none of observe and handshake"},
		{"TlsFloor=TLSv1", TLS_LISTENER,
		 "error:1 Security/TlsFloor: \"TLSv1\" is no floor; write TLSv1.1, TLSv1.2"},
		{"TlsFloor=TLSv1.2,TLSv1.3", TLS_LISTENER, "error:1 Security/TlsFloor: "},
		{"TlsFloor=1.2\nTlsFloorMode=observe", TLS_LISTENER, "error:1 |^warning"},
		{"TlsFloor=TLSv1.2\nTlsFloorDate=2027-02-29", TLS_LISTENER,
		 "error:2 Security/TlsFloorDate: \"2027-02-29\" is no day; write YYYY-MM-DD"},
		{"TlsFloor=TLSv1.2\nTlsFloorDate=1.3.2027", TLS_LISTENER, "error:2 "},
		{"TlsFloor=TLSv1.2\nTlsFloorDate=2027-3-01", TLS_LISTENER, "error:2 "},
		{"TlsFloor=TLSv1.2\nTlsFloorDate=0000-01-01", TLS_LISTENER, "error:2 "},
		/* Right values that do nothing. */
		{"TlsFloorMode=observe", TLS_LISTENER,
		 "warning:1 Security/TlsFloorMode: has no effect without TlsFloor"},
		{"TlsFloorDate=2027-03-01", TLS_LISTENER,
		 "warning:1 Security/TlsFloorDate: has no effect without TlsFloor|^floor TLS"},
		{"ServerTlsProtocols=TLSv1.2,TLSv1.3\nTlsFloor=TLSv1.2", TLS_LISTENER,
		 "warning:2 Security/TlsFloor: has no effect for the service: of the protocols "
		 "admitted (TLSv1.2 and TLSv1.3) none lies below it"},
		{"ServerTlsProtocols=TLSv1,TLSv1.1\nTlsFloor=TLSv1.2", TLS_LISTENER,
		 "warning:2 Security/TlsFloor: lies above every protocol that ServerTlsProtocols "
		 "(line 1) admits (TLSv1 and TLSv1.1): the service would have every session below"},
		{"ServerTlsProtocols=TLSv1,TLSv1.1\nTlsFloor=TLSv1.2\nTlsFloorMode=handshake",
		 TLS_LISTENER, "error:2 Security/TlsFloor: lies above|would refuse everybody"},
		/* The day would come when nobody is left. */
		{"ServerTlsProtocols=TLSv1,TLSv1.1\nTlsFloor=TLSv1.2\nTlsFloorDate=2027-01-01",
		 TLS_LISTENER, "error:2 Security/TlsFloor: lies above|would refuse everybody"},
		{"TlsFloor=TLSv1.2\nTlsFloorMode=handshake\nTlsFloorDate=2027-01-01",
		 TLS_LISTENER,
		 "warning:3 Security/TlsFloorDate: has no effect: handshake is the last rung"},
		/* What is cut from the middle of a list with a hole is no hole. */
		{"ServerTlsProtocols=TLSv1,TLSv1.2,TLSv1.3\nTlsFloor=TLSv1.2\n"
		 "TlsFloorMode=handshake",
		 TLS_LISTENER, "protocols TLSv1.2, TLSv1.3|holes []|^has a hole"},
	};

	RUN(cases);
}

static void floor_expect_at(const char *variables, int64_t now_s, const char *expected)
{
	struct outcome outcome;

	outcome_make_at(&outcome, catalog, variables, TLS_LISTENER, now_s);
	outcome_expect(variables, &outcome.text, expected);
	outcome_done(&outcome);
}

/* One rung, once, at the first second of the day. */
static void test_the_day_of_a_floor(void **state)
{
	static const char observed[] = "TlsFloor=TLSv1.2\nTlsFloorDate=2027-03-01";
	static const char smtp[] =
		"@TlsFloor=TLSv1.2\nTlsFloorMode=observe\nTlsFloorDate=2027-03-01";
	static const char reply[] =
		"@TlsFloor=TLSv1.2\nTlsFloorMode=reply\nTlsFloorDate=2027-03-01";
	int64_t day_s;

	assert_true(clock_local_midnight(2027, 3, 1, &day_s));
	floor_expect_at(observed, day_s - 1,
			ALL_FOUR "|floor TLSv1.2 observe|later protocols TLSv1.2, TLSv1.3\n"
				 "later floor TLSv1.2 handshake written observe date 20270301|"
				 "note:2 Security/TlsFloorDate: at 00:00 local time of that day "
				 "the rung moves from observe to handshake, once");
	floor_expect_at(observed, day_s,
			"protocols TLSv1.2, TLSv1.3\nmin|"
			"floor TLSv1.2 handshake written observe|^later|"
			"note:2 Security/TlsFloorDate: the day has come: the rung is handshake "
			"now, not observe. To say the same without the date, write TlsFloorMode "
			"handshake");
	floor_expect_at(smtp, day_s - 1, "floor TLSv1.2 observe|later floor TLSv1.2 reply");
	floor_expect_at(smtp, day_s, "floor TLSv1.2 reply written observe|^later");
	/* Years later it is still one rung. */
	floor_expect_at(smtp, day_s + INT64_C(100000000), "floor TLSv1.2 reply|^later");
	floor_expect_at(reply, day_s - 1, "floor TLSv1.2 reply|later floor TLSv1.2 handshake");
	floor_expect_at(reply, day_s, "floor TLSv1.2 handshake written reply|^later");
}

static void test_a_rung_has_a_session_text_of_its_own(void **state)
{
	struct outcome before, after;
	int64_t day_s;

	assert_true(clock_local_midnight(2027, 3, 1, &day_s));
	outcome_make_at(&before, catalog, "@TlsFloor=TLSv1.2\nTlsFloorDate=2027-03-01",
			TLS_LISTENER, day_s - 1);
	outcome_make_at(&after, catalog, "@TlsFloor=TLSv1.2\nTlsFloorDate=2027-03-01",
			TLS_LISTENER, day_s);
	assert_false(str_equals(before.policy.text, after.policy.text));
	/* A restart after the day makes the same tickets. */
	assert_true(str_equals(before.policy.later->text, after.policy.text));
	assert_ptr_equal(tls_policy_at(&before.policy, day_s - 1), &before.policy);
	assert_ptr_equal(tls_policy_at(&before.policy, day_s), before.policy.later);
	/* Where no MAIL can be refused, reply is observe, and nothing moves that day. */
	struct tls_policy users =
		policy_fit(&before.policy, (struct policy_ends){.session_tickets = true},
			   &before.arena);
	assert_int_equal(users.floor.rung, TLS_RUNG_OBSERVE);
	assert_null(users.later);
	outcome_done(&before);
	outcome_done(&after);
}

static size_t negotiable_count(const char *variables, bool rsa, bool ecdsa)
{
	const struct suite *suites[SUITE_CATALOG_MAX];
	struct outcome outcome;

	outcome_make(&outcome, catalog, variables, TLS_LISTENER);
	size_t count = tls_policy_negotiable(
		&outcome.policy, catalog,
		(struct tls_certificates){.has_rsa = rsa, .has_ecdsa = ecdsa}, suites);
	outcome_done(&outcome);
	return count;
}

static void test_what_certificates_leave(void **state)
{
	const char *one_each = "ServerTlsCiphers=ECDHE-RSA-AES128-GCM-SHA256:"
			       "ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256";

	assert_int_equal(negotiable_count(one_each, true, true), 3);
	assert_int_equal(negotiable_count(one_each, true, false), 2);
	assert_int_equal(negotiable_count(one_each, false, true), 2);
	assert_int_equal(negotiable_count(one_each, false, false), 0);
}

static int catalog_open(void **state)
{
	catalog = tls_catalog_new();
	return 0;
}

static int catalog_close(void **state)
{
	tls_catalog_free(&catalog);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_1_empty_or_absent_protocols_are_all_four),
		cmocka_unit_test(test_protocol_lists),
		cmocka_unit_test(test_rule_2_empty_ciphers_are_the_documented_string),
		cmocka_unit_test(test_rule_3_names_of_both_kinds),
		cmocka_unit_test(test_rule_3_tls13_names_steer_the_tls13_list),
		cmocka_unit_test(test_refusals_are_told_to_the_caller),
		cmocka_unit_test(test_rule_4_nothing_anonymous),
		cmocka_unit_test(test_rule_5_relaxes_only_what_is_named),
		cmocka_unit_test(test_rule_6_holes),
		cmocka_unit_test(test_rule_7_sslv3_and_lists_that_leave_nothing),
		cmocka_unit_test(test_rule_8_protocols_without_a_suite),
		cmocka_unit_test(test_rule_9_ephemeral_dh),
		cmocka_unit_test(test_old_switch_is_inverted),
		cmocka_unit_test(test_preference_and_fragments),
		cmocka_unit_test(test_aliases_built_in),
		cmocka_unit_test(test_unknown_and_double_variables),
		cmocka_unit_test(test_groups_of_newer_libraries_come_first),
		cmocka_unit_test(test_what_the_library_calls_weak_is_not_offered),
		cmocka_unit_test(test_session_text_tells_policies_apart),
		cmocka_unit_test(test_floors),
		cmocka_unit_test(test_the_day_of_a_floor),
		cmocka_unit_test(test_a_rung_has_a_session_text_of_its_own),
		cmocka_unit_test(test_what_certificates_leave),
	};

	return cmocka_run_group_tests(tests, catalog_open, catalog_close);
}
