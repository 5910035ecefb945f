/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates from a CA: asks for those of the list AcmeCertificate when they
 * are due, and for one that a command wants, in a thread of its own, one after
 * the other.
 *
 * The thread runs acme/order.h and does for it what it cannot: keys, challenges
 * and pairs are had from the parent (messages acme_*), names from the resolver.
 * What was tried, and when it is tried again, is told to the parent for `status`.
 */
#ifndef POSTERN_MAILQ_CERTIFICATE_JOB_H
#define POSTERN_MAILQ_CERTIFICATE_JOB_H

#include "ipc/server.h"

struct mailq;
struct certificate_job;

enum { CERTIFICATE_WISHES_MAX = 8 };

/* Starts the thread. Borrows mailq. */
struct certificate_job *certificate_job_new(struct mailq *mailq);

/* Ends it; what is under way is given up. NULL is let be. */
void certificate_job_free(struct certificate_job **job);

/* In the waiter's thread: a new configuration is in force; the certificates given before belong to it. */
void certificate_job_config_changed(struct certificate_job *job);

/* In the waiter's thread: true when the parent's message is for the job. */
bool certificate_job_parent_message(struct certificate_job *job, struct packet *packet);

/* A command wants a certificate (acme_wanted). */
void certificate_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet);

#endif
