/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the embedded backend: its state, its records in the index, and
 * what its files need of each other.
 *
 * embedded.c: groups; embedded_records.c: records; embedded_upkeep.c: rewriting of
 * segments and other housekeeping; embedded_open.c: opening and recovery.
 *
 * Invariants:
 *  1. Bytes of a segment are synced before the index commits a place in them.
 *  2. A segment's file is removed after the commit in which its record went.
 *  3. Numbers of blobs and segments are never used again once committed.
 *  4. A blob's record stands as long as its references, the sum over all messages
 *     of all accounts, are above 0; the segment's live bytes are the sum of the
 *     records of its blobs.
 */
#ifndef POSTERN_STORE_EMBEDDED_INTERNAL_H
#define POSTERN_STORE_EMBEDDED_INTERNAL_H

#include "store/embedded.h"

struct embedded {
	struct backend backend; /* first */
	struct index *index;
	struct segment_writer writer;
	char *segments; /* folder */
	uint64_t segment_bytes;
	int lock_fd;
	uint64_t next_blob;	  /* with those of the group */
	uint32_t next_segment;	  /* atomic: staging takes numbers as well */
	bool has_staged;	  /* the group names a staged segment */
	uint64_t staging_flushes; /* atomic */
	uint64_t committed_next_blob;
	struct batch_account *changed; /* accounts of the group */
	size_t changed_count;
	size_t changed_capacity;
	/* housekeeping */
	int64_t readers_checked_ms;
	int64_t pruned_ms;
	uint64_t prune_from;
	bool may_be_half_dead;	 /* something died since the segments were last looked at */
	uint32_t rewriting;	 /* the segment, or 0 */
	uint64_t rewrite_offset; /* of the next record in it */
	uint32_t unreadable; /* the last segment that could not be walked: none up to it is tried */
	uint32_t gone;	     /* to be removed after the commit, or 0 */
	uint64_t folder_flushes;
};

static inline struct embedded *embedded_of(struct backend *backend)
{
	return (struct embedded *)backend;
}

extern const struct backend_ops embedded_ops;

struct blob_record {
	struct blob_place place;
	uint32_t references;
};

struct segment_record {
	uint64_t committed;
	uint64_t live;
};

/* A result kept under a transaction: serial (u64), time (u64), then the result. */
enum { TRANSACTION_HEADER_BYTES = 16 };

/* A key of the backend's own records. */
void embedded_key(struct key *key, char kind, uint64_t number);

/* FAULT_NOT_FOUND without such a blob. */
must_check enum fault blob_record_load(struct map *map, uint64_t blob,
				       struct blob_record *record_out);
must_check enum fault blob_record_keep(struct embedded *store, uint64_t blob,
				       const struct blob_record *record);

must_check enum fault segment_record_decode(struct str value, struct segment_record *record_out);
/* A segment without a record is new: all zero. */
must_check enum fault segment_record_load(struct map *map, uint32_t segment,
					  struct segment_record *record_out);
must_check enum fault segment_record_keep(struct embedded *store, uint32_t segment,
					  const struct segment_record *record);
/* Counts the record at a place in (sign 1) or out (-1) of its segment's live bytes. */
must_check enum fault segment_live_add(struct embedded *store, const struct blob_place *place,
				       int sign);

/* Takes the number of a new segment; thread safe. */
uint32_t embedded_segment_number(struct embedded *store);

/* Begins a new segment when there is none or the last is full; never amid a group's bytes. */
must_check enum fault embedded_segment_prepare(struct embedded *store);

/* Removes a file; if that fails, the next opening removes it. */
void embedded_segment_unlink(struct embedded *store, uint32_t segment);

/* The functions of backend_ops that stand in embedded_upkeep.c. */
bool embedded_maintain(struct backend *backend);
void embedded_reader_died(struct backend *backend);

#endif
