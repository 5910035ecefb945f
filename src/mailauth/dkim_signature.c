/* SPDX-License-Identifier: Apache-2.0 */
#include "mailauth/dkim_signature.h"

#include <stdlib.h>

#include "base/encode.h"

enum { LINE_MAX_BYTES = 76, FOLD_EVERY = 72 };

/* What is signed, and when once more than it occurs. */
static const struct {
	struct str name;
	enum { NEVER_MORE, MORE_WHERE_PRESENT, ALWAYS_MORE } more;
} rules[] = {
	{STR_INIT("From"), ALWAYS_MORE},
	{STR_INIT("To"), ALWAYS_MORE},
	{STR_INIT("Cc"), ALWAYS_MORE},
	{STR_INIT("Subject"), ALWAYS_MORE},
	{STR_INIT("Date"), ALWAYS_MORE},
	{STR_INIT("Reply-To"), ALWAYS_MORE},
	{STR_INIT("Message-ID"), ALWAYS_MORE},
	{STR_INIT("Sender"), MORE_WHERE_PRESENT},
	{STR_INIT("In-Reply-To"), MORE_WHERE_PRESENT},
	{STR_INIT("References"), MORE_WHERE_PRESENT},
	{STR_INIT("MIME-Version"), MORE_WHERE_PRESENT},
	{STR_INIT("Content-Type"), MORE_WHERE_PRESENT},
	{STR_INIT("Content-Transfer-Encoding"), MORE_WHERE_PRESENT},
	{STR_INIT("Content-Disposition"), MORE_WHERE_PRESENT},
	{STR_INIT("Content-Description"), MORE_WHERE_PRESENT},
	{STR_INIT("Content-ID"), MORE_WHERE_PRESENT},
	{STR_INIT("Content-Language"), MORE_WHERE_PRESENT},
	{STR_INIT("Autocrypt"), MORE_WHERE_PRESENT},
	{STR_INIT("Auto-Submitted"), NEVER_MORE},
	/* Whoever sends a message on adds these; one that is there may not change. */
	{STR_INIT("Resent-Date"), NEVER_MORE},
	{STR_INIT("Resent-From"), NEVER_MORE},
	{STR_INIT("Resent-To"), NEVER_MORE},
	{STR_INIT("Resent-Cc"), NEVER_MORE},
	{STR_INIT("Resent-Message-ID"), NEVER_MORE},
	{STR_INIT("List-Id"), NEVER_MORE},
	{STR_INIT("List-Help"), NEVER_MORE},
	{STR_INIT("List-Unsubscribe"), NEVER_MORE},
	{STR_INIT("List-Unsubscribe-Post"), NEVER_MORE},
	{STR_INIT("List-Subscribe"), NEVER_MORE},
	{STR_INIT("List-Post"), NEVER_MORE},
	{STR_INIT("List-Owner"), NEVER_MORE},
	{STR_INIT("List-Archive"), NEVER_MORE},
};

enum { RULES = sizeof(rules) / sizeof(rules[0]) };

/* ---- choosing ---- */

struct choice {
	struct message_field *fields;
	size_t count;
	size_t name_count;
	size_t line_len; /* of h= as it is folded */
	struct buf *names;
};

static void name_add(struct choice *choice, struct str name)
{
	if (choice->name_count > 0)
		buf_append_char(choice->names, ':');
	if (choice->line_len + name.len + 1 > LINE_MAX_BYTES) {
		buf_append_c(choice->names, "\r\n\t ");
		choice->line_len = 0;
	}
	buf_append_str(choice->names, name);
	choice->line_len += name.len + 1;
	choice->name_count++;
}

/* The fields of that name, the last first (RFC 6376 section 5.4.2). */
static void rule_choose(struct choice *choice, size_t rule, const struct message_field *all,
			size_t all_count)
{
	size_t before = choice->count;

	for (size_t i = all_count; i-- > 0 && choice->name_count <= DKIM_NAMES_MAX;) {
		if (!str_equals_nocase(all[i].name, rules[rule].name))
			continue;
		choice->fields[choice->count++] = all[i];
		name_add(choice, rules[rule].name);
	}
	if (rules[rule].more == ALWAYS_MORE ||
	    (rules[rule].more == MORE_WHERE_PRESENT && choice->count > before))
		name_add(choice, rules[rule].name);
}

/* Appends the fields of a piece; the array has room for `max`. */
static size_t fields_read(struct str text, struct message_field *to, size_t count, size_t max)
{
	while (count < max && message_field_next(&text, &to[count]))
		count++;
	return count;
}

/* No field is shorter than a line with a colon. */
static size_t fields_max(struct str text)
{
	size_t count = 1;

	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == '\n';
	return count;
}

enum fault dkim_header_init(struct dkim_header *header, struct str first, struct str second)
{
	size_t max = fields_max(first) + fields_max(second), count;
	struct message_field *all = calloc(max, sizeof(*all));
	struct choice choice = {.line_len = 3, .names = &header->names};

	*header = (struct dkim_header){.names = BUF_INIT(DKIM_FIELD_MAX / 2)};
	choice.fields = header->fields =
		calloc(DKIM_NAMES_MAX + 1, sizeof(*header->fields));
	CHECK(all != NULL && choice.fields != NULL);
	count = fields_read(first, all, 0, max);
	count = fields_read(second, all, count, max);
	for (size_t i = 0; i < RULES && choice.name_count <= DKIM_NAMES_MAX; i++)
		rule_choose(&choice, i, all, count);
	header->count = choice.count;
	free(all);
	if (choice.name_count <= DKIM_NAMES_MAX && !header->names.failed)
		return FAULT_NONE;
	dkim_header_done(header);
	return FAULT_TOO_LARGE;
}

void dkim_header_done(struct dkim_header *header)
{
	free(header->fields);
	buf_done(&header->names);
	*header = (struct dkim_header){.names = BUF_INIT(DKIM_FIELD_MAX / 2)};
}

/* ---- writing ---- */

static void base64_append_folded(struct buf *to, struct str bytes)
{
	struct buf text = BUF_INIT(DKIM_FIELD_MAX);

	base64_encode(&text, bytes);
	for (struct str rest = buf_str(&text); rest.len > 0;) {
		struct str line = str_sub(rest, 0, FOLD_EVERY);
		buf_append_str(to, line);
		rest = str_from(rest, line.len);
		if (rest.len > 0)
			buf_append_c(to, "\r\n\t ");
	}
	buf_done(&text);
}

static void field_begin(struct buf *field, const struct dkim_signature *signature)
{
	buf_printf(field, "DKIM-Signature: v=1; a=%s-sha256; c=relaxed/relaxed;\r\n\td=%.*s;\r\n\ts=%.*s; ",
		   dkim_algorithm_name(signature->algorithm), STR_ARG(signature->domain),
		   STR_ARG(signature->selector));
	buf_printf(field, "t=%lld;\r\n\tbh=", (long long)signature->time_s);
	base64_encode(field, str_make(signature->body_digest, SHA256_BYTES));
	buf_append_c(field, ";\r\n\th=");
	buf_append_str(field, buf_str(&signature->header->names));
	buf_append_c(field, ";\r\n\tb=");
}

static void field_hash(struct sha256 *sha, struct str name, struct str value)
{
	struct buf text = BUF_INIT(name.len + value.len + 1);

	dkim_field_append(&text, name, value);
	CHECK(!text.failed);
	sha256_update(sha, buf_str(&text));
	buf_done(&text);
}

void dkim_signature_begin(struct buf *field, const struct dkim_signature *signature,
			  unsigned char digest_out[SHA256_BYTES])
{
	const struct dkim_header *header = signature->header;
	size_t begin = field->len, name_len = strlen("DKIM-Signature");
	struct sha256 sha;

	field_begin(field, signature);
	CHECK(!field->failed);
	sha256_init(&sha);
	for (size_t i = 0; i < header->count; i++) {
		field_hash(&sha, header->fields[i].name, header->fields[i].value);
		sha256_update(&sha, STR("\r\n"));
	}
	struct str own = str_from(buf_str(field), begin);
	field_hash(&sha, str_sub(own, 0, name_len), str_from(own, name_len + 1));
	sha256_final(&sha, digest_out);
}

void dkim_signature_end(struct buf *field, struct str signature)
{
	base64_append_folded(field, signature);
	buf_append_c(field, "\r\n");
	CHECK(!field->failed);
}
