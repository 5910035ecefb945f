/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/pop3_body.h"

/*
 * LINE_START: a line end, or nothing, was before. DOT: the dot that began a line was
 * taken and dropped. DOT_CR: and CRs after it, held back. TEXT: inside a line. TEXT_CR:
 * CRs in it, held back.
 */
enum { LINE_START, DOT, DOT_CR, TEXT, TEXT_CR, ENDED };

static const struct str line_end = STR_INIT("\r\n"), blank = STR_INIT(" ");

void pop3_body_init(struct pop3_body *body)
{
	*body = (struct pop3_body){.state = LINE_START};
}

/*
 * The length of what can be given out as it stands: whole lines up to one that begins
 * with a dot, then a line's beginning up to its first CR or LF that is no CR LF.
 */
static size_t run_length(struct pop3_body *body, struct str input)
{
	size_t at = 0;

	body->state = TEXT;
	while (at < input.len) {
		struct str rest = str_from(input, at);
		size_t lf = str_find_char(rest, '\n');
		size_t cr = str_find_char(str_sub(rest, 0, lf), '\r');
		if (lf == STR_NONE)
			return cr == STR_NONE ? input.len : at + cr;
		if (cr == STR_NONE)
			return at + lf;
		if (cr + 1 != lf)
			return at + cr;
		at += lf + 1;
		body->state = LINE_START;
		if (at < input.len && input.ptr[at] == '.')
			break;
		body->state = at < input.len ? TEXT : LINE_START;
	}
	return at;
}

/* A byte that decides something; gives out what it decides. */
static struct str byte_take(struct pop3_body *body, char c)
{
	bool is_end = body->state == DOT || body->state == DOT_CR;

	if (c == '\n') {
		body->state = is_end ? ENDED : LINE_START;
		body->is_done = is_end;
		return is_end ? str_make(NULL, 0) : line_end;
	}
	/* Only a CR is left: it is held back until it is known what follows. */
	CHECK(c == '\r');
	body->state = is_end ? DOT_CR : TEXT_CR;
	return str_make(NULL, 0);
}

static struct str input_step(struct pop3_body *body, struct str *input)
{
	char c = input->ptr[0];

	if (c == '.' && body->state == LINE_START) {
		*input = str_from(*input, 1);
		body->state = DOT;
		return str_make(NULL, 0);
	}
	if (c == '\n' || (c == '\r' && body->state != LINE_START && body->state != TEXT)) {
		*input = str_from(*input, 1);
		return byte_take(body, c);
	}
	if (body->state == DOT_CR || body->state == TEXT_CR) {
		body->state = TEXT;
		return blank;
	}
	struct str run = str_sub(*input, 0, run_length(body, *input));
	*input = str_from(*input, run.len);
	if (run.len > 0 || c != '\r')
		return run;
	*input = str_from(*input, 1);
	return byte_take(body, c);
}

struct str pop3_body_step(struct pop3_body *body, struct str *input)
{
	struct str run = {0};

	while (run.len == 0 && input->len > 0 && !body->is_done)
		run = input_step(body, input);
	return run;
}
