/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/smtp.h"

#include "proto/xtext.h"

struct verb_row {
	struct str word;
	size_t line_max; /* with CRLF */
	enum smtp_error (*parse)(struct cursor *arguments, struct smtp_command *command);
};

static const struct smtp_status error_rows[SMTP_ERROR_COUNT] = {
#define X(name, error_code, error_enhanced, error_text) \
	[SMTP_ERROR_##name] = {error_code, error_enhanced, error_text},
	SMTP_ERROR_TABLE(X)
#undef X
};

const struct smtp_status *smtp_error_status(enum smtp_error error)
{
	CHECK(error < SMTP_ERROR_COUNT);
	return &error_rows[error];
}

static void blanks_skip(struct cursor *cursor)
{
	cursor_take_while(cursor, ascii_is_blank);
}

static bool word_char_check(char c)
{
	return !ascii_is_blank(c);
}

static enum smtp_error nothing_parse(struct cursor *cursor, struct smtp_command *command)
{
	return cursor_is_done(cursor) ? SMTP_ERROR_NONE : SMTP_ERROR_ARGUMENT;
}

static enum smtp_error text_parse(struct cursor *cursor, struct smtp_command *command)
{
	command->text = cursor_rest(cursor);
	return SMTP_ERROR_NONE;
}

static enum smtp_error wanted_text_parse(struct cursor *cursor, struct smtp_command *command)
{
	command->text = cursor_rest(cursor);
	return str_is_empty(command->text) ? SMTP_ERROR_ARGUMENT : SMTP_ERROR_NONE;
}

/*
 * A HELO name is taken as it comes (RFC 5321 section 4.1.4: mail is not
 * refused because it does not verify), but it goes into Received and the logs.
 */
static bool name_char_check(char c)
{
	return ascii_is_alnum(c) || (c != '\0' && strchr("-._:[]", c) != NULL);
}

static enum smtp_error name_parse(struct cursor *cursor, struct smtp_command *command)
{
	command->text = cursor_take_while(cursor, name_char_check);
	if (str_is_empty(command->text) || command->text.len > ADDRESS_DOMAIN_MAX)
		return SMTP_ERROR_NAME;
	return cursor_is_done(cursor) ? SMTP_ERROR_NONE : SMTP_ERROR_NAME;
}

/* A-d-l ":" of RFC 5321 section 4.1.2, which is read and forgotten. */
static bool route_skip(struct cursor *cursor)
{
	if (cursor_peek(cursor) != '@')
		return true;
	do {
		if (!cursor_take_char(cursor, '@') || !address_domain_take(cursor))
			return false;
	} while (cursor_take_char(cursor, ','));
	return cursor_take_char(cursor, ':');
}

static bool path_take(struct cursor *cursor, struct smtp_path *path_out)
{
	blanks_skip(cursor);
	if (!cursor_take_char(cursor, '<'))
		return false;
	*path_out = (struct smtp_path){.is_null = cursor_take_char(cursor, '>')};
	if (path_out->is_null)
		return true;
	path_out->is_postmaster = cursor_take_nocase(cursor, STR("postmaster>"));
	if (path_out->is_postmaster)
		return true;
	return route_skip(cursor) && address_take(cursor, &path_out->address) &&
	       cursor_take_char(cursor, '>');
}

/* Takes ` KEYWORD` or ` KEYWORD=value`; false at the end. The keyword may be empty. */
static bool parameter_take(struct cursor *cursor, struct str *keyword_out, struct str *value_out)
{
	if (cursor_is_done(cursor))
		return false;
	blanks_skip(cursor);
	*value_out = cursor_take_while(cursor, word_char_check);
	*keyword_out = str_cut(value_out, '=');
	return true;
}

static enum smtp_error size_set(struct smtp_mail *mail, struct str value)
{
	if (mail->has_size || value.len > 20 ||
	    !str_parse_u64(value, UINT64_MAX, &mail->size_bytes))
		return SMTP_ERROR_PARAMETER_VALUE;
	mail->has_size = true;
	return SMTP_ERROR_NONE;
}

static enum smtp_error body_set(struct smtp_mail *mail, struct str value)
{
	if (mail->body != SMTP_BODY_UNSAID)
		return SMTP_ERROR_PARAMETER_VALUE;
	if (str_equals_nocase(value, STR("7BIT")))
		mail->body = SMTP_BODY_7BIT;
	else if (str_equals_nocase(value, STR("8BITMIME")))
		mail->body = SMTP_BODY_8BITMIME;
	else
		return SMTP_ERROR_PARAMETER_VALUE;
	return SMTP_ERROR_NONE;
}

static enum smtp_error auth_set(struct smtp_mail *mail, struct str value)
{
	/* AUTH=<> or AUTH=xtext (RFC 4954 section 5). */
	if (!str_is_empty(mail->auth) || str_is_empty(value) || !xtext_check(value))
		return SMTP_ERROR_PARAMETER_VALUE;
	mail->auth = value;
	return SMTP_ERROR_NONE;
}

static enum smtp_error utf8_set(struct smtp_mail *mail, struct str value)
{
	if (mail->is_utf8 || value.ptr != NULL)
		return SMTP_ERROR_PARAMETER_VALUE;
	mail->is_utf8 = true;
	return SMTP_ERROR_NONE;
}

static enum smtp_error return_set(struct smtp_mail *mail, struct str value)
{
	if (mail->returns != SMTP_RETURN_UNSAID)
		return SMTP_ERROR_PARAMETER_VALUE;
	if (str_equals_nocase(value, STR("FULL")))
		mail->returns = SMTP_RETURN_FULL;
	else if (str_equals_nocase(value, STR("HDRS")))
		mail->returns = SMTP_RETURN_HEADERS;
	else
		return SMTP_ERROR_PARAMETER_VALUE;
	return SMTP_ERROR_NONE;
}

static enum smtp_error envid_set(struct smtp_mail *mail, struct str value)
{
	enum { ENVID_MAX = 100 };

	if (!str_is_empty(mail->envid) || str_is_empty(value) || value.len > ENVID_MAX ||
	    !xtext_check(value))
		return SMTP_ERROR_PARAMETER_VALUE;
	mail->envid = value;
	return SMTP_ERROR_NONE;
}

static enum smtp_error mail_parameter_set(struct smtp_mail *mail, struct str keyword,
					  struct str value)
{
	if (str_equals_nocase(keyword, STR("SIZE")))
		return size_set(mail, value);
	if (str_equals_nocase(keyword, STR("BODY")))
		return body_set(mail, value);
	if (str_equals_nocase(keyword, STR("AUTH")))
		return auth_set(mail, value);
	if (str_equals_nocase(keyword, STR("SMTPUTF8")))
		return utf8_set(mail, value);
	if (str_equals_nocase(keyword, STR("RET")))
		return return_set(mail, value);
	if (str_equals_nocase(keyword, STR("ENVID")))
		return envid_set(mail, value);
	return SMTP_ERROR_PARAMETER;
}

static enum smtp_error mail_parse(struct cursor *cursor, struct smtp_command *command)
{
	struct smtp_mail *mail = &command->mail;
	struct str keyword, value;

	if (!cursor_take_nocase(cursor, STR("FROM:")))
		return SMTP_ERROR_ARGUMENT;
	if (!path_take(cursor, &mail->path) || mail->path.is_postmaster)
		return SMTP_ERROR_SENDER;
	if (!cursor_is_done(cursor) && !ascii_is_blank((char)cursor_peek(cursor)))
		return SMTP_ERROR_SENDER;
	while (parameter_take(cursor, &keyword, &value)) {
		enum smtp_error error = mail_parameter_set(mail, keyword, value);
		if (error != SMTP_ERROR_NONE)
			return error;
	}
	return mail->path.address.has_utf8 && !mail->is_utf8 ? SMTP_ERROR_NON_ASCII
							     : SMTP_ERROR_NONE;
}

/* The bit of a word of NOTIFY (RFC 3461 section 4.1); 0 for any other. */
static uint32_t notify_bit(struct str word)
{
	static const struct str words[] = {STR_INIT("NEVER"), STR_INIT("SUCCESS"),
					   STR_INIT("FAILURE"), STR_INIT("DELAY")};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_equals_nocase(word, words[i]))
			return UINT32_C(1) << i;
	return 0;
}

static enum smtp_error notify_set(struct smtp_rcpt *rcpt, struct str value)
{
	if (rcpt->notify != 0)
		return SMTP_ERROR_PARAMETER_VALUE;
	do {
		uint32_t bit = notify_bit(str_cut(&value, ','));
		if (bit == 0 || (rcpt->notify & bit) != 0)
			return SMTP_ERROR_PARAMETER_VALUE;
		rcpt->notify |= bit;
	} while (value.ptr != NULL);
	/* NEVER stands alone. */
	if ((rcpt->notify & SMTP_NOTIFY_NEVER) != 0 && rcpt->notify != SMTP_NOTIFY_NEVER)
		return SMTP_ERROR_PARAMETER_VALUE;
	return SMTP_ERROR_NONE;
}

/* addr-type ";" xtext (RFC 3461 section 4.2); "utf-8" has a form of its own (RFC 6533). */
static enum smtp_error original_set(struct smtp_rcpt *rcpt, struct str value)
{
	enum { ORCPT_MAX = 500 };
	struct str rest = value;
	struct cursor type = cursor_make(str_cut(&rest, ';'));

	if (!str_is_empty(rcpt->original) || value.len > ORCPT_MAX || str_is_empty(rest) ||
	    str_is_empty(cursor_take_while(&type, atext_check)) || !cursor_is_done(&type) ||
	    !xtext_check(rest))
		return SMTP_ERROR_PARAMETER_VALUE;
	rcpt->original = value;
	return SMTP_ERROR_NONE;
}

static enum smtp_error rcpt_parameter_set(struct smtp_rcpt *rcpt, struct str keyword,
					  struct str value)
{
	if (str_equals_nocase(keyword, STR("NOTIFY")))
		return notify_set(rcpt, value);
	if (str_equals_nocase(keyword, STR("ORCPT")))
		return original_set(rcpt, value);
	return SMTP_ERROR_PARAMETER;
}

static enum smtp_error rcpt_parse(struct cursor *cursor, struct smtp_command *command)
{
	struct smtp_rcpt *rcpt = &command->rcpt;
	struct str keyword, value;

	if (!cursor_take_nocase(cursor, STR("TO:")))
		return SMTP_ERROR_ARGUMENT;
	if (!path_take(cursor, &rcpt->path) || rcpt->path.is_null)
		return SMTP_ERROR_RECIPIENT;
	if (!cursor_is_done(cursor) && !ascii_is_blank((char)cursor_peek(cursor)))
		return SMTP_ERROR_RECIPIENT;
	while (parameter_take(cursor, &keyword, &value)) {
		enum smtp_error error = rcpt_parameter_set(rcpt, keyword, value);
		if (error != SMTP_ERROR_NONE)
			return error;
	}
	return SMTP_ERROR_NONE;
}

static enum smtp_error bdat_parse(struct cursor *cursor, struct smtp_command *command)
{
	struct smtp_bdat *bdat = &command->bdat;

	bdat->size_bytes = cursor_number(cursor, INT64_MAX);
	if (cursor->failed)
		return SMTP_ERROR_ARGUMENT;
	if (cursor_is_done(cursor))
		return SMTP_ERROR_NONE;
	bool is_apart = ascii_is_blank((char)cursor_peek(cursor));
	blanks_skip(cursor);
	bdat->is_last = is_apart && cursor_take_nocase(cursor, STR("LAST"));
	return bdat->is_last && cursor_is_done(cursor) ? SMTP_ERROR_NONE : SMTP_ERROR_ARGUMENT;
}

static enum smtp_error auth_parse(struct cursor *cursor, struct smtp_command *command)
{
	struct smtp_auth *auth = &command->auth;

	auth->mechanism = cursor_take_while(cursor, word_char_check);
	if (str_is_empty(auth->mechanism))
		return SMTP_ERROR_ARGUMENT;
	auth->has_initial = !cursor_is_done(cursor);
	blanks_skip(cursor);
	auth->initial = cursor_take_while(cursor, word_char_check);
	return cursor_is_done(cursor) ? SMTP_ERROR_NONE : SMTP_ERROR_ARGUMENT;
}

static const struct verb_row verb_rows[SMTP_VERB_COUNT] = {
	[SMTP_HELO] = {STR_INIT("HELO"), SMTP_LINE_MAX, name_parse},
	[SMTP_EHLO] = {STR_INIT("EHLO"), SMTP_LINE_MAX, name_parse},
	[SMTP_MAIL] = {STR_INIT("MAIL"), SMTP_MAIL_LINE_MAX, mail_parse},
	[SMTP_RCPT] = {STR_INIT("RCPT"), SMTP_RCPT_LINE_MAX, rcpt_parse},
	[SMTP_DATA] = {STR_INIT("DATA"), SMTP_LINE_MAX, nothing_parse},
	[SMTP_BDAT] = {STR_INIT("BDAT"), SMTP_LINE_MAX, bdat_parse},
	[SMTP_RSET] = {STR_INIT("RSET"), SMTP_LINE_MAX, nothing_parse},
	[SMTP_NOOP] = {STR_INIT("NOOP"), SMTP_LINE_MAX, text_parse},
	[SMTP_QUIT] = {STR_INIT("QUIT"), SMTP_LINE_MAX, nothing_parse},
	[SMTP_VRFY] = {STR_INIT("VRFY"), SMTP_LINE_MAX, wanted_text_parse},
	[SMTP_EXPN] = {STR_INIT("EXPN"), SMTP_LINE_MAX, wanted_text_parse},
	[SMTP_HELP] = {STR_INIT("HELP"), SMTP_LINE_MAX, text_parse},
	[SMTP_AUTH] = {STR_INIT("AUTH"), SMTP_AUTH_LINE_MAX, auth_parse},
	[SMTP_STARTTLS] = {STR_INIT("STARTTLS"), SMTP_LINE_MAX, nothing_parse},
};

const char *smtp_verb_name(enum smtp_verb verb)
{
	CHECK(verb < SMTP_VERB_COUNT);
	return verb_rows[verb].word.ptr;
}

static enum smtp_verb verb_find(struct str word)
{
	enum smtp_verb verb = 0;

	while (verb < SMTP_VERB_COUNT && !str_equals_nocase(word, verb_rows[verb].word))
		verb++;
	return verb;
}

static bool line_end_check(struct str line)
{
	return str_find_char(line, '\r') == STR_NONE && str_find_char(line, '\n') == STR_NONE &&
	       str_find_char(line, '\0') == STR_NONE;
}

static struct str trailing_blanks_drop(struct str line)
{
	while (line.len > 0 && ascii_is_blank(line.ptr[line.len - 1]))
		line.len--;
	return line;
}

enum smtp_error smtp_command_parse(struct str line, struct smtp_command *command_out)
{
	*command_out = (struct smtp_command){.verb = SMTP_VERB_COUNT};
	if (!line_end_check(line))
		return SMTP_ERROR_BARE_LINE_END;

	struct cursor cursor = cursor_make(trailing_blanks_drop(line));
	enum smtp_verb verb = verb_find(cursor_take_while(&cursor, word_char_check));
	if (verb == SMTP_VERB_COUNT)
		return line.len + 2 > SMTP_LINE_MAX ? SMTP_ERROR_LINE_LENGTH : SMTP_ERROR_VERB;
	command_out->verb = verb;
	if (line.len + 2 > verb_rows[verb].line_max)
		return SMTP_ERROR_LINE_LENGTH;
	blanks_skip(&cursor);
	return verb_rows[verb].parse(&cursor, command_out);
}

static char reply_char(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

static void reply_line(struct buf *to, int code, char separator, const char *enhanced,
		       struct str text)
{
	size_t start = to->len;

	buf_printf(to, "%03d%c", code, separator);
	if (enhanced != NULL)
		buf_printf(to, "%s ", enhanced);
	size_t room = SMTP_LINE_MAX - 2 - (to->len - start);
	for (size_t i = 0; i < text.len && i < room; i++)
		buf_append_char(to, reply_char(text.ptr[i]));
	buf_append_str(to, STR("\r\n"));
}

void smtp_reply(struct buf *to, int code, const char *enhanced, struct str text)
{
	struct str rest = text;

	CHECK(code >= 200 && code <= 599);
	do {
		struct str line = str_cut(&rest, '\n');
		reply_line(to, code, rest.ptr == NULL ? ' ' : '-', enhanced, line);
	} while (rest.ptr != NULL);
}
