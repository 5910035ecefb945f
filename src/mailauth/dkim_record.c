/* SPDX-License-Identifier: Apache-2.0 */
#include "mailauth/dkim_record.h"

#include "base/encode.h"

enum { STRING_MAX = 255, TAGS_MAX = 32 };

void dkim_record_append(struct buf *to, enum dkim_algorithm algorithm, struct str public_key)
{
	buf_printf(to, "v=DKIM1; k=%s; p=", dkim_algorithm_name(algorithm));
	base64_encode(to, public_key);
}

void dkim_record_append_name(struct buf *to, struct str domain, struct str selector)
{
	buf_printf(to, "%.*s._domainkey.%.*s", STR_ARG(selector), STR_ARG(domain));
}

void dkim_record_append_zone(struct buf *to, struct str domain, struct str selector,
			     struct str record)
{
	dkim_record_append_name(to, domain, selector);
	buf_append_c(to, ". IN TXT (");
	while (record.len > 0) {
		struct str string = str_sub(record, 0, STRING_MAX);
		buf_printf(to, "\n\t\"%.*s\"", STR_ARG(string));
		record = str_from(record, string.len);
	}
	buf_append_c(to, " )\n");
}

const char *dkim_published_name(enum dkim_published published)
{
	static const char *const names[DKIM_PUBLISHED_COUNT] = {
		"published",
		"another key is published",
		"published as revoked (p= is empty)",
		"published, but as a test (t=y)",
		"what is published cannot be used for signed mail",
		"not published",
		"several records are published",
		"DNS does not tell",
	};

	return names[published];
}

/* Takes the next tag and its value, trimmed, off a list; false at its end or where it is none. */
static bool tag_take(struct str *rest, struct str *name_out, struct str *value_out)
{
	while (rest->ptr != NULL) {
		struct str value = str_cut(rest, ';');
		if (str_is_empty(str_trim(value)))
			continue;
		*name_out = str_trim(str_cut(&value, '='));
		*value_out = str_trim(value);
		return value.ptr != NULL && name_out->len > 0;
	}
	return false;
}

/* The value of a tag, or `otherwise`; what stands behind something that is no tag is not looked at. */
static struct str tag_find(struct str record, struct str wanted, struct str otherwise)
{
	struct str name, value;

	for (int i = 0; i < TAGS_MAX && tag_take(&record, &name, &value); i++)
		if (str_equals(name, wanted))
			return value;
	return otherwise;
}

/* True when a list of words with colons between them has one of the two. */
static bool list_has(struct str list, struct str word, struct str other)
{
	while (list.ptr != NULL) {
		struct str item = str_trim(str_cut(&list, ':'));
		if (str_equals_nocase(item, word) || str_equals_nocase(item, other))
			return true;
	}
	return false;
}

/* The same key, whatever white space stands in it. */
static bool is_same_key(struct str a, struct str b)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a.len && ascii_is_space(a.ptr[i]))
			i++;
		while (j < b.len && ascii_is_space(b.ptr[j]))
			j++;
		if (i == a.len || j == b.len)
			return i == a.len && j == b.len;
		if (a.ptr[i++] != b.ptr[j++])
			return false;
	}
}

enum dkim_published dkim_record_compare(struct str found, struct str ours)
{
	struct str rsa = STR("rsa"), missing = {0};
	struct str key = tag_find(found, STR("p"), missing);

	if (!str_equals(tag_find(found, STR("v"), STR("DKIM1")), STR("DKIM1")) ||
	    key.ptr == NULL ||
	    !list_has(tag_find(found, STR("h"), STR("sha256")), STR("sha256"), STR("sha256")) ||
	    !list_has(tag_find(found, STR("s"), STR("*")), STR("*"), STR("email")))
		return DKIM_PUBLISHED_UNUSABLE;
	if (key.len == 0)
		return DKIM_PUBLISHED_REVOKED;
	if (!str_equals(tag_find(found, STR("k"), rsa), tag_find(ours, STR("k"), rsa)) ||
	    !is_same_key(key, tag_find(ours, STR("p"), missing)))
		return DKIM_PUBLISHED_OTHER_KEY;
	if (list_has(tag_find(found, STR("t"), STR("")), STR("y"), STR("y")))
		return DKIM_PUBLISHED_TESTING;
	return DKIM_PUBLISHED;
}
