/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/scram: the messages of RFC 5802 section 5 and RFC 7677 section 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/encode.h"
#include "proto/scram.h"

#define NONCE "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define FINAL "c=biws,r=" NONCE
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static void assert_str(struct str text, const char *expected)
{
	if (!str_equals(text, str_from_c(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(text), expected);
}

static bool first_is_good(const char *message)
{
	struct scram_first first;

	return scram_first_parse(str_from_c(message), &first);
}

static bool final_is_good(const char *message)
{
	struct scram_final final;

	return scram_final_parse(str_from_c(message), &final);
}

static void test_first(void **state)
{
	struct scram_first first;

	assert_true(scram_first_parse(STR("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), &first));
	assert_int_equal(first.flag, SCRAM_UNABLE);
	assert_str(first.header, "n,,");
	assert_str(first.user, "user");
	assert_str(first.nonce, "rOprNGfwEbeRWgbNEkqO");
	assert_str(first.bare, "n=user,r=rOprNGfwEbeRWgbNEkqO");
	assert_true(str_is_empty(first.authorisation));
	assert_true(scram_first_parse(STR("p=tls-exporter,a=a=2Cb,n=a=2Cb,r=x,e=later,z=="), &first));
	assert_int_equal(first.flag, SCRAM_BOUND);
	assert_str(first.binding_name, "tls-exporter");
	assert_str(first.header, "p=tls-exporter,a=a=2Cb,");
	assert_str(first.authorisation, "a=2Cb");
	assert_str(first.bare, "n=a=2Cb,r=x,e=later,z==");
	assert_true(scram_first_parse(STR("y,,n=user,r=x"), &first));
	assert_int_equal(first.flag, SCRAM_UNOFFERED);
}

static void test_first_refuses(void **state)
{
	static const char *const wrong[] = {
		"", "n", "n,", "n,,", "n,,n=user", "n,,n=user,r=", "n,,n=,r=x", "n,,r=x,n=user",
		"x,,n=user,r=x", "p,,n=user,r=x", "p=,,n=user,r=x", "p=a b,,n=user,r=x",
		"n,a=,n=user,r=x", "n,b=user,n=user,r=x", "n,,n=user,r=x,", "n,,n=user,r=x,y",
		"n,,n=user,r=x,1=y", "n,,n=user,r=x,y=", "n,,m=need,n=user,r=x", "n,,n=us=er,r=x",
		"n,,n=user=,r=x", "n,,n=user=2c,r=x", "n,a==2,n=user,r=x", "n,,n=user,r=x y",
		"n,,n=user,r=\x7f", " n,,n=user,r=x", "N,,n=user,r=x",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (first_is_good(wrong[i]))
			fail_msg("\"%s\" was taken", wrong[i]);
	struct scram_first first;
	assert_false(scram_first_parse(STR("n,,n=us\0er,r=x"), &first));
}

static void test_nonce_is_bounded(void **state)
{
	struct buf message = BUF_INIT(2 * SCRAM_CLIENT_NONCE_MAX);
	struct scram_first first;

	buf_append_c(&message, "n,,n=user,r=");
	for (int i = 0; i < SCRAM_CLIENT_NONCE_MAX; i++)
		buf_append_char(&message, 'x');
	assert_true(scram_first_parse(buf_str(&message), &first));
	buf_append_char(&message, 'x');
	assert_false(scram_first_parse(buf_str(&message), &first));
	buf_done(&message);
}

static void test_names(void **state)
{
	struct buf name = BUF_INIT(64);

	assert_true(scram_name_append(&name, STR("a=2Cb=3Dc=3D2C")));
	assert_str(buf_str(&name), "a,b=c=2C");
	assert_false(scram_name_append(&name, STR("a=")));
	assert_false(scram_name_append(&name, STR("a=2")));
	assert_false(scram_name_append(&name, STR("a=2D")));
	buf_done(&name);
}

static void test_final(void **state)
{
	struct scram_final final;
	struct buf proof = BUF_INIT(64);

	assert_true(scram_final_parse(STR(FINAL ",p=" PROOF), &final));
	assert_str(final.binding, "biws");
	assert_str(final.nonce, NONCE);
	assert_str(final.without_proof, FINAL);
	assert_true(base64_decode(&proof, STR(PROOF)));
	assert_memory_equal(final.proof, proof.data, sizeof(final.proof));
	assert_true(scram_final_parse(STR(FINAL ",x=y,z=,,p=" PROOF), &final) == false);
	assert_true(scram_final_parse(STR(FINAL ",x=y,z=a,p=" PROOF), &final));
	assert_str(final.without_proof, FINAL ",x=y,z=a");
	buf_done(&proof);
}

static void test_final_refuses(void **state)
{
	static const char *const wrong[] = {
		"", "c=biws", FINAL, FINAL ",", FINAL ",p=", FINAL ",p=AAAA", FINAL ",p=!!!!",
		FINAL ",p=" PROOF ",x=y", FINAL ",p=" PROOF "AAAA", "r=" NONCE ",c=biws,p=" PROOF,
		"c=,r=" NONCE ",p=" PROOF, "c=biws,r=,p=" PROOF, FINAL ",x,p=" PROOF,
		FINAL ",p=" PROOF ",p=" PROOF,
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (final_is_good(wrong[i]))
			fail_msg("\"%s\" was taken", wrong[i]);
}

static void test_binding(void **state)
{
	assert_true(scram_binding_check(STR("biws"), STR("n,,"), STR("")));
	assert_true(scram_binding_check(STR("eSws"), STR("y,,"), STR("")));
	assert_false(scram_binding_check(STR("eSws"), STR("n,,"), STR("")));
	assert_true(scram_binding_check(STR("cD10bHMtdW5pcXVlLCxhYmM="), STR("p=tls-unique,,"),
					STR("abc")));
	assert_false(scram_binding_check(STR("cD10bHMtdW5pcXVlLCxhYmM="), STR("p=tls-unique,,"),
					 STR("abd")));
	assert_false(scram_binding_check(STR("cD10bHMtdW5pcXVlLCw="), STR("p=tls-unique,,"),
					 STR("abc")));
	assert_false(scram_binding_check(STR("biws="), STR("n,,"), STR("")));
}

static void test_what_we_say(void **state)
{
	struct buf text = BUF_INIT(SCRAM_MESSAGE_MAX), salt = BUF_INIT(32);
	unsigned char signature[SCRAM_DIGEST_BYTES] = {0};

	assert_true(base64_decode(&salt, STR("W22ZaJ0SNY7soEsUEjb6gQ==")));
	scram_append_challenge(&text, STR("rOprNGfwEbeRWgbNEkqO"),
			       STR("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"), buf_str(&salt), 4096);
	assert_str(buf_str(&text), "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
	buf_reset(&text);
	scram_append_signed(&text, STR("n=user,r=a"), STR("r=ab,s=cw==,i=1"), STR("c=biws,r=ab"));
	assert_str(buf_str(&text), "n=user,r=a,r=ab,s=cw==,i=1,c=biws,r=ab");
	buf_reset(&text);
	scram_append_verified(&text, signature);
	assert_str(buf_str(&text), "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	buf_done(&text);
	buf_done(&salt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),	 cmocka_unit_test(test_first_refuses),
		cmocka_unit_test(test_nonce_is_bounded), cmocka_unit_test(test_names),
		cmocka_unit_test(test_final),	 cmocka_unit_test(test_final_refuses),
		cmocka_unit_test(test_binding),	 cmocka_unit_test(test_what_we_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
