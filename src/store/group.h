/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group of requests executed and committed together: one set of flushes for
 * all.
 */
#ifndef POSTERN_STORE_GROUP_H
#define POSTERN_STORE_GROUP_H

#include "base/list.h"
#include "store/backend.h"
#include "store/operation.h"

struct group_item {
	struct list_node node;
	uint64_t transaction;
	struct str text;	       /* the encoded operation; borrowed */
	int body;		       /* descriptor or -1; borrowed */
	struct backend_staged *staged; /* the body where it was staged, or NULL; borrowed */
	/* Filled in by group_commit: */
	enum fault fault;
	struct buf result;
	bool is_staged_named; /* a commit named what was staged, or may have */
};

/* `result` is the item's; group_item_done frees it. */
void group_item_init(struct group_item *item, uint64_t transaction, struct str text, int body);
void group_item_done(struct group_item *item);

/*
 * Executes the items in order and makes them durable. Each item gets its fault
 * and result; one item's fault does not touch the others, not even a full disk,
 * as far as they fit. Blocks on the disk.
 */
void group_commit(struct backend *backend, struct group_item **items, size_t count);

#endif
