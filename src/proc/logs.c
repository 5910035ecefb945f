/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/logs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

static struct tm local_time(int64_t now_s)
{
	time_t seconds = (time_t)now_s;
	struct tm local;

	CHECK(localtime_r(&seconds, &local) != NULL);
	return local;
}

static char *log_path(const struct logs *logs, enum log_file file)
{
	char *path;

	CHECK(asprintf(&path, "%s/%s.log", logs->folder, log_file_name(file)) > 0);
	return path;
}

static int log_open(const struct logs *logs, enum log_file file)
{
	char *path = log_path(logs, file);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

	free(path);
	return fd;
}

enum fault logs_open(struct logs *logs, const char *folder)
{
	log_init(&logs->log, true);
	logs->folder = str_dup_c(str_from_c(folder));
	logs->day = local_time(clock_real_s()).tm_yday;
	enum fault fault = folder_make(folder, 0750);
	for (int file = 0; file < LOG_FILE_COUNT && fault == FAULT_NONE; file++) {
		logs->log.fds[file] = log_open(logs, (enum log_file)file);
		if (logs->log.fds[file] < 0)
			fault = fault_from_errno(errno);
	}
	return fault;
}

void logs_close(struct logs *logs)
{
	for (int file = 0; file < LOG_FILE_COUNT; file++)
		fd_close(&logs->log.fds[file]);
	free(logs->folder);
	logs->folder = NULL;
}

static int names_descending(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*b)->d_name, (*a)->d_name);
}

/* Removes the oldest of those put aside: their names sort by time. */
static void log_prune(const struct logs *logs, enum log_file file)
{
	struct dirent **names;
	char prefix[64];
	int kept = 0;
	int count = scandir(logs->folder, &names, NULL, names_descending);

	snprintf(prefix, sizeof(prefix), "%s.log.", log_file_name(file));
	for (int i = 0; i < count; i++) {
		if (str_has_prefix(str_from_c(names[i]->d_name), str_from_c(prefix)) &&
		    ++kept > LOGS_KEPT) {
			char *path = path_join(logs->folder, names[i]->d_name);
			unlink(path);
			free(path);
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

/* Opens the file anew behind the number that everybody writes to. */
static bool log_reopen(struct logs *logs, enum log_file file)
{
	int fd = log_open(logs, file);

	if (fd < 0)
		return false;
	CHECK(dup3(fd, logs->log.fds[file], O_CLOEXEC) >= 0);
	fd_close(&fd);
	return true;
}

/* True when somebody else has moved or removed the file that is written to. */
static bool log_is_gone(const struct logs *logs, enum log_file file, const struct stat *written)
{
	struct stat named;
	char *path = log_path(logs, file);
	bool is_there = lstat(path, &named) == 0;
	bool is_missing = !is_there && errno == ENOENT;

	free(path);
	return is_missing ||
	       (is_there && (named.st_ino != written->st_ino || named.st_dev != written->st_dev));
}

static bool log_rotate(struct logs *logs, enum log_file file, int64_t now_s)
{
	struct tm local = local_time(now_s);
	char stamp[32];
	char *path = log_path(logs, file);
	char *aside;

	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &local);
	CHECK(asprintf(&aside, "%s.%s", path, stamp) > 0);
	bool is_rotated = rename(path, aside) == 0;
	free(aside);
	free(path);
	if (!is_rotated || !log_reopen(logs, file)) {
		log_printf(&logs->log, LOG_ERROR, "%s.log could not be rotated: %s",
			   log_file_name(file), strerror(errno));
		return false;
	}
	log_prune(logs, file);
	return true;
}

unsigned logs_rotate(struct logs *logs, int64_t now_s)
{
	int day = local_time(now_s).tm_yday;
	bool is_new_day = day != logs->day;
	unsigned rotated = 0;

	logs->day = day;
	for (int file = 0; file < LOG_FILE_COUNT; file++) {
		struct stat status;
		bool is_new = false;
		if (fstat(logs->log.fds[file], &status) != 0)
			continue;
		if (log_is_gone(logs, (enum log_file)file, &status))
			is_new = log_reopen(logs, (enum log_file)file);
		else if (status.st_size > 0 && (is_new_day || status.st_size > LOGS_FILE_MAX))
			is_new = log_rotate(logs, (enum log_file)file, now_s);
		if (is_new)
			rotated |= 1u << file;
	}
	return rotated;
}
