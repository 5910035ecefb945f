/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as a whole: read bounded, replaced atomically and durably.
 *
 * All of these block on the disk.
 */
#ifndef POSTERN_BASE_FILE_H
#define POSTERN_BASE_FILE_H

#include <dirent.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/fault.h"

/* Closes and sets to -1; safe as a cleanup handler, and for -1. */
void fd_close(int *fd);
#define CLEANUP_FD __attribute__((cleanup(fd_close)))

/* Reads or writes all of `len` bytes, going on after interruptions and short counts. errno tells why not. */
must_check bool fd_write_all(int fd, const void *data, size_t len);
must_check bool fd_read_all(int fd, void *data, size_t len); /* false with errno 0 at an early end */

/* Sets O_NONBLOCK, or FD_CLOEXEC off (for descriptors that a role inherits). */
void fd_set_nonblocking(int fd);
void fd_set_inheritable(int fd);

/*
 * How this process opens files and folders for reading below, in place of open(2). For a process
 * that is fenced off from them and has to ask; called at most once, before the first is read.
 * The function returns a descriptor, or -1 with errno.
 */
void file_open_by(int (*open_for_reading)(const char *path));
/* Opens a file for reading; -1 with errno. The caller closes. */
int file_open(const char *path);
/* Opens a folder, to list its names; NULL with errno. The caller closes. */
DIR *folder_open(const char *path);

/* Appends the file's content to `to`; FAULT_TOO_LARGE past the buffer's maximum. */
must_check enum fault file_read(const char *path, struct buf *to);
must_check enum fault fd_read_file(int fd, struct buf *to);

/*
 * Replaces `path` by `content`: a temporary file in the same folder, fsync,
 * rename, fsync of the folder. After FAULT_NONE the new content survives a
 * power cut; after a fault the old content stands.
 */
must_check enum fault file_replace(const char *path, struct str content, mode_t mode);

/*
 * The same with what stands in the file behind `from`, from its beginning: it is copied by the
 * kernel and does not come into this process. TOO_LARGE past `max` bytes; INVALID when it is no
 * regular file.
 */
must_check enum fault file_replace_from(const char *path, int from, size_t max, mode_t mode);

/*
 * When root made `path`, gives it to whom `like` belongs. Follows no link; what fails is not
 * told: whoever needs the file will see.
 */
void file_give(const char *path, const char *like);

/* Creates a folder; one that exists already is fine. */
must_check enum fault folder_make(const char *path, mode_t mode);

/* fsync of a folder, so that names made or removed in it are durable. */
must_check enum fault folder_sync(const char *path);

/* Joins with "/" into a heap string; the caller frees. */
char *path_join(const char *folder, const char *name);

#endif
