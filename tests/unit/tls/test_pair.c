/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/pair, tls/request and tls/served: what people bring, what is asked of a CA, who gets what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "fixture.h"
#include "tls/pair.h"
#include "tls/request.h"
#include "tls/served.h"

enum { WHY_MAX = 4096, ENDLESS = 0x7fffffff };

static void test_a_chain_is_made_for_a_key_that_is_elsewhere(void **state)
{
	CLEANUP_BUF struct buf pile = BUF_INIT(TLS_PEM_MAX), why = BUF_INIT(WHY_MAX);
	struct tls_certificate *made = NULL;
	struct tls_pair pair = {0};
	unsigned char nobody[TLS_KEY_ID_BYTES] = {1};

	buf_append_str(&pile, buf_str(&world.rsa_pem.chain));
	buf_append_str(&pile, buf_str(&world.ec_pem.chain));
	struct tls_pair_parts parts = {.certificates = buf_str(&pile)};
	assert_int_equal(tls_chain_assemble(&parts, nobody, &pair, &why), FAULT_INVALID);
	assert_true(why.len > 0);
	buf_reset(&why);
	assert_int_equal(tls_chain_assemble(&parts, tls_certificate_key_id(world.ec), &pair, &why),
			 FAULT_NONE);
	assert_int_equal(pair.key.len, 0);
	assert_int_equal(tls_certificate_parse(buf_str(&pair.chain), &why, &made), FAULT_NONE);
	assert_memory_equal(tls_certificate_key_id(made), tls_certificate_key_id(world.ec),
			    TLS_KEY_ID_BYTES);
	tls_certificate_unref(&made);
	tls_pair_done(&pair);
}

static EVP_PKEY *ec_key(void)
{
	BIO *bio = BIO_new_mem_buf(world.ec_pem.key.data, (int)world.ec_pem.key.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	return key;
}

static enum fault assemble(struct str key, const char *password, struct tls_pair *pair)
{
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);
	CLEANUP_SECRET struct secret secret = {0};
	struct tls_pair_parts parts = {.key = key,
				       .certificates = buf_str(&world.ec_pem.chain),
				       .password = password == NULL ? NULL : &secret};

	if (password != NULL)
		assert_true(secret_set(&secret, str_from_c(password)));
	enum fault fault = tls_pair_assemble(&parts, pair, &why);
	assert_int_equal(fault == FAULT_NONE, why.len == 0);
	return fault;
}

static void test_a_password_opens_a_key(void **state)
{
	EVP_PKEY *key = ec_key();
	BIO *out = BIO_new(BIO_s_mem());
	struct tls_pair pair = {0};
	char *bytes;

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), "secret", 6,
						       NULL, NULL),
			 1);
	long len = BIO_get_mem_data(out, &bytes);
	struct str locked = str_make(bytes, (size_t)len);
	assert_int_equal(assemble(locked, NULL, &pair), FAULT_DENIED);
	assert_int_equal(assemble(locked, "", &pair), FAULT_DENIED);
	assert_int_equal(assemble(locked, "other", &pair), FAULT_DENIED);
	assert_int_equal(assemble(STR("nothing"), "secret", &pair), FAULT_INVALID);
	assert_int_equal(assemble(locked, "secret", &pair), FAULT_NONE);
	assert_true(str_equals(buf_str(&pair.key), buf_str(&world.ec_pem.key)));
	tls_pair_done(&pair);
	BIO_free(out);
	EVP_PKEY_free(key);
}

/* A PKCS#12 file whose MAC asks for so many rounds; 0: as it was made. */
static struct str pkcs12_make(long rounds, unsigned char **der)
{
	EVP_PKEY *key = ec_key();
	PKCS12 *made = PKCS12_create("secret", "name", key, tls_certificate_leaf(world.ec), NULL, 0,
				     0, 0, 0, 0);
	const ASN1_INTEGER *count = NULL;

	PKCS12_get0_mac(NULL, NULL, NULL, &count, made);
	if (rounds > 0)
		assert_int_equal(ASN1_INTEGER_set((ASN1_INTEGER *)count, rounds), 1);
	*der = NULL;
	int len = i2d_PKCS12(made, der);
	PKCS12_free(made);
	EVP_PKEY_free(key);
	return str_make(*der, (size_t)len);
}

static void test_a_pkcs12_file_opens_in_bounded_time(void **state)
{
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);
	struct tls_pair pair = {0};
	unsigned char *der;
	struct str file = pkcs12_make(0, &der);

	assert_int_equal(tls_pair_from_pkcs12(file, "", &pair, &why), FAULT_DENIED);
	assert_int_equal(tls_pair_from_pkcs12(file, "other", &pair, &why), FAULT_DENIED);
	assert_int_equal(tls_pair_from_pkcs12(file, "secret", &pair, &why), FAULT_NONE);
	assert_true(pair.key.len > 0 && pair.chain.len > 0);
	tls_pair_done(&pair);
	assert_int_equal(tls_pair_from_pkcs12(str_sub(file, 0, file.len - 9), "secret", &pair, &why),
			 FAULT_INVALID);
	OPENSSL_free(der);
	file = pkcs12_make(ENDLESS, &der);
	buf_reset(&why);
	assert_int_equal(tls_pair_from_pkcs12(file, "secret", &pair, &why), FAULT_INVALID);
	assert_true(str_find(buf_str(&why), STR("rounds")) != STR_NONE);
	OPENSSL_free(der);
	ERR_clear_error();
}

static void request_try(bool is_rsa)
{
	const struct str names[] = {STR_INIT("mail.example.test"), STR_INIT("*.example.test")};
	CLEANUP_BUF struct buf pem = BUF_INIT(TLS_PEM_MAX), why = BUF_INIT(WHY_MAX);
	CLEANUP_BUF struct buf hosts = BUF_INIT(WHY_MAX);
	struct buf key = BUF_INIT(TLS_PEM_MAX);
	struct tls_request_facts facts;
	unsigned char id[TLS_KEY_ID_BYTES];
	struct key_ring *ring = key_ring_new();

	assert_int_equal(tls_request_key_make(is_rsa, &key), FAULT_NONE);
	assert_int_equal(tls_request_make(buf_str(&key), names, 2, &pem, &why), FAULT_NONE);
	assert_true(tls_request_read(buf_str(&pem), &facts, &hosts));
	assert_true(str_equals(buf_str(&hosts), STR("mail.example.test\n*.example.test\n")));
	assert_int_equal(facts.kind, is_rsa ? TLS_KEY_RSA : TLS_KEY_EC);
	assert_int_equal(facts.bits, is_rsa ? 2048 : 256);
	assert_int_equal(key_ring_add(ring, 1, 1, buf_str(&key), id, &why), FAULT_NONE);
	assert_memory_equal(facts.key_id, id, TLS_KEY_ID_BYTES);
	assert_int_equal(tls_request_make(buf_str(&key), names, 0, &pem, &why), FAULT_INVALID);
	key_ring_free(&ring);
	buf_wipe(&key);
}

static void test_a_request_tells_whose_key_it_is(void **state)
{
	CLEANUP_BUF struct buf hosts = BUF_INIT(WHY_MAX);
	struct tls_request_facts facts;

	request_try(false);
	request_try(true);
	assert_false(tls_request_read(STR(""), &facts, &hosts));
	assert_false(tls_request_read(buf_str(&world.ec_pem.chain), &facts, &hosts));
}

static void test_a_named_one_goes_before_the_defaults(void **state)
{
	const struct tls_served standing = {world.rsa, true}, named = {world.ec, false};
	struct str host = STR("mail.example.test"), other = STR("other.example.test");
	int best = tls_served_rank(&named, host);

	assert_true(best > 0 && !tls_served_is_default(best));
	assert_true(tls_served_is_chosen(&named, host, best));
	assert_false(tls_served_is_chosen(&standing, host, best));
	/* A default that fits as well stays. */
	best = tls_served_rank(&standing, host);
	assert_true(best > tls_served_rank(&named, host) && tls_served_is_default(best));
	assert_true(tls_served_is_chosen(&standing, host, best));
	assert_false(tls_served_is_chosen(&named, host, best));
	/* Nobody fits, or nobody is asked for. */
	assert_int_equal(tls_served_rank(&named, other), 0);
	assert_int_equal(tls_served_rank(&standing, STR("")), 0);
	assert_true(tls_served_is_chosen(&standing, other, 0));
	assert_false(tls_served_is_chosen(&named, other, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_chain_is_made_for_a_key_that_is_elsewhere),
		cmocka_unit_test(test_a_password_opens_a_key),
		cmocka_unit_test(test_a_pkcs12_file_opens_in_bounded_time),
		cmocka_unit_test(test_a_request_tells_whose_key_it_is),
		cmocka_unit_test(test_a_named_one_goes_before_the_defaults),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
