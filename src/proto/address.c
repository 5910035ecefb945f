/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/address.h"

#include <arpa/inet.h>
#include <idn2.h>

#include "proto/message_text.h"

enum { LABEL_MAX = 63 };

bool atext_check(char c)
{
	return ascii_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_beyond_ascii(char c)
{
	return (unsigned char)c > 0x7f;
}

/* RFC 6531 section 3.3 adds all of UTF-8 to atext; the whole is checked at the end. */
static bool atom_char_check(char c)
{
	return atext_check(c) || is_beyond_ascii(c);
}

/* Dot-string = Atom *("." Atom) */
static bool dot_string_take(struct cursor *cursor)
{
	do {
		if (str_is_empty(cursor_take_while(cursor, atom_char_check)))
			return false;
	} while (cursor_take_char(cursor, '.'));
	return true;
}

/* Quoted-string of RFC 5321: printable, with `\` before any of it. */
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
		if (cursor->failed || c < 0x20 || c == 0x7f)
			return false;
	}
}

/* Names in the wild hold underscores; only our own domains are held to the letter. */
static bool domain_char_check(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_' || is_beyond_ascii(c);
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

static bool has_utf8(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (is_beyond_ascii(text.ptr[i]))
			return true;
	return false;
}

bool domain_append_ascii(struct buf *to, struct str domain)
{
	char text[ADDRESS_DOMAIN_MAX + 1];
	char *ascii = NULL;

	if (!str_copy_c(domain, text, sizeof(text)))
		return false;
	if (idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	/* The mapping makes blanks and dots of their likes elsewhere in Unicode. */
	struct cursor cursor = cursor_make(str_from_c(ascii));
	bool is_domain = strlen(ascii) <= ADDRESS_DOMAIN_MAX && domain_take(&cursor) &&
			 cursor_is_done(&cursor) && !has_utf8(str_from_c(ascii));
	if (is_domain)
		buf_append_c(to, ascii);
	idn2_free(ascii);
	return is_domain;
}

void address_append_ascii(struct buf *to, struct str text)
{
	struct address address;

	if (!has_utf8(text) || !address_parse(text, &address) || has_utf8(address.local)) {
		buf_append_str(to, text);
		return;
	}
	buf_append_str(to, address.local);
	buf_append_char(to, '@');
	if (!domain_append_ascii(to, address.domain))
		buf_append_str(to, address.domain);
}

/* The parts by their grammar alone. */
static bool parts_take(struct cursor *cursor, struct address *address_out)
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
	found.has_utf8 = has_utf8(found.text);
	*address_out = found;
	return true;
}

static bool domain_has_ascii(struct str domain)
{
	struct buf ascii = BUF_INIT(ADDRESS_DOMAIN_MAX);
	bool has = !has_utf8(domain) || domain_append_ascii(&ascii, domain);

	buf_done(&ascii);
	return has;
}

/*
 * An address beyond ASCII is UTF-8, its domain has a form in ASCII, and its key is an
 * address again and its own key: folding may lengthen a text, or make "@" of its likes.
 */
static bool utf8_address_check(const struct address *address)
{
	struct buf key = BUF_INIT(ADDRESS_MAX), again = BUF_INIT(ADDRESS_MAX);
	struct address of_key;

	if (!utf8_check(address->text) || !domain_has_ascii(address->domain))
		return false;
	address_append_key(&key, address);
	struct cursor cursor = cursor_make(buf_str(&key));
	bool is_good = !key.failed && parts_take(&cursor, &of_key) && cursor_is_done(&cursor);
	if (is_good) {
		address_append_key(&again, &of_key);
		is_good = str_equals(buf_str(&key), buf_str(&again));
	}
	buf_done(&key);
	buf_done(&again);
	return is_good;
}

bool address_take(struct cursor *cursor, struct address *address_out)
{
	struct address found;

	if (!parts_take(cursor, &found) || (found.has_utf8 && !utf8_address_check(&found)))
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

/* Lower case; beyond ASCII the folded form of Unicode. */
static void lower_append(struct buf *to, struct str text)
{
	if (has_utf8(text)) {
		message_text_fold(to, text);
		return;
	}
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
	struct buf lower = BUF_INIT(ADDRESS_MAX);

	if (dot_string_take(&cursor) && cursor_is_done(&cursor)) {
		lower_append(to, local);
		return;
	}
	lower_append(&lower, local);
	buf_append_char(to, '"');
	for (size_t i = 0; i < lower.len; i++) {
		if (lower.data[i] == '"' || lower.data[i] == '\\')
			buf_append_char(to, '\\');
		buf_append_char(to, lower.data[i]);
	}
	buf_append_char(to, '"');
	buf_done(&lower);
}

void address_append_key(struct buf *to, const struct address *address)
{
	if (address->is_quoted)
		quoted_local_append(to, address->local);
	else
		lower_append(to, address->local);
	buf_append_char(to, '@');
	/* Was checked when the address was parsed. */
	if (!has_utf8(address->domain) || !domain_append_ascii(to, address->domain))
		lower_append(to, address->domain);
}

bool address_append_account(struct buf *to, struct str text)
{
	struct address address;
	size_t before = to->len;

	if (!address_parse(text, &address) || address.is_literal)
		return false;
	address_append_key(to, &address);
	struct str domain = str_from(buf_str(to), before);
	if (to->failed || domain_check(str_from(domain, str_find_last_char(domain, '@') + 1)))
		return true;
	buf_truncate(to, before);
	return false;
}

bool domain_check(struct str text)
{
	struct cursor cursor = cursor_make(text);

	return text.len > 0 && text.len <= ADDRESS_DOMAIN_MAX && domain_take(&cursor) &&
	       cursor_is_done(&cursor) && str_find_char(text, '_') == STR_NONE && !has_utf8(text);
}

bool domain_literal_check(struct str text)
{
	struct cursor cursor = cursor_make(text);

	return literal_take(&cursor) && cursor_is_done(&cursor);
}
