/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mailbox_name.h"

/* The length of the UTF-8 sequence at the front, by RFC 3629; 0 when it is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
	static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = at[0] < 0x80   ? 1
		     : at[0] < 0xc0 ? 0
		     : at[0] < 0xe0 ? 2
		     : at[0] < 0xf0 ? 3
		     : at[0] < 0xf8 ? 4
				    : 0;

	if (len <= 1 || len > left)
		return len > left ? 0 : len;
	uint32_t code = at[0] & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
	return code < smallest[len] || code > 0x10ffff || is_surrogate ? 0 : len;
}

static bool text_check(struct str name)
{
	const unsigned char *bytes = (const unsigned char *)name.ptr;

	for (size_t at = 0; at < name.len;) {
		size_t len = utf8_length(bytes + at, name.len - at);
		/* U+0080 to U+009F are controls as well. */
		bool is_c1 = len == 2 && bytes[at] == 0xc2 && bytes[at + 1] < 0xa0;
		if (len == 0 || is_c1 || ascii_is_control(name.ptr[at]))
			return false;
		at += len;
	}
	return true;
}

static bool levels_check(struct str name)
{
	size_t depth = 0;

	for (struct str rest = name; rest.ptr != NULL; depth++)
		if (str_is_empty(str_cut(&rest, '/')))
			return false;
	return depth <= MAILBOX_DEPTH_MAX;
}

bool mailbox_name_check(struct str name)
{
	return !str_is_empty(name) && name.len <= MAILBOX_NAME_MAX && text_check(name) &&
	       levels_check(name);
}

enum fault mailbox_name_make(struct str name, struct mailbox_name *name_out)
{
	if (!mailbox_name_check(name))
		return FAULT_INVALID;
	memcpy(name_out->bytes, name.ptr, name.len);
	name_out->len = name.len;
	struct str rest = name;
	struct str first = str_cut(&rest, '/');
	if (str_equals_nocase(first, MAILBOX_INBOX))
		memcpy(name_out->bytes, MAILBOX_INBOX.ptr, MAILBOX_INBOX.len);
	return FAULT_NONE;
}

struct str mailbox_name_superior(struct str name)
{
	size_t slash = str_find_last_char(name, '/');

	return slash == STR_NONE ? str_make(NULL, 0) : str_sub(name, 0, slash);
}

bool mailbox_name_is_inferior(struct str name, struct str superior)
{
	return name.len > superior.len && name.ptr[superior.len] == '/' &&
	       str_has_prefix(name, superior);
}
