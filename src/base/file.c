/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		close(*fd);
		errno = saved;
	}
	*fd = -1;
}

bool fd_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t done = write(fd, at, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		at += done;
		len -= (size_t)done;
	}
	return true;
}

bool fd_read_all(int fd, void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		ssize_t done = read(fd, at, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			if (done == 0)
				errno = 0;
			return false;
		}
		at += done;
		len -= (size_t)done;
	}
	return true;
}

void fd_set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	CHECK(flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

void fd_set_inheritable(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	CHECK(flags >= 0 && fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) == 0);
}

enum fault fd_read_file(int fd, struct buf *to)
{
	char chunk[8192];

	for (;;) {
		ssize_t got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault_from_errno(errno);
		if (got == 0)
			return FAULT_NONE;
		buf_append(to, chunk, (size_t)got);
		if (to->failed)
			return FAULT_TOO_LARGE;
	}
}

static int open_read(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Set at most once, before anything is read: file_open_by. */
static int (*opener)(const char *path) = open_read;

void file_open_by(int (*open_for_reading)(const char *path))
{
	opener = open_for_reading;
}

DIR *folder_open(const char *path)
{
	int fd = opener(path);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (folder == NULL)
		fd_close(&fd);
	return folder;
}

int file_open(const char *path)
{
	return opener(path);
}

enum fault file_read(const char *path, struct buf *to)
{
	CLEANUP_FD int fd = opener(path);

	if (fd < 0)
		return fault_from_errno(errno);
	return fd_read_file(fd, to);
}

/* Writes the temporary file and makes it durable. */
enum { COPY_MAX = 1 << 20 };

/* Opens what shall take the place of a file. The mode of open is cut by the umask, and ignored for
 * a left-over file. */
static int temporary_open(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd >= 0 && fchmod(fd, mode) != 0)
		fd_close(&fd);
	return fd;
}

enum fault folder_sync(const char *path)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		return fault_from_errno(errno);
	return FAULT_NONE;
}

static bool content_write(int fd, const void *content)
{
	const struct str *text = content;

	return fd_write_all(fd, text->ptr, text->len);
}

static bool content_copy(int fd, const void *content)
{
	const int *from = content;
	off_t offset = 0;
	ssize_t got;

	while ((got = sendfile(fd, *from, &offset, COPY_MAX)) > 0)
		;
	return got == 0;
}

static enum fault temporary_fill(const char *path, mode_t mode,
				 bool (*fill)(int fd, const void *content), const void *content)
{
	CLEANUP_FD int fd = temporary_open(path, mode);

	if (fd < 0 || !fill(fd, content) || fsync(fd) != 0)
		return fault_from_errno(errno);
	return FAULT_NONE;
}

static enum fault replace_by(const char *path, mode_t mode,
			     bool (*fill)(int fd, const void *content), const void *content)
{
	struct str whole = str_from_c(path);
	size_t slash = str_find_last_char(whole, '/');
	char *folder = slash == STR_NONE ? str_dup_c(STR("."))
					 : str_dup_c(str_sub(whole, 0, slash == 0 ? 1 : slash));
	char *temporary;

	CHECK(asprintf(&temporary, "%s.new", path) > 0);
	enum fault fault = temporary_fill(temporary, mode, fill, content);
	if (fault == FAULT_NONE && rename(temporary, path) != 0)
		fault = fault_from_errno(errno);
	if (fault == FAULT_NONE)
		fault = folder_sync(folder);
	else
		unlink(temporary);
	free(temporary);
	free(folder);
	return fault;
}

enum fault file_replace(const char *path, struct str content, mode_t mode)
{
	return replace_by(path, mode, content_write, &content);
}

enum fault file_replace_from(const char *path, int from, size_t max, mode_t mode)
{
	struct stat status;

	if (fstat(from, &status) != 0 || !S_ISREG(status.st_mode))
		return FAULT_INVALID;
	if ((uint64_t)status.st_size > max)
		return FAULT_TOO_LARGE;
	return replace_by(path, mode, content_copy, &from);
}

void file_give(const char *path, const char *like)
{
	struct stat owner;

	if (geteuid() == 0 && stat(like, &owner) == 0 && owner.st_uid != 0)
		(void)!lchown(path, owner.st_uid, owner.st_gid);
}

enum fault folder_make(const char *path, mode_t mode)
{
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return fault_from_errno(errno);
	return FAULT_NONE;
}

char *path_join(const char *folder, const char *name)
{
	char *path;

	CHECK(asprintf(&path, "%s/%s", folder, name) > 0);
	return path;
}
