/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"

/* The authors' vectors: key 00..0f, input 00, 01, ... of the given length. */
static void test_siphash_official_vectors(void **state)
{
	const struct {
		size_t len;
		uint64_t hash;
	} vectors[] = {
		{0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd}, {2, 0x0d6c8009d9a94f5a},
		{3, 0x85676696d7fb7e2d},  {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5},
	};
	const struct hash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	char input[16];

	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = (char)i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_true(hash_keyed(&key, str_make(input, vectors[i].len)) == vectors[i].hash);
}

static void test_keys_differ(void **state)
{
	struct hash_key one;
	struct hash_key two;

	hash_key_init(&one);
	hash_key_init(&two);
	assert_true(hash_keyed(&one, STR("same")) != hash_keyed(&two, STR("same")));
}

/* RFC 3720 appendix B.4, and the check value of the catalogues. */
static void test_crc32c_official_vectors(void **state)
{
	char bytes[32];

	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(crc32c(0, str_make(bytes, 32)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(crc32c(0, str_make(bytes, 32)), 0x62a8ab43);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	assert_int_equal(crc32c(0, str_make(bytes, 32)), 0x46dd794e);
	assert_int_equal(crc32c(0, STR("123456789")), 0xe3069283);
	assert_int_equal(crc32c(0, STR("")), 0);
}

static void test_crc32c_goes_on_from_its_seed(void **state)
{
	assert_int_equal(crc32c(crc32c(0, STR("1234")), STR("56789")), 0xe3069283);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_official_vectors),
		cmocka_unit_test(test_keys_differ),
		cmocka_unit_test(test_crc32c_official_vectors),
		cmocka_unit_test(test_crc32c_goes_on_from_its_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
