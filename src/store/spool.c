/* SPDX-License-Identifier: Apache-2.0 */
#include "store/spool.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

void spool_init(struct spool *spool, uint64_t limit_bytes)
{
	*spool = (struct spool){
		.limit_bytes = limit_bytes, .fd = -1, .head = BUF_INIT(SPOOL_INLINE)};
}

void spool_init_file(struct spool *spool, uint64_t limit_bytes, int fd)
{
	spool_init(spool, limit_bytes);
	spool->fd = fd;
}

static void unmap(struct spool *spool)
{
	if (spool->map != NULL)
		munmap(spool->map, spool->map_len);
	spool->map = NULL;
	spool->map_len = 0;
}

void spool_done(struct spool *spool)
{
	unmap(spool);
	fd_close(&spool->fd);
	buf_done(&spool->head);
	spool_init(spool, 0);
}

static bool file_write(struct spool *spool, struct str bytes)
{
	if (fd_write_all(spool->fd, bytes.ptr, bytes.len))
		return true;
	spool->is_out_of_memory = true;
	return false;
}

/* Moves on to a memory file; what was in memory is its beginning. */
static bool file_begin(struct spool *spool)
{
	spool->fd = memfd_create("postern-body", MFD_CLOEXEC);
	if (spool->fd < 0)
		spool->is_out_of_memory = true;
	return spool->fd >= 0;
}

/*
 * The head goes before what follows into the file. It gathers what comes
 * in small pieces: a message of nothing but dots would cost a call for each of them.
 */
static bool head_write(struct spool *spool)
{
	bool is_written = file_write(spool, buf_str(&spool->head));

	buf_reset(&spool->head);
	return is_written;
}

static bool has_room(const struct spool *spool, size_t len)
{
	return len <= SPOOL_INLINE - spool->head.len;
}

void spool_append(struct spool *spool, struct str bytes)
{
	if (bytes.len == 0 || spool->is_too_large || spool->is_out_of_memory)
		return;
	unmap(spool);
	if (bytes.len > spool->limit_bytes - spool->size_bytes) {
		/* What is refused need not be kept. */
		spool->is_too_large = true;
		fd_close(&spool->fd);
		buf_done(&spool->head);
		return;
	}
	if (!has_room(spool, bytes.len) && spool->fd < 0 && !file_begin(spool))
		return;
	if (!has_room(spool, bytes.len) && !head_write(spool))
		return;
	if (has_room(spool, bytes.len))
		buf_append_str(&spool->head, bytes);
	else if (!file_write(spool, bytes))
		return;
	spool->size_bytes += bytes.len;
}

enum fault spool_view(struct spool *spool, struct str *view_out)
{
	if (spool->fd < 0) {
		*view_out = buf_str(&spool->head);
		return FAULT_NONE;
	}
	if (!head_write(spool))
		return FAULT_MEMORY;
	if (spool->map == NULL) {
		void *map = mmap(NULL, spool->size_bytes, PROT_READ, MAP_SHARED, spool->fd, 0);
		if (map == MAP_FAILED)
			return FAULT_MEMORY;
		spool->map = map;
		spool->map_len = spool->size_bytes;
	}
	*view_out = str_make(spool->map, spool->map_len);
	return FAULT_NONE;
}

enum fault spool_settle(struct spool *spool)
{
	if (spool->is_too_large)
		return FAULT_TOO_LARGE;
	return !spool->is_out_of_memory && head_write(spool) ? FAULT_NONE : FAULT_NO_SPACE;
}

struct mail_body spool_content(const struct spool *spool)
{
	struct str bytes = spool->fd < 0 ? buf_str(&spool->head) : str_make(NULL, 0);

	return (struct mail_body){.bytes = bytes, .fd = spool->fd};
}
