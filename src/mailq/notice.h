/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A notice to a sender (queue/dsn.h) on its way: into his mailbox when he is one of
 * ours, else into the queue, from the null sender.
 */
#ifndef POSTERN_MAILQ_NOTICE_H
#define POSTERN_MAILQ_NOTICE_H

#include "config/config.h"
#include "mailq/load.h"
#include "queue/dsn.h"

struct notice;

struct notice_parts {
	struct store *store;
	const struct config *config;
	struct str hostname;
	const struct load *load; /* the message it tells about */
	enum dsn_action action;
	const struct dsn_recipient *recipients;
	size_t recipient_count;
};

/*
 * Makes the notice; borrows nothing but the load. FAULT_NOT_FOUND: the sender is one of
 * ours and does not exist; FAULT_TOO_LARGE. Does not block.
 */
must_check enum fault notice_new(const struct notice_parts *parts, struct notice **out);
/* Frees and sets to NULL. */
void notice_free(struct notice **notice);

/* For queue_settle; lives as long as the notice. */
struct mail_append *notice_append_of(const struct notice *notice);

#endif
