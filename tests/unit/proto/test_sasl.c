/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/sasl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/encode.h"
#include "proto/sasl.h"

static enum sasl_step plain(struct sasl *sasl, struct str message)
{
	struct buf text = BUF_INIT(8192);

	base64_encode(&text, message);
	enum sasl_step step = sasl_begin(sasl, SASL_PLAIN, true, buf_str(&text));
	buf_done(&text);
	return step;
}

static bool all_zero(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void test_plain(void **state)
{
	struct sasl sasl;

	assert_int_equal(plain(&sasl, STR("\0user@example.com\0se cret")), SASL_DONE);
	assert_true(str_equals(sasl_user(&sasl), STR("user@example.com")));
	assert_true(str_equals(secret_reveal(&sasl.password), STR("se cret")));
	assert_int_equal(plain(&sasl, STR("User\0user\0p")), SASL_DONE);
	sasl_wipe(&sasl);
	assert_true(all_zero(sasl.user_bytes, sizeof(sasl.user_bytes)));
	assert_true(all_zero(sasl.password.secret_bytes, SECRET_MAX));
}

static void test_plain_after_an_empty_challenge(void **state)
{
	struct sasl sasl;

	assert_int_equal(sasl_begin(&sasl, SASL_PLAIN, false, STR("ignored")), SASL_CHALLENGE);
	assert_true(str_is_empty(sasl.challenge));
	assert_int_equal(sasl_respond(&sasl, STR("AGEAYg==")), SASL_DONE);
	assert_true(str_equals(sasl_user(&sasl), STR("a")));
	assert_int_equal(sasl_respond(&sasl, STR("AGEAYg==")), SASL_INVALID);
}

static void test_plain_refuses(void **state)
{
	struct sasl sasl;
	char long_password[2000] = "\0a";

	assert_int_equal(plain(&sasl, STR("other\0user\0p")), SASL_INVALID);
	assert_int_equal(plain(&sasl, STR("")), SASL_INVALID);
	assert_int_equal(plain(&sasl, STR("\0user")), SASL_INVALID);
	assert_int_equal(plain(&sasl, STR("\0user\0")), SASL_INVALID);
	assert_int_equal(plain(&sasl, STR("\0\0p")), SASL_INVALID);
	assert_int_equal(plain(&sasl, STR("\0user\0p\0q")), SASL_INVALID);
	memset(long_password + 3, 'x', sizeof(long_password) - 3);
	assert_int_equal(plain(&sasl, str_make(long_password, 3 + SECRET_MAX)), SASL_DONE);
	assert_int_equal(plain(&sasl, str_make(long_password, 4 + SECRET_MAX)), SASL_INVALID);
	assert_true(all_zero(sasl.password.secret_bytes, SECRET_MAX));
	assert_int_equal(sasl_begin(&sasl, SASL_PLAIN, true, STR("=")), SASL_INVALID);
	assert_int_equal(sasl_begin(&sasl, SASL_PLAIN, true, STR("AGEAYg")), SASL_INVALID);
}

static void test_login(void **state)
{
	struct sasl sasl;

	assert_int_equal(sasl_begin(&sasl, SASL_LOGIN, false, STR("")), SASL_CHALLENGE);
	assert_true(str_equals(sasl.challenge, STR("VXNlcm5hbWU6")));
	assert_int_equal(sasl_respond(&sasl, STR("YUBi")), SASL_CHALLENGE);
	assert_true(str_equals(sasl.challenge, STR("UGFzc3dvcmQ6")));
	assert_int_equal(sasl_respond(&sasl, STR("cGFzcw==")), SASL_DONE);
	assert_true(str_equals(sasl_user(&sasl), STR("a@b")));
	assert_true(str_equals(secret_reveal(&sasl.password), STR("pass")));
}

static void test_login_with_initial_response(void **state)
{
	struct sasl sasl;

	assert_int_equal(sasl_begin(&sasl, SASL_LOGIN, true, STR("YUBi")), SASL_CHALLENGE);
	assert_int_equal(sasl_respond(&sasl, STR("")), SASL_INVALID);
	assert_int_equal(sasl_begin(&sasl, SASL_LOGIN, true, STR("=")), SASL_INVALID);
}

static void test_scram(void **state)
{
	struct sasl sasl;

	assert_int_equal(sasl_begin(&sasl, SASL_SCRAM_SHA_256, false, STR("")), SASL_CHALLENGE);
	assert_true(str_is_empty(sasl.challenge));
	assert_int_equal(sasl_respond(&sasl, STR("Zmlyc3Q=")), SASL_MESSAGE);
	assert_true(str_equals(sasl_message(&sasl), STR("first")));
	assert_int_equal(sasl_answer(&sasl, STR("challenge")), SASL_CHALLENGE);
	assert_true(str_equals(sasl.challenge, STR("Y2hhbGxlbmdl")));
	assert_int_equal(sasl_respond(&sasl, STR("bGFzdA==")), SASL_MESSAGE);
	assert_true(str_equals(sasl_message(&sasl), STR("last")));
	assert_int_equal(sasl_answer(&sasl, STR("proof")), SASL_CHALLENGE);
	assert_int_equal(sasl_respond(&sasl, STR("")), SASL_DONE);
	assert_int_equal(sasl_respond(&sasl, STR("")), SASL_INVALID);
}

static void test_scram_refuses(void **state)
{
	struct sasl sasl;
	char long_text[4 * SASL_MESSAGE_MAX];

	assert_int_equal(sasl_begin(&sasl, SASL_SCRAM_SHA_256_PLUS, true, STR("=")), SASL_INVALID);
	memset(long_text, 'A', sizeof(long_text));
	assert_int_equal(sasl_begin(&sasl, SASL_SCRAM_SHA_256, true,
				    str_make(long_text, SASL_MESSAGE_MAX / 3 * 4)),
			 SASL_MESSAGE);
	assert_int_equal(sasl_begin(&sasl, SASL_SCRAM_SHA_256, true,
				    str_make(long_text, SASL_MESSAGE_MAX / 3 * 4 + 4)),
			 SASL_INVALID);
	assert_int_equal(sasl_begin(&sasl, SASL_SCRAM_SHA_256, true,
				    str_make(long_text, sizeof(long_text))),
			 SASL_INVALID);
	assert_int_equal(sasl_begin(&sasl, SASL_SCRAM_SHA_256, true, STR("YQ==")), SASL_MESSAGE);
	sasl_answer(&sasl, STR("challenge"));
	assert_int_equal(sasl_respond(&sasl, STR("")), SASL_INVALID);
	assert_int_equal(sasl_begin(&sasl, SASL_SCRAM_SHA_256, true, STR("YQ==")), SASL_MESSAGE);
	sasl_answer(&sasl, STR("challenge"));
	assert_int_equal(sasl_respond(&sasl, STR("Yg==")), SASL_MESSAGE);
	sasl_answer(&sasl, STR("proof"));
	assert_int_equal(sasl_respond(&sasl, STR("Yw==")), SASL_INVALID);
	assert_int_equal(sasl_begin(&sasl, SASL_SCRAM_SHA_256, true, STR("YQ==")), SASL_MESSAGE);
	sasl_answer(&sasl, STR("challenge"));
	assert_int_equal(sasl_respond(&sasl, STR("*")), SASL_CANCELLED);
}

static void test_external(void **state)
{
	struct sasl sasl;
	char longest[SASL_USER_MAX + 1];
	struct buf text = BUF_INIT(1024);

	assert_int_equal(sasl_begin(&sasl, SASL_EXTERNAL, true, STR("=")), SASL_DONE);
	assert_true(str_is_empty(sasl_user(&sasl)));
	assert_int_equal(sasl_begin(&sasl, SASL_EXTERNAL, false, STR("")), SASL_CHALLENGE);
	assert_int_equal(sasl_respond(&sasl, STR("")), SASL_DONE);
	assert_true(str_is_empty(sasl_user(&sasl)));
	assert_int_equal(sasl_begin(&sasl, SASL_EXTERNAL, false, STR("")), SASL_CHALLENGE);
	assert_int_equal(sasl_respond(&sasl, STR("YUBi")), SASL_DONE);
	assert_true(str_equals(sasl_user(&sasl), STR("a@b")));
	assert_int_equal(sasl_respond(&sasl, STR("YUBi")), SASL_INVALID);
	assert_int_equal(sasl_begin(&sasl, SASL_EXTERNAL, true, STR("YQBi")), SASL_INVALID);
	memset(longest, 'x', sizeof(longest));
	base64_encode(&text, str_make(longest, sizeof(longest)));
	assert_int_equal(sasl_begin(&sasl, SASL_EXTERNAL, true, buf_str(&text)), SASL_INVALID);
	buf_done(&text);
}

static void test_cancel(void **state)
{
	struct sasl sasl;

	assert_int_equal(sasl_begin(&sasl, SASL_LOGIN, true, STR("YUBi")), SASL_CHALLENGE);
	assert_int_equal(sasl_respond(&sasl, STR("*")), SASL_CANCELLED);
	assert_true(all_zero(sasl.user_bytes, sizeof(sasl.user_bytes)));
}

static void test_mechanisms(void **state)
{
	enum sasl_mechanism mechanism = SASL_PLAIN;

	assert_true(sasl_mechanism_find(STR("login"), &mechanism));
	assert_int_equal(mechanism, SASL_LOGIN);
	assert_false(sasl_mechanism_find(STR("CRAM-MD5"), &mechanism));
	assert_string_equal(sasl_mechanism_name(SASL_PLAIN), "PLAIN");
	assert_true(sasl_mechanism_find(STR("Scram-Sha-256-plus"), &mechanism));
	assert_int_equal(mechanism, SASL_SCRAM_SHA_256_PLUS);
	struct buf names = BUF_INIT(100);
	sasl_append_mechanisms(&names, SASL_BIT(SASL_LOGIN) | SASL_BIT(SASL_SCRAM_SHA_256),
			       STR(" AUTH="), STR(";"));
	assert_true(str_equals(buf_str(&names), STR(" AUTH=SCRAM-SHA-256; AUTH=LOGIN;")));
	buf_done(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_plain_after_an_empty_challenge),
		cmocka_unit_test(test_plain_refuses),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_login_with_initial_response),
		cmocka_unit_test(test_scram),
		cmocka_unit_test(test_scram_refuses),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_mechanisms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
