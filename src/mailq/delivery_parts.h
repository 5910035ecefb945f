/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a delivery share: its state, and who does what with it.
 *
 * delivery.c is the task: one message after the other through the session. delivery_way.c finds
 * the host and opens the session; delivery_job.c has the message at hand, what became of it, and
 * why none can be sent.
 */
#ifndef POSTERN_MAILQ_DELIVERY_PARTS_H
#define POSTERN_MAILQ_DELIVERY_PARTS_H

#include "config/relay.h"
#include "deliver/own.h"
#include "deliver/route.h"
#include "deliver/smtp_login.h"
#include "deliver/source.h"
#include "mailq/delivery.h"
#include "mailq/settle.h"
#include "mailq/signing.h"
#include "net/dial.h"

enum {
	DELIVERY_NAME_MAX = 512,
	DELIVERY_REASON_MAX = 4096,
	DELIVERY_TLS_TEXT_MAX = 256,
	DELIVERY_TARGETS_MAX = 2 * ROUTE_ADDRESSES_MAX,
};

enum delivery_stage {
	DELIVERY_BEGIN,
	DELIVERY_ROUTE,
	DELIVERY_DIAL,
	DELIVERY_OPEN,
	DELIVERY_LOGIN,
	DELIVERY_SEND,
	DELIVERY_GIVE_UP,
	DELIVERY_SETTLE /* what became of the job at hand is known, and to be stored */
};

struct delivery {
	struct task task;
	struct sender *sender;
	struct mailq *mailq;
	struct outbox_destination *destination;
	char domain[DELIVERY_NAME_MAX];
	struct client_contexts *contexts;
	struct own own;
	const struct relay *relay; /* of the contexts' configuration; NULL: by MX */
	const struct partner *row; /* of TlsPolicy, as the connection was made; likewise */
	struct arena demand_arena;
	enum delivery_stage stage;

	/* The job at hand; NULL between two. */
	struct outbox_job *job;
	struct load load;
	struct settle_fate *fates;
	struct settle_left left;
	bool is_unsettled; /* the store has not taken it yet */
	enum delivery_stage stage_settled; /* which stage comes then */
	enum step step_settled;
	struct signing *signing; /* NULL: not begun */

	/* The way. */
	struct route_find *find;
	const struct route *route;
	size_t host_at;
	char host[DELIVERY_NAME_MAX]; /* the one that is tried: its name, or its address */
	bool without_dhe;
	bool is_never; /* every host so far said that it takes no mail at all */
	struct dial_target targets[DELIVERY_TARGETS_MAX];
	struct source source;
	struct dial dial;

	/* The session. */
	bool has_client;
	struct smtp_client client;
	struct smtp_login login;
	struct tls_demand demand;
	unsigned messages; /* sent through it */
	bool wants_reset;
	bool has_transaction;
	struct transaction transaction;
	bool is_idle;
	struct sender_idle idle;

	/* Why it could not go on, for every job. */
	enum transaction_fate reason_fate;
	char reason_status[16];
	struct buf reason;
	bool is_tls_reason;
	struct buf tls_left; /* of the session that was left, for mail.log */
	struct count_tls count_left; /* the same, for /metrics */
};

/* ---- delivery_job.c ---- */

/* Loads the job at hand; false when nothing of it is left to be sent here. */
must_check bool delivery_job_load(struct delivery *delivery);

/* The next job for this connection, loaded; false when there is none. */
must_check bool delivery_job_next(struct delivery *delivery);

/* Gives back the job at hand, if there is one, for another connection. */
void delivery_job_return(struct delivery *delivery);

/* Every recipient of the job at hand has his fate: stores it, and then goes on with `step`. */
enum step delivery_job_settle(struct delivery *delivery, enum step step);

/* Every recipient of the job at hand has the reason of the whole for his own. */
enum step delivery_job_settle_reason(struct delivery *delivery);

/*
 * Stores what became of the job at hand. While that cannot be, the delivery waits with
 * what it knows: the message does not go out once more for it. Blocks on the store.
 */
enum step delivery_job_settle_go(struct delivery *delivery);

void delivery_job_transaction_drop(struct delivery *delivery);

/* Appends the address that is connected to, if there is one; gives the whole text. */
struct str delivery_address(const struct delivery *delivery, struct buf *to);

/* Keeps what is to be said of the TLS of a session that is left; nothing where none was due yet. */
void delivery_tls_keep(struct delivery *delivery);

/* Why nothing can be sent, in place of what was said before. */
void delivery_reason_set(struct delivery *delivery, enum transaction_fate fate,
			 const char *status, struct str words);

/* A host did not do; what was said of those before it stays. TLS is what weighs most. */
void delivery_reason_add(struct delivery *delivery, bool is_tls, const char *status,
			 struct str words);

/* Nothing goes to this destination now: each job that is ready for it has the reason. */
void delivery_give_up(struct delivery *delivery);
enum step delivery_give_up_go(struct delivery *delivery);

/* ---- delivery_way.c ---- */

void delivery_route_begin(struct delivery *delivery);

/* Each goes on from its stage; false when it must wait, and how. */
must_check bool delivery_route_go(struct delivery *delivery, enum step *step_out);
must_check bool delivery_dial_go(struct delivery *delivery, enum step *step_out);
must_check bool delivery_open_go(struct delivery *delivery, enum step *step_out);
must_check bool delivery_login_go(struct delivery *delivery, enum step *step_out);

/* The session did not come about, or broke: the next host, or this one without DHE. */
void delivery_open_failed(struct delivery *delivery);

/* Ends the session, if there is one. */
void delivery_client_end(struct delivery *delivery);

/*
 * True while what holds for the host is what the connection was made under: no reload
 * came between, and no row's time is over.
 */
bool delivery_is_rule_in_force(const struct delivery *delivery);

#endif
