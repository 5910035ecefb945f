/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp_body.h"

/*
 * LINE_START: a CRLF, or nothing, was before. DOT: the dot that began a line
 * was taken and dropped. DOT_CR: and a CR after it, which is held back. TEXT:
 * inside a line. TEXT_CR: the CR just given out was in a line.
 */
enum { CHUNK, LINE_START, DOT, DOT_CR, TEXT, TEXT_CR, ENDED };

void smtp_body_init(struct smtp_body *body)
{
	*body = (struct smtp_body){.state = ENDED};
}

void smtp_body_data_begin(struct smtp_body *body)
{
	body->state = LINE_START;
	body->is_done = false;
}

void smtp_body_chunk_begin(struct smtp_body *body, uint64_t size_bytes)
{
	body->state = CHUNK;
	body->chunk_left_bytes = size_bytes;
	body->is_done = size_bytes == 0;
}

static void line_end(struct smtp_lines *lines)
{
	bool is_empty = lines->line_bytes == 2;

	lines->line_count++;
	if (lines->line_bytes > lines->longest_line)
		lines->longest_line = lines->line_bytes;
	lines->line_bytes = 0;
	if (is_empty)
		lines->is_header_done = true;
}

/* Scans up to and with the next LF; `lf` is NULL when the piece holds none. */
static void part_scan(struct smtp_lines *lines, struct str part, const char *lf)
{
	const char *end = part.ptr + part.len;
	const char *cr = memchr(part.ptr, '\r', part.len);

	if (lines->ends_with_cr && part.ptr != lf)
		lines->has_bare_cr = true;
	/* A CR is good before the LF that ends the part, or at the end of a part without LF. */
	const char *good_cr = end - (lf == NULL ? 1 : 2);
	if (cr != NULL && cr < good_cr)
		lines->has_bare_cr = true;
	bool has_cr = part.len > 1 ? good_cr >= part.ptr && *good_cr == '\r' : lines->ends_with_cr;
	if (lf != NULL && !has_cr)
		lines->has_bare_lf = true;

	lines->line_bytes += part.len;
	if (!lines->is_header_done)
		lines->header_bytes += part.len;
	if (lf != NULL && has_cr)
		line_end(lines);
	lines->ends_with_cr = end[-1] == '\r';
}

void smtp_lines_scan(struct smtp_lines *lines, struct str piece)
{
	lines->bytes += piece.len;
	if (piece.len > 0 && memchr(piece.ptr, '\0', piece.len) != NULL)
		lines->has_nul = true;
	while (piece.len > 0) {
		const char *lf = memchr(piece.ptr, '\n', piece.len);
		size_t len = lf == NULL ? piece.len : (size_t)(lf - piece.ptr) + 1;
		part_scan(lines, str_sub(piece, 0, len), lf);
		piece = str_from(piece, len);
	}
}

static struct str chunk_step(struct smtp_body *body, struct str *input)
{
	size_t len =
		input->len < body->chunk_left_bytes ? input->len : (size_t)body->chunk_left_bytes;
	struct str run = str_sub(*input, 0, len);

	*input = str_from(*input, len);
	body->chunk_left_bytes -= len;
	body->is_done = body->chunk_left_bytes == 0;
	return run;
}

/*
 * Finds the end of the run that starts at `at` inside a line: behind the last
 * CRLF that a dot follows, or the end of input. Leaves the state for there.
 */
static const char *run_end_find(struct smtp_body *body, const char *at, const char *end)
{
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL) {
			body->state = end[-1] == '\r' ? TEXT_CR : TEXT;
			return end;
		}
		bool is_crlf = lf > at ? lf[-1] == '\r' : body->state == TEXT_CR;
		at = lf + 1;
		body->state = is_crlf ? LINE_START : TEXT;
		if (is_crlf && at < end && *at == '.')
			return at;
	}
	return end;
}

/* Decides what a dot at the start of a line was; true when bytes were given out or the end came. */
static bool dot_step(struct smtp_body *body, struct str *input, struct str *run_out)
{
	char c = input->ptr[0];

	if (body->state == DOT && c == '\r') {
		*input = str_from(*input, 1);
		body->state = DOT_CR;
		return false;
	}
	if (body->state == DOT) {
		body->state = TEXT;
		return false;
	}
	if (c == '\n') {
		*input = str_from(*input, 1);
		body->state = ENDED;
		body->is_done = true;
		return true;
	}
	/* A bare CR after the dot: give it out, so that it is seen. */
	body->state = TEXT;
	*run_out = STR("\r");
	return true;
}

static struct str data_step(struct smtp_body *body, struct str *input)
{
	struct str run = {0};

	while (input->len > 0) {
		if (body->state == LINE_START && input->ptr[0] == '.') {
			*input = str_from(*input, 1);
			body->state = DOT;
		} else if (body->state == DOT || body->state == DOT_CR) {
			if (dot_step(body, input, &run))
				return run;
		} else {
			const char *end = run_end_find(body, input->ptr, input->ptr + input->len);
			run = str_make(input->ptr, (size_t)(end - input->ptr));
			*input = str_from(*input, run.len);
			return run;
		}
	}
	return run;
}

struct str smtp_body_step(struct smtp_body *body, struct str *input)
{
	struct str run = {0};

	if (!body->is_done && body->state != ENDED)
		run = body->state == CHUNK ? chunk_step(body, input) : data_step(body, input);
	smtp_lines_scan(&body->lines, run);
	return run;
}

void smtp_body_end(struct smtp_body *body)
{
	if (body->lines.ends_with_cr)
		body->lines.has_bare_cr = true;
	body->lines.ends_with_cr = false;
	if (body->lines.line_bytes > body->lines.longest_line)
		body->lines.longest_line = body->lines.line_bytes;
}
