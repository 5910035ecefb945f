/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/pop3.h"

#include "base/cursor.h"

struct verb_row {
	struct str word;
	bool (*parse)(struct cursor *cursor, struct pop3_command *command);
};

static bool word_char_check(char c)
{
	return !ascii_is_blank(c);
}

static void blanks_skip(struct cursor *cursor)
{
	cursor_take_while(cursor, ascii_is_blank);
}

static bool nothing_parse(struct cursor *cursor, struct pop3_command *command)
{
	return true;
}

static bool word_parse(struct cursor *cursor, struct pop3_command *command)
{
	command->text = cursor_take_while(cursor, word_char_check);
	return !str_is_empty(command->text);
}

/* RFC 1939 section 7: PASS has one argument, in which blanks stand for themselves. */
static bool text_parse(struct cursor *cursor, struct pop3_command *command)
{
	command->text = cursor_bytes(cursor, cursor_left(cursor));
	return !str_is_empty(command->text);
}

static bool number_parse(struct cursor *cursor, struct pop3_command *command)
{
	command->number = (uint32_t)cursor_number(cursor, POP3_NUMBER_MAX);
	return command->number > 0;
}

static bool number_or_nothing_parse(struct cursor *cursor, struct pop3_command *command)
{
	return cursor_is_done(cursor) || number_parse(cursor, command);
}

static bool number_and_lines_parse(struct cursor *cursor, struct pop3_command *command)
{
	if (!number_parse(cursor, command) || !ascii_is_blank((char)cursor_peek(cursor)))
		return false;
	blanks_skip(cursor);
	command->lines = (uint32_t)cursor_number(cursor, POP3_NUMBER_MAX);
	return true;
}

static bool mechanism_parse(struct cursor *cursor, struct pop3_command *command)
{
	command->text = cursor_take_while(cursor, word_char_check);
	command->has_initial = !cursor_is_done(cursor);
	blanks_skip(cursor);
	command->initial = cursor_take_while(cursor, word_char_check);
	return true;
}

static const struct verb_row verb_rows[POP3_VERB_COUNT] = {
#define X(name, arguments) [POP3_##name] = {STR_INIT(#name), arguments##_parse},
	POP3_VERB_TABLE(X)
#undef X
};

const char *pop3_verb_name(enum pop3_verb verb)
{
	CHECK(verb < POP3_VERB_COUNT);
	return verb_rows[verb].word.ptr;
}

const char *pop3_error_text(enum pop3_error error)
{
	static const char *const texts[POP3_ERROR_COUNT] = {
		[POP3_ERROR_NONE] = "Done",
		[POP3_ERROR_VERB] = "Unknown command",
		[POP3_ERROR_ARGUMENT] = "Wrong arguments",
		[POP3_ERROR_BARE_LINE_END] = "Bare CR, bare LF or NUL in a command line",
	};

	CHECK(error < POP3_ERROR_COUNT);
	return texts[error];
}

static bool line_end_check(struct str line)
{
	return str_find_char(line, '\r') == STR_NONE && str_find_char(line, '\n') == STR_NONE &&
	       str_find_char(line, '\0') == STR_NONE;
}

/* Blanks at a line's end are forgiven, but for PASS, where they may be the password's. */
static void trailing_blanks_drop(struct cursor *cursor)
{
	while (cursor->end > cursor->at && ascii_is_blank(cursor->end[-1]))
		cursor->end--;
}

enum pop3_error pop3_command_parse(struct str line, struct pop3_command *command_out)
{
	struct cursor cursor = cursor_make(line);
	enum pop3_verb verb = 0;

	*command_out = (struct pop3_command){.verb = POP3_VERB_COUNT};
	if (!line_end_check(line))
		return POP3_ERROR_BARE_LINE_END;
	struct str word = cursor_take_while(&cursor, word_char_check);
	while (verb < POP3_VERB_COUNT && !str_equals_nocase(word, verb_rows[verb].word))
		verb++;
	command_out->verb = verb;
	if (verb == POP3_VERB_COUNT)
		return POP3_ERROR_VERB;
	/* One space ends the word; for PASS a second is the password's first. */
	if (cursor_left(&cursor) > 0)
		cursor_bytes(&cursor, 1);
	if (verb != POP3_PASS) {
		blanks_skip(&cursor);
		trailing_blanks_drop(&cursor);
	}
	bool is_good = verb_rows[verb].parse(&cursor, command_out) && cursor_is_done(&cursor);
	return is_good ? POP3_ERROR_NONE : POP3_ERROR_ARGUMENT;
}

static void line_begin(struct pop3_encoder *encoder)
{
	encoder->is_line_empty = true;
	encoder->is_after_cr = false;
	encoder->is_stuffed = false;
}

static bool is_at_line_start(const struct pop3_encoder *encoder)
{
	return encoder->is_line_empty && !encoder->is_after_cr && !encoder->is_stuffed;
}

void pop3_encoder_init(struct pop3_encoder *encoder)
{
	*encoder = (struct pop3_encoder){.is_in_header = true};
	line_begin(encoder);
}

void pop3_encoder_init_top(struct pop3_encoder *encoder, uint32_t lines)
{
	pop3_encoder_init(encoder);
	encoder->has_line_limit = true;
	encoder->lines_left = lines;
}

/* Notes a part of a line that holds no LF. */
static void part_note(struct pop3_encoder *encoder, const char *at, const char *end)
{
	if (at == end)
		return;
	bool is_cr_alone = end - at == 1 && *at == '\r' && !encoder->is_after_cr;
	encoder->is_line_empty = encoder->is_line_empty && is_cr_alone;
	encoder->is_after_cr = end[-1] == '\r';
}

static void line_note(struct pop3_encoder *encoder, bool is_empty)
{
	bool was_in_header = encoder->is_in_header;

	line_begin(encoder);
	if (is_empty)
		encoder->is_in_header = false;
	if (!encoder->has_line_limit || encoder->is_in_header)
		return;
	if (!was_in_header)
		encoder->lines_left--;
	encoder->is_full = encoder->lines_left == 0;
}

/*
 * Passes lines until something must be put between them; returns where the run
 * ends. A run that ends right at a bare LF leaves that to the next step.
 */
static const char *run_end_find(struct pop3_encoder *encoder, const char *start, const char *end)
{
	const char *at = start;

	while (at < end && !encoder->is_full) {
		if (*at == '.' && is_at_line_start(encoder))
			return at;
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		bool has_cr = lf != NULL && (lf > at ? lf[-1] == '\r' : encoder->is_after_cr);
		const char *stop = lf == NULL ? end : lf;
		part_note(encoder, at, stop);
		if (!has_cr)
			return stop;
		line_note(encoder, encoder->is_line_empty);
		at = lf + 1;
	}
	return at;
}

struct str pop3_encoder_step(struct pop3_encoder *encoder, struct str *input)
{
	if (str_is_empty(*input) || encoder->is_full)
		return str_make(NULL, 0);
	if (input->ptr[0] == '.' && is_at_line_start(encoder)) {
		encoder->is_stuffed = true;
		return STR(".");
	}
	if (input->ptr[0] == '\n' && !encoder->is_after_cr) {
		line_note(encoder, encoder->is_line_empty);
		*input = str_from(*input, 1);
		return STR("\r\n");
	}
	const char *end = run_end_find(encoder, input->ptr, input->ptr + input->len);
	struct str run = str_make(input->ptr, (size_t)(end - input->ptr));
	*input = str_from(*input, run.len);
	return run;
}

struct str pop3_encoder_end(const struct pop3_encoder *encoder)
{
	return is_at_line_start(encoder) ? STR(".\r\n") : STR("\r\n.\r\n");
}
