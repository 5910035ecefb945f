/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling a thread's owner that the thread is about to sleep.
 *
 * A pool that runs only as many threads as there are processors (net/waiter.h)
 * has to know when one of them waits for something else than a processor, so
 * that another may go on in its place. Who waits says so with a pair of
 * blocking_begin and blocking_end; in a thread without an owner they do nothing.
 */
#ifndef POSTERN_BASE_BLOCKING_H
#define POSTERN_BASE_BLOCKING_H

/* Who wants to know of a thread's sleep; its functions are called in that thread. */
struct blocking {
	void (*begin)(struct blocking *owner);
	void (*end)(struct blocking *owner);
};

/* Makes `owner` (borrowed; NULL: nobody) the owner of the calling thread. */
void blocking_owner_set(struct blocking *owner);

/* Around a wait; pairs do not nest. */
void blocking_begin(void);
void blocking_end(void);

#endif
