/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as the servers and the command line see it: a handle of the
 * process, and views of it.
 *
 * Reading goes straight to the index and the segments and never asks the store
 * role; changing (directory.h, mailbox.h, mail.h) sends one request to it and
 * returns when the change is durable. Every account is a unit of consistency
 * with a sequence number, which each change of the account raises by one and
 * which is also the modseq (RFC 7162) of what the change touched.
 *
 * The handle is thread safe. A view belongs to one thread at a time.
 */
#ifndef POSTERN_STORE_STORE_H
#define POSTERN_STORE_STORE_H

#include "ipc/client.h"

struct store;

/*
 * Opens the store in the folder `path` (HOME/store) for reading, and for
 * changing through `role`, which is borrowed and may be NULL for a process
 * that only reads. The store role must have been ready once before: without an
 * index FAULT_NOT_FOUND; FAULT_VERSION for one made by a newer version. At most
 * one handle a process, never used across fork. Not before the sandbox: needs
 * to read the folder and to write its file index.mdb-lock.
 */
must_check enum fault store_open(const char *path, struct role_client *role,
				 struct store **store_out);

/* Closes; no view and no content may be open. */
void store_close(struct store **store);

/*
 * A view: one consistent state of the whole store. Everything that a reading
 * function gives as a struct str or a pointer lives until view_close and not
 * longer. Short: close it before you wait for a peer, a role or a change of
 * your own, for what is deleted meanwhile stays on the disk, and a view does
 * not show what was changed after it was opened.
 */
struct view;

/*
 * Opens a view; cheap (about a microsecond). Does not block. FAULT_BUSY when
 * more views are open than there are reader slots.
 */
must_check enum fault view_open(struct store *store, struct view **view_out);
void view_close(struct view **view);
#define CLEANUP_VIEW __attribute__((cleanup(view_close)))

/* An account's sequence number, the modseq of its last change; 0 without such an account. */
uint64_t view_sequence(struct view *view, uint64_t account);

/*
 * Ranges of UIDs, both ends included: ascending, apart from each other. A set
 * given to the store may name UIDs that do not exist.
 */
struct uid_range {
	uint32_t first;
	uint32_t last;
};

struct uid_set {
	struct uid_range *ranges; /* heap */
	size_t count;
	size_t capacity;
};

/* Adds behind what is there: `first` is above the last UID. Joins with a range that it touches. */
void uid_set_add(struct uid_set *set, uint32_t first, uint32_t last);
/* Adds anywhere; any number of these, then uid_set_sort, before the set is used otherwise. */
void uid_set_collect(struct uid_set *set, uint32_t first, uint32_t last);
/* Brings the ranges in order and joins those that touch or overlap. */
void uid_set_sort(struct uid_set *set);
/* Frees; the set is empty and usable afterwards. A zeroed set is empty. */
void uid_set_done(struct uid_set *set);
#define CLEANUP_UID_SET __attribute__((cleanup(uid_set_done)))
/* The number of UIDs. */
uint64_t uid_set_size(const struct uid_set *set);
/* The first range whose last UID is not below `uid`, or `count`: they may be many. */
size_t uid_set_find(const struct uid_set *set, uint32_t uid);
bool uid_set_has(const struct uid_set *set, uint32_t uid);

#endif
