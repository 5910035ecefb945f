/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of the page inside the role, from its coming until it is answered, and what the role keeps. Each
 * subject has its file: what a call is and how it is answered (call.c), its login or session (call_login.c), its
 * upload, its command, and the parts of an answer that comes bit by bit (call_parts.c).
 *
 * All runs in the one thread of admin_run and blocks nowhere. Whatever answers a call may free it: nobody
 * looks at a call after handing it on.
 */
#ifndef POSTERN_ADMIN_CALL_H
#define POSTERN_ADMIN_CALL_H

#include "admin/admin.h"
#include "admin/answer.h"
#include "admin/errand.h"
#include "admin/events.h"
#include "admin/guard.h"
#include "admin/login.h"
#include "admin/turns.h"
#include "auth/auth.h"
#include "auth/queue.h"

/* What a command may print at most, with "data: " before each line. */
enum { CALL_REST_MAX = 256 << 20 };

enum call_state {
	CALL_NEW,
	CALL_LOGIN,   /* auth checks a login */
	CALL_SESSION, /* auth looks for the session */
	CALL_PROOF,   /* auth checks the password of who is logged in */
	CALL_LOGOUT,  /* auth ends it */
	CALL_UPLOAD,  /* the body is on its way into its file */
	CALL_QUEUED,  /* for a command, until others have ended */
	CALL_RUNNING,
	CALL_ENDING /* the answer of what was followed goes out */
};

/* A request, from its coming until it is answered. */
struct call {
	struct list_node node;
	struct role_peer *peer; /* held; NULL: nobody waits for the answer any more */
	uint64_t id;
	struct packet packet; /* the request */
	struct route_match match;
	enum call_state state;
	uint64_t auth_id;
	struct peer_key address;       /* of a login */
	struct list_node login_place; /* in the queue of logins, while it is there */
	char account[LOGIN_ACCOUNT_MAX + 1];
	struct turn turn; /* once its session is known */
	struct buf session; /* its name; `match` borrows both */
	int upload_fd; /* -1: none */
	struct errand errand;
	/* Of a stream, and of what is followed. */
	bool wants_part;   /* the one before was taken */
	int64_t beat_ms;   /* when a sign of life is due, monotonic */
	struct buf line;   /* begun and not ended yet */
	/* Of what is followed. */
	bool is_followed;  /* the head of the answer has gone out */
	struct buf latest; /* the event of the newest record that was not sent */
	struct buf rest;   /* the last events: the answer */
	size_t rest_sent;
};

struct admin {
	struct role_server server;
	struct admin_options options;
	struct channel auth; /* fd -1: not there */
	uint64_t next_auth_id;
	struct list calls;
	size_t call_count;
	struct queue logins; /* those that auth checks, bounded fairly by address */
	size_t running;
	struct samples *samples; /* NULL: none are kept */
	int64_t sample_ms;	 /* when the next one is due, monotonic */
};

static inline const struct msg_api_asked *asked_of(const struct call *call)
{
	return &call->packet.message.api_asked;
}

/* ---- call.c ---- */

/* The one place where a call's state changes. */
void call_state_set(struct admin *admin, struct call *call, enum call_state state);
/* Takes the packet over and holds the peer. */
struct call *call_new(struct admin *admin, struct role_peer *peer, struct packet *packet);
/* Ends its command, if one runs. */
void call_free(struct admin *admin, struct call *call);
/* Sends the answer, whose memory it takes, and frees the call unless its events have yet to go out. */
void call_answer(struct admin *admin, struct call *call, struct answer *answer);
void call_error(struct admin *admin, struct call *call, int status, const char *code,
		const char *text);
void call_refuse(struct admin *admin, struct call *call, const struct guard_refusal *refusal);
/* Asks auth; the call goes on in `state` when the answer has come, and is told when it cannot. */
void call_auth_ask(struct admin *admin, struct call *call, enum call_state state,
		   enum message_kind kind, const void *message);
/* The channel to auth is gone: answers all calls that wait for it. */
void calls_auth_lose(struct admin *admin);

/* ---- call_parts.c ---- */

void call_stream_begin(struct call *call);
/* Sends a part; the last one ends the call. */
void call_part_send(struct admin *admin, struct call *call, struct str bytes, bool is_last);
/* Sends what there is to tell of a followed command, if it is wanted. */
void call_follow_send(struct admin *admin, struct call *call);
/* Behind the last record, if it was not sent yet, goes the answer. */
void call_follow_end(struct admin *admin, struct call *call, const struct answer *answer);
/* Something can be read, or the time has come for a sign of life or the end. */
void call_stream_look(struct admin *admin, struct call *call, bool is_readable, int64_t now_ms);
/* The client took the part before: another may go out. */
void calls_part_taken(struct admin *admin, const struct role_peer *peer, uint64_t id);

/* ---- call_command.c ---- */

/* Begins the command, or has it wait for its turn. */
void call_command_queue(struct admin *admin, struct call *call);
/* Begins those that waited and now may. */
void calls_go_on(struct admin *admin);
/* The command has said something or ended, or its time may be up. */
void call_command_look(struct admin *admin, struct call *call, bool is_readable, int64_t now_ms);

/* ---- call_login.c ---- */

void call_login_begin(struct admin *admin, struct call *call);
/* What auth answered to a login, a session's token, a password asked for once more, and a log-out. */
void call_login_end(struct admin *admin, struct call *call,
		    const struct msg_web_session_given *given);
void call_session_given(struct admin *admin, struct call *call,
			const struct msg_web_session_given *given);
void call_proof_end(struct admin *admin, struct call *call,
		    const struct msg_web_session_given *given);
void call_logout_end(struct admin *admin, struct call *call);

/* ---- call_upload.c ---- */

/* Has the front take the body in. */
void call_upload_begin(struct admin *admin, struct call *call);
/* The body has come, or has not come whole. */
void calls_upload_end(struct admin *admin, const struct role_peer *peer, uint64_t id);

#endif
