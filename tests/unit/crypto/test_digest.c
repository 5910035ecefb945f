/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of crypto/digest and crypto/mac, against the examples of FIPS 180-4 and RFC 4231. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/mac.h"

static void assert_hex(const unsigned char *bytes, size_t len, const char *expected)
{
	struct buf hex = BUF_INIT(256);

	hex_encode(&hex, str_make(bytes, len));
	buf_append_char(&hex, '\0');
	assert_string_equal(hex.data, expected);
	buf_done(&hex);
}

static void test_sha256_gives_the_published_digests(void **state)
{
	unsigned char digest[SHA256_BYTES];

	sha256(STR("abc"), digest);
	assert_hex(digest, sizeof(digest),
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256(str_make(NULL, 0), digest);
	assert_hex(digest, sizeof(digest),
		   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_pieces_give_the_digest_of_the_whole(void **state)
{
	unsigned char whole[SHA256_BYTES], pieces[SHA256_BYTES];
	struct sha256 sha;

	sha256(STR("abc"), whole);
	sha256_init(&sha);
	sha256_update(&sha, STR("a"));
	sha256_update(&sha, STR("bc"));
	sha256_final(&sha, pieces);
	assert_memory_equal(whole, pieces, sizeof(whole));
	sha256_done(&sha);
}

static void framed(struct str a, struct str b, unsigned char digest_out[SHA256_BYTES])
{
	struct sha256 sha;

	sha256_init(&sha);
	sha256_update_framed(&sha, a);
	sha256_update_framed(&sha, b);
	sha256_final(&sha, digest_out);
}

static void test_framed_neighbours_do_not_run_into_each_other(void **state)
{
	unsigned char one[SHA256_BYTES], other[SHA256_BYTES];

	framed(STR("ab"), STR("c"), one);
	framed(STR("a"), STR("bc"), other);
	assert_memory_not_equal(one, other, sizeof(one));
}

static void test_hmac_gives_the_published_codes(void **state)
{
	unsigned char code[MAC_BYTES];
	char long_key[131];

	mac_compute_under(STR("Jefe"), STR("what do ya want for nothing?"), code);
	assert_hex(code, sizeof(code),
		   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(long_key, 0xaa, sizeof(long_key));
	mac_compute_under(str_make(long_key, sizeof(long_key)),
			  STR("Test Using Larger Than Block-Size Key - Hash Key First"), code);
	assert_hex(code, sizeof(code),
		   "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_hmac_takes_an_empty_key_and_message(void **state)
{
	unsigned char code[MAC_BYTES];

	mac_compute_under(str_make(NULL, 0), str_make(NULL, 0), code);
	assert_hex(code, sizeof(code),
		   "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256_gives_the_published_digests),
		cmocka_unit_test(test_pieces_give_the_digest_of_the_whole),
		cmocka_unit_test(test_framed_neighbours_do_not_run_into_each_other),
		cmocka_unit_test(test_hmac_gives_the_published_codes),
		cmocka_unit_test(test_hmac_takes_an_empty_key_and_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
