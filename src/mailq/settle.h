/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settles an attempt: what became of each recipient goes into the store, together
 * with the notice that the sender gets of it, and into mail.log.
 *
 * 1. What stays has its next time; what is over is gone in the same step in which its
 *    notice is stored (store/queue.h). A log line follows the store.
 * 2. Notices go to senders who want them (RFC 3461 section 5.2, RFC 5321 section 4.5.5):
 *    never about a notice, never for the null sender.
 * 3. A message whose life is over fails with its last reason.
 * 4. One that was removed meanwhile has its lines in mail.log, and nothing else.
 */
#ifndef POSTERN_MAILQ_SETTLE_H
#define POSTERN_MAILQ_SETTLE_H

#include "base/log.h"
#include "config/partner.h"
#include "deliver/transaction.h"
#include "mailq/counts.h"
#include "mailq/load.h"

/* One recipient's fate: SENT, LATER or FAILED. */
struct settle_fate {
	const struct queue_recipient *recipient;
	enum transaction_fate fate;
	struct str status; /* "5.1.1", or empty */
	struct str text;   /* a reply, or our words */
	bool is_reply;
	bool is_settled; /* by settle_run */
};

/* Who settles, and what all fates have in common. All is borrowed. */
struct settle {
	struct store *store;
	const struct log *log;
	const struct config *config;
	struct str hostname; /* ours */
	uint64_t owner;	     /* of the queue's lease */
	uint64_t epoch;
	const struct load *load;
	struct str host;    /* the server by name; empty: none was reached */
	struct str address; /* and by address */
	struct str tls;	    /* "verify TLSv1.3 ...", "verify failed"; empty: no attempt */
	struct str dkim;    /* "example.org/sel1+sel2", whose signatures it has; empty: none */
	const struct partner *row; /* of TlsPolicy, that held for the server; NULL: none */
	struct counts *counts; /* NULL: nobody counts */
	struct count_tls count_tls;
	bool is_tls_reason; /* it is TLS that did not come about */
	bool knows_dsn;	    /* the server sends the notices of success itself */
	bool is_local;	    /* it was a delivery into a mailbox here */
	bool is_again;	    /* the store did not take it before, as far as is known */
};

/* Who is left of the job, of those settled; empty before. */
struct settle_left {
	uint32_t recipients[QUEUE_RECIPIENTS_MAX];
	uint32_t count;
	int64_t next_s; /* of all of them */
};

/*
 * Settles those of the fates that are not, and adds to `left` who has to be tried again.
 * Any fault: some are not settled, since the store cannot take them now; call again with
 * the same fates and `left`, so that a server that has the message does not get it once
 * more. DENIED: the queue is somebody else's now. Blocks on the store.
 */
must_check enum fault settle_run(const struct settle *settle, struct settle_fate *fates,
				 size_t count, struct settle_left *left);

#endif
