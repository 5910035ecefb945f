/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/address.h"

#define L63 "a23456789012345678901234567890123456789012345678901234567890123"

static void test_parse_accepts_mailboxes(void **state)
{
	const char *const right[] = {
		"a@b",
		"user.name+tag@example.com",
		"\"john smith\"@example.com",
		"\"\\\"\\\\\"@example.com",
		"a@[192.0.2.1]",
		"a@[IPv6:2001:db8::1]",
		"a@host_name.example",
		"a@xn--mller-kva.example",
		"a@" L63 "." L63 "." L63,
		L63 "4@b",
	};
	struct address address;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		if (!address_parse(str_from_c(right[i]), &address))
			fail_msg("%s", right[i]);
}

static void test_parse_refuses_the_rest(void **state)
{
	const char *const wrong[] = {
		"",
		"a",
		"@b",
		"a@",
		"a@b@c",
		".a@b",
		"a.@b",
		"a..b@c",
		"a b@c",
		"a@b..c",
		"a@.b",
		"a@b.",
		"a@-b",
		"a@b-",
		"a@b c",
		"\"a@b",
		"\"a\"b@c",
		"\"a\tb\"@c",
		"a@[192.0.2.256]",
		"a@[2001:db8::1]",
		"a@[IPv6:2001:db8::g]",
		"a@[192.0.2.1",
		"\xc3@b",
		"a@\xc3",
		"a@" L63 "4",
		L63 "45@b",
		"a@" L63 "." L63 "." L63 "." L63,
		"<a@b>",
	};
	struct address address = {0};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (address_parse(str_from_c(wrong[i]), &address))
			fail_msg("%s", wrong[i]);
	assert_null(address.text.ptr);
}

static void test_parse_splits(void **state)
{
	struct address address;

	assert_true(address_parse(STR("\"a@b\"@[IPv6:::1]"), &address));
	assert_true(str_equals(address.local, STR("\"a@b\"")));
	assert_true(str_equals(address.domain, STR("[IPv6:::1]")));
	assert_true(address.is_quoted);
	assert_true(address.is_literal);
}

static void key_expect(const char *text, const char *expected)
{
	struct buf key = BUF_INIT(512);
	struct address address;

	assert_true(address_parse(str_from_c(text), &address));
	address_append_key(&key, &address);
	if (!str_equals(buf_str(&key), str_from_c(expected)))
		fail_msg("%s gave %.*s", text, STR_ARG(buf_str(&key)));
	buf_done(&key);
}

static void test_key_is_one_for_all_spellings(void **state)
{
	key_expect("User@Example.COM", "user@example.com");
	key_expect("\"User\"@example.com", "user@example.com");
	key_expect("\"us\\er\"@example.com", "user@example.com");
	key_expect("\"a\\ B\"@c", "\"a b\"@c");
	key_expect("\"\\\"\\\\\"@c", "\"\\\"\\\\\"@c");
	key_expect("\"\"@c", "\"\"@c");
	key_expect("\".a\"@c", "\".a\"@c");
}

static void test_addresses_beyond_ascii(void **state)
{
	struct address address;

	assert_true(address_parse(STR("J\xc3\x96rg@B\xc3\x9c" "cher.example"), &address));
	assert_true(address.has_utf8);
	assert_true(address_parse(STR("joerg@buecher.example"), &address));
	assert_false(address.has_utf8);
	key_expect("J\xc3\x96rg@B\xc3\x9c" "cher.example", "j\xc3\xb6rg@xn--bcher-kva.example");
	/* O and combining diaeresis: another spelling of the same. */
	key_expect("jO\xcc\x88rg@xn--bcher-kva.example", "j\xc3\xb6rg@xn--bcher-kva.example");
	key_expect("\"J\xc3\x96 \"@c", "\"j\xc3\xb6 \"@c");
	assert_false(address_parse(STR("\xff@b"), &address));
	assert_false(address_parse(STR("a@\xe2\x80\x80.example"), &address));
	assert_false(address_parse(STR("\"\xc3\"@b"), &address));
	/* U+FF20, which folds to "@", and U+FDFA, which folds to eighteen letters. */
	assert_false(address_parse(STR("a\xef\xbc\xa0" "b@c"), &address));
	assert_false(address_parse(STR("\xef\xb7\xba\xef\xb7\xba\xef\xb7\xba@c"), &address));
}

static void test_domains_in_ascii(void **state)
{
	struct buf to = BUF_INIT(512);

	assert_true(domain_append_ascii(&to, STR("B\xc3\x9c" "cher.Example")));
	assert_true(str_equals(buf_str(&to), STR("xn--bcher-kva.example")));
	assert_false(domain_append_ascii(&to, STR("\xc3.example")));
	assert_true(str_equals(buf_str(&to), STR("xn--bcher-kva.example")));
	buf_done(&to);
}

static void test_account(void **state)
{
	struct buf key = BUF_INIT(512);

	assert_false(address_append_account(&key, STR("a@[192.0.2.1]")));
	assert_false(address_append_account(&key, STR("a@my_host")));
	assert_false(address_append_account(&key, STR("demo")));
	assert_int_equal(key.len, 0);
	assert_true(address_append_account(&key, STR("Demo@LocalHost")));
	assert_true(str_equals(buf_str(&key), STR("demo@localhost")));
	buf_done(&key);
}

static void test_addresses_in_ascii(void **state)
{
	static const struct {
		const char *text;
		const char *ascii;
	} cases[] = {
		{"Bob@B\xc3\xbc" "cher.example", "Bob@xn--bcher-kva.example"},
		{"Bob@Plain.Example", "Bob@Plain.Example"},
		/* A local part beyond ASCII has no other form. */
		{"j\xc3\xbcrgen@b\xc3\xbc" "cher.example", "j\xc3\xbcrgen@b\xc3\xbc" "cher.example"},
		{"no address \xc3\xbc", "no address \xc3\xbc"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf to = BUF_INIT(300);
		address_append_ascii(&to, str_from_c(cases[i].text));
		assert_true(str_equals(buf_str(&to), str_from_c(cases[i].ascii)));
		buf_done(&to);
	}
}

static void test_domains(void **state)
{
	assert_true(domain_check(STR("localhost")));
	assert_true(domain_check(STR("a-1.example")));
	assert_false(domain_check(STR("")));
	assert_false(domain_check(STR("a_b")));
	assert_false(domain_check(STR("a.b.")));
	assert_true(domain_literal_check(STR("[127.0.0.1]")));
	assert_false(domain_literal_check(STR("127.0.0.1")));
	assert_false(domain_literal_check(STR("[127.0.0.1]x")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_accepts_mailboxes),
		cmocka_unit_test(test_parse_refuses_the_rest),
		cmocka_unit_test(test_parse_splits),
		cmocka_unit_test(test_key_is_one_for_all_spellings),
		cmocka_unit_test(test_addresses_beyond_ascii),
		cmocka_unit_test(test_domains_in_ascii),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_addresses_in_ascii),
		cmocka_unit_test(test_domains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
