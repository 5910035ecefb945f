/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { PAUSE_MS = 100, WIDTH_STANDARD = 80, WIDTH_MAX = 200, BAR_MIN = 10 };

void progress_begin(struct progress *progress, const char *what, uint64_t total)
{
	*progress = (struct progress){
		.is_shown = isatty(STDERR_FILENO) == 1, .what = what, .total = total};
}

static size_t terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return WIDTH_STANDARD;
	return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

void progress_append(struct buf *to, const char *what, uint64_t done, uint64_t total,
		     uint64_t messages, size_t width)
{
	struct buf tail = BUF_INIT(100);
	double part = total == 0 ? 1 : (double)done / (double)total;
	struct str name = str_sub(str_from_c(what), 0, width / 3);

	if (part > 1)
		part = 1;
	buf_printf(&tail, "] %3d %%, %llu messages", (int)(part * 100),
		   (unsigned long long)messages);
	size_t used = name.len + 2 + tail.len + 1;
	size_t bar = width > used + BAR_MIN ? width - used : BAR_MIN;
	size_t filled = (size_t)(part * (double)bar);
	buf_printf(to, "%.*s [", STR_ARG(name));
	for (size_t i = 0; i < bar; i++)
		buf_append_char(to, i < filled ? '#' : '.');
	buf_append_str(to, buf_str(&tail));
	buf_done(&tail);
}

void progress_show(struct progress *progress, uint64_t done, uint64_t messages)
{
	int64_t now = clock_mono_ms();
	struct buf line = BUF_INIT(4096);

	if (!progress->is_shown || now - progress->shown_ms < PAUSE_MS)
		return;
	progress->shown_ms = now;
	buf_append_char(&line, '\r');
	progress_append(&line, progress->what, done, progress->total, messages, terminal_width());
	(void)!fd_write_all(STDERR_FILENO, line.data, line.len);
	buf_done(&line);
}

void progress_end(struct progress *progress)
{
	static const char clear[] = "\r\033[K";

	if (progress->is_shown && progress->shown_ms != 0)
		(void)!fd_write_all(STDERR_FILENO, clear, sizeof(clear) - 1);
	progress->is_shown = false;
}
