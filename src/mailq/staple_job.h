/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks, in a thread of its own, whether our certificates were revoked, for the answers
 * to be stapled to handshakes.
 *
 * 1. Of each certificate that names a responder over plain HTTP: at once, half way
 *    through the life of each answer, and after failures with growing pauses.
 * 2. An answer is judged before it is told (tls/ocsp.h). What was told stays in use
 *    until its time, whatever comes after; unless the CA says "revoked".
 * 3. Having no answer is no failure of anything else; each change is said once, in
 *    warning.log or, when a certificate was revoked or must be stapled, in error.log.
 */
#ifndef POSTERN_MAILQ_STAPLE_JOB_H
#define POSTERN_MAILQ_STAPLE_JOB_H

#include "base/log.h"
#include "ipc/message.h"

struct staple_job;

struct staple_job_options {
	const struct log *log;
	/* Tells the parent; in the job's thread. */
	void (*tell)(void *context, const struct msg_staple_given *given);
	/* As web_client.h's. */
	enum fault (*resolve)(void *context, struct str host, struct buf *addresses,
			      struct buf *why);
	void *context;
};

/* Starts the thread. */
struct staple_job *staple_job_new(const struct staple_job_options *options);
/* Gives up what is under way, ends the thread, frees, and sets to NULL. */
void staple_job_free(struct staple_job **job);

/* True while it ends: whoever waits for it should give up. Any thread. */
bool staple_job_is_ending(struct staple_job *job);

/*
 * A certificate of a generation of the configuration; then the generation is complete,
 * and what it does not name is forgotten. In one thread.
 */
void staple_job_add(struct staple_job *job, uint64_t generation, struct str name, struct str chain);
void staple_job_settle(struct staple_job *job, uint64_t generation);

#endif
