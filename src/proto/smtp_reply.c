/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp_reply.h"

enum { CODE_DIGITS = 3, CODE_MIN = 200, CODE_MAX = 559 };

/* A line without its end; false when it has none yet. */
static bool line_cut(struct str *rest, struct str *line_out)
{
	size_t end = str_find_char(*rest, '\n');

	if (end == STR_NONE)
		return false;
	*line_out = str_sub(*rest, 0, end > 0 && rest->ptr[end - 1] == '\r' ? end - 1 : end);
	*rest = str_from(*rest, end + 1);
	return true;
}

static bool is_text(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		/* Controls are kept, for the report to escape; these would cut or fake a line. */
		if (text.ptr[i] == '\0' || text.ptr[i] == '\r')
			return false;
	}
	return true;
}

/* Its code, or 0; tells whether another line follows. */
static int line_code(struct str line, bool *has_more_out)
{
	uint64_t code = 0;

	if (line.len > SMTP_REPLY_LINE_MAX || !is_text(line) ||
	    !str_parse_u64(str_sub(line, 0, CODE_DIGITS), CODE_MAX, &code) ||
	    line.len < CODE_DIGITS || code < CODE_MIN)
		return 0;
	/* RFC 5321 section 4.2: a hyphen, a blank, or nothing behind the code. */
	if (line.len > CODE_DIGITS && line.ptr[CODE_DIGITS] != ' ' && line.ptr[CODE_DIGITS] != '-')
		return 0;
	*has_more_out = line.len > CODE_DIGITS && line.ptr[CODE_DIGITS] == '-';
	return (int)code;
}

/* Why a rest without a line end can be no good any more. */
static enum smtp_reply_state partial_state(struct str rest, size_t lines, size_t all)
{
	bool is_odd = rest.len >= 1 && !ascii_is_digit(rest.ptr[0]);

	return is_odd || rest.len > SMTP_REPLY_LINE_MAX || all > SMTP_REPLY_MAX ||
			       lines >= SMTP_REPLY_LINES_MAX
		       ? SMTP_REPLY_BROKEN
		       : SMTP_REPLY_MORE;
}

/* RFC 3463 section 2: class.subject.detail, the class that of the code. */
static struct str enhanced_of(struct str lines, int code)
{
	struct str rest = lines, text;

	if (!smtp_reply_line(&rest, &text))
		return STR("");
	struct str word = str_sub(text, 0, 0);
	int dots = 0;
	while (word.len < text.len &&
	       (ascii_is_digit(text.ptr[word.len]) || text.ptr[word.len] == '.'))
		dots += text.ptr[word.len++] == '.';
	bool is_good = dots == 2 && word.len >= 5 && word.len <= 9 && word.ptr[1] == '.' &&
		       word.ptr[0] - '0' == code / 100 && word.ptr[word.len - 1] != '.' &&
		       word.ptr[2] != '.';
	return is_good ? word : STR("");
}

enum smtp_reply_state smtp_reply_parse(struct str input, struct smtp_reply *reply_out)
{
	struct str rest = input, line;
	bool has_more = true;
	size_t count = 0;
	int code = 0;

	while (has_more) {
		if (!line_cut(&rest, &line))
			return partial_state(rest, count, input.len);
		int this_code = line_code(line, &has_more);
		if (this_code == 0 || (code != 0 && this_code != code) ||
		    ++count > SMTP_REPLY_LINES_MAX || input.len - rest.len > SMTP_REPLY_MAX)
			return SMTP_REPLY_BROKEN;
		code = this_code;
	}
	struct str lines = str_sub(input, 0, input.len - rest.len);
	*reply_out = (struct smtp_reply){.code = code,
					 .lines = lines,
					 .line_count = count,
					 .enhanced = enhanced_of(lines, code)};
	return SMTP_REPLY_WHOLE;
}

bool smtp_reply_line(struct str *rest, struct str *text_out)
{
	struct str line;

	if (!line_cut(rest, &line))
		return false;
	*text_out = str_from(line, CODE_DIGITS + 1);
	return true;
}

/* ---- EHLO ---- */

static const char *const keywords[SMTP_CAPABILITY_COUNT] = {
#define X(id, keyword) keyword,
	SMTP_CAPABILITY_TABLE(X)
#undef X
};

const char *smtp_capability_name(enum smtp_capability capability)
{
	CHECK(capability < SMTP_CAPABILITY_COUNT);
	return keywords[capability];
}

static unsigned auth_read(struct str words)
{
	unsigned auth = 0;

	while (words.ptr != NULL) {
		struct str word = str_cut(&words, ' ');
		auth |= str_equals_nocase(word, STR("PLAIN")) ? SMTP_AUTH_PLAIN : 0;
		auth |= str_equals_nocase(word, STR("LOGIN")) ? SMTP_AUTH_LOGIN : 0;
	}
	return auth;
}

static void capability_read(struct smtp_capabilities *capabilities, struct str line)
{
	struct str rest = str_trim(line), keyword = str_cut(&rest, ' ');

	/* "AUTH=PLAIN" is how some wrote it before RFC 2554. */
	if (str_has_prefix_nocase(keyword, STR("AUTH="))) {
		capabilities->auth |= auth_read(str_from(keyword, sizeof("AUTH=") - 1));
		capabilities->auth |= auth_read(rest);
		capabilities->set |= 1u << SMTP_CAPABILITY_AUTH;
		return;
	}
	for (int i = 0; i < SMTP_CAPABILITY_COUNT; i++) {
		if (!str_equals_nocase(keyword, str_from_c(keywords[i])))
			continue;
		capabilities->set |= 1u << i;
		if (i == SMTP_CAPABILITY_AUTH)
			capabilities->auth |= auth_read(rest);
		if (i == SMTP_CAPABILITY_SIZE &&
		    !str_parse_u64(str_trim(rest), UINT64_MAX, &capabilities->size_limit))
			capabilities->size_limit = 0;
	}
}

struct smtp_capabilities smtp_capabilities_parse(const struct smtp_reply *reply)
{
	struct smtp_capabilities capabilities = {.set = 0};
	struct str rest = reply->lines, line;

	/* The first line is the server's name. */
	(void)smtp_reply_line(&rest, &line);
	while (smtp_reply_line(&rest, &line))
		capability_read(&capabilities, line);
	return capabilities;
}
