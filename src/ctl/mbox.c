/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/mbox.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "proto/message.h"
#include "store/mail.h"

enum { FROM_LINE_MAX = 1000, DATE_WORDS_MAX = 7 };

static const struct str FROM = STR_INIT("From ");

/* The last words of a line; returns how many were there, at most `max`. */
static size_t last_words(struct str line, struct str *words, size_t max)
{
	size_t count = 0;

	line = str_trim(line);
	while (count < max && !str_is_empty(line)) {
		size_t blank = str_find_last_char(line, ' ');
		struct str word = blank == STR_NONE ? line : str_from(line, blank + 1);
		memmove(words + 1, words, count * sizeof(*words));
		words[0] = word;
		count++;
		line = str_trim(str_sub(line, 0, blank == STR_NONE ? 0 : blank));
	}
	return count;
}

/* "14:03:59" or "14:03". */
static bool time_parse(struct str word, int *hour, int *minute, int *second)
{
	struct cursor cursor = cursor_make(word);

	*hour = (int)cursor_number(&cursor, 23);
	if (!cursor_take_char(&cursor, ':'))
		return false;
	*minute = (int)cursor_number(&cursor, 59);
	*second = 0;
	if (cursor_take_char(&cursor, ':'))
		*second = (int)cursor_number(&cursor, 60);
	return cursor_is_done(&cursor);
}

/* "+0100" into minutes; a name such as "CET" says nothing certain and counts as UTC. */
static bool zone_parse(struct str word, int *minutes)
{
	uint64_t number;

	*minutes = 0;
	if (word.len == 5 && (word.ptr[0] == '+' || word.ptr[0] == '-')) {
		if (!str_parse_u64(str_from(word, 1), 1400, &number) || number % 100 > 59)
			return false;
		*minutes = (int)(number / 100 * 60 + number % 100);
		if (word.ptr[0] == '-')
			*minutes = -*minutes;
		return true;
	}
	for (size_t i = 0; i < word.len; i++)
		if (!ascii_is_alpha(word.ptr[i]))
			return false;
	return word.len >= 1 && word.len <= 5;
}

/* Month, day, time, then year and zone in either order, the zone perhaps missing. */
static bool date_words_parse(const struct str *words, size_t count, int64_t *real_s_out)
{
	int month = clock_month_number(words[0]);
	int hour, minute, second, zone = 0;
	uint64_t day, year;

	if (month < 0 || !str_parse_u64(words[1], 31, &day) || day == 0 ||
	    !time_parse(words[2], &hour, &minute, &second))
		return false;
	if (count == 4) {
		if (!str_parse_u64(words[3], 9999, &year))
			return false;
	} else if (str_parse_u64(words[3], 9999, &year)) {
		if (!zone_parse(words[4], &zone))
			return false;
	} else if (!zone_parse(words[3], &zone) || !str_parse_u64(words[4], 9999, &year))
		return false;
	/* RFC 4155: the border's date is UTC unless it says otherwise. */
	return year >= 1970 && clock_from_civil((int)year, month + 1, (int)day, hour, minute,
						second, zone, real_s_out);
}

bool mbox_date_parse(struct str from_line, int64_t *real_s_out)
{
	struct str words[DATE_WORDS_MAX];
	size_t count = last_words(str_sub(from_line, 0, FROM_LINE_MAX), words, DATE_WORDS_MAX);

	/* "From", the sender, and perhaps the weekday stand before the month. */
	for (size_t month = 1; month < count; month++)
		if ((count - month == 4 || count - month == 5) &&
		    date_words_parse(words + month, count - month, real_s_out))
			return true;
	return false;
}

/* Length of the line at `at`, with its LF. */
static size_t line_length(struct str text, size_t at)
{
	size_t end = str_find_char(str_from(text, at), '\n');

	return end == STR_NONE ? text.len - at : end + 1;
}

static bool border_check(const struct mbox *mbox, size_t at, struct mbox_message *message)
{
	struct str line = str_sub(mbox->file, at, line_length(mbox->file, at));

	if (!str_has_prefix(line, FROM))
		return false;
	message->from_line = message_line_strip(line);
	message->has_date = mbox_date_parse(message->from_line, &message->received_s);
	return message->has_date || !mbox->needs_date;
}

bool mbox_open(struct mbox *mbox, struct str file)
{
	struct mbox_message first;

	*mbox = (struct mbox){.file = file};
	if (!border_check(mbox, 0, &first))
		return false;
	mbox->needs_date = first.has_date;
	return true;
}

static bool is_empty_line(struct str line)
{
	return str_equals(line, STR("\n")) || str_equals(line, STR("\r\n"));
}

bool mbox_next(struct mbox *mbox, struct mbox_message *message_out)
{
	struct mbox_message found = {0}, following;

	if (mbox->at >= mbox->file.len)
		return false;
	/* A border by the way this place was reached; here its parts are wanted. */
	(void)border_check(mbox, mbox->at, &found);
	size_t begin = mbox->at + line_length(mbox->file, mbox->at);
	size_t at = begin, end = begin;
	bool was_empty = true;
	while (at < mbox->file.len) {
		if (was_empty && at > begin && border_check(mbox, at, &following))
			break;
		size_t len = line_length(mbox->file, at);
		was_empty = is_empty_line(str_sub(mbox->file, at, len));
		/* The empty line that may turn out to be the file's is not counted yet. */
		end = was_empty ? at : at + len;
		at += len;
	}
	found.content = str_sub(mbox->file, begin, end - begin);
	mbox->at = at;
	*message_out = found;
	return true;
}

static void append_line(struct buf *to, struct str line)
{
	buf_append_str(to, message_line_strip(line));
	buf_append_str(to, STR("\r\n"));
}

/* True for one or more ">" and "From ". */
static bool is_quoted(struct str line)
{
	size_t arrows = 0;

	while (arrows < line.len && line.ptr[arrows] == '>')
		arrows++;
	return arrows > 0 && str_has_prefix(str_from(line, arrows), FROM);
}

void mbox_append_content(struct buf *to, struct str content)
{
	while (!str_is_empty(content)) {
		struct str line = message_line_take(&content);
		append_line(to, is_quoted(line) ? str_from(line, 1) : line);
	}
}

void lines_append_crlf(struct buf *to, struct str content)
{
	while (!str_is_empty(content))
		append_line(to, message_line_take(&content));
}

static uint32_t letters_flags(struct str letters)
{
	static const struct {
		char letter;
		uint32_t flag;
	} known[] = {{'R', MAIL_SEEN}, {'A', MAIL_ANSWERED}, {'F', MAIL_FLAGGED},
		     {'D', MAIL_DELETED}, {'T', MAIL_DRAFT}};
	uint32_t flags = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_find_char(letters, known[i].letter) != STR_NONE)
			flags |= known[i].flag;
	return flags;
}

uint32_t mbox_flags(struct str content)
{
	struct str header = str_sub(content, 0, message_header_length(content));
	struct str value;
	uint32_t flags = 0;

	if (message_field_find(header, STR("Status"), &value))
		flags |= letters_flags(value);
	if (message_field_find(header, STR("X-Status"), &value))
		flags |= letters_flags(value);
	return flags;
}
