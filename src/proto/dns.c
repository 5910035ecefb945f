/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/dns.h"

#include "base/cursor.h"

enum { IPV4_AT = 12 };

const char *dns_type_name(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_MX:
		return "MX";
	case DNS_PTR:
		return "PTR";
	case DNS_TXT:
		return "TXT";
	case DNS_AAAA:
		return "AAAA";
	case DNS_TLSA:
		return "TLSA";
	}
	return "?";
}

static bool label_check(struct str label)
{
	if (label.len == 0 || label.len > DNS_LABEL_MAX)
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-' && label.ptr[i] != '_')
			return false;
	return true;
}

/* Adds a label, led by a dot unless it is the first. */
static bool label_add(struct dns_name *name, struct str label)
{
	size_t dot = name->len == 0 ? 0 : 1;

	if (!label_check(label) || name->len + dot + label.len > DNS_NAME_MAX)
		return false;
	if (dot != 0)
		name->text[name->len++] = '.';
	for (size_t i = 0; i < label.len; i++)
		name->text[name->len++] = ascii_lower(label.ptr[i]);
	name->text[name->len] = '\0';
	return true;
}

bool dns_name_parse(struct str text, struct dns_name *name_out)
{
	struct dns_name name = {.len = 0};

	if (text.len > 0 && text.ptr[text.len - 1] == '.')
		text.len--;
	else if (text.len == 0)
		return false;
	for (struct str rest = text; text.len > 0 && rest.ptr != NULL;)
		if (!label_add(&name, str_cut(&rest, '.')))
			return false;
	*name_out = name;
	return true;
}

static bool name_take(struct cursor *from, struct dns_name *name_out)
{
	struct dns_name name = {.len = 0};

	for (;;) {
		uint8_t len = cursor_u8(from);
		if (from->failed || len > DNS_LABEL_MAX)
			return false;
		if (len == 0)
			break;
		struct str label = cursor_bytes(from, len);
		if (from->failed || !label_add(&name, label))
			return false;
	}
	*name_out = name;
	return true;
}

bool dns_name_read(struct str data, struct dns_name *name_out)
{
	struct cursor from = cursor_make(data);
	struct dns_name name;

	if (!name_take(&from, &name) || !cursor_is_done(&from))
		return false;
	*name_out = name;
	return true;
}

bool dns_mx_read(struct str data, struct dns_mx *mx_out)
{
	struct cursor from = cursor_make(data);
	struct dns_mx mx = {.preference = cursor_u16(&from)};

	if (!name_take(&from, &mx.host) || !cursor_is_done(&from))
		return false;
	*mx_out = mx;
	return true;
}

bool dns_address_is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[IPV4_AT] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, mapped, IPV4_AT) == 0;
}

bool dns_address_read(struct str data, enum dns_type type, uint8_t address_out[16])
{
	if (type == DNS_AAAA && data.len == 16) {
		memcpy(address_out, data.ptr, 16);
		return true;
	}
	if (type != DNS_A || data.len != 4)
		return false;
	memset(address_out, 0, 10);
	memset(address_out + 10, 0xff, 2);
	memcpy(address_out + IPV4_AT, data.ptr, 4);
	return true;
}

bool dns_text_append(struct str data, struct buf *to)
{
	struct cursor from = cursor_make(data);
	size_t before = to->len;

	while (!from.failed && !cursor_is_done(&from))
		buf_append_str(to, cursor_bytes(&from, cursor_u8(&from)));
	if (from.failed)
		buf_truncate(to, before);
	return !from.failed;
}

static void number_label_add(struct dns_name *name, unsigned number)
{
	char digits[3];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	CHECK(label_add(name, str_make(digits + at, sizeof(digits) - at)));
}

void dns_reverse_name(const uint8_t address[16], struct dns_name *name_out)
{
	static const char hex[] = "0123456789abcdef";

	name_out->len = 0;
	if (dns_address_is_ipv4(address)) {
		for (int i = 15; i >= IPV4_AT; i--)
			number_label_add(name_out, address[i]);
		CHECK(label_add(name_out, STR("in-addr")));
	} else {
		for (int i = 15; i >= 0; i--) {
			CHECK(label_add(name_out, str_make(&hex[address[i] & 15], 1)));
			CHECK(label_add(name_out, str_make(&hex[address[i] >> 4], 1)));
		}
		CHECK(label_add(name_out, STR("ip6")));
	}
	CHECK(label_add(name_out, STR("arpa")));
}
