/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/dns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/dns.h"

#define DATA(bytes) str_make(bytes, sizeof(bytes) - 1)

static void parses(const char *text, const char *expected)
{
	struct dns_name name = {.len = 99};
	bool is_good = dns_name_parse(str_from_c(text), &name);

	if (is_good != (expected != NULL) || (is_good && strcmp(name.text, expected) != 0))
		fail_msg("%s: %d %s", text, is_good, is_good ? name.text : "");
	if (!is_good)
		assert_int_equal(name.len, 99);
}

static void test_names_as_text(void **state)
{
	char longest[DNS_NAME_MAX + 2];

	parses("Mail.Example.ORG", "mail.example.org");
	parses("example.org.", "example.org");
	parses("_25._tcp.mx-1", "_25._tcp.mx-1");
	parses(".", "");
	parses("", NULL);
	parses("..", NULL);
	parses("a..b", NULL);
	parses(".a", NULL);
	parses("a b", NULL);
	parses("a\\.b", NULL);
	parses("\xc3\xa4.org", NULL);
	parses("123456789012345678901234567890123456789012345678901234567890123.a",
	       "123456789012345678901234567890123456789012345678901234567890123.a");
	parses("1234567890123456789012345678901234567890123456789012345678901234.a", NULL);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 == 0 ? 'a' : '.';
	longest[DNS_NAME_MAX] = '\0';
	parses(longest, longest);
	longest[DNS_NAME_MAX] = 'a';
	longest[DNS_NAME_MAX + 1] = '\0';
	parses(longest, NULL);
}

static void test_names_as_data(void **state)
{
	struct dns_name name;

	assert_true(dns_name_read(DATA("\4Mail\7example\0"), &name));
	assert_string_equal(name.text, "mail.example");
	assert_true(dns_name_read(DATA("\0"), &name));
	assert_int_equal(name.len, 0);
	assert_false(dns_name_read(DATA(""), &name));
	assert_false(dns_name_read(DATA("\4Mail"), &name));
	assert_false(dns_name_read(DATA("\4Mail\0x"), &name));
	assert_false(dns_name_read(DATA("\3a.b\0"), &name));
	assert_false(dns_name_read(DATA("\3a\nb\0"), &name));
	/* A pointer leads nowhere here. */
	assert_false(dns_name_read(DATA("\xc0\x0c"), &name));
	assert_int_equal(name.len, 0);
}

static void test_names_of_the_greatest_length(void **state)
{
	char data[2 * 128 + 1];
	struct dns_name name;

	for (size_t i = 0; i < 2 * 127; i += 2)
		memcpy(data + i, "\1a", 2);
	data[2 * 127] = '\0';
	assert_true(dns_name_read(str_make(data, 2 * 127 + 1), &name));
	assert_int_equal(name.len, DNS_NAME_MAX);
	memcpy(data + 2 * 127, "\1a", 2);
	data[2 * 128] = '\0';
	assert_false(dns_name_read(str_make(data, 2 * 128 + 1), &name));
}

static void expect_text(enum dns_type type, struct str data, const char *expected)
{
	CLEANUP_BUF struct buf text = BUF_INIT(1000);

	dns_record_append_text(&text, type, data);
	buf_append_char(&text, '\0');
	assert_string_equal(text.data, expected);
}

static void test_records_as_text(void **state)
{
	expect_text(DNS_SRV, DATA("\0\1\0\2\1\2\2mx\3org\0"), "1 2 258 mx.org.");
	expect_text(DNS_SRV, DATA("\0\0\0\0\0\0\0"), "0 0 0 .");
	expect_text(DNS_SRV, DATA("\0\0\0\0\0\0\0x"), "\\# 8 0000000000000078");
	expect_text(DNS_SRV, DATA("\0\0\0"), "\\# 3 000000");
	expect_text(DNS_CAA, DATA("\200\5issueca.example"), "128 issue \"ca.example\"");
	expect_text(DNS_CAA, DATA("\0\5issue"), "0 issue \"\"");
	expect_text(DNS_CAA, DATA("\0\2a b\n"), "0 a\\x20 \"b\\x0a\"");
	expect_text(DNS_CAA, DATA("\0\0x"), "\\# 3 000078");
	expect_text(DNS_CAA, DATA("\0\11issue"), "\\# 7 00096973737565");
	expect_text(DNS_CAA, DATA(""), "\\# 0 ");
}

static void test_mx(void **state)
{
	struct dns_mx mx;

	assert_true(dns_mx_read(DATA("\1\2\2mx\3org\0"), &mx));
	assert_int_equal(mx.preference, 258);
	assert_string_equal(mx.host.text, "mx.org");
	assert_true(dns_mx_read(DATA("\0\0\0"), &mx));
	assert_int_equal(mx.host.len, 0);
	assert_false(dns_mx_read(DATA("\0"), &mx));
	assert_false(dns_mx_read(DATA("\0\12\2mx\0more"), &mx));
}

static void test_addresses(void **state)
{
	uint8_t address[16];
	const uint8_t four[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};

	assert_true(dns_address_read(DATA("\300\0\2\1"), DNS_A, address));
	assert_memory_equal(address, four, 16);
	assert_true(dns_address_is_ipv4(address));
	assert_true(dns_address_read(DATA("0123456789abcdef"), DNS_AAAA, address));
	assert_memory_equal(address, "0123456789abcdef", 16);
	assert_false(dns_address_is_ipv4(address));
	assert_false(dns_address_read(DATA("\300\0\2"), DNS_A, address));
	assert_false(dns_address_read(DATA("\300\0\2\1"), DNS_AAAA, address));
	assert_false(dns_address_read(DATA("\300\0\2\1"), DNS_MX, address));
}

static void test_texts(void **state)
{
	struct buf text = BUF_INIT(100);

	assert_true(dns_text_append(DATA("\4v=ST\3S=1\0"), &text));
	assert_true(str_equals(buf_str(&text), STR("v=STS=1")));
	assert_false(dns_text_append(DATA("\1a\5b"), &text));
	assert_true(str_equals(buf_str(&text), STR("v=STS=1")));
	buf_done(&text);
}

static void test_reverse_names(void **state)
{
	const uint8_t four[16] = {[10] = 0xff, 0xff, 192, 0, 2, 100};
	const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x1f};
	struct dns_name name;

	dns_reverse_name(four, &name);
	assert_string_equal(name.text, "100.2.0.192.in-addr.arpa");
	dns_reverse_name(six, &name);
	assert_string_equal(
		name.text,
		"f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

static void test_type_names(void **state)
{
	assert_string_equal(dns_type_name(DNS_AAAA), "AAAA");
	assert_string_equal(dns_type_name(DNS_TLSA), "TLSA");
	assert_string_equal(dns_type_name((enum dns_type)99), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_as_text),
		cmocka_unit_test(test_names_as_data),
		cmocka_unit_test(test_names_of_the_greatest_length),
		cmocka_unit_test(test_records_as_text),
		cmocka_unit_test(test_mx),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_reverse_names),
		cmocka_unit_test(test_type_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
