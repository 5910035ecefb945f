/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A visit to a mailbox elsewhere: login, lists, message after message, farewell.
 *
 * Nothing blocks, on a peer or on ourselves: who runs it is told when the mailbox is
 * listed, and when a message is whole, and says what is to become of them.
 *
 * 1. The lists come before anything else, and are believed only when they agree.
 * 2. Messages go by their numbers, each by its action (fetch/plan.h). RETR is followed by DELE
 *    only when fetch_session_settle says so: when the message is durable here.
 * 3. What was deleted counts when the server has answered QUIT (RFC 1939 section 6):
 *    then is_over and is_farewell_kept.
 * 4. A message beyond its limit is not read to its end, whatever size was told: the
 *    visit ends with it.
 */
#ifndef POSTERN_FETCH_SESSION_H
#define POSTERN_FETCH_SESSION_H

#include "base/secret.h"
#include "deliver/pop3_client.h"
#include "fetch/listing.h"
#include "proto/pop3_body.h"
#include "store/spool.h"

enum fetch_session_step {
	FETCH_SESSION_WAIT_INPUT,
	FETCH_SESSION_WAIT_OUTPUT,
	FETCH_SESSION_LISTED,  /* once: set the actions in `listing` */
	FETCH_SESSION_MESSAGE, /* `message` is whole in `spool`: fetch_session_settle */
	FETCH_SESSION_REFUSED, /* `message` is too large, as listed or as it came */
	FETCH_SESSION_OVER,
	FETCH_SESSION_FAILED /* client.outbound.why says why */
};

enum fetch_session_stage {
	FETCH_SESSION_OPENING,
	FETCH_SESSION_USER,
	FETCH_SESSION_PASSWORD, /* also AUTH PLAIN */
	FETCH_SESSION_UIDL,
	FETCH_SESSION_SIZES,
	FETCH_SESSION_CHOOSING, /* who runs it does */
	FETCH_SESSION_NEXT,
	FETCH_SESSION_RETR,
	FETCH_SESSION_BODY,
	FETCH_SESSION_SETTLING, /* who runs it does */
	FETCH_SESSION_DELE,
	FETCH_SESSION_QUIT,
	FETCH_SESSION_ENDED
};

struct fetch_session_parts {
	struct pop3_client_parts client;
	struct str user;
	struct str password; /* copied */
	bool may_clear;	     /* the password may be sent without TLS */
	uint64_t message_bytes;
	uint32_t max_messages;
	uint64_t max_bytes;
	uint32_t min_bytes_per_s;
};

struct fetch_session {
	struct pop3_client client;
	enum fetch_session_stage stage;
	struct secret user;
	struct secret password;
	bool may_clear;
	bool is_stopping;
	uint64_t message_bytes;
	uint32_t max_messages;
	uint64_t max_bytes;
	uint32_t min_bytes_per_s;
	struct fetch_listing listing;
	size_t at; /* of the listing */
	struct fetch_message *message; /* at hand */
	struct pop3_body body;
	struct spool spool;
	bool is_login_refused;
	bool is_farewell_kept; /* what was deleted is gone there */
	uint32_t fetched;      /* messages that came in whole */
	uint64_t fetched_bytes;
	uint32_t deleted;
};

/* Takes over the socket. */
void fetch_session_init(struct fetch_session *session, const struct fetch_session_parts *parts);
void fetch_session_done(struct fetch_session *session);

enum fetch_session_step fetch_session_step(struct fetch_session *session);

/* The deadline of the stream has passed: it has failed now. */
void fetch_session_expire(struct fetch_session *session);

/* After MESSAGE: the message is deleted there, or left. Its spool is emptied. */
void fetch_session_settle(struct fetch_session *session, bool is_deleted);

/* No further message: the visit goes to its end in order. */
void fetch_session_stop(struct fetch_session *session);

#endif
