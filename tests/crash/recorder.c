/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a process, it writes down everything that the process does to
 * the files under RECORD_ROOT, in order: what a disk would see, and when it was
 * told to flush. powercut.c plays it back up to any moment.
 *
 * RECORD_LOG: where to. RECORD_IGNORE: flushes of files whose path below the root
 * begins so are not written down, as if the program had forgotten them; that is how
 * the test is tested.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "recorder.h"

#define EXPORT __attribute__((visibility("default")))

enum { FDS_MAX = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *journal;
static char root[4096];
static size_t root_len;
static const char *ignored;
/* By descriptor: the path below the root, or NULL; whether writes are flushed at once. */
static char *paths[FDS_MAX];
static int is_synchronous[FDS_MAX];

static void *next(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		abort();
	return found;
}

__attribute__((constructor)) static void recorder_begin(void)
{
	const char *folder = getenv("RECORD_ROOT");
	const char *path = getenv("RECORD_LOG");

	ignored = getenv("RECORD_IGNORE");
	if (folder == NULL || path == NULL)
		return;
	snprintf(root, sizeof(root), "%s/", folder);
	root_len = strlen(root);
	journal = fopen(path, "we");
	if (journal == NULL)
		abort();
}

__attribute__((destructor)) static void recorder_end(void)
{
	if (journal != NULL && fclose(journal) != 0)
		abort();
	journal = NULL;
}

static void record(enum record_kind kind, const char *path, uint64_t offset, const void *data,
		   size_t len)
{
	struct record_header header = {.kind = (uint32_t)kind,
				       .path_len = (uint32_t)strlen(path),
				       .offset = offset,
				       .data_len = len};

	if (fwrite(&header, sizeof(header), 1, journal) != 1 ||
	    fwrite(path, 1, header.path_len, journal) != header.path_len ||
	    (len > 0 && data != NULL && fwrite(data, 1, len, journal) != len))
		abort();
}

/* The part of a path below the root, or NULL; the locks are no data. */
static const char *below_root(const char *path)
{
	if (journal == NULL || strncmp(path, root, root_len) != 0)
		return NULL;
	const char *name = path + root_len;
	return strstr(name, "lock") != NULL ? NULL : name;
}

static const char *path_of(int fd)
{
	return fd >= 0 && fd < FDS_MAX ? paths[fd] : NULL;
}

static int is_flush_ignored(const char *path)
{
	return ignored != NULL && strncmp(path, ignored, strlen(ignored)) == 0;
}

EXPORT void powercut_note(const char *text, size_t len)
{
	if (journal == NULL)
		return;
	pthread_mutex_lock(&lock);
	record(RECORD_NOTE, "", 0, text, len);
	pthread_mutex_unlock(&lock);
}

static void opened(int fd, const char *path, int flags, int existed)
{
	const char *name = below_root(path);

	if (fd < 0 || fd >= FDS_MAX || name == NULL)
		return;
	pthread_mutex_lock(&lock);
	free(paths[fd]);
	paths[fd] = strdup(name);
	is_synchronous[fd] = (flags & (O_DSYNC | O_SYNC)) != 0;
	if ((flags & O_CREAT) != 0 && !existed)
		record(RECORD_CREATE, name, 0, NULL, 0);
	if ((flags & O_TRUNC) != 0)
		record(RECORD_TRUNCATE, name, 0, NULL, 0);
	pthread_mutex_unlock(&lock);
}

static int open_recorded(int (*real)(const char *, int, ...), const char *path, int flags,
			 mode_t mode)
{
	struct stat status;
	int existed = stat(path, &status) == 0;
	int fd = real(path, flags, mode);

	opened(fd, path, flags, existed);
	return fd;
}

#define DEFINE_OPEN(name)                                      \
	EXPORT int name(const char *path, int flags, ...)      \
	{                                                      \
		int (*real)(const char *, int, ...);           \
		mode_t mode = 0;                               \
		*(void **)&real = next(#name);                 \
		if ((flags & O_CREAT) != 0) {                  \
			va_list args;                          \
			va_start(args, flags);                 \
			mode = va_arg(args, mode_t);           \
			va_end(args);                          \
		}                                              \
		return open_recorded(real, path, flags, mode); \
	}

DEFINE_OPEN(open)
DEFINE_OPEN(open64)

EXPORT int close(int fd)
{
	int (*real)(int);

	*(void **)&real = next("close");
	pthread_mutex_lock(&lock);
	if (path_of(fd) != NULL) {
		free(paths[fd]);
		paths[fd] = NULL;
	}
	pthread_mutex_unlock(&lock);
	return real(fd);
}

/* Under the lock, after the write itself: what the process saw done, the disk may have. */
static void written(int fd, uint64_t offset, const void *data, ssize_t len)
{
	const char *path = path_of(fd);

	if (path == NULL || len <= 0)
		return;
	int is_flushed = is_synchronous[fd] && !is_flush_ignored(path);
	record(is_flushed ? RECORD_WRITE_FLUSHED : RECORD_WRITE, path, offset, data, (size_t)len);
}

static ssize_t pwrite_recorded(const char *name, int fd, const void *data, size_t len, off_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off_t);

	*(void **)&real = next(name);
	if (path_of(fd) == NULL)
		return real(fd, data, len, offset);
	pthread_mutex_lock(&lock);
	ssize_t done = real(fd, data, len, offset);
	written(fd, (uint64_t)offset, data, done);
	pthread_mutex_unlock(&lock);
	return done;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return pwrite_recorded("pwrite", fd, data, len, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
{
	return pwrite_recorded("pwrite64", fd, data, len, offset);
}

EXPORT ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t (*real)(int, const void *, size_t);

	*(void **)&real = next("write");
	if (path_of(fd) == NULL)
		return real(fd, data, len);
	pthread_mutex_lock(&lock);
	off_t offset = lseek(fd, 0, SEEK_CUR);
	ssize_t done = real(fd, data, len);
	written(fd, (uint64_t)offset, data, done);
	pthread_mutex_unlock(&lock);
	return done;
}

static void pieces_written(int fd, uint64_t offset, const struct iovec *pieces, int count,
			   ssize_t done)
{
	for (int i = 0; i < count && done > 0; i++) {
		ssize_t len = (ssize_t)pieces[i].iov_len < done ? (ssize_t)pieces[i].iov_len : done;
		written(fd, offset, pieces[i].iov_base, len);
		offset += (uint64_t)len;
		done -= len;
	}
}

static ssize_t pwritev_recorded(const char *name, int fd, const struct iovec *pieces, int count,
				off_t offset)
{
	ssize_t (*real)(int, const struct iovec *, int, off_t);

	*(void **)&real = next(name);
	if (path_of(fd) == NULL)
		return real(fd, pieces, count, offset);
	pthread_mutex_lock(&lock);
	ssize_t done = real(fd, pieces, count, offset);
	pieces_written(fd, (uint64_t)offset, pieces, count, done);
	pthread_mutex_unlock(&lock);
	return done;
}

EXPORT ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
	return pwritev_recorded("pwritev", fd, pieces, count, offset);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t offset)
{
	return pwritev_recorded("pwritev64", fd, pieces, count, offset);
}

EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	ssize_t (*real)(int, const struct iovec *, int);

	*(void **)&real = next("writev");
	if (path_of(fd) == NULL)
		return real(fd, pieces, count);
	pthread_mutex_lock(&lock);
	off_t offset = lseek(fd, 0, SEEK_CUR);
	ssize_t done = real(fd, pieces, count);
	pieces_written(fd, (uint64_t)offset, pieces, count, done);
	pthread_mutex_unlock(&lock);
	return done;
}

static int truncate_fd_recorded(const char *name, int fd, off_t len)
{
	int (*real)(int, off_t);

	*(void **)&real = next(name);
	pthread_mutex_lock(&lock);
	int result = real(fd, len);
	if (result == 0 && path_of(fd) != NULL)
		record(RECORD_TRUNCATE, path_of(fd), (uint64_t)len, NULL, 0);
	pthread_mutex_unlock(&lock);
	return result;
}

EXPORT int ftruncate(int fd, off_t len)
{
	return truncate_fd_recorded("ftruncate", fd, len);
}

EXPORT int ftruncate64(int fd, off_t len)
{
	return truncate_fd_recorded("ftruncate64", fd, len);
}

EXPORT int truncate(const char *path, off_t len)
{
	int (*real)(const char *, off_t);
	const char *name = below_root(path);

	*(void **)&real = next("truncate");
	pthread_mutex_lock(&lock);
	int result = real(path, len);
	if (result == 0 && name != NULL)
		record(RECORD_TRUNCATE, name, (uint64_t)len, NULL, 0);
	pthread_mutex_unlock(&lock);
	return result;
}

/* Written down when it has returned: only then may the process count on it. */
static int sync_recorded(const char *name, int fd)
{
	int (*real)(int);

	*(void **)&real = next(name);
	pthread_mutex_lock(&lock);
	int result = real(fd);
	const char *path = path_of(fd);
	if (result == 0 && path != NULL && !is_flush_ignored(path))
		record(RECORD_FLUSH, path, 0, NULL, 0);
	pthread_mutex_unlock(&lock);
	return result;
}

EXPORT int fsync(int fd)
{
	return sync_recorded("fsync", fd);
}

EXPORT int fdatasync(int fd)
{
	return sync_recorded("fdatasync", fd);
}

EXPORT int unlink(const char *path)
{
	int (*real)(const char *);
	const char *name = below_root(path);

	*(void **)&real = next("unlink");
	pthread_mutex_lock(&lock);
	int result = real(path);
	if (result == 0 && name != NULL)
		record(RECORD_UNLINK, name, 0, NULL, 0);
	pthread_mutex_unlock(&lock);
	return result;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	int (*real)(const char *, mode_t);
	const char *name = below_root(path);

	*(void **)&real = next("mkdir");
	pthread_mutex_lock(&lock);
	int result = real(path, mode);
	if (result == 0 && name != NULL)
		record(RECORD_FOLDER, name, 0, NULL, 0);
	pthread_mutex_unlock(&lock);
	return result;
}

EXPORT int rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *);
	const char *from_name = below_root(from);
	const char *to_name = below_root(to);

	*(void **)&real = next("rename");
	pthread_mutex_lock(&lock);
	int result = real(from, to);
	if (result == 0 && from_name != NULL && to_name != NULL)
		record(RECORD_RENAME, from_name, 0, to_name, strlen(to_name));
	pthread_mutex_unlock(&lock);
	return result;
}
