/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of crypto/signing_key: a signature holds for its bytes and its key, for nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/signing_key.h"

static struct signing_key *key_make(void)
{
	struct buf pem = BUF_INIT(SIGNING_KEY_PEM_MAX);

	signing_key_make(&pem);
	struct signing_key *key = signing_key_read(buf_str(&pem));
	assert_non_null(key);
	buf_wipe(&pem);
	return key;
}

static void test_signature(void **state)
{
	struct signing_key *key = key_make(), *other = key_make();
	struct buf own = BUF_INIT(SIGNING_KEY_PEM_MAX), foreign = BUF_INIT(SIGNING_KEY_PEM_MAX);
	struct buf signature = BUF_INIT(SIGNING_SIGNATURE_MAX);

	signing_key_append_public(key, &own);
	signing_key_append_public(other, &foreign);
	signing_key_sign(key, STR("statement"), &signature);
	assert_true(signing_key_verify(buf_str(&own), STR("statement"), buf_str(&signature)));
	assert_false(signing_key_verify(buf_str(&own), STR("Statement"), buf_str(&signature)));
	assert_false(signing_key_verify(buf_str(&foreign), STR("statement"), buf_str(&signature)));
	signature.data[signature.len / 2] ^= 1;
	assert_false(signing_key_verify(buf_str(&own), STR("statement"), buf_str(&signature)));
	assert_false(signing_key_verify(STR("no key"), STR("statement"), buf_str(&signature)));
	buf_done(&own);
	buf_done(&foreign);
	buf_done(&signature);
	signing_key_free(&key);
	signing_key_free(&other);
}

static void test_no_key(void **state)
{
	assert_null(signing_key_read(STR("")));
	assert_null(signing_key_read(STR("-----BEGIN PRIVATE KEY-----\nAAAA\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
