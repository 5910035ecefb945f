/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdlib.h>

bool str_equals_nocase(struct str a, struct str b)
{
	return a.len == b.len && str_compare_nocase(a, b) == 0;
}

int str_compare(struct str a, struct str b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

int str_compare_nocase(struct str a, struct str b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		unsigned char x = (unsigned char)ascii_lower(a.ptr[i]);
		unsigned char y = (unsigned char)ascii_lower(b.ptr[i]);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a.len > b.len) - (a.len < b.len);
}

bool str_has_prefix(struct str text, struct str prefix)
{
	return text.len >= prefix.len && str_equals(str_make(text.ptr, prefix.len), prefix);
}

bool str_has_prefix_nocase(struct str text, struct str prefix)
{
	return text.len >= prefix.len && str_equals_nocase(str_make(text.ptr, prefix.len), prefix);
}

bool str_has_suffix_nocase(struct str text, struct str suffix)
{
	return text.len >= suffix.len &&
	       str_equals_nocase(str_from(text, text.len - suffix.len), suffix);
}

size_t str_find_char(struct str text, char wanted)
{
	const char *at = text.len == 0 ? NULL : memchr(text.ptr, wanted, text.len);

	return at == NULL ? STR_NONE : (size_t)(at - text.ptr);
}

size_t str_find_last_char(struct str text, char wanted)
{
	const char *at = text.len == 0 ? NULL : memrchr(text.ptr, wanted, text.len);

	return at == NULL ? STR_NONE : (size_t)(at - text.ptr);
}

size_t str_find(struct str text, struct str wanted)
{
	if (wanted.len == 0)
		return 0;
	if (text.len < wanted.len)
		return STR_NONE;
	const char *at = memmem(text.ptr, text.len, wanted.ptr, wanted.len);
	return at == NULL ? STR_NONE : (size_t)(at - text.ptr);
}

size_t str_find_nocase(struct str text, struct str wanted)
{
	char first = wanted.len == 0 ? '\0' : ascii_lower(wanted.ptr[0]);

	/* Logs of many megabytes are looked through: the first byte alone decides nearly always. */
	for (size_t at = 0; at + wanted.len <= text.len; at++)
		if (wanted.len == 0 || (ascii_lower(text.ptr[at]) == first &&
					str_has_prefix_nocase(str_from(text, at), wanted)))
			return at;
	return STR_NONE;
}

struct str str_sub(struct str text, size_t from, size_t len)
{
	if (from > text.len)
		from = text.len;
	if (len > text.len - from)
		len = text.len - from;
	return str_make(text.ptr == NULL ? NULL : text.ptr + from, len);
}

struct str str_from(struct str text, size_t from)
{
	return str_sub(text, from, SIZE_MAX);
}

struct str str_trim(struct str text)
{
	while (text.len > 0 && ascii_is_space(text.ptr[0]))
		text = str_from(text, 1);
	while (text.len > 0 && ascii_is_space(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

struct str str_cut(struct str *rest, char separator)
{
	struct str all = *rest;
	size_t at = str_find_char(all, separator);

	if (at == STR_NONE) {
		*rest = str_make(NULL, 0);
		return all;
	}
	*rest = str_from(all, at + 1);
	return str_sub(all, 0, at);
}

bool str_parse_u64(struct str text, uint64_t max, uint64_t *value_out)
{
	uint64_t value = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!ascii_is_digit(text.ptr[i]))
			return false;
		uint64_t digit = (uint64_t)(text.ptr[i] - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*value_out = value;
	return true;
}

bool str_copy_c(struct str text, char *to, size_t size)
{
	CHECK(size > 0);
	to[0] = '\0';
	if (text.len >= size || str_find_char(text, '\0') != STR_NONE)
		return false;
	if (text.len > 0)
		memcpy(to, text.ptr, text.len);
	to[text.len] = '\0';
	return true;
}

char *str_dup_c(struct str text)
{
	char *copy = malloc(text.len + 1);

	CHECK(copy != NULL);
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}
