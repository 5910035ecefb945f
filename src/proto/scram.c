/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/scram.h"

#include "base/cursor.h"
#include "base/encode.h"

/* `printable` of RFC 5802 section 7: what a nonce may hold. */
static bool is_nonce_char(char c)
{
	return c > ' ' && c < 0x7f && c != ',';
}

/* cb-name. */
static bool is_binding_char(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-';
}

/* value: all but NUL and comma. */
static bool is_value_char(char c)
{
	return c != '\0' && c != ',';
}

static struct str since(const struct cursor *cursor, const char *start)
{
	return str_make(start, (size_t)(cursor->at - start));
}

/* "X=" and the value behind it; fails when another attribute or nothing comes. */
static struct str attribute_take(struct cursor *cursor, struct str mark,
				 bool (*is_member)(char))
{
	struct str value = {0};

	if (cursor_take_str(cursor, mark))
		value = cursor_take_while(cursor, is_member);
	if (str_is_empty(value))
		cursor_fail(cursor);
	return value;
}

static void comma_take(struct cursor *cursor)
{
	if (!cursor_take_char(cursor, ','))
		cursor_fail(cursor);
}

static bool name_check(struct str written)
{
	for (size_t i = 0; i < written.len; i++) {
		if (written.ptr[i] != '=')
			continue;
		struct str escape = str_sub(written, i, 3);
		if (!str_equals(escape, STR("=2C")) && !str_equals(escape, STR("=3D")))
			return false;
	}
	return true;
}

bool scram_name_append(struct buf *to, struct str written)
{
	if (!name_check(written))
		return false;
	for (size_t i = 0; i < written.len; i++) {
		if (written.ptr[i] != '=') {
			buf_append_char(to, written.ptr[i]);
			continue;
		}
		buf_append_char(to, written.ptr[i + 1] == '2' ? ',' : '=');
		i += 2;
	}
	return true;
}

static void flag_take(struct cursor *cursor, struct scram_first *first)
{
	if (cursor_take_char(cursor, 'n'))
		first->flag = SCRAM_UNABLE;
	else if (cursor_take_char(cursor, 'y'))
		first->flag = SCRAM_UNOFFERED;
	else {
		first->flag = SCRAM_BOUND;
		first->binding_name = attribute_take(cursor, STR("p="), is_binding_char);
	}
	comma_take(cursor);
}

static void header_take(struct cursor *cursor, struct scram_first *first)
{
	const char *start = cursor->at;

	flag_take(cursor, first);
	if (cursor_peek(cursor) == 'a')
		first->authorisation = attribute_take(cursor, STR("a="), is_value_char);
	comma_take(cursor);
	first->header = since(cursor, start);
}

/* extensions: unknown ones are passed over, as RFC 5802 section 5.1 wants it. */
static void extension_take(struct cursor *cursor)
{
	char mark[] = {(char)cursor_peek(cursor), '='};

	if (!ascii_is_alpha(mark[0]))
		cursor_fail(cursor);
	attribute_take(cursor, str_make(mark, sizeof(mark)), is_value_char);
}

bool scram_first_parse(struct str message, struct scram_first *first_out)
{
	struct cursor cursor = cursor_make(message);
	struct scram_first first = {0};

	header_take(&cursor, &first);
	const char *bare = cursor.at;
	/* "m=", an extension that must be understood, fails here: it does not begin with "n=". */
	first.user = attribute_take(&cursor, STR("n="), is_value_char);
	comma_take(&cursor);
	first.nonce = attribute_take(&cursor, STR("r="), is_nonce_char);
	while (cursor_take_char(&cursor, ','))
		extension_take(&cursor);
	first.bare = since(&cursor, bare);
	if (!cursor_is_done(&cursor) || first.nonce.len > SCRAM_CLIENT_NONCE_MAX ||
	    !name_check(first.user) || !name_check(first.authorisation))
		return false;
	*first_out = first;
	return true;
}

static bool proof_read(struct str written, unsigned char proof_out[SCRAM_DIGEST_BYTES])
{
	struct buf bytes = BUF_INIT(SCRAM_DIGEST_BYTES);
	bool is_proof = base64_decode(&bytes, written) && !bytes.failed &&
			bytes.len == SCRAM_DIGEST_BYTES;

	if (is_proof)
		memcpy(proof_out, bytes.data, SCRAM_DIGEST_BYTES);
	buf_wipe(&bytes);
	return is_proof;
}

bool scram_final_parse(struct str message, struct scram_final *final_out)
{
	struct cursor cursor = cursor_make(message);
	struct scram_final final = {0};

	final.binding = attribute_take(&cursor, STR("c="), is_value_char);
	comma_take(&cursor);
	final.nonce = attribute_take(&cursor, STR("r="), is_nonce_char);
	final.without_proof = since(&cursor, message.ptr);
	comma_take(&cursor);
	while (!cursor.failed && cursor_peek(&cursor) != 'p') {
		extension_take(&cursor);
		final.without_proof = since(&cursor, message.ptr);
		comma_take(&cursor);
	}
	struct str proof = attribute_take(&cursor, STR("p="), is_value_char);
	if (!cursor_is_done(&cursor) || !proof_read(proof, final.proof))
		return false;
	*final_out = final;
	return true;
}

bool scram_binding_check(struct str written, struct str header, struct str data)
{
	struct buf bytes = BUF_INIT(header.len + data.len);
	struct buf text = BUF_INIT(2 * bytes.max + 4);

	buf_append_str(&bytes, header);
	buf_append_str(&bytes, data);
	base64_encode(&text, buf_str(&bytes));
	bool is_same = !text.failed && str_equals(buf_str(&text), written);
	buf_done(&text);
	buf_done(&bytes);
	return is_same;
}

void scram_append_challenge(struct buf *to, struct str client_nonce, struct str server_nonce,
			    struct str salt, uint32_t iterations)
{
	buf_append_str(to, STR("r="));
	buf_append_str(to, client_nonce);
	buf_append_str(to, server_nonce);
	buf_append_str(to, STR(",s="));
	base64_encode(to, salt);
	buf_append_str(to, STR(",i="));
	buf_append_u64(to, iterations);
}

void scram_append_signed(struct buf *to, struct str first_bare, struct str challenge,
			 struct str final_without_proof)
{
	buf_append_str(to, first_bare);
	buf_append_char(to, ',');
	buf_append_str(to, challenge);
	buf_append_char(to, ',');
	buf_append_str(to, final_without_proof);
}

void scram_append_verified(struct buf *to, const unsigned char signature[SCRAM_DIGEST_BYTES])
{
	buf_append_str(to, STR("v="));
	base64_encode(to, str_make(signature, SCRAM_DIGEST_BYTES));
}
