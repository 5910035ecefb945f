/* SPDX-License-Identifier: Apache-2.0 */
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "store/wire.h"

enum {
	MAGIC = 0x50534547, /* "PSEG" */
	FILE_MODE = 0600,
	PENDING_MAX = 1024 * 1024,
	COPY_BYTES = 256 * 1024,
};

char *segment_path(const char *folder, uint32_t segment)
{
	char *path;

	CHECK(asprintf(&path, "%s/%08x.seg", folder, segment) > 0);
	return path;
}

static uint64_t padded(uint64_t length)
{
	return (length + SEGMENT_ALIGN - 1) / SEGMENT_ALIGN * SEGMENT_ALIGN;
}

uint64_t segment_record_bytes(uint64_t length)
{
	return SEGMENT_HEADER_BYTES + padded(length);
}

void segment_writer_init(struct segment_writer *writer, const char *folder)
{
	*writer = (struct segment_writer){
		.folder = folder, .fd = -1, .pending = BUF_INIT(PENDING_MAX)};
}

void segment_writer_done(struct segment_writer *writer)
{
	fd_close(&writer->fd);
	buf_done(&writer->pending);
}

enum fault segment_writer_open(struct segment_writer *writer, uint32_t number, uint64_t committed,
			       bool is_new)
{
	char *path = segment_path(writer->folder, number);
	int fd = open(path, O_RDWR | O_CLOEXEC | (is_new ? O_CREAT : 0), FILE_MODE);
	enum fault fault = fd < 0 ? fault_from_errno(errno) : FAULT_NONE;

	free(path);
	/* A left-over of a crash may lie behind what was committed. */
	if (fault == FAULT_NONE && ftruncate(fd, (off_t)committed) != 0)
		fault = fault_from_errno(errno);
	if (fault == FAULT_NONE && is_new)
		fault = folder_sync(writer->folder);
	if (fault != FAULT_NONE) {
		fd_close(&fd);
		return fault;
	}
	fd_close(&writer->fd);
	writer->fd = fd;
	writer->number = number;
	writer->committed = writer->written = committed;
	buf_reset(&writer->pending);
	return FAULT_NONE;
}

uint64_t segment_writer_end(const struct segment_writer *writer)
{
	return writer->written + writer->pending.len;
}

static enum fault write_at(int fd, const char *bytes, size_t len, uint64_t offset)
{
	while (len > 0) {
		ssize_t done = pwrite(fd, bytes, len, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fault_from_errno(errno);
		bytes += done;
		len -= (size_t)done;
		offset += (uint64_t)done;
	}
	return FAULT_NONE;
}

static enum fault pending_write(struct segment_writer *writer)
{
	struct buf *pending = &writer->pending;
	enum fault fault = write_at(writer->fd, pending->data, pending->len, writer->written);

	if (fault == FAULT_NONE) {
		writer->written += pending->len;
		buf_reset(pending);
	}
	return fault;
}

static void header_make(unsigned char header[SEGMENT_HEADER_BYTES], uint64_t blob, uint64_t length,
			uint32_t crc)
{
	memset(header, 0, SEGMENT_HEADER_BYTES);
	wire_store_u32(header, MAGIC);
	wire_store_u64(header + 4, blob);
	wire_store_u64(header + 12, length);
	wire_store_u32(header + 20, crc);
	wire_store_u32(header + 24, crc32c(0, str_make(header, 24)));
}

enum fault segment_append(struct segment_writer *writer, uint64_t blob, struct str bytes,
			  struct blob_place *place_out)
{
	static const char zeroes[SEGMENT_ALIGN];
	unsigned char header[SEGMENT_HEADER_BYTES];
	uint32_t crc = crc32c(0, bytes);
	uint64_t whole = segment_record_bytes(bytes.len);
	enum fault fault = FAULT_NONE;

	CHECK(whole <= PENDING_MAX);
	if (writer->pending.len + whole > PENDING_MAX)
		fault = pending_write(writer);
	if (fault != FAULT_NONE)
		return fault;
	*place_out =
		(struct blob_place){.segment = writer->number,
				    .offset = segment_writer_end(writer) + SEGMENT_HEADER_BYTES,
				    .length = bytes.len,
				    .crc = crc};
	header_make(header, blob, bytes.len, crc);
	buf_append(&writer->pending, header, sizeof(header));
	buf_append_str(&writer->pending, bytes);
	buf_append(&writer->pending, zeroes, (size_t)(padded(bytes.len) - bytes.len));
	CHECK(!writer->pending.failed);
	return FAULT_NONE;
}

/* Copies a file's bytes to `offset`, and sums them. */
static enum fault file_copy(struct segment_writer *writer, int fd, uint64_t from, uint64_t bytes,
			    uint64_t offset, uint32_t *crc_out)
{
	char *room = malloc(COPY_BYTES);
	uint64_t done = 0;
	uint32_t crc = 0;
	enum fault fault = FAULT_NONE;

	CHECK(room != NULL);
	while (fault == FAULT_NONE && done < bytes) {
		size_t wanted = bytes - done < COPY_BYTES ? (size_t)(bytes - done) : COPY_BYTES;
		ssize_t got = pread(fd, room, wanted, (off_t)(from + done));
		if (got < 0 && errno == EINTR)
			continue;
		/* Shorter than it was: the sender cut it meanwhile. */
		if (got <= 0) {
			fault = got == 0 ? FAULT_INVALID : fault_from_errno(errno);
			break;
		}
		crc = crc32c(crc, str_make(room, (size_t)got));
		fault = write_at(writer->fd, room, (size_t)got, offset + done);
		done += (uint64_t)got;
	}
	free(room);
	*crc_out = crc;
	return fault;
}

enum fault segment_append_file(struct segment_writer *writer, uint64_t blob, int fd, uint64_t from,
			       uint64_t bytes, struct blob_place *place_out)
{
	static const char zeroes[SEGMENT_ALIGN];
	unsigned char header[SEGMENT_HEADER_BYTES];
	uint32_t crc = 0;

	enum fault fault = pending_write(writer);
	uint64_t offset = writer->written + SEGMENT_HEADER_BYTES;
	if (fault == FAULT_NONE)
		fault = file_copy(writer, fd, from, bytes, offset, &crc);
	if (fault == FAULT_NONE)
		fault = write_at(writer->fd, zeroes, (size_t)(padded(bytes) - bytes),
				 offset + bytes);
	if (fault != FAULT_NONE)
		return fault;
	header_make(header, blob, bytes, crc);
	fault = write_at(writer->fd, (char *)header, sizeof(header), writer->written);
	if (fault != FAULT_NONE)
		return fault;
	writer->written += segment_record_bytes(bytes);
	*place_out = (struct blob_place){
		.segment = writer->number, .offset = offset, .length = bytes, .crc = crc};
	return FAULT_NONE;
}

enum fault segment_header_read(int fd, uint64_t offset, uint64_t *blob_out, uint64_t *length_out)
{
	unsigned char header[SEGMENT_HEADER_BYTES];
	ssize_t got;

	do
		got = pread(fd, header, sizeof(header), (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return fault_from_errno(errno);
	if (got != sizeof(header) || wire_load_u32(header) != MAGIC ||
	    wire_load_u32(header + 24) != crc32c(0, str_make(header, 24)))
		return FAULT_CORRUPT;
	*blob_out = wire_load_u64(header + 4);
	*length_out = wire_load_u64(header + 12);
	return FAULT_NONE;
}

enum fault segment_sync(struct segment_writer *writer)
{
	if (writer->fd < 0 || segment_writer_end(writer) == writer->committed)
		return FAULT_NONE;
	enum fault fault = pending_write(writer);
	if (fault != FAULT_NONE)
		return fault;
	writer->flushes++;
	return fdatasync(writer->fd) == 0 ? FAULT_NONE : fault_from_errno(errno);
}

void segment_commit(struct segment_writer *writer)
{
	CHECK(writer->pending.len == 0);
	writer->committed = writer->written;
}

void segment_rollback(struct segment_writer *writer)
{
	buf_reset(&writer->pending);
	writer->written = writer->committed;
	/* Gives back the space at once; if that fails, the next records overwrite it. */
	if (writer->fd >= 0)
		(void)!ftruncate(writer->fd, (off_t)writer->committed);
}
