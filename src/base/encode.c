/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *to, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t group = 0;
		for (size_t j = 0; j < 3; j++)
			group = group << 8 | (j < have ? (unsigned char)bytes.ptr[i + j] : 0);
		char out[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63],
			       have > 1 ? alphabet[group >> 6 & 63] : '=',
			       have > 2 ? alphabet[group & 63] : '='};
		buf_append(to, out, sizeof(out));
	}
}

void base64url_encode(struct buf *to, struct str bytes)
{
	size_t from = to->len;

	base64_encode(to, bytes);
	if (to->failed)
		return;
	while (to->len > from && to->data[to->len - 1] == '=')
		buf_truncate(to, to->len - 1);
	for (size_t i = from; i < to->len; i++) {
		if (to->data[i] == '+')
			to->data[i] = '-';
		else if (to->data[i] == '/')
			to->data[i] = '_';
	}
}

void base32_encode(struct buf *to, struct str bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t group = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		group = (group << 8 | (unsigned char)bytes.ptr[i]) & 0xffff;
		for (bits += 8; bits >= 5; bits -= 5)
			buf_append_char(to, digits[group >> (bits - 5) & 31]);
	}
	if (bits > 0)
		buf_append_char(to, digits[group << (5 - bits) & 31]);
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Appends the 1 to 3 bytes of a group of four characters. */
static bool base64_decode_group(struct buf *to, const char *four, bool is_last)
{
	size_t padding = 0;
	uint32_t group = 0;

	if (is_last && four[3] == '=')
		padding = four[2] == '=' ? 2 : 1;
	for (size_t i = 0; i < 4; i++) {
		int value = i >= 4 - padding ? 0 : base64_value(four[i]);
		if (value < 0)
			return false;
		group = group << 6 | (uint32_t)value;
	}
	if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0))
		return false;
	char bytes[3] = {(char)(group >> 16), (char)(group >> 8), (char)group};
	buf_append(to, bytes, 3 - padding);
	return true;
}

bool base64_decode(struct buf *to, struct str text)
{
	size_t before = to->len;

	for (size_t i = 0; i < text.len; i += 4) {
		if (text.len - i < 4 ||
		    !base64_decode_group(to, text.ptr + i, i + 4 == text.len)) {
			buf_truncate(to, before);
			return false;
		}
	}
	return true;
}

void hex_encode(struct buf *to, struct str bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[i];
		buf_append_char(to, digits[byte >> 4]);
		buf_append_char(to, digits[byte & 15]);
	}
}

int hex_digit_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct buf *to, struct str text)
{
	size_t before = to->len;

	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_digit_value(text.ptr[i]);
		int low = i + 1 < text.len ? hex_digit_value(text.ptr[i + 1]) : -1;
		if (high < 0 || low < 0) {
			buf_truncate(to, before);
			return false;
		}
		buf_append_char(to, (char)(high << 4 | low));
	}
	return true;
}
