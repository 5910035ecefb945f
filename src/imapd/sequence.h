/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message sequence numbers (RFC 3501 section 2.3.1.2): the UIDs of a selected
 * mailbox as the client knows them, in runs without gaps.
 *
 * A mailbox from which nothing was ever expunged is one run, however big.
 */
#ifndef POSTERN_IMAPD_SEQUENCE_H
#define POSTERN_IMAPD_SEQUENCE_H

#include "proto/imap_set.h"
#include "store/store.h"

struct sequence_run {
	uint32_t first_uid;
	uint32_t last_uid;
	uint32_t first_number;
};

/* Zeroed, it is empty. */
struct sequence {
	struct sequence_run *runs; /* heap */
	size_t count;
	size_t capacity;
};

/* Frees; empty afterwards. */
void sequence_done(struct sequence *sequence);

/* How many messages there are; also the highest number. */
uint32_t sequence_size(const struct sequence *sequence);

/* The highest UID; 0 when there is none. */
uint32_t sequence_last_uid(const struct sequence *sequence);

/* Adds UIDs above all that are there. */
void sequence_add(struct sequence *sequence, uint32_t first_uid, uint32_t last_uid);

/* The number of a UID; 0 when it is not there. */
uint32_t sequence_number(const struct sequence *sequence, uint32_t uid);

/* Takes out the UIDs of the set, in one pass; those that are not there are passed over. */
void sequence_remove(struct sequence *sequence, const struct uid_set *set);

/* Gives memory back that growing took in advance. */
void sequence_trim(struct sequence *sequence);

/* Adds to the empty `uids` the UIDs that the resolved set names: by number, or by UID. */
void sequence_select(const struct sequence *sequence, const struct imap_set *set, bool is_uid,
		     struct uid_set *uids);

/* Adds to the empty `common` the UIDs of `set` that are in the sequence. */
void sequence_intersect(const struct sequence *sequence, const struct uid_set *set,
			struct uid_set *common);

/*
 * Numbers of ascending UIDs, faster than searching each: a place in the runs
 * that only moves on. Zeroed, it stands at the begin.
 */
struct sequence_walk {
	size_t run;
};

/* The number of `uid`, which is not below the last one asked for; 0 when it is not there. */
uint32_t sequence_walk_number(const struct sequence *sequence, struct sequence_walk *walk,
			      uint32_t uid);

#endif
