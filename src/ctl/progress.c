/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/progress.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

enum {
	PAUSE_MS = 100,
	WIDTH_STANDARD = 80,
	WIDTH_MAX = 200,
	BAR_MIN = 10,
	LINE_BYTES_MAX = 4096,
	/* Each byte may become six in JSON, and a record goes out as a whole or not at all. */
	WORDS_MAX = 600,
};

_Static_assert(6 * WORDS_MAX + 100 < PIPE_BUF, "a record is written at once");

/* Where a program wants records; false: none does. */
static bool record_fd_find(int *fd_out)
{
	const char *number = getenv(CTL_PROGRESS_VARIABLE);
	uint64_t fd;

	if (number == NULL || !str_parse_u64(str_from_c(number), INT_MAX, &fd))
		return false;
	*fd_out = (int)fd;
	return true;
}

void progress_begin(struct progress *progress, const struct ctl *ctl, const char *what)
{
	*progress = (struct progress){
		.is_shown = !ctl_has(ctl, OPTION_BIT(JSON)) && isatty(STDERR_FILENO) == 1,
		.what = what};
	progress->is_told = record_fd_find(&progress->record_fd);
}

/* ---- for people ---- */

static size_t terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return WIDTH_STANDARD;
	return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

static void bar_append(struct buf *to, double part, size_t width)
{
	size_t filled = (size_t)(part * (double)width);

	for (size_t i = 0; i < width; i++)
		buf_append_char(to, i < filled ? '#' : '.');
}

void progress_append(struct buf *to, const char *what, uint64_t done, uint64_t total,
		     struct str words, size_t width)
{
	CLEANUP_BUF struct buf tail = BUF_INIT(LINE_BYTES_MAX);
	struct str name = str_sub(str_from_c(what), 0, width / 3);

	words = str_sub(words, 0, width / 2);
	if (total == 0) {
		buf_printf(to, "%.*s: %.*s", STR_ARG(name), STR_ARG(words));
		return;
	}
	double part = done >= total ? 1 : (double)done / (double)total;
	buf_printf(&tail, "] %3d %%, %.*s", (int)(part * 100), STR_ARG(words));
	size_t used = name.len + 2 + tail.len + 1;
	buf_printf(to, "%.*s [", STR_ARG(name));
	bar_append(to, part, width > used + BAR_MIN ? width - used : BAR_MIN);
	buf_append_str(to, buf_str(&tail));
}

static void line_show(struct progress *progress, uint64_t done, uint64_t total, struct str words)
{
	CLEANUP_BUF struct buf line = BUF_INIT(LINE_BYTES_MAX);
	CLEANUP_BUF struct buf safe = BUF_INIT(4 * LINE_BYTES_MAX);

	buf_append_c(&line, "\r");
	/* Others have a say in the words: nothing of it commands the terminal. */
	text_append_phrase(&safe, words);
	progress_append(&line, progress->what, done, total, buf_str(&safe), terminal_width());
	/* The line before may have been longer. */
	buf_append_c(&line, "\033[K");
	(void)!fd_write_all(STDERR_FILENO, line.data, line.len);
	progress->has_line = true;
}

/* ---- for programs ---- */

static void record_write(const struct progress *progress, uint64_t done, uint64_t total,
			 struct str words)
{
	json_t *record = json_pack("{s:I, s:o, s:o}", "done", (json_int_t)done, "total",
				   total == 0 ? json_null() : json_integer((json_int_t)total),
				   "text", json_text(str_sub(words, 0, WORDS_MAX)));
	char *text = json_dumps(record, JSON_COMPACT | JSON_ENSURE_ASCII);
	CLEANUP_BUF struct buf line = BUF_INIT(LINE_BYTES_MAX);

	CHECK(text != NULL);
	buf_append_c(&line, text);
	buf_append_char(&line, '\n');
	/* Full: the reader has newer things to read than this one soon. */
	(void)!write(progress->record_fd, line.data, line.len);
	free(text);
	json_decref(record);
}

/* ---- both ---- */

void progress_tell(struct progress *progress, uint64_t done, uint64_t total, const char *format, ...)
{
	CLEANUP_BUF struct buf words = BUF_INIT(LINE_BYTES_MAX);
	int64_t now_ms = clock_mono_ms();
	bool is_end = total > 0 && done >= total;
	va_list args;

	if (!progress->is_shown && !progress->is_told)
		return;
	if (!is_end && progress->told_ms != 0 && now_ms - progress->told_ms < PAUSE_MS)
		return;
	progress->told_ms = now_ms;
	va_start(args, format);
	buf_vprintf(&words, format, args);
	va_end(args);
	if (progress->is_shown)
		line_show(progress, done, total, buf_str(&words));
	if (progress->is_told)
		record_write(progress, done, total, buf_str(&words));
}

void progress_step(struct progress *progress, struct str text)
{
	if (progress->is_told)
		record_write(progress, 0, 0, text);
}

void progress_end(struct progress *progress)
{
	static const char clear[] = "\r\033[K";

	if (progress->has_line)
		(void)!fd_write_all(STDERR_FILENO, clear, sizeof(clear) - 1);
	*progress = (struct progress){0};
}
