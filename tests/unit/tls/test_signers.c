/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/signers: what is prepared is used again, and goes with its key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "crypto/library.h"
#include "tls/signers.h"

enum { ECDSA_SHA256 = 0x0403, ECDSA_SHA384 = 0x0503, RSA_PSS_SHA256 = 0x0804, MANY = 200 };

static EVP_PKEY *key_new(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(crypto_library(), "provider=default", "EC", "P-256");

	assert_non_null(key);
	return key;
}

static struct signer taken(struct signers *signers, EVP_PKEY *key, uint32_t scheme)
{
	struct signer signer;

	assert_true(signers_take(signers, key, sign_scheme_by_number(scheme), &signer));
	assert_non_null(signer.context);
	return signer;
}

static void test_what_was_given_back_is_taken_again(void **state)
{
	struct signers *signers = signers_new();
	EVP_PKEY *key = key_new(), *other = key_new();
	struct signer first = taken(signers, key, ECDSA_SHA256);

	signers_give(signers, first);
	/* Another scheme and another key are something else. */
	struct signer longer = taken(signers, key, ECDSA_SHA384);
	struct signer foreign = taken(signers, other, ECDSA_SHA256);
	assert_ptr_not_equal(longer.context, first.context);
	assert_ptr_not_equal(foreign.context, first.context);
	struct signer again = taken(signers, key, ECDSA_SHA256);
	assert_ptr_equal(again.context, first.context);
	/* It is out: nobody else gets it meanwhile. */
	struct signer beside = taken(signers, key, ECDSA_SHA256);
	assert_ptr_not_equal(beside.context, again.context);
	signer_done(&longer);
	signer_done(&foreign);
	signer_done(&again);
	signer_done(&beside);
	signers_free(&signers);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void test_a_forgotten_key_is_let_go(void **state)
{
	struct signers *signers = signers_new();
	EVP_PKEY *key = key_new(), *other = key_new();
	struct signer kept = taken(signers, other, ECDSA_SHA256);

	for (int i = 0; i < 3; i++) {
		struct signer one = taken(signers, key, ECDSA_SHA256);
		struct signer two = taken(signers, key, ECDSA_SHA384);
		signers_give(signers, one);
		signers_give(signers, two);
	}
	signers_give(signers, kept);
	assert_int_equal(signers_count(signers), 3);
	signers_forget(signers, key);
	assert_int_equal(signers_count(signers), 1);
	EVP_PKEY_free(key);
	struct signer again = taken(signers, other, ECDSA_SHA256);
	assert_ptr_equal(again.context, kept.context);
	signer_done(&again);
	signers_free(&signers);
	EVP_PKEY_free(other);
}

static void test_there_is_an_end_to_what_is_kept(void **state)
{
	static struct signer all[MANY];
	struct signers *signers = signers_new();
	EVP_PKEY *key = key_new();

	for (size_t i = 0; i < MANY; i++)
		all[i] = taken(signers, key, ECDSA_SHA256);
	for (size_t i = 0; i < MANY; i++)
		signers_give(signers, all[i]);
	assert_in_range(signers_count(signers), 16, MANY - 1);
	struct signer last = taken(signers, key, ECDSA_SHA256);
	signers_give(signers, last);
	signers_forget(signers, key);
	assert_int_equal(signers_count(signers), 0);
	signers_free(&signers);
	EVP_PKEY_free(key);
}

static void test_what_does_not_fit_is_not_prepared(void **state)
{
	struct signers *signers = signers_new();
	EVP_PKEY *key = key_new();
	struct signer signer;

	assert_false(signers_take(signers, key, sign_scheme_by_number(RSA_PSS_SHA256), &signer));
	signers_free(&signers);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_given_back_is_taken_again),
		cmocka_unit_test(test_a_forgotten_key_is_let_go),
		cmocka_unit_test(test_there_is_an_end_to_what_is_kept),
		cmocka_unit_test(test_what_does_not_fit_is_not_prepared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
