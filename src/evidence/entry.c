/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/entry.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "crypto/digest.h"

static const char *const kind_names[EVIDENCE_KIND_COUNT] = {
#define X(id, text) text,
	EVIDENCE_KIND_TABLE(X)
#undef X
};

const char *evidence_kind_name(enum evidence_kind kind)
{
	CHECK(kind < EVIDENCE_KIND_COUNT);
	return kind_names[kind];
}

struct evidence_hash evidence_hash_of(struct str bytes)
{
	unsigned char digest[SHA256_BYTES];
	struct buf text = BUF_INIT(EVIDENCE_HASH_CHARS);
	struct evidence_hash hash;

	sha256(bytes, digest);
	hex_encode(&text, str_make(digest, sizeof(digest)));
	CHECK(str_copy_c(buf_str(&text), hash.text, sizeof(hash.text)));
	buf_done(&text);
	return hash;
}

struct evidence_hash evidence_hash_none(void)
{
	struct evidence_hash hash;

	memset(hash.text, '0', EVIDENCE_HASH_CHARS);
	hash.text[EVIDENCE_HASH_CHARS] = '\0';
	return hash;
}

/* A JSON string (RFC 8259 section 7); what is no printable UTF-8 stands as \xNN in it. */
static void append_string(struct buf *to, struct str text)
{
	struct buf printable = BUF_INIT(4 * EVIDENCE_VALUE_MAX + 4);

	text_append_phrase(&printable, str_sub(text, 0, EVIDENCE_VALUE_MAX));
	if (text.len > EVIDENCE_VALUE_MAX)
		buf_append_c(&printable, "...");
	buf_append_char(to, '"');
	for (size_t i = 0; i < printable.len; i++) {
		if (printable.data[i] == '"' || printable.data[i] == '\\')
			buf_append_char(to, '\\');
		buf_append_char(to, printable.data[i]);
	}
	buf_append_char(to, '"');
	buf_done(&printable);
}

static void append_member(struct buf *to, const char *name, struct str text)
{
	buf_printf(to, ",\"%s\":", name);
	append_string(to, text);
}

static void append_value(struct buf *to, const char *name, struct str value)
{
	if (value.ptr == NULL)
		buf_printf(to, ",\"%s\":null", name);
	else
		append_member(to, name, value);
}

static void append_changes(struct buf *to, const struct evidence_entry *entry)
{
	buf_append_c(to, ",\"changes\":[");
	for (size_t i = 0; i < entry->change_count && i < EVIDENCE_CHANGES_MAX; i++) {
		const struct evidence_change *change = &entry->changes[i];
		buf_append_c(to, i == 0 ? "{\"variable\":" : ",{\"variable\":");
		append_string(to, change->variable);
		append_value(to, "old", change->old_value);
		append_value(to, "new", change->new_value);
		buf_append_char(to, '}');
	}
	buf_append_char(to, ']');
}

struct evidence_hash evidence_entry_append(struct buf *to, const struct evidence_entry *entry,
					   const struct evidence_hash *before)
{
	size_t begin = to->len;

	buf_printf(to, "{\"sequence\":%llu,\"time\":\"", (unsigned long long)entry->sequence);
	clock_append_iso_date(to, entry->time_s);
	buf_append_c(to, "\",\"who\":");
	append_string(to, entry->who);
	if (entry->uid < 0)
		buf_append_c(to, ",\"uid\":null");
	else
		buf_printf(to, ",\"uid\":%lld", (long long)entry->uid);
	append_member(to, "from", entry->from);
	append_member(to, "kind", str_from_c(evidence_kind_name(entry->kind)));
	append_member(to, "text", entry->text);
	append_changes(to, entry);
	buf_printf(to, ",\"file_sha256\":\"%s\",\"before\":\"%s\"",
		   evidence_hash_of(entry->file).text, before->text);
	struct evidence_hash hash = evidence_hash_of(str_from(buf_str(to), begin));
	buf_printf(to, ",\"hash\":\"%s\"}", hash.text);
	return hash;
}
