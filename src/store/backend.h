/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps the map of accounts and the blobs durable, below the operations.
 *
 * The contract, which a backend on this machine (embedded.h) and one on a
 * cluster can both keep:
 *  1. A blob is immutable, and durable before the commit that names it.
 *  2. An account is an ordered map of keys, changed only by a commit that names
 *     the sequence number it expects and raises it; all of a batch's changes of
 *     one account happen together or not at all. The embedded backend promises
 *     the same for a whole batch; with another, a batch over several accounts
 *     may be cut between them, and the transaction says how far it came.
 *  3. A transaction whose fate is unknown is looked up by its number, never
 *     guessed: its result is kept with the commit.
 *  4. Whoever watches learns of every account that changed, by whomever.
 *  5. Leases are records of the account (the operations lease_take and
 *     lease_release), so rule 2 fences them: their epoch rises with each new owner.
 *  6. Reads come from an index that is local in any case (index.h).
 *
 * One thread calls these functions. Commits come in groups: group_begin, then
 * any number of applies, then group_commit or group_abort.
 */
#ifndef POSTERN_STORE_BACKEND_H
#define POSTERN_STORE_BACKEND_H

#include "base/fault.h"
#include "store/batch.h"
#include "store/index.h"

struct backend;

/* Bytes that were made durable ahead of the group that will name them. */
struct backend_staged {
	uint64_t length;
};

/* A blob to keep: bytes, or a file of `length` bytes when `fd` is not -1. Borrowed. */
struct backend_blob {
	uint64_t number;
	uint64_t length;
	struct str bytes;
	int fd;
	struct backend_staged *staged; /* instead of both, or NULL */
};

struct backend_ops {
	must_check enum fault (*group_begin)(struct backend *backend);
	/* The map as the group has it so far. */
	struct map *(*group_map)(struct backend *backend);
	/* The number that the next blob of this group gets. */
	uint64_t (*blob_next)(struct backend *backend);
	/*
	 * Finds the result of a transaction that was committed or is in the group; it lives until
	 * the next apply.
	 */
	bool (*transaction_find)(struct backend *backend, uint64_t transaction,
				 struct str *result_out);
	/*
	 * Adds a batch to the group, with the blob it holds (or NULL) and the result
	 * to keep under the transaction. After a fault the group must be aborted.
	 * FAULT_CONFLICT: an account has not the expected sequence.
	 */
	must_check enum fault (*apply)(struct backend *backend, const struct batch *batch,
				       const struct backend_blob *blob, uint64_t transaction,
				       struct str result);
	/*
	 * Makes the bytes of a file durable ahead, so that a large body does not hold
	 * up a group. May be called by another thread than the rest. Blocks.
	 */
	must_check enum fault (*stage)(struct backend *backend, int fd, uint64_t length,
				       struct backend_staged **staged_out);
	/* Frees; unless a commit named it, or may have, gives the space back. */
	void (*unstage)(struct backend *backend, struct backend_staged **staged, bool is_named);
	/*
	 * Makes the group durable. After a fault nothing of it is, except that FAULT_IO may leave
	 * it unknown.
	 */
	must_check enum fault (*group_commit)(struct backend *backend);
	/*
	 * Drops the group. True when the cause of its fault is removed and the same group may be
	 * tried again.
	 */
	bool (*group_abort)(struct backend *backend);
	/*
	 * Some housekeeping, between groups; at most some ten milliseconds. True when there is
	 * more to do.
	 */
	bool (*maintain)(struct backend *backend);
	/* A process that reads may have died. */
	void (*reader_died)(struct backend *backend);
	/* How many flushes of the disk there were. */
	uint64_t (*flushes)(struct backend *backend);
	void (*close)(struct backend **backend);
};

/* Called within group_commit for each account that changed, once durable. */
typedef void backend_changed(void *context, uint64_t account, uint64_t sequence);

struct backend {
	const struct backend_ops *ops;
	backend_changed *changed; /* may be NULL */
	void *changed_context;
};

#endif
