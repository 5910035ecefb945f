/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of mailauth/dkim_record: our records as text, and what DNS may have instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mailauth/dkim_record.h"

#define OURS "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static void test_text(void **state)
{
	struct buf text = BUF_INIT(4096);
	char key[400] = {0};

	dkim_record_append(&text, DKIM_ED25519, STR("\x01\x02\x03"));
	assert_true(str_equals(buf_str(&text), STR("v=DKIM1; k=ed25519; p=AQID")));
	buf_reset(&text);
	dkim_record_append_name(&text, STR("example.org"), STR("s1"));
	assert_true(str_equals(buf_str(&text), STR("s1._domainkey.example.org")));
	buf_reset(&text);
	memset(key, 'k', 256);
	dkim_record_append_zone(&text, STR("example.org"), STR("s1"), str_from_c(key));
	assert_true(str_has_prefix(buf_str(&text), STR("s1._domainkey.example.org. IN TXT (\n\t\"kkk")));
	assert_true(str_find(buf_str(&text), STR("k\"\n\t\"k\" )\n")) != STR_NONE);
	buf_done(&text);
}

static void test_compare(void **state)
{
	static const struct {
		const char *found;
		enum dkim_published published;
	} cases[] = {
		{OURS, DKIM_PUBLISHED},
		{"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", DKIM_PUBLISHED},
		{"v=DKIM1;k=ed25519;h=sha1:sha256;s=email;n=note;p= 11qYAYKxCrfVS/7TyWQH\tOg7hcvPapiMlrwIaaPcHURo=;",
		 DKIM_PUBLISHED},
		{OURS "; t=s", DKIM_PUBLISHED},
		{OURS "; t=s : y", DKIM_PUBLISHED_TESTING},
		{"v=DKIM1; k=ed25519; p=", DKIM_PUBLISHED_REVOKED},
		{"v=DKIM1; k=ed25519; p=11qY", DKIM_PUBLISHED_OTHER_KEY},
		{OURS "AAAA", DKIM_PUBLISHED_OTHER_KEY},
		{"v=DKIM1; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", DKIM_PUBLISHED_OTHER_KEY},
		{"v=DKIM2; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
		 DKIM_PUBLISHED_UNUSABLE},
		{OURS "; h=sha1", DKIM_PUBLISHED_UNUSABLE},
		{OURS "; s=other", DKIM_PUBLISHED_UNUSABLE},
		{"v=spf1 -all", DKIM_PUBLISHED_UNUSABLE},
		{"", DKIM_PUBLISHED_UNUSABLE},
		{";;;=;p", DKIM_PUBLISHED_UNUSABLE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(dkim_record_compare(str_from_c(cases[i].found), STR(OURS)),
				 cases[i].published);
	for (int i = 0; i < DKIM_PUBLISHED_COUNT; i++)
		assert_non_null(dkim_published_name((enum dkim_published)i));
	/* Of RSA k= may be left out. */
	assert_int_equal(dkim_record_compare(STR("p=AQID"), STR("v=DKIM1; k=rsa; p=AQID")),
			 DKIM_PUBLISHED);
}

static void test_words(void **state)
{
	enum dkim_algorithm algorithm = DKIM_RSA;
	enum dkim_state key_state = DKIM_WAITING;

	assert_true(dkim_algorithm_parse(STR("ed25519"), &algorithm));
	assert_int_equal(algorithm, DKIM_ED25519);
	assert_false(dkim_algorithm_parse(STR("rsa-sha1"), &algorithm));
	assert_true(dkim_state_parse(STR("retired"), &key_state));
	assert_int_equal(key_state, DKIM_RETIRED);
	assert_true(dkim_selector_check(STR("s-1")));
	assert_false(dkim_selector_check(STR("")));
	assert_false(dkim_selector_check(STR("-s")));
	assert_false(dkim_selector_check(STR("s-")));
	assert_false(dkim_selector_check(STR("s.t")));
	assert_false(dkim_selector_check(STR("../s")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
