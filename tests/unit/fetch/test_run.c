/* SPDX-License-Identifier: Apache-2.0 */
/* How a visit went, kept and read again; and under which name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetch/run.h"

static void test_a_run_comes_back(void **state)
{
	struct fetch_run run = {.begun_s = 1,
				.ended_s = 2,
				.next_s = 3,
				.failures = 4,
				.fetched = 5,
				.bytes = 6,
				.deleted = 7,
				.left = 8,
				.why = STR("why not"),
				.tls = STR("TLSv1.3")};
	struct fetch_run got;
	struct buf text = BUF_INIT(FETCHED_RUN_MAX);

	fetch_run_put(&text, &run);
	assert_true(fetch_run_take(buf_str(&text), &got));
	assert_int_equal(got.begun_s, 1);
	assert_int_equal(got.ended_s, 2);
	assert_int_equal(got.next_s, 3);
	assert_int_equal(got.failures, 4);
	assert_int_equal(got.fetched, 5);
	assert_int_equal(got.bytes, 6);
	assert_int_equal(got.deleted, 7);
	assert_int_equal(got.left, 8);
	assert_true(str_equals(got.why, run.why));
	assert_true(str_equals(got.tls, run.tls));
	for (size_t len = 0; len < text.len; len++)
		assert_false(fetch_run_take(str_sub(buf_str(&text), 0, len), &got));
	text.data[0] = 9;
	assert_false(fetch_run_take(buf_str(&text), &got));
	buf_done(&text);
}

static void source(const char *host, const char *user, unsigned char to[FETCHED_SOURCE_BYTES])
{
	struct pop3_account account = {.host = str_from_c(host), .user = str_from_c(user)};

	fetch_source_make(&account, to);
}

static void test_a_source_is_host_and_user(void **state)
{
	unsigned char one[FETCHED_SOURCE_BYTES], other[FETCHED_SOURCE_BYTES];

	source("pop.example", "u", one);
	source("POP.Example", "u", other);
	assert_memory_equal(one, other, sizeof(one));
	source("pop.example", "U", other);
	assert_memory_not_equal(one, other, sizeof(one));
	source("pop.exampleu", "", other);
	assert_memory_not_equal(one, other, sizeof(one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_run_comes_back),
		cmocka_unit_test(test_a_source_is_host_and_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
