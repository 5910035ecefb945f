/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/xtext.h"

#include "base/encode.h"

static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

static bool is_upper_hex(char c)
{
	return hex_digit_value(c) >= 0 && !(c >= 'a' && c <= 'f');
}

bool xtext_check(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_plain(text.ptr[i]))
			continue;
		if (text.ptr[i] != '+' || text.len - i < 3 || !is_upper_hex(text.ptr[i + 1]) ||
		    !is_upper_hex(text.ptr[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

bool xtext_decode(struct buf *to, struct str text)
{
	if (!xtext_check(text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '+') {
			buf_append_char(to, text.ptr[i]);
			continue;
		}
		int high = hex_digit_value(text.ptr[i + 1]);
		buf_append_char(to, (char)(high * 16 + hex_digit_value(text.ptr[i + 2])));
		i += 2;
	}
	return true;
}

void xtext_encode(struct buf *to, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (is_plain(bytes.ptr[i]))
			buf_append_char(to, bytes.ptr[i]);
		else
			buf_printf(to, "+%02X", (unsigned char)bytes.ptr[i]);
	}
}
