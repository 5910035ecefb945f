/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of acme/renewal: when a certificate is due, and the pauses between failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/renewal.h"

enum { DAY_S = 24 * 3600, NOW = 1800000000 };

static void test_due_by_days(void **state)
{
	assert_int_equal(acme_due_s(NOW, NOW + 90LL * DAY_S, 30), NOW + 60LL * DAY_S);
	assert_int_equal(acme_due_s(NOW, NOW + 398LL * DAY_S, 30), NOW + 368LL * DAY_S);
	assert_int_equal(acme_due_s(NOW, NOW + 90LL * DAY_S, 0), NOW + 90LL * DAY_S);
}

static void test_a_short_life_is_renewed_in_its_last_third(void **state)
{
	assert_int_equal(acme_due_s(NOW, NOW + 6LL * DAY_S, 30), NOW + 4LL * DAY_S);
	assert_int_equal(acme_due_s(NOW, NOW + 3 * 3600, 30), NOW + 2 * 3600);
	assert_int_equal(acme_due_s(NOW, NOW + 45LL * DAY_S, 30), NOW + 30LL * DAY_S);
	/* A certificate that makes no sense is due at its end. */
	assert_int_equal(acme_due_s(NOW, NOW - 5, 30), NOW - 5);
}

static void test_pauses_double_up_to_a_day(void **state)
{
	int64_t nominal = ACME_PAUSE_MIN_S;

	for (unsigned failures = 1; failures < 40; failures++) {
		assert_int_equal(acme_retry_s(NOW, failures, 0, 0), NOW + nominal);
		for (uint64_t random = 1; random < 100000; random = random * 7 + 3) {
			int64_t at = acme_retry_s(NOW, failures, 0, random);
			assert_in_range(at - NOW, nominal, nominal + nominal / 4);
		}
		nominal = nominal * 2 > ACME_PAUSE_MAX_S ? ACME_PAUSE_MAX_S : nominal * 2;
	}
	assert_int_equal(nominal, ACME_PAUSE_MAX_S);
	assert_int_equal(acme_retry_s(NOW, UINT32_MAX, 0, 0), NOW + ACME_PAUSE_MAX_S);
}

static void test_the_ca_may_want_a_longer_pause(void **state)
{
	assert_int_equal(acme_retry_s(NOW, 1, 3600, 0), NOW + 3600);
	assert_int_equal(acme_retry_s(NOW, 1, 10, 0), NOW + ACME_PAUSE_MIN_S);
	/* But not for ever. */
	assert_int_equal(acme_retry_s(NOW, 1, INT64_MAX, 0), NOW + ACME_PAUSE_MAX_S);
}

/* ---- what a row is worth with what is in force */

static struct tls_pair rsa_pem, ec_pem;

static int pairs_make(void **state)
{
	struct buf why = BUF_INIT(256);

	return tls_pairs_make(STR("mail.a.example"), &rsa_pem, &ec_pem, &why) == FAULT_NONE ? 0 : -1;
}

static int pairs_drop(void **state)
{
	tls_pair_done(&rsa_pem);
	tls_pair_done(&ec_pem);
	return 0;
}

/* With its root behind it, as it was made; or the leaf alone, as of a CA elsewhere. */
static struct tls_certificate *certificate_read(const struct tls_pair *pair, bool with_root)
{
	static const struct str end = STR_INIT("-----END CERTIFICATE-----\n");
	struct str chain = buf_str(&pair->chain);
	struct tls_certificate *certificate = NULL;
	struct buf why = BUF_INIT(256);

	if (!with_root)
		chain = str_sub(chain, 0, str_find(chain, end) + end.len);
	assert_int_equal(tls_certificate_parse(chain, &why, &certificate), FAULT_NONE);
	return certificate;
}

static int64_t wanted(const char *domain, bool is_rsa, const struct tls_certificate *present)
{
	struct str domains[] = {str_from_c(domain)};
	struct acme_certificate row = {.domains = domains, .domain_count = 1, .is_rsa = is_rsa};

	return acme_wanted_s(&row, present, 30, 12345);
}

static void test_what_is_not_made_for_the_row_is_wanted_at_once(void **state)
{
	struct tls_certificate *of_the_house = certificate_read(&ec_pem, true);
	struct tls_certificate *certificate = certificate_read(&ec_pem, false);

	assert_int_equal(wanted("mail.a.example", false, NULL), 0);
	assert_int_equal(wanted("mail.a.example", false, of_the_house), 0);
	assert_int_equal(wanted("b.example", false, certificate), 0);
	assert_int_equal(wanted("mail.a.example", true, certificate), 0);
	int64_t due = wanted("mail.a.example", false, certificate);
	int64_t nominal = acme_due_s(tls_certificate_not_before(certificate),
				     tls_certificate_not_after(certificate), 30);
	assert_in_range(due - nominal, 0, ACME_JITTER_MAX_S);
	assert_true(due < tls_certificate_not_after(certificate));
	tls_certificate_unref(&of_the_house);
	tls_certificate_unref(&certificate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due_by_days),
		cmocka_unit_test(test_a_short_life_is_renewed_in_its_last_third),
		cmocka_unit_test(test_pauses_double_up_to_a_day),
		cmocka_unit_test(test_the_ca_may_want_a_longer_pause),
		cmocka_unit_test(test_what_is_not_made_for_the_row_is_wanted_at_once),
	};

	return cmocka_run_group_tests(tests, pairs_make, pairs_drop);
}
