/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

static const char *const names[LOG_FILE_COUNT] = {
#define X(name, file) file,
	LOG_TABLE(X)
#undef X
};

/* Room for a line whose every byte is escaped once more by the sink. */
enum { BUILD_MAX = 4 * LOG_LINE_MAX };

const char *log_file_name(enum log_file file)
{
	CHECK(file < LOG_FILE_COUNT);
	return names[file];
}

void log_init(struct log *log, bool to_stderr)
{
	for (size_t i = 0; i < LOG_FILE_COUNT; i++)
		log->fds[i] = -1;
	log->to_stderr = to_stderr;
}

static void append_escaped(struct buf *to, unsigned char byte)
{
	buf_printf(to, "\\x%02x", byte);
}

/* Length of the well-formed UTF-8 sequence at the front of `text` (RFC 3629), or 0. */
static size_t utf8_sequence_len(struct str text)
{
	unsigned char first = (unsigned char)text.ptr[0];
	size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3
		   : first < 0xf5 ? 4 : 0;

	if (len == 0 || len > text.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if (((unsigned char)text.ptr[i] & 0xc0) != 0x80)
			return 0;
	unsigned char second = len > 1 ? (unsigned char)text.ptr[1] : 0;
	if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
	    (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
		return 0;
	/* U+0080 to U+009F are controls too. */
	if (first == 0xc2 && second < 0xa0)
		return 0;
	return len;
}

/* The number of a well-formed sequence's character. */
static uint32_t utf8_character(const char *at, size_t len)
{
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t character = (unsigned char)at[0] & first_bits[len];

	for (size_t i = 1; i < len; i++)
		character = character << 6 | ((unsigned char)at[i] & 0x3f);
	return character;
}

struct character_range {
	uint32_t first, last;
};

/* Characters that end a line, or turn the direction of what follows, for programs that know Unicode. */
static const struct character_range deceiving[] = {
	{0x061c, 0x061c}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},
};

/* White space beyond ASCII: \S of a filter's expression would end there. */
static const struct character_range spaces[] = {
	{0x00a0, 0x00a0}, {0x1680, 0x1680}, {0x2000, 0x200a}, {0x202f, 0x202f},
	{0x205f, 0x205f}, {0x3000, 0x3000},
};

#define IN_RANGES(ranges, character) \
	in_ranges(ranges, sizeof(ranges) / sizeof((ranges)[0]), character)

static bool in_ranges(const struct character_range *ranges, size_t count, uint32_t character)
{
	for (size_t i = 0; i < count; i++)
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	return false;
}

static bool may_stand(struct str sequence, bool is_word)
{
	char c = sequence.ptr[0];

	if (sequence.len == 1)
		return !ascii_is_control(c) &&
		       (!is_word || strchr(" ,\"'<>\\", c) == NULL);
	uint32_t character = utf8_character(sequence.ptr, sequence.len);
	return !IN_RANGES(deceiving, character) && (!is_word || !IN_RANGES(spaces, character));
}

static void append_foreign(struct buf *to, struct str foreign, bool is_word)
{
	for (size_t i = 0; i < foreign.len;) {
		size_t len = utf8_sequence_len(str_from(foreign, i));
		if (len == 0 || !may_stand(str_sub(foreign, i, len), is_word)) {
			append_escaped(to, (unsigned char)foreign.ptr[i]);
			i++;
		} else {
			buf_append(to, foreign.ptr + i, len);
			i += len;
		}
	}
}

void text_append_word(struct buf *to, struct str foreign)
{
	append_foreign(to, foreign, true);
}

void text_append_phrase(struct buf *to, struct str foreign)
{
	append_foreign(to, foreign, false);
}

void log_line_begin(struct log_line *line, const struct log *log, enum log_file file)
{
	CHECK(file < LOG_FILE_COUNT);
	line->log = log;
	line->file = file;
	buf_init(&line->text, BUILD_MAX);
}

void log_line_text(struct log_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(&line->text, format, args);
	va_end(args);
}

void log_line_word(struct log_line *line, struct str foreign)
{
	text_append_word(&line->text, str_sub(foreign, 0, LOG_LINE_MAX / 4));
}

void log_line_phrase(struct log_line *line, struct str foreign)
{
	text_append_phrase(&line->text, str_sub(foreign, 0, LOG_LINE_MAX / 4));
}

/* In one piece: other roles write there, too. */
static void stderr_say(struct str text)
{
	struct buf said = BUF_INIT(BUILD_MAX * 4 + 64);

	buf_append_c(&said, "postern: ");
	buf_append_str(&said, text);
	(void)!write(STDERR_FILENO, said.data, said.len);
	buf_done(&said);
}

void log_line_end(struct log_line *line)
{
	struct buf whole = BUF_INIT(BUILD_MAX * 4 + 64);

	clock_append_log_stamp(&whole, clock_real_s());
	size_t stamp = whole.len;
	append_foreign(&whole, buf_str(&line->text), false);
	if (whole.len > stamp + LOG_LINE_MAX || line->text.failed) {
		buf_truncate(&whole, whole.len < stamp + LOG_LINE_MAX ? whole.len : stamp + LOG_LINE_MAX);
		buf_append_c(&whole, "...");
	}
	buf_append_char(&whole, '\n');
	int fd = line->log->fds[line->file];
	/* A full disk must not stop the mail; the line is lost, and standard error says the same. */
	if (fd >= 0 && write(fd, whole.data, whole.len) < 0)
		(void)!write(STDERR_FILENO, whole.data, whole.len);
	if (line->log->to_stderr && (line->file == LOG_ERROR || line->file == LOG_WARNING))
		stderr_say(str_from(buf_str(&whole), stamp));
	buf_done(&whole);
	buf_done(&line->text);
}

void log_printf(const struct log *log, enum log_file file, const char *format, ...)
{
	struct log_line line;
	va_list args;

	log_line_begin(&line, log, file);
	va_start(args, format);
	buf_vprintf(&line.text, format, args);
	va_end(args);
	log_line_end(&line);
}
