/* SPDX-License-Identifier: Apache-2.0 */
/* logs: prints a log file and follows it, over rotation too. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ctl/ctl.h"

enum { CHUNK = 64 * 1024, FOLLOW_LINES = 20, PAUSE_MS = 250, LINES_MAX = 1000000000 };

static bool log_is_known(struct str name)
{
	for (int i = 0; i < LOG_FILE_COUNT; i++)
		if (str_equals(name, str_from_c(log_file_name((enum log_file)i))))
			return true;
	return false;
}

static int name_fail(struct str name)
{
	struct buf names = BUF_INIT(1000);

	for (int i = 0; i < LOG_FILE_COUNT; i++)
		buf_printf(&names, "%s%s", i == 0 ? "" : ", ", log_file_name((enum log_file)i));
	int code = ctl_fail(CTL_USAGE, "there is no log %.*s; it is one of: %.*s", STR_ARG(name),
			    STR_ARG(buf_str(&names)));
	buf_done(&names);
	return code;
}

/* Where the last `lines` lines of the file begin. */
static off_t lines_begin(int fd, uint64_t lines)
{
	char bytes[CHUNK];
	off_t end = lseek(fd, 0, SEEK_END), at = end;
	uint64_t seen = 0;

	while (at > 0) {
		size_t len = at < (off_t)sizeof(bytes) ? (size_t)at : sizeof(bytes);
		if (pread(fd, bytes, len, at - (off_t)len) != (ssize_t)len)
			return 0;
		for (size_t i = len; i > 0; i--) {
			off_t place = at - (off_t)len + (off_t)i;
			/* The end of the last line begins no line. */
			if (bytes[i - 1] == '\n' && place < end && ++seen == lines)
				return place;
		}
		at -= (off_t)len;
	}
	return 0;
}

/* Prints from the file's place to its present end; false when nobody reads any more. */
static bool rest_print(int fd)
{
	char bytes[CHUNK];
	ssize_t got;

	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		if (!fd_write_all(STDOUT_FILENO, bytes, (size_t)got))
			return false;
	return true;
}

static bool is_same_file(int fd, const char *path)
{
	struct stat open_one, named;

	return fstat(fd, &open_one) == 0 &&
	       (stat(path, &named) != 0 ||
		(open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev));
}

/* Prints what is added until the reader goes or the command is interrupted. */
static void follow(int *fd, const char *path)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};

	while (rest_print(*fd)) {
		nanosleep(&pause, NULL);
		if (is_same_file(*fd, path))
			continue;
		/* The file was rotated: first what was still written to the old one. */
		if (!rest_print(*fd))
			return;
		int next = open(path, O_RDONLY | O_CLOEXEC);
		if (next >= 0) {
			fd_close(fd);
			*fd = next;
		}
	}
}

static int log_print(const struct ctl *ctl, const char *path, uint64_t lines)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && !ctl_has(ctl, OPTION_BIT(FOLLOW)))
		return CTL_DONE;
	if (fd < 0)
		return ctl_fail(CTL_USAGE, "%s: %s", path, fault_text(fault_from_errno(errno)));
	if (lines < LINES_MAX)
		(void)lseek(fd, lines == 0 ? 0 : lines_begin(fd, lines), lines == 0 ? SEEK_END : SEEK_SET);
	if (ctl_has(ctl, OPTION_BIT(FOLLOW)))
		follow(&fd, path);
	else
		(void)rest_print(fd);
	return CTL_DONE;
}

int cmd_logs(struct ctl *ctl)
{
	struct str name = ctl->arguments->word_count > 0 ? ctl_word(ctl, 0) : STR("mail");
	uint64_t lines = ctl_has(ctl, OPTION_BIT(FOLLOW)) ? FOLLOW_LINES : LINES_MAX;
	const char *wanted = ctl_value(ctl, OPTION_LINES);
	char path[64];

	if (!log_is_known(name))
		return name_fail(name);
	if (wanted != NULL && !str_parse_u64(str_from_c(wanted), LINES_MAX, &lines))
		return ctl_fail(CTL_USAGE, "--lines %s: a number is wanted", wanted);
	snprintf(path, sizeof(path), "store/logs/%.*s.log", STR_ARG(name));
	char *whole = ctl_path(ctl, path);
	int code = log_print(ctl, whole, lines);
	free(whole);
	return code;
}
