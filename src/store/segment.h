/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments: append-only files that hold the bodies.
 *
 * A segment is a row of records: header (32 bytes: magic, blob, length, CRC-32C
 * of the bytes, CRC-32C of the header) and bytes, padded to 8. What lies behind the
 * length that the index has committed is not there: recovery cuts it off.
 * Written only by the store role; readers map the files.
 */
#ifndef POSTERN_STORE_SEGMENT_H
#define POSTERN_STORE_SEGMENT_H

#include "base/buf.h"
#include "base/fault.h"

enum { SEGMENT_HEADER_BYTES = 32, SEGMENT_ALIGN = 8 };

/* Where a blob lies: the offset is that of its bytes. */
struct blob_place {
	uint32_t segment;
	uint64_t offset;
	uint64_t length;
	uint32_t crc;
};

/* HOME/store/segments/0000002a.seg; the caller frees. */
char *segment_path(const char *folder, uint32_t segment);

/* The length of a whole record with its header and padding. */
uint64_t segment_record_bytes(uint64_t length);

/* ---- writing ---- */

struct segment_writer {
	const char *folder; /* borrowed */
	int fd;		    /* -1: none is open */
	uint32_t number;
	uint64_t committed; /* the index has it up to here */
	uint64_t written;   /* the file has it up to here */
	struct buf pending; /* goes behind `written` */
	uint64_t flushes;
};

void segment_writer_init(struct segment_writer *writer, const char *folder);
void segment_writer_done(struct segment_writer *writer);

/*
 * Opens the segment for appending at `committed`; with `is_new` makes the file, and its name
 * durable.
 */
must_check enum fault segment_writer_open(struct segment_writer *writer, uint32_t number,
					  uint64_t committed, bool is_new);

/* Where the next record will begin. */
uint64_t segment_writer_end(const struct segment_writer *writer);

/* Appends a record with bytes, or with `bytes` many of a file from the offset `from` on. */
must_check enum fault segment_append(struct segment_writer *writer, uint64_t blob, struct str bytes,
				     struct blob_place *place_out);
must_check enum fault segment_append_file(struct segment_writer *writer, uint64_t blob, int fd,
					  uint64_t from, uint64_t bytes,
					  struct blob_place *place_out);

/* Reads the header of the record at `offset`; FAULT_CORRUPT when there is none. */
must_check enum fault segment_header_read(int fd, uint64_t offset, uint64_t *blob_out,
					  uint64_t *length_out);

/* Makes everything appended durable. Nothing to do is fine. */
must_check enum fault segment_sync(struct segment_writer *writer);

/* The index has committed what was synced. */
void segment_commit(struct segment_writer *writer);

/* Forgets what was appended since the last commit. */
void segment_rollback(struct segment_writer *writer);

/* ---- reading ---- */

/*
 * The segments that a process has mapped; thread safe. A mapping lives as
 * long as somebody holds it, even if its file was removed.
 */
struct segment_cache;
struct segment_mapping;

/* Borrows nothing: copies the folder's name. */
struct segment_cache *segment_cache_new(const char *folder);
void segment_cache_free(struct segment_cache **cache);

/*
 * Maps (or finds mapped) what the place names. FAULT_NOT_FOUND: the segment was
 * removed, so the blob has another place by now. FAULT_CORRUPT: the file is too
 * short or the checksum is wrong; each blob is checked once. Blocks on the disk.
 */
must_check enum fault segment_map(struct segment_cache *cache, uint64_t blob,
				  const struct blob_place *place, struct str *bytes_out,
				  struct segment_mapping **mapping_out);
void segment_unmap(struct segment_mapping **mapping);

#endif
