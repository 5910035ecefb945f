/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/saslprep: the examples of RFC 4013 section 3, and bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/saslprep.h"

/* NULL: refused. */
static void assert_prepared(struct str text, const char *expected)
{
	struct buf prepared = BUF_INIT(SASLPREP_MAX);
	bool is_prepared = saslprep(&prepared, text);

	if (is_prepared != (expected != NULL))
		fail_msg("\"%.*s\" was %s", STR_ARG(text), is_prepared ? "taken" : "refused");
	if (is_prepared && !str_equals(buf_str(&prepared), str_from_c(expected)))
		fail_msg("\"%.*s\" became \"%.*s\"", STR_ARG(text), STR_ARG(buf_str(&prepared)));
	buf_done(&prepared);
}

static void test_examples(void **state)
{
	assert_prepared(STR("I\xc2\xadX"), "IX");
	assert_prepared(STR("user"), "user");
	assert_prepared(STR("USER"), "USER");
	assert_prepared(STR("\xc2\xaa"), "a");
	assert_prepared(STR("\xe2\x85\xa8"), "IX");
	assert_prepared(STR("\x07"), NULL);
	assert_prepared(STR("\xd8\xa7\x31"), NULL);
}

static void test_more(void **state)
{
	assert_prepared(STR("caf\x65\xcc\x81"), "caf\xc3\xa9");
	assert_prepared(STR("a\xc2\xa0z"), "a z");
	assert_prepared(STR("\xef\xbd\x81nna"), "anna");
	/* Unknown to Unicode 3.2. */
	assert_prepared(STR("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
	assert_prepared(STR("\xff\xfe"), NULL);
	assert_prepared(STR("\xc3"), NULL);
	assert_prepared(STR("a\0b"), NULL);
	assert_prepared(STR("\xc2\xad"), NULL);
	assert_prepared(STR(""), NULL);
}

static void test_bounds(void **state)
{
	char longest[SASLPREP_MAX + 1];
	struct buf prepared = BUF_INIT(4 * SASLPREP_MAX);

	memset(longest, 'x', sizeof(longest));
	assert_true(saslprep(&prepared, str_make(longest, SASLPREP_MAX)));
	buf_reset(&prepared);
	assert_false(saslprep(&prepared, str_make(longest, sizeof(longest))));
	/* U+FDFA becomes 18 characters. */
	for (size_t i = 0; i + 3 <= SASLPREP_MAX; i += 3)
		memcpy(longest + i, "\xef\xb7\xba", 3);
	assert_false(saslprep(&prepared, str_make(longest, SASLPREP_MAX - SASLPREP_MAX % 3)));
	assert_int_equal(prepared.len, 0);
	buf_done(&prepared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_more),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
