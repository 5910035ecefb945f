/* SPDX-License-Identifier: Apache-2.0 */
#include "mailauth/dkim_canon.h"

/* ---- fields ---- */

/* Length of the line end at the front: CR LF, or LF as the header's own parser takes it; else 0. */
static size_t line_end_length(struct str text)
{
	if (text.len >= 2 && text.ptr[0] == '\r' && text.ptr[1] == '\n')
		return 2;
	return text.len >= 1 && text.ptr[0] == '\n' ? 1 : 0;
}

static void value_append(struct buf *to, struct str value)
{
	bool has_blank = false, has_content = false;

	while (value.len > 0) {
		size_t skipped = line_end_length(value);
		if (skipped == 0 && ascii_is_blank(value.ptr[0])) {
			has_blank = true;
			skipped = 1;
		}
		if (skipped == 0) {
			if (has_blank && has_content)
				buf_append_char(to, ' ');
			buf_append_char(to, value.ptr[0]);
			has_blank = false;
			has_content = true;
			skipped = 1;
		}
		value = str_from(value, skipped);
	}
}

void dkim_field_append(struct buf *to, struct str name, struct str value)
{
	for (size_t i = 0; i < name.len; i++)
		buf_append_char(to, ascii_lower(name.ptr[i]));
	buf_append_char(to, ':');
	value_append(to, value);
}

/* ---- the body ---- */

static void buffer_flush(struct dkim_body *body)
{
	sha256_update(&body->sha, str_make(body->buffer, body->len));
	body->len = 0;
}

static void bytes_put(struct dkim_body *body, struct str bytes)
{
	while (bytes.len > 0) {
		if (body->len == sizeof(body->buffer))
			buffer_flush(body);
		struct str part = str_sub(bytes, 0, sizeof(body->buffer) - body->len);
		memcpy(body->buffer + body->len, part.ptr, part.len);
		body->len += part.len;
		bytes = str_from(bytes, part.len);
	}
}

/* Something of a line that is no white space: what was held before it counts now. */
static void content_put(struct dkim_body *body, struct str bytes)
{
	for (; body->held_lines > 0; body->held_lines--)
		bytes_put(body, STR("\r\n"));
	if (body->has_blank)
		bytes_put(body, STR(" "));
	body->has_blank = false;
	body->has_content = true;
	bytes_put(body, bytes);
}

/* Nearly all bytes need one comparison. */
static bool is_plain(char c)
{
	return (unsigned char)c > ' ' || (!ascii_is_blank(c) && c != '\r' && c != '\n');
}

/* The bytes at the front that need no thought. */
static struct str plain_run(struct str bytes)
{
	size_t len = 0;

	while (len < bytes.len && is_plain(bytes.ptr[len]))
		len++;
	return str_sub(bytes, 0, len);
}

static void special_take(struct dkim_body *body, char c)
{
	bool ends_line = c == '\n' && body->has_cr;

	if (body->has_cr && !ends_line)
		content_put(body, STR("\r"));
	body->has_cr = c == '\r';
	if (ends_line) {
		body->held_lines++;
		body->has_blank = false;
	} else if (ascii_is_blank(c))
		body->has_blank = true;
	else if (c == '\n')
		content_put(body, STR("\n"));
}

void dkim_body_init(struct dkim_body *body)
{
	*body = (struct dkim_body){.held_lines = 0};
	sha256_init(&body->sha);
}

void dkim_body_update(struct dkim_body *body, struct str bytes)
{
	while (bytes.len > 0) {
		struct str run = plain_run(bytes);
		if (run.len > 0) {
			if (body->has_cr)
				content_put(body, STR("\r"));
			body->has_cr = false;
			content_put(body, run);
		} else
			special_take(body, bytes.ptr[0]);
		bytes = str_from(bytes, run.len > 0 ? run.len : 1);
	}
}

void dkim_body_final(struct dkim_body *body, unsigned char digest_out[SHA256_BYTES])
{
	if (body->has_cr)
		content_put(body, STR("\r"));
	if (body->has_content)
		bytes_put(body, STR("\r\n"));
	buffer_flush(body);
	sha256_final(&body->sha, digest_out);
}

void dkim_body_done(struct dkim_body *body)
{
	sha256_done(&body->sha);
}
