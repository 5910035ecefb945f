/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of mailq/counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mailq/counts.h"

static struct counts counts;
static struct buf text;

static int setup(void **state)
{
	counts = (struct counts){0};
	buf_init(&text, 16 * 1024);
	return 0;
}

static int teardown(void **state)
{
	buf_done(&text);
	return 0;
}

static bool says(const char *line)
{
	return str_find(buf_str(&text), str_from_c(line)) != STR_NONE;
}

static void test_a_summary(void **state)
{
	struct count_tls tls = {.is_reached = true,
				.rule = TLS_LEVEL_VERIFY,
				.is_active = true,
				.version = TLS_PROTOCOL_1_3};
	struct counts_summary sum;

	counts_add(&counts, &tls, COUNT_RELAYED);
	tls.rule = TLS_LEVEL_MAY;
	counts_add(&counts, &tls, COUNT_RELAYED);
	tls.version = TLS_PROTOCOL_1_0;
	counts_add(&counts, &tls, COUNT_RELAYED);
	tls.is_active = false;
	counts_add(&counts, &tls, COUNT_RELAYED);
	counts_add(&counts, &tls, COUNT_DELAYED);
	tls.is_reached = false;
	counts_add(&counts, &tls, COUNT_FAILED);
	counts_reason_add(&counts, COUNT_FAILED, false, STR("4.7.5"));
	counts_reason_add(&counts, COUNT_DELAYED, false, STR("4.4.3"));
	counts_queued_set(&counts, 12);
	counts_sum(&counts, &sum);
	assert_int_equal(sum.relayed_tls13, 2);
	assert_int_equal(sum.relayed_tls12, 0);
	assert_int_equal(sum.relayed_older, 1);
	assert_int_equal(sum.relayed_plain, 1);
	assert_int_equal(sum.delayed, 1);
	assert_int_equal(sum.failed, 1);
	assert_int_equal(sum.unsent_tls, 1);
	assert_int_equal(sum.queued, 12);
}

static void test_recipients_by_rule_version_and_result(void **state)
{
	struct count_tls tls = {.is_reached = true,
				.rule = TLS_LEVEL_VERIFY,
				.is_active = true,
				.version = TLS_PROTOCOL_1_3};

	counts_add(&counts, &tls, COUNT_RELAYED);
	counts_add(&counts, &tls, COUNT_RELAYED);
	counts_add(&counts, &tls, COUNT_FAILED);
	tls = (struct count_tls){.is_reached = true, .rule = TLS_LEVEL_MAY};
	counts_add(&counts, &tls, COUNT_RELAYED);
	tls = (struct count_tls){.is_reached = false};
	counts_add(&counts, &tls, COUNT_DELAYED);
	counts_append_prometheus(&counts, &text);
	assert_true(says(
		"\npostern_sent_total{rule=\"verify\",version=\"TLSv1.3\",result=\"relayed\"} 2\n"
		"postern_sent_total{rule=\"verify\",version=\"TLSv1.3\",result=\"failed\"} 1\n"));
	assert_true(says(
		"\npostern_sent_total{rule=\"may\",version=\"none\",result=\"relayed\"} 1\n"));
	assert_true(says(
		"\npostern_sent_total{rule=\"unreached\",version=\"none\",result=\"delayed\"} 1\n"));
	/* What never happened is not listed. */
	assert_false(says("TLSv1.2"));
}

static void test_reasons(void **state)
{
	static const struct {
		bool is_reply;
		const char *status;
		const char *line;
	} cases[] = {
		{true, "4.4.1", "{result=\"delayed\",reason=\"reply\"} 1\n"},
		{false, "4.4.3", "{result=\"delayed\",reason=\"dns\"} 1\n"},
		{false, "4.4.1", "{result=\"delayed\",reason=\"connection\"} 1\n"},
		{false, "4.4.2", "{result=\"delayed\",reason=\"session\"} 1\n"},
		{false, "4.7.5", "{result=\"delayed\",reason=\"tls\"} 1\n"},
		{false, "4.7.0", "{result=\"delayed\",reason=\"login\"} 1\n"},
		{false, "5.6.7", "{result=\"delayed\",reason=\"other\"} 1\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		counts_reason_add(&counts, COUNT_DELAYED, cases[i].is_reply,
				  str_from_c(cases[i].status));
	counts_reason_add(&counts, COUNT_FAILED, false, STR(""));
	counts_append_prometheus(&counts, &text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(says(cases[i].line));
	assert_true(says("\npostern_not_sent_total{result=\"failed\",reason=\"other\"} 1\n"));
}

static void test_all_of_them_fit_into_a_message(void **state)
{
	enum { METRICS_MAX = 32 * 1024, REST = 4 * 1024 };

	memset(&counts, 0xff, sizeof(counts));
	buf_done(&text);
	buf_init(&text, METRICS_MAX - REST);
	counts_append_prometheus(&counts, &text);
	assert_false(text.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_recipients_by_rule_version_and_result, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_summary, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_reasons, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_of_them_fit_into_a_message, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
