/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/address.h"

#include <arpa/inet.h>

enum { LABEL_MAX = 63 };

bool atext_check(char c)
{
	return ascii_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Dot-string = Atom *("." Atom) */
static bool dot_string_take(struct cursor *cursor)
{
	do {
		if (str_is_empty(cursor_take_while(cursor, atext_check)))
			return false;
	} while (cursor_take_char(cursor, '.'));
	return true;
}

/* Quoted-string of RFC 5321: printable ASCII, with `\` before any of it. */
static bool quoted_string_take(struct cursor *cursor)
{
	if (!cursor_take_char(cursor, '"'))
		return false;
	for (;;) {
		int c = cursor_u8(cursor);
		if (c == '\\')
			c = cursor_u8(cursor);
		else if (c == '"')
			return true;
		if (cursor->failed || c < 0x20 || c > 0x7e)
			return false;
	}
}

/* Names in the wild hold underscores; only our own domains are held to the letter. */
static bool domain_char_check(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_';
}

static bool domain_take(struct cursor *cursor)
{
	do {
		struct str label = cursor_take_while(cursor, domain_char_check);
		if (label.len == 0 || label.len > LABEL_MAX)
			return false;
		if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
			return false;
	} while (cursor_take_char(cursor, '.'));
	return true;
}

static bool literal_char_check(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == ':';
}

static bool literal_take(struct cursor *cursor)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (!cursor_take_char(cursor, '['))
		return false;
	bool is_v6 = cursor_take_nocase(cursor, STR("IPv6:"));
	struct str inner = cursor_take_while(cursor, literal_char_check);
	return cursor_take_char(cursor, ']') && str_copy_c(inner, text, sizeof(text)) &&
	       inet_pton(is_v6 ? AF_INET6 : AF_INET, text, &address) == 1;
}

bool address_domain_take(struct cursor *cursor)
{
	return cursor_peek(cursor) == '[' ? literal_take(cursor) : domain_take(cursor);
}

bool address_take(struct cursor *cursor, struct address *address_out)
{
	struct address found = {.is_quoted = cursor_peek(cursor) == '"'};
	const char *start = cursor->at;

	if (found.is_quoted ? !quoted_string_take(cursor) : !dot_string_take(cursor))
		return false;
	found.local = str_make(start, (size_t)(cursor->at - start));
	if (found.local.len > ADDRESS_LOCAL_MAX || !cursor_take_char(cursor, '@'))
		return false;

	const char *domain = cursor->at;
	found.is_literal = cursor_peek(cursor) == '[';
	if (!address_domain_take(cursor))
		return false;
	found.domain = str_make(domain, (size_t)(cursor->at - domain));
	found.text = str_make(start, (size_t)(cursor->at - start));
	if (found.domain.len > ADDRESS_DOMAIN_MAX || found.text.len > ADDRESS_MAX)
		return false;
	*address_out = found;
	return true;
}

bool address_parse(struct str text, struct address *address_out)
{
	struct cursor cursor = cursor_make(text);
	struct address found;

	if (!address_take(&cursor, &found) || !cursor_is_done(&cursor))
		return false;
	*address_out = found;
	return true;
}

static void lower_append(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_append_char(to, ascii_lower(text.ptr[i]));
}

/* Removes the quotes and escapes of a quoted string that was parsed before. */
static size_t quoted_string_open(struct str quoted, char to[ADDRESS_LOCAL_MAX])
{
	size_t len = 0;

	for (size_t i = 1; i + 1 < quoted.len; i++) {
		if (quoted.ptr[i] == '\\')
			i++;
		to[len++] = quoted.ptr[i];
	}
	return len;
}

static void quoted_local_append(struct buf *to, struct str quoted)
{
	char bytes[ADDRESS_LOCAL_MAX];
	struct str local = str_make(bytes, quoted_string_open(quoted, bytes));
	struct cursor cursor = cursor_make(local);

	if (dot_string_take(&cursor) && cursor_is_done(&cursor)) {
		lower_append(to, local);
		return;
	}
	buf_append_char(to, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (local.ptr[i] == '"' || local.ptr[i] == '\\')
			buf_append_char(to, '\\');
		buf_append_char(to, ascii_lower(local.ptr[i]));
	}
	buf_append_char(to, '"');
}

void address_append_key(struct buf *to, const struct address *address)
{
	if (address->is_quoted)
		quoted_local_append(to, address->local);
	else
		lower_append(to, address->local);
	buf_append_char(to, '@');
	lower_append(to, address->domain);
}

bool address_append_account(struct buf *to, struct str text)
{
	struct address address;

	if (!address_parse(text, &address) || address.is_literal || !domain_check(address.domain))
		return false;
	address_append_key(to, &address);
	return true;
}

bool domain_check(struct str text)
{
	struct cursor cursor = cursor_make(text);

	return text.len > 0 && text.len <= ADDRESS_DOMAIN_MAX && domain_take(&cursor) &&
	       cursor_is_done(&cursor) && str_find_char(text, '_') == STR_NONE;
}

bool domain_literal_check(struct str text)
{
	struct cursor cursor = cursor_make(text);

	return literal_take(&cursor) && cursor_is_done(&cursor);
}
