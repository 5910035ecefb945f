/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that is full when the test wants it; see full_disk.h. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "full_disk.h"

#define EXPORT __attribute__((visibility("default")))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned count;
static unsigned full_from;

EXPORT unsigned full_disk_set(unsigned nth)
{
	pthread_mutex_lock(&lock);
	unsigned before = count;
	count = 0;
	full_from = nth;
	pthread_mutex_unlock(&lock);
	return before;
}

static void *next(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		abort();
	return found;
}

/* What lies inside a file has its place already. */
static int is_refused(int fd, off_t end)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || end <= status.st_size)
		return 0;
	pthread_mutex_lock(&lock);
	count++;
	int refused = full_from > 0 && count >= full_from;
	pthread_mutex_unlock(&lock);
	if (refused)
		errno = ENOSPC;
	return refused;
}

#define DEFINE_PWRITE(name)                                                                    \
	EXPORT ssize_t name(int fd, const void *data, size_t len, off_t offset)                \
	{                                                                                      \
		ssize_t (*real)(int, const void *, size_t, off_t);                             \
		*(void **)&real = next(#name);                                                 \
		return is_refused(fd, offset + (off_t)len) ? -1 : real(fd, data, len, offset); \
	}

DEFINE_PWRITE(pwrite)
DEFINE_PWRITE(pwrite64)

static off_t pieces_len(const struct iovec *pieces, int pieces_count)
{
	off_t len = 0;

	for (int i = 0; i < pieces_count; i++)
		len += (off_t)pieces[i].iov_len;
	return len;
}

#define DEFINE_PWRITEV(name)                                                                    \
	EXPORT ssize_t name(int fd, const struct iovec *pieces, int pieces_count, off_t offset) \
	{                                                                                       \
		ssize_t (*real)(int, const struct iovec *, int, off_t);                         \
		*(void **)&real = next(#name);                                                  \
		return is_refused(fd, offset + pieces_len(pieces, pieces_count))                \
			       ? -1                                                             \
			       : real(fd, pieces, pieces_count, offset);                        \
	}

DEFINE_PWRITEV(pwritev)
DEFINE_PWRITEV(pwritev64)

EXPORT ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t (*real)(int, const void *, size_t);
	off_t at = lseek(fd, 0, SEEK_CUR);

	*(void **)&real = next("write");
	return at >= 0 && is_refused(fd, at + (off_t)len) ? -1 : real(fd, data, len);
}
