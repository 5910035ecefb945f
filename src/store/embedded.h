/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend on this machine: the index and segments in the folder of the
 * store, owned by one process through its lock. Bodies lie one behind the other in
 * segments; one that was staged has a segment to itself.
 *
 * In the index it keeps records of its own, in the map of an account that
 * nobody has:
 *   v           -> version of the format (u32)
 *   c           -> next blob (u64), next segment (u32)
 *   b blob      -> place, references (u32)
 *   s segment   -> committed length (u64), bytes of live records (u64)
 *   t transaction / 2^28 -> serial, time, result: each client overwrites its own slots
 */
#ifndef POSTERN_STORE_EMBEDDED_H
#define POSTERN_STORE_EMBEDDED_H

#include "store/backend.h"
#include "store/segment.h"

enum {
	STORE_VERSION = 1,
	/* The low bits of a transaction number: a serial within a client's slot. */
	TRANSACTION_SERIAL_BITS = 28,
};

/* The account under which the backend's own records stand. */
#define ACCOUNT_BACKEND UINT64_MAX

struct embedded_options {
	const char *path; /* the store's folder, which is made if it is not there */
	unsigned readers;
	size_t map_bytes;
	uint64_t segment_bytes;
};

/*
 * FAULT_BUSY: another process owns the store. FAULT_VERSION, FAULT_CORRUPT, FAULT_IO,
 * FAULT_NO_SPACE.
 */
must_check enum fault embedded_open(const struct embedded_options *options,
				    struct backend **backend_out);

/* The index of an open embedded backend, for readers in the same process. */
struct index *embedded_index(struct backend *backend);

/* Names in the store's folder; the caller frees. */
char *embedded_index_path(const char *folder);
char *embedded_segments_path(const char *folder);

/* Finds where a blob lies now, in any map of the index. */
must_check enum fault embedded_blob_find(struct map *map, uint64_t blob,
					 struct blob_place *place_out);

/*
 * Checks the format's version; FAULT_VERSION for a newer one, FAULT_NOT_FOUND for an empty index.
 */
must_check enum fault embedded_version_check(struct map *map);

#endif
