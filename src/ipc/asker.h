/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking another role without waiting for its answers.
 *
 * An asker is one channel to one role, a thread that reads the answers, and a table of open
 * questions, each with a ticket. Any number of threads may ask, and none of them ever waits.
 *
 * 1. The channel is opened when something is to be sent, and again when the role has died.
 * 2. A question that finds no channel is kept, encoded, until there is one: as long as
 *    its patience lasts, or its whole time if it is a repeated one. Then it is wiped.
 * 3. Each question gets its answers in order, and exactly one that is the last, unless it is
 *    cancelled before: what the role said, or a fault.
 * 4. A role that dies answers everything that it was asked with UNAVAILABLE, but what is
 *    repeated is asked of the next one.
 * 5. An answer to a ticket that is closed or has its last answer is nobody's.
 */
#ifndef POSTERN_IPC_ASKER_H
#define POSTERN_IPC_ASKER_H

#include "ipc/client.h"

/* For a role that is being started again. */
enum { ASKER_PATIENCE_MS = 1000 };

/* What a message is to the question whose ticket it bears. */
enum asker_part {
	ASKER_LAST,
	ASKER_MORE,   /* others follow, each after asker_tell has asked for it */
	ASKER_BREACH, /* the role may not say this: its channel is closed */
};

struct asker_options {
	struct connector *connector; /* borrowed; must outlive the asker */
	enum role role;
	size_t open_max;
	int patience_ms; /* how long a question waits for a role that is away, unless it is repeated */
	enum asker_part (*judge)(const struct packet *packet);
};

struct asker_answer {
	/* NONE, or why there is none: UNAVAILABLE (the role has gone), IO (the time ran out). */
	enum fault fault;
	bool was_asked;	      /* the question had been sent: with a fault, its fate is unknown */
	struct packet packet; /* NONE: what the role said */
};

/*
 * Both run in the asker's thread with its lock held: they take note and wake somebody, and call
 * nothing of the asker.
 */
typedef void asker_wake(void *context);
typedef void asker_told(void *context, const struct asker_answer *answer);

struct asker_question {
	enum message_kind kind;
	const void *message; /* borrowed for the call; a descriptor in it is duplicated if it has to wait */
	int answer_ms;	     /* until the first answer; 0: for ever, or the end of the role */
	bool is_repeated;    /* what may be asked twice: when the role dies, the next one is asked */
	/* One of the two: woken, the asking side takes the answer with asker_take; told, it has it. */
	asker_wake *wake;
	asker_told *told;
	void *context;
};

struct asker;

/* Starts the thread. */
struct asker *asker_new(const struct asker_options *options);

/*
 * Ends the thread and frees. Who is to be told is told UNAVAILABLE; who would be woken is not.
 */
void asker_free(struct asker **asker);

/*
 * Asks and stores a ticket (never 0). A fault: nothing was asked, no ticket is open: BUSY (too many
 * questions are open, or the role does not read), TOO_LARGE, MEMORY (no descriptor to be had).
 */
must_check enum fault asker_ask(struct asker *asker, const struct asker_question *question,
				uint64_t *ticket_out);

/*
 * Takes an answer that stands there; false while there is none. The last one closes the ticket.
 * The taker calls packet_done on the packet of an answer without fault.
 */
must_check bool asker_take(struct asker *asker, uint64_t ticket, struct asker_answer *answer_out);

/*
 * Sends one more message under an open ticket; what cannot be sent is lost, as with a role that
 * dies. Nothing for a ticket that is closed, or whose question has not been sent.
 */
void asker_tell(struct asker *asker, uint64_t ticket, enum message_kind kind, const void *message);

/*
 * Forgets a question: after the return nobody is woken or told. Safe for a ticket that is 0 or
 * closed and for an asker that is NULL. The caller must not hold a lock that `wake` or `told` takes.
 */
void asker_cancel(struct asker *asker, uint64_t ticket);

#endif
