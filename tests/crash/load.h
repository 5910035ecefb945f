/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that store, mark, move and expunge messages, queue some and settle them,
 * what they were told, and whether a store agrees with it.
 */
#ifndef POSTERN_TESTS_CRASH_LOAD_H
#define POSTERN_TESTS_CRASH_LOAD_H

#include <pthread.h>
#include <stdio.h>

#include "store/store.h"

enum {
	LOAD_CLIENTS = 8,
	LOAD_MESSAGES_MAX = 100000, /* of one client */
};

/* What the client knows of one message. */
struct load_message {
	bool was_asked;
	bool was_acknowledged;
	bool is_shared; /* stored for the shared account, too */
	bool was_expunge_asked;
	bool was_expunge_acknowledged;
	bool is_queued;	     /* for recipients elsewhere, too */
	bool was_part_asked; /* the first of them is settled */
	bool was_part_acknowledged;
	bool was_settle_asked; /* all of them are, or the entry is removed */
	bool was_settle_acknowledged;
	bool is_notice; /* stored in the step that settled `notice_of` */
	uint32_t notice_of;
	bool is_movable; /* where it lies is known */
	uint32_t uid;
	uint64_t entry; /* in the queue; 0: not known, or settled */
};

/* Everything that was asked and acknowledged, by client and number. */
struct load_journal {
	size_t counts[LOAD_CLIENTS];
	struct load_message *messages[LOAD_CLIENTS];
};

struct load_journal *load_journal_new(void);
void load_journal_free(struct load_journal **journal);

/* Enters a note of a client, as load_run gives them out. */
void load_journal_note(struct load_journal *journal, struct str note);

/*
 * Runs clients until each has asked for `messages`, or `*stop` is set. Every
 * step is noted before it is asked ("A? 3 17 s") and after it was acknowledged
 * ("A! 3 17"), through `note`, which must be thread safe. A: append, to the own account
 * (s), the shared one as well (b), the queue as well (q), or as the notice about another
 * ("n 12"); E: expunge; P: settle a part of the recipients; S: all of them.
 */
struct load {
	struct store *store;
	struct load_journal *journal;
	size_t messages;
	uint64_t seed;
	bool *stop; /* atomic */
	void (*note)(const char *text, size_t len);
};

/* Makes the accounts (t0@crash.test ... and shared@crash.test) if they are not there. */
bool load_prepare(struct store *store);
/* Returns when all clients have ended; false when one met a fault that it should not. */
bool load_run(struct load *load);

/*
 * Compares a store with the journal: every acknowledged message is there once,
 * whole; none is there twice; what was expunged or settled is gone, and a notice is
 * there exactly when its entry is not. Prints differences.
 */
bool load_check(struct store *store, const struct load_journal *journal);

#endif
