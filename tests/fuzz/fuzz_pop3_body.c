/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes proto/pop3_body against a decoder that works line by line on the whole: the same
 * message and the same end, however it is cut.
 */
#include "base/buf.h"
#include "proto/pop3_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
	struct buf message;
	size_t consumed;
	bool is_done;
};

/* A line without its LF: dot and CRs before the line end go, runs of other CRs are blanks. */
static void line_decode(struct str line, struct decoded *decoded)
{
	while (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (line.len > 0 && line.ptr[0] == '.')
		line = str_from(line, 1);
	for (size_t i = 0; i < line.len; i++) {
		if (line.ptr[i] != '\r')
			buf_append_char(&decoded->message, line.ptr[i]);
		else if (line.ptr[i + 1] != '\r')
			buf_append_char(&decoded->message, ' ');
	}
	buf_append_str(&decoded->message, STR("\r\n"));
}

static bool is_end(struct str line)
{
	if (line.len == 0 || line.ptr[0] != '.')
		return false;
	for (size_t i = 1; i < line.len; i++)
		if (line.ptr[i] != '\r')
			return false;
	return true;
}

static void naive_decode(struct str wire, struct decoded *decoded)
{
	size_t lf;

	while (!decoded->is_done && (lf = str_find_char(wire, '\n')) != STR_NONE) {
		struct str line = str_sub(wire, 0, lf);
		wire = str_from(wire, lf + 1);
		decoded->consumed += lf + 1;
		decoded->is_done = is_end(line);
		if (!decoded->is_done)
			line_decode(line, decoded);
	}
}

static void pieces_decode(struct str wire, uint8_t seed, struct decoded *decoded)
{
	struct pop3_body body;
	struct str run;

	pop3_body_init(&body);
	while (decoded->consumed < wire.len && !body.is_done) {
		seed = (uint8_t)(seed * 5 + 3);
		struct str piece = str_sub(wire, decoded->consumed, 1 + seed % 17);
		size_t len = piece.len;
		while ((run = pop3_body_step(&body, &piece)).len > 0)
			buf_append_str(&decoded->message, run);
		CHECK(piece.len == 0 || body.is_done);
		decoded->consumed += len - piece.len;
	}
	decoded->is_done = body.is_done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decoded naive = {.message = BUF_INIT(3 * size)};
	struct decoded pieces = {.message = BUF_INIT(3 * size)};

	if (size == 0)
		return 0;
	struct str wire = str_make(data + 1, size - 1);
	naive_decode(wire, &naive);
	pieces_decode(wire, data[0], &pieces);
	CHECK(naive.is_done == pieces.is_done);
	/* A line without an end is part of the one only. */
	CHECK(str_has_prefix(buf_str(&pieces.message), buf_str(&naive.message)));
	if (naive.is_done)
		CHECK(naive.consumed == pieces.consumed && naive.message.len == pieces.message.len);
	buf_done(&naive.message);
	buf_done(&pieces.message);
	return 0;
}
