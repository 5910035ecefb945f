/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes proto/smtp_body against a decoder that works byte by byte on the
 * whole: the same message, the same end, the same verdict, however it is cut.
 */
#include "base/buf.h"
#include "proto/smtp_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
	struct buf message;
	size_t consumed;
	bool is_done;
	bool is_clean;
};

static bool ends_with_crlf(struct str text, size_t at)
{
	return at == 0 || (at >= 2 && text.ptr[at - 2] == '\r' && text.ptr[at - 1] == '\n');
}

static bool bare_check(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\n' && (i == 0 || text.ptr[i - 1] != '\r'))
			return true;
		if (text.ptr[i] == '\r' && (i + 1 == text.len || text.ptr[i + 1] != '\n'))
			return true;
	}
	return false;
}

/* RFC 5321 section 4.5.2 to the letter. */
static void naive_decode(struct str wire, struct decoded *decoded)
{
	size_t at = 0;

	while (at < wire.len) {
		if (wire.ptr[at] == '.' && ends_with_crlf(wire, at)) {
			if (str_has_prefix(str_from(wire, at), STR(".\r\n"))) {
				decoded->is_done = true;
				at += 3;
				break;
			}
			at++;
			continue;
		}
		buf_append_char(&decoded->message, wire.ptr[at++]);
	}
	decoded->consumed = at;
	decoded->is_clean = !bare_check(str_sub(wire, 0, at));
}

static void pieces_decode(struct str wire, uint8_t seed, struct decoded *decoded)
{
	struct smtp_body body;
	struct str run;
	size_t at = 0;

	smtp_body_init(&body);
	smtp_body_data_begin(&body);
	while (at < wire.len && !body.is_done) {
		seed = (uint8_t)(seed * 5 + 3);
		struct str piece = str_sub(wire, at, 1 + seed % 17);
		size_t len = piece.len;
		while ((run = smtp_body_step(&body, &piece)).len > 0)
			buf_append_str(&decoded->message, run);
		CHECK(piece.len == 0 || body.is_done);
		at += len - piece.len;
	}
	smtp_body_end(&body);
	CHECK(body.lines.bytes == decoded->message.len);
	decoded->consumed = at;
	decoded->is_done = body.is_done;
	decoded->is_clean = smtp_body_is_clean(&body);
}

static void chunk_decode(struct str wire, uint8_t cut)
{
	struct smtp_body body;
	struct str piece = str_sub(wire, 0, cut), rest = str_from(wire, cut);

	smtp_body_init(&body);
	smtp_body_chunk_begin(&body, wire.len);
	CHECK(smtp_body_step(&body, &piece).len == (wire.len < cut ? wire.len : cut));
	smtp_body_step(&body, &rest);
	smtp_body_end(&body);
	CHECK(body.is_done && smtp_body_is_clean(&body) == !bare_check(wire));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decoded naive = {.message = BUF_INIT(size)}, pieces = {.message = BUF_INIT(size)};

	if (size == 0)
		return 0;
	struct str wire = str_make(data + 1, size - 1);
	naive_decode(wire, &naive);
	pieces_decode(wire, data[0], &pieces);
	CHECK(naive.is_done == pieces.is_done);
	CHECK(naive.consumed == pieces.consumed);
	/* Without an end a CR behind a dot may still be held back; with one all must be the same.
	 */
	if (naive.is_done) {
		CHECK(naive.is_clean == pieces.is_clean);
		CHECK(str_equals(buf_str(&naive.message), buf_str(&pieces.message)));
	}
	chunk_decode(wire, data[0]);
	buf_done(&naive.message);
	buf_done(&pieces.message);
	return 0;
}
