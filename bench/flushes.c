/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload into a server: counts flushes to disk in a shared file.
 *
 * FLUSH_COUNTS names the file: one 64-bit counter in the machine's order. A
 * flush is fsync, fdatasync, syncfs, msync with MS_SYNC, and each write to a
 * file that was opened with O_SYNC or O_DSYNC. LMDB does the last for its meta page.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define FD_MAX 4096

static _Atomic uint64_t *counter;
static _Atomic bool is_synchronous[FD_MAX];

__attribute__((constructor)) static void counter_map(void)
{
	const char *path = getenv("FLUSH_COUNTS");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	void *page = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (page != MAP_FAILED)
		counter = page;
}

static void count(void)
{
	if (counter != NULL)
		atomic_fetch_add(counter, 1);
}

static bool is_flushing(int fd)
{
	return fd >= 0 && fd < FD_MAX && is_synchronous[fd];
}

/* The C library's own function behind ours. */
#define REAL(function) ((__typeof__(&function))(uintptr_t)dlsym(RTLD_NEXT, #function))

EXPORT int fsync(int fd)
{
	count();
	return REAL(fsync)(fd);
}

EXPORT int fdatasync(int fd)
{
	count();
	return REAL(fdatasync)(fd);
}

EXPORT int syncfs(int fd)
{
	count();
	return REAL(syncfs)(fd);
}

EXPORT int msync(void *address, size_t len, int flags)
{
	if ((flags & MS_SYNC) != 0)
		count();
	return REAL(msync)(address, len, flags);
}

static int remember(int fd, int flags)
{
	if (fd >= 0 && fd < FD_MAX)
		is_synchronous[fd] = (flags & O_DSYNC) != 0 && (flags & O_ACCMODE) != O_RDONLY;
	return fd;
}

static mode_t mode_of(int flags, va_list arguments)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define OPEN_LIKE(function)                                                                        \
	EXPORT int function(const char *path, int flags, ...)                                      \
	{                                                                                          \
		va_list arguments;                                                                 \
		va_start(arguments, flags);                                                        \
		mode_t mode = mode_of(flags, arguments);                                           \
		va_end(arguments);                                                                 \
		return remember(REAL(function)(path, flags, mode), flags);                         \
	}
#define OPENAT_LIKE(function)                                                                      \
	EXPORT int function(int folder, const char *path, int flags, ...)                          \
	{                                                                                          \
		va_list arguments;                                                                 \
		va_start(arguments, flags);                                                        \
		mode_t mode = mode_of(flags, arguments);                                           \
		va_end(arguments);                                                                 \
		return remember(REAL(function)(folder, path, flags, mode), flags);                 \
	}
OPEN_LIKE(open)
OPEN_LIKE(open64)
OPENAT_LIKE(openat)
OPENAT_LIKE(openat64)

EXPORT ssize_t write(int fd, const void *bytes, size_t len)
{
	if (is_flushing(fd))
		count();
	return REAL(write)(fd, bytes, len);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
	if (is_flushing(fd))
		count();
	return REAL(pwrite64)(fd, bytes, len, at);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return pwrite64(fd, bytes, len, at);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int part_count)
{
	if (is_flushing(fd))
		count();
	return REAL(writev)(fd, parts, part_count);
}

EXPORT int close(int fd)
{
	if (fd >= 0 && fd < FD_MAX)
		is_synchronous[fd] = false;
	return REAL(close)(fd);
}
