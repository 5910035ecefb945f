/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of crypto/seal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "crypto/seal.h"

static struct seal_key key;
static struct buf sealed, plain;

static int setup(void **state)
{
	random_bytes(key.bytes, sizeof(key.bytes));
	sealed = BUF_INIT(1024);
	plain = BUF_INIT(1024);
	seal_bytes(&key, STR("for a"), STR("the secret"), &sealed);
	return 0;
}

static int teardown(void **state)
{
	buf_done(&sealed);
	buf_done(&plain);
	return 0;
}

static void test_it_comes_back(void **state)
{
	assert_int_equal(sealed.len, 10 + SEAL_OVERHEAD);
	assert_true(str_find(buf_str(&sealed), STR("secret")) == STR_NONE);
	assert_true(seal_open(&key, STR("for a"), buf_str(&sealed), &plain));
	assert_true(str_equals(buf_str(&plain), STR("the secret")));
}

static void test_every_bit_counts(void **state)
{
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 1;
		assert_false(seal_open(&key, STR("for a"), buf_str(&sealed), &plain));
		sealed.data[i] ^= 1;
	}
	assert_false(seal_open(&key, STR("for a"), str_sub(buf_str(&sealed), 0, sealed.len - 1),
			       &plain));
	assert_false(seal_open(&key, STR("for a"), STR(""), &plain));
	assert_int_equal(plain.len, 0);
}

static void test_it_is_for_one_thing_under_one_key(void **state)
{
	assert_false(seal_open(&key, STR("for b"), buf_str(&sealed), &plain));
	key.bytes[7] ^= 1;
	assert_false(seal_open(&key, STR("for a"), buf_str(&sealed), &plain));
}

static void test_no_two_are_alike(void **state)
{
	struct buf again = BUF_INIT(1024);

	seal_bytes(&key, STR("for a"), STR("the secret"), &again);
	assert_memory_not_equal(again.data, sealed.data, sealed.len);
	buf_done(&again);
}

static void test_nothing_can_be_sealed(void **state)
{
	buf_reset(&sealed);
	seal_bytes(&key, STR(""), STR(""), &sealed);
	assert_true(seal_open(&key, STR(""), buf_str(&sealed), &plain));
	assert_int_equal(plain.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_it_comes_back),
		TEST(test_every_bit_counts),
		TEST(test_it_is_for_one_thing_under_one_key),
		TEST(test_no_two_are_alike),
		TEST(test_nothing_can_be_sealed),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
