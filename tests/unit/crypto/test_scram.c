/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of crypto/scram, against the example of RFC 7677 section 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/encode.h"
#include "crypto/scram.h"

static const struct str SIGNED =
	STR_INIT("n=user,r=rOprNGfwEbeRWgbNEkqO,"
		 "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
		 "i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");

static void bytes_read(const char *base64, uint8_t *to, size_t len)
{
	struct buf bytes = BUF_INIT(64);

	assert_true(base64_decode(&bytes, str_from_c(base64)));
	assert_int_equal(bytes.len, len);
	memcpy(to, bytes.data, len);
	buf_done(&bytes);
}

static void example_make(const char *password, struct scram_verifier *verifier)
{
	uint8_t salt[SCRAM_SALT_BYTES];

	bytes_read("W22ZaJ0SNY7soEsUEjb6gQ==", salt, sizeof(salt));
	scram_verifier_make(str_from_c(password), salt, 4096, verifier);
}

static void test_the_published_exchange(void **state)
{
	struct scram_verifier verifier;
	uint8_t proof[SHA256_BYTES], expected[SHA256_BYTES], signature[SHA256_BYTES];

	example_make("pencil", &verifier);
	bytes_read("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", proof, sizeof(proof));
	assert_true(scram_proof_is_right(&verifier, SIGNED, proof));
	bytes_read("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", expected, sizeof(expected));
	scram_server_sign(&verifier, SIGNED, signature);
	assert_memory_equal(signature, expected, sizeof(expected));
}

static void test_anything_else_is_wrong(void **state)
{
	struct scram_verifier verifier, other;
	uint8_t proof[SHA256_BYTES];

	example_make("pencil", &verifier);
	example_make("pencils", &other);
	bytes_read("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", proof, sizeof(proof));
	assert_false(scram_proof_is_right(&other, SIGNED, proof));
	assert_false(scram_proof_is_right(&verifier, str_sub(SIGNED, 0, SIGNED.len - 1), proof));
	for (size_t i = 0; i < sizeof(proof); i++) {
		proof[i] ^= 1;
		assert_false(scram_proof_is_right(&verifier, SIGNED, proof));
		proof[i] ^= 1;
	}
	/* Whoever steals a verifier cannot send what is in it. */
	assert_false(scram_proof_is_right(&verifier, SIGNED, verifier.stored_key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_published_exchange),
		cmocka_unit_test(test_anything_else_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
