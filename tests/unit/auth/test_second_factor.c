/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of auth/second_factor.h, in a temporary folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/second_factor.h"
#include "crypto/totp.h"

enum { NOW = 1800000000 };

static const struct str ROOT = STR_INIT("root@example.com");
static char folder[] = "/tmp/postern-factor-XXXXXX";
static struct credentials *credentials;
static struct second_factors *factors;
static struct seal_key key;

static int setup(void **state)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	memset(key.bytes, 7, sizeof(key.bytes));
	factors = second_factors_new(credentials, &key);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"data.mdb", "lock.mdb"};
	char path[256];

	second_factors_free(&factors);
	credentials_close(&credentials);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
	return 0;
}

static void begin(char secret[TOTP_SECRET_BYTES])
{
	CLEANUP_BUF struct buf bytes = BUF_INIT(100);

	assert_int_equal(second_factor_begin(factors, ROOT, &bytes), FAULT_NONE);
	assert_int_equal(bytes.len, TOTP_SECRET_BYTES);
	memcpy(secret, bytes.data, TOTP_SECRET_BYTES);
}

static struct str code_at(const char secret[TOTP_SECRET_BYTES], int64_t time_s)
{
	static char code[TOTP_DIGITS];

	totp_code(str_make(secret, TOTP_SECRET_BYTES), (uint64_t)time_s / TOTP_STEP_S, code);
	return str_make(code, sizeof(code));
}

static bool is_on(void)
{
	bool is;

	assert_int_equal(second_factor_is_on(factors, ROOT, &is), FAULT_NONE);
	return is;
}

static void test_it_counts_from_the_first_code_on(void **state)
{
	char secret[TOTP_SECRET_BYTES];

	assert_false(is_on());
	assert_int_equal(second_factor_confirm(factors, ROOT, STR("000000"), NOW), FAULT_NOT_FOUND);
	begin(secret);
	assert_false(is_on());
	assert_int_equal(second_factor_spend(factors, ROOT, code_at(secret, NOW), NOW),
			 FAULT_NOT_FOUND);
	assert_int_equal(second_factor_confirm(factors, ROOT, STR("none"), NOW), FAULT_DENIED);
	assert_false(is_on());
	assert_int_equal(second_factor_confirm(factors, ROOT, code_at(secret, NOW), NOW), FAULT_NONE);
	assert_true(is_on());
	assert_int_equal(second_factor_confirm(factors, ROOT, code_at(secret, NOW + 30), NOW),
			 FAULT_EXISTS);
}

static void test_a_code_serves_once(void **state)
{
	char secret[TOTP_SECRET_BYTES];

	begin(secret);
	assert_int_equal(second_factor_confirm(factors, ROOT, code_at(secret, NOW), NOW), FAULT_NONE);
	assert_int_equal(second_factor_spend(factors, ROOT, code_at(secret, NOW), NOW), FAULT_DENIED);
	assert_int_equal(second_factor_spend(factors, ROOT, code_at(secret, NOW + 30), NOW),
			 FAULT_NONE);
	assert_int_equal(second_factor_spend(factors, ROOT, code_at(secret, NOW + 30), NOW + 30),
			 FAULT_DENIED);
	/* Nor one from before the last that served. */
	assert_int_equal(second_factor_spend(factors, ROOT, code_at(secret, NOW - 30), NOW),
			 FAULT_DENIED);
	assert_int_equal(second_factor_spend(factors, ROOT, code_at(secret, NOW + 60), NOW + 60),
			 FAULT_NONE);
}

static void test_since_when(void **state)
{
	char secret[TOTP_SECRET_BYTES];
	int64_t since_s = 1;
	bool is;

	assert_int_equal(second_factor_read(factors, ROOT, &is, &since_s), FAULT_NONE);
	assert_false(is);
	assert_int_equal(since_s, 0);
	begin(secret);
	assert_int_equal(second_factor_confirm(factors, ROOT, code_at(secret, NOW), NOW), FAULT_NONE);
	assert_int_equal(second_factor_spend(factors, ROOT, code_at(secret, NOW + 60), NOW + 60),
			 FAULT_NONE);
	assert_int_equal(second_factor_read(factors, ROOT, &is, &since_s), FAULT_NONE);
	assert_true(is);
	assert_int_equal(since_s, NOW);
}

static void test_begun_anew_and_forgotten(void **state)
{
	char first[TOTP_SECRET_BYTES], second[TOTP_SECRET_BYTES];
	CLEANUP_BUF struct buf bytes = BUF_INIT(100);

	begin(first);
	begin(second);
	assert_memory_not_equal(first, second, TOTP_SECRET_BYTES);
	assert_int_equal(second_factor_confirm(factors, ROOT, code_at(first, NOW), NOW),
			 FAULT_DENIED);
	assert_int_equal(second_factor_confirm(factors, ROOT, code_at(second, NOW), NOW),
			 FAULT_NONE);
	assert_int_equal(second_factor_begin(factors, ROOT, &bytes), FAULT_EXISTS);
	assert_int_equal(bytes.len, 0);
	assert_int_equal(second_factor_off(factors, ROOT), FAULT_NONE);
	assert_false(is_on());
	assert_int_equal(second_factor_off(factors, ROOT), FAULT_NOT_FOUND);
}

static void test_it_goes_with_the_account(void **state)
{
	struct credential credential = {.hash = STR("$hash")};
	char secret[TOTP_SECRET_BYTES];

	assert_int_equal(credentials_put(credentials, ROOT, &credential, NULL), FAULT_NONE);
	begin(secret);
	assert_int_equal(credentials_remove(credentials, ROOT), FAULT_NONE);
	assert_int_equal(second_factor_off(factors, ROOT), FAULT_NOT_FOUND);
}

/* Another key, or the record of another account, never passes for "off". */
static void test_what_cannot_be_opened_is_not_off(void **state)
{
	CLEANUP_BUF struct buf sealed = BUF_INIT(CREDENTIALS_KEPT_MAX);
	char secret[TOTP_SECRET_BYTES];
	bool is;

	begin(secret);
	assert_int_equal(credentials_kept_get(credentials, CREDENTIALS_TOTP, ROOT, &sealed),
			 FAULT_NONE);
	assert_int_equal(credentials_kept_put(credentials, CREDENTIALS_TOTP, STR("eve@example.com"),
					      buf_str(&sealed)),
			 FAULT_NONE);
	assert_int_equal(second_factor_is_on(factors, STR("eve@example.com"), &is), FAULT_CORRUPT);
	key.bytes[0] ^= 1;
	assert_int_equal(second_factor_is_on(factors, ROOT, &is), FAULT_CORRUPT);
	assert_int_equal(second_factor_spend(factors, ROOT, code_at(secret, NOW), NOW),
			 FAULT_CORRUPT);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(test_it_counts_from_the_first_code_on),
		WITH_FOLDER(test_a_code_serves_once),
		WITH_FOLDER(test_since_when),
		WITH_FOLDER(test_begun_anew_and_forgotten),
		WITH_FOLDER(test_it_goes_with_the_account),
		WITH_FOLDER(test_what_cannot_be_opened_is_not_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
