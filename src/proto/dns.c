/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/dns.h"

#include <arpa/inet.h>

#include "base/cursor.h"
#include "base/encode.h"
#include "base/log.h"

enum { IPV4_AT = 12 };

static const struct {
	enum dns_type type;
	const char *name;
} types[] = {{DNS_A, "A"},	 {DNS_MX, "MX"},   {DNS_PTR, "PTR"},   {DNS_TXT, "TXT"},
	     {DNS_AAAA, "AAAA"}, {DNS_SRV, "SRV"}, {DNS_TLSA, "TLSA"}, {DNS_CAA, "CAA"}};

enum { TYPE_COUNT = sizeof(types) / sizeof(types[0]) };

const char *dns_type_name(enum dns_type type)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

bool dns_type_parse(struct str name, enum dns_type *type_out)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (str_equals_nocase(name, str_from_c(types[i].name))) {
			*type_out = types[i].type;
			return true;
		}
	return false;
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

void dns_address_append(struct buf *to, const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];
	bool is_four = dns_address_is_ipv4(address);

	CHECK(inet_ntop(is_four ? AF_INET : AF_INET6, is_four ? address + IPV4_AT : address, text,
			sizeof(text)) != NULL);
	buf_append_c(to, text);
}

static void unknown_append(struct buf *to, struct str data)
{
	buf_printf(to, "\\# %zu ", data.len);
	hex_encode(to, data);
}

static bool mx_append(struct buf *to, struct str data)
{
	struct dns_mx mx;

	if (!dns_mx_read(data, &mx))
		return false;
	buf_printf(to, "%u %s.", mx.preference, mx.host.text);
	return true;
}

static bool name_append(struct buf *to, struct str data)
{
	struct dns_name name;

	if (!dns_name_read(data, &name))
		return false;
	buf_printf(to, "%s.", name.text);
	return true;
}

static bool text_append(struct buf *to, struct str data)
{
	struct buf text = BUF_INIT(data.len);
	bool is_good = dns_text_append(data, &text);

	if (is_good) {
		buf_append_char(to, '"');
		text_append_phrase(to, buf_str(&text));
		buf_append_char(to, '"');
	}
	buf_done(&text);
	return is_good;
}

static bool address_append(struct buf *to, enum dns_type type, struct str data)
{
	uint8_t address[16];

	if (!dns_address_read(data, type, address))
		return false;
	dns_address_append(to, address);
	return true;
}

static bool tlsa_append(struct buf *to, struct str data)
{
	if (data.len < 3)
		return false;
	buf_printf(to, "%u %u %u ", (uint8_t)data.ptr[0], (uint8_t)data.ptr[1],
		   (uint8_t)data.ptr[2]);
	hex_encode(to, str_from(data, 3));
	return true;
}

/* RFC 2782: priority, weight, port, target. */
static bool srv_append(struct buf *to, struct str data)
{
	struct cursor from = cursor_make(data);
	uint16_t priority = cursor_u16(&from), weight = cursor_u16(&from), port = cursor_u16(&from);
	struct dns_name target;

	if (!name_take(&from, &target) || !cursor_is_done(&from))
		return false;
	buf_printf(to, "%u %u %u %s.", priority, weight, port, target.text);
	return true;
}

/* RFC 8659 section 4.1: flags, a tag with its length, a value. */
static bool caa_append(struct buf *to, struct str data)
{
	struct cursor from = cursor_make(data);
	uint8_t flags = cursor_u8(&from);
	struct str tag = cursor_bytes(&from, cursor_u8(&from));

	if (from.failed || tag.len == 0)
		return false;
	buf_printf(to, "%u ", flags);
	text_append_word(to, tag);
	buf_append_c(to, " \"");
	text_append_phrase(to, cursor_rest(&from));
	buf_append_char(to, '"');
	return true;
}

void dns_record_append_text(struct buf *to, enum dns_type type, struct str data)
{
	bool is_good = false;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		is_good = address_append(to, type, data);
		break;
	case DNS_MX:
		is_good = mx_append(to, data);
		break;
	case DNS_PTR:
		is_good = name_append(to, data);
		break;
	case DNS_TXT:
		is_good = text_append(to, data);
		break;
	case DNS_SRV:
		is_good = srv_append(to, data);
		break;
	case DNS_TLSA:
		is_good = tlsa_append(to, data);
		break;
	case DNS_CAA:
		is_good = caa_append(to, data);
		break;
	}
	if (!is_good)
		unknown_append(to, data);
}
