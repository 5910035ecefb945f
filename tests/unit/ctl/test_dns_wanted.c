/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/dns_wanted.h"

static void test_comparisons(void **state)
{
	static const struct {
		enum dns_type type;
		enum dns_compare compare;
		const char *value;
		const char *found;
		enum dns_status status;
	} cases[] = {
		{DNS_MX, DNS_COMPARE_TARGET, "10 mx.example.", "", DNS_STATUS_MISSING},
		{DNS_MX, DNS_COMPARE_TARGET, "10 mx.example.", "5 a.\n20 MX.example.\n7 b.\n",
		 DNS_STATUS_PUBLISHED},
		{DNS_MX, DNS_COMPARE_TARGET, "10 mx.example.", "10 other.\n", DNS_STATUS_OTHER},
		{DNS_SRV, DNS_COMPARE_TARGET, "0 1 993 a.", "9 9 993 a.\n", DNS_STATUS_PUBLISHED},
		{DNS_SRV, DNS_COMPARE_TARGET, "0 1 993 a.", "0 1 143 a.\n", DNS_STATUS_OTHER},
		{DNS_SRV, DNS_COMPARE_TARGET, "0 1 993 a.", "0\n", DNS_STATUS_OTHER},
		{DNS_CAA, DNS_COMPARE_TARGET, "0 issue \"ca\"", "128 issue \"ca\"\n",
		 DNS_STATUS_PUBLISHED},
		{DNS_A, DNS_COMPARE_ANY, "", "192.0.2.1\n", DNS_STATUS_PUBLISHED},
		{DNS_A, DNS_COMPARE_ANY, "", "", DNS_STATUS_MISSING},
		{DNS_TXT, DNS_COMPARE_SPF, "v=spf1 mx -all", "\"x\"\n\"v=spf1 mx -all\"\n",
		 DNS_STATUS_PUBLISHED},
		{DNS_TXT, DNS_COMPARE_SPF, "v=spf1 mx -all", "\"v=spf1 a\"\n\"x\"\n",
		 DNS_STATUS_OTHER},
		{DNS_TXT, DNS_COMPARE_SPF, "v=spf1 mx -all", "\"x\"\n\n\"\n", DNS_STATUS_MISSING},
		{DNS_TXT, DNS_COMPARE_DMARC, "v=DMARC1; p=none", "\"v=DMARC1; p=reject\"\n",
		 DNS_STATUS_PUBLISHED},
		{DNS_TXT, DNS_COMPARE_DKIM, "v=DKIM1; k=ed25519; p=QUJD",
		 "\"v=DKIM1; k=ed25519; p=QUJD\"\n", DNS_STATUS_PUBLISHED},
		{DNS_TXT, DNS_COMPARE_DKIM, "v=DKIM1; k=ed25519; p=QUJD",
		 "\"v=DKIM1; k=ed25519; p=QUJE\"\n", DNS_STATUS_OTHER},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_wanted_record record = {.type = cases[i].type,
						   .compare = cases[i].compare};
		assert_true(
			str_copy_c(str_from_c(cases[i].value), record.value, sizeof(record.value)));
		enum dns_status status = dns_wanted_compare(&record, str_from_c(cases[i].found));
		if (status != cases[i].status)
			fail_msg("case %zu: %s", i, dns_status_name(status));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_comparisons)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
