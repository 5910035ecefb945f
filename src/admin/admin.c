/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/answer.h"
#include "admin/events.h"
#include "admin/guard.h"
#include "admin/errand.h"
#include "admin/login.h"
#include "admin/openapi.h"
#include "admin/turns.h"
#include "auth/auth.h"
#include "auth/queue.h"
#include "auth/web_sessions.h"
#include "base/clock.h"
#include "base/file.h"

enum {
	STREAM_READ_BYTES = 8 * 1024,
	STREAM_BEAT_MS = 15 * 1000,
	HISTORY_S = 24 * 3600,
	/* What a command may print at most, with "data: " before each line. */
	REST_MAX = 256 << 20,
};

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

/* The one place where a call's state changes. */
static void call_state_set(struct admin *admin, struct call *call, enum call_state state)
{
	if (call->state == CALL_RUNNING)
		admin->running--;
	if (state == CALL_RUNNING)
		admin->running++;
	call->state = state;
}

static const struct msg_api_asked *asked_of(const struct call *call)
{
	return &call->packet.message.api_asked;
}

static struct call *call_new(struct admin *admin, struct role_peer *peer, struct packet *packet)
{
	struct call *call = calloc(1, sizeof(*call));

	CHECK(call != NULL);
	role_peer_hold(peer);
	call->peer = peer;
	call->id = packet->header.id;
	call->packet = *packet;
	packet_init(packet);
	call->upload_fd = -1;
	call->errand = (struct errand){.end_fd = -1, .out_fd = -1, .err_fd = -1, .write_fd = -1};
	buf_init(&call->session, WEB_NAME_TEXT);
	buf_init(&call->line, EVENTS_LINE_MAX);
	buf_init(&call->latest, EVENTS_PART_MAX);
	buf_init(&call->rest, REST_MAX);
	list_append(&admin->calls, &call->node);
	admin->call_count++;
	return call;
}

static void call_free(struct admin *admin, struct call *call)
{
	call_state_set(admin, call, CALL_NEW);
	if (list_node_is_linked(&call->login_place))
		queue_drop(&admin->logins, &call->address, &call->login_place);
	errand_done(&call->errand);
	buf_done(&call->session);
	fd_close(&call->upload_fd);
	buf_done(&call->line);
	buf_done(&call->latest);
	buf_wipe(&call->rest);
	packet_done(&call->packet);
	role_peer_release(&call->peer);
	list_remove(&call->node);
	admin->call_count--;
	free(call);
}

/* ---- parts ---- */

static void stream_head_send(struct call *call)
{
	struct msg_api_answered answered = {
		.status = 200, .content_type = STR("text/event-stream"), .is_stream = 1, .file = -1};

	role_peer_answer(call->peer, MSG_api_answered, call->id, &answered);
}

/* Sends a part; the last one ends the call. */
static void stream_part_send(struct admin *admin, struct call *call, struct str bytes, bool is_last)
{
	struct msg_api_part part = {.bytes = bytes, .is_last = is_last};

	role_peer_answer(call->peer, MSG_api_part, call->id, &part);
	call->wants_part = false;
	if (is_last)
		call_free(admin, call);
}

/* Sends what there is, if it is wanted. */
static void follow_send(struct admin *admin, struct call *call)
{
	if (!call->wants_part)
		return;
	if (call->state == CALL_ENDING) {
		struct str piece = str_sub(buf_str(&call->rest), call->rest_sent, EVENTS_PART_MAX);
		call->rest_sent += piece.len;
		stream_part_send(admin, call, piece, call->rest_sent == call->rest.len);
	} else if (call->latest.len > 0) {
		stream_part_send(admin, call, buf_str(&call->latest), false);
		buf_reset(&call->latest);
	}
}

/* The answer's document, wherever it stands. */
static void document_append(struct buf *to, const struct answer *answer)
{
	if (answer->file < 0)
		buf_append_str(to, buf_str(&answer->body));
	else if (lseek(answer->file, 0, SEEK_SET) != 0 ||
		 fd_read_file(answer->file, to) != FAULT_NONE)
		buf_reset(to);
}

/* Behind the last record, if it was not sent yet, goes the answer. */
static void follow_end(struct admin *admin, struct call *call, const struct answer *answer)
{
	struct buf document = BUF_INIT(REST_MAX);

	document_append(&document, answer);
	buf_append_str(&call->rest, buf_str(&call->latest));
	event_append_answer(&call->rest, answer->status,
			    document.len > 0 ? buf_str(&document) : STR("null"));
	buf_wipe(&document);
	CHECK(!call->rest.failed);
	errand_done(&call->errand);
	call_state_set(admin, call, CALL_ENDING);
	follow_send(admin, call);
}

/* ---- answers ---- */

/* A memory file of what is too long for a message; -1 when there is none to be had. */
static int body_file(struct str body)
{
	int fd = memfd_create("postern-answer", MFD_CLOEXEC);

	if (fd >= 0 && !fd_write_all(fd, body.ptr, body.len))
		fd_close(&fd);
	return fd;
}

static void answer_send(const struct call *call, const struct answer *answer)
{
	struct msg_api_answered answered = {.status = (uint32_t)answer->status,
					    .content_type = STR("application/json"),
					    .fields = buf_str(&answer->fields),
					    .body = buf_str(&answer->body),
					    .file = answer->file};
	CLEANUP_FD int made = -1;

	if (answered.file < 0 && answered.body.len > MESSAGE_INLINE_MAX) {
		made = answered.file = body_file(answered.body);
		answered.body = STR("");
	}
	role_peer_answer(call->peer, MSG_api_answered, call->id, &answered);
}

/* Answers and ends the call. */
static void call_answer(struct admin *admin, struct call *call, struct answer *answer)
{
	bool is_followed = call->is_followed && call->peer != NULL;

	if (is_followed)
		follow_end(admin, call, answer);
	else if (call->peer != NULL)
		answer_send(call, answer);
	answer_done(answer);
	if (!is_followed)
		call_free(admin, call);
}

static void call_error(struct admin *admin, struct call *call, int status, const char *code,
		       const char *text)
{
	struct answer answer;

	answer_init(&answer);
	answer_error(&answer, status, code, NULL, text);
	call_answer(admin, call, &answer);
}

static void call_refuse(struct admin *admin, struct call *call, const struct guard_refusal *refusal)
{
	call_error(admin, call, refusal->status, refusal->code, refusal->text);
}

/* ---- auth ---- */

static void auth_lose(struct admin *admin)
{
	channel_close(&admin->auth);
	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		if (call->state == CALL_LOGIN || call->state == CALL_SESSION ||
		    call->state == CALL_PROOF || call->state == CALL_LOGOUT)
			call_error(admin, call, 503, "unavailable",
				   "sessions cannot be checked now; try again");
	}
}

static enum fault auth_open(struct admin *admin)
{
	int fd;

	if (admin->auth.fd >= 0)
		return FAULT_NONE;
	enum fault fault = admin->options.connector->connect(admin->options.connector, ROLE_AUTH, &fd);
	if (fault != FAULT_NONE)
		return fault;
	fd_set_nonblocking(fd);
	admin->auth = (struct channel){.fd = fd, .self = ROLE_ADMIN, .peer = ROLE_AUTH};
	return FAULT_NONE;
}

/* Asks auth; the call goes on in `state` when the answer has come. */
static void auth_ask(struct admin *admin, struct call *call, enum call_state state,
		     enum message_kind kind, const void *message)
{
	enum fault fault = auth_open(admin);

	if (fault == FAULT_NONE)
		fault = channel_send(&admin->auth, kind, ++admin->next_auth_id, message);
	if (fault != FAULT_NONE) {
		call_error(admin, call, 503, "unavailable",
			   "sessions cannot be checked now; try again");
		return;
	}
	call->auth_id = admin->next_auth_id;
	call_state_set(admin, call, state);
}

/* ---- streams ---- */

/* The command has ended, or its time is up: then the client may ask again. */
static void stream_end(struct admin *admin, struct call *call, bool is_late)
{
	struct buf part = BUF_INIT(EVENTS_PART_MAX);
	struct answer answer;

	answer_init(&answer);
	if (is_late)
		event_append(&part, "again", STR("{}"));
	else {
		answer_ended(&answer, &call->errand, errand_reap(&call->errand));
		event_append(&part, answer.status == 200 ? "end" : "failure",
			     str_trim(buf_str(&answer.body)));
	}
	answer_done(&answer);
	stream_part_send(admin, call, buf_str(&part), true);
	buf_done(&part);
}

static void stream_read(struct admin *admin, struct call *call)
{
	struct buf part = BUF_INIT(2 * EVENTS_PART_MAX);
	char bytes[STREAM_READ_BYTES];
	ssize_t got = read(call->errand.out_fd, bytes, sizeof(bytes));

	if (got == 0) {
		stream_end(admin, call, false);
		return;
	}
	if (got > 0)
		events_append(&part, &call->line, str_make(bytes, (size_t)got));
	CHECK(!part.failed);
	if (part.len > 0)
		stream_part_send(admin, call, buf_str(&part), false);
	buf_done(&part);
}

/* Something can be read, or the time has come for a sign of life or the end. */
static void stream_look(struct admin *admin, struct call *call, bool is_readable, int64_t now_ms)
{
	if (!call->wants_part)
		return;
	if (is_readable)
		stream_read(admin, call);
	else if (now_ms >= call->errand.deadline_ms)
		stream_end(admin, call, true);
	else if (now_ms >= call->beat_ms)
		stream_part_send(admin, call, STR(": \n\n"), false);
}

static void stream_go_on(struct admin *admin, const struct role_peer *peer, uint64_t id)
{
	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		if (call->peer != peer || call->id != id ||
		    (!call->errand.is_stream && !call->is_followed))
			continue;
		call->wants_part = true;
		call->beat_ms = clock_mono_ms() + STREAM_BEAT_MS;
		if (call->is_followed)
			follow_send(admin, call);
		return;
	}
}

/* ---- commands ---- */

static void command_begin(struct admin *admin, struct call *call)
{
	const struct msg_api_asked *asked = asked_of(call);
	CLEANUP_FD int control = -1;
	enum fault fault = admin->options.control(admin->options.context,
						  str_from_c(call->account), asked->peer, &control);
	struct errand_start start = {.match = &call->match,
				  .query = asked->query,
				  .body = asked->body,
				  .body_fd = call->packet.fd,
				  .control_fd = control,
				  .upload_fd = call->upload_fd,
				  .home = admin->options.home,
				  .confine = admin->options.confine,
				  .is_followed = call->match.route->may_be_followed &&
						 events_are_wanted(asked->accept)};

	if (fault == FAULT_NONE)
		fault = errand_begin(&call->errand, &start);
	if (fault != FAULT_NONE) {
		call_error(admin, call, 503, "unavailable",
			   "the server is too busy for this now; try again");
		return;
	}
	call_state_set(admin, call, CALL_RUNNING);
	call->is_followed = start.is_followed;
	if (call->errand.is_stream || call->is_followed)
		stream_head_send(call);
}

/* Those that run beside it; with `is_waiting_counted` those that wait for that or for their client, too. */
static void turns_count(struct admin *admin, const struct call *wanted, bool is_waiting_counted,
			struct turn_use *use_out)
{
	*use_out = (struct turn_use){0};
	list_each(node, next, &admin->calls) {
		const struct call *call = list_entry(node, struct call, node);
		bool waits = call->state == CALL_QUEUED || call->state == CALL_UPLOAD ||
			     call->state == CALL_ENDING;
		if (call != wanted &&
		    (call->state == CALL_RUNNING || (is_waiting_counted && waits)))
			turn_use_add(use_out, &wanted->turn, &call->turn);
	}
}

/* A stream waits for no place: those that run stay long. */
static void command_queue(struct admin *admin, struct call *call)
{
	struct turn_use calls, running;

	turns_count(admin, call, true, &calls);
	turns_count(admin, call, false, &running);
	bool may_begin = turn_may_begin(&call->turn, &running);
	if (!turn_has_room(&call->turn, &calls.all, TURNS_CALLS_MAX))
		call_error(admin, call, 503, "busy", "too much is asked at once; try again");
	else if (may_begin)
		command_begin(admin, call);
	else if (call->turn.kind == TURN_STREAM)
		call_error(admin, call, 503, "busy", "too many watch already; try again");
	else
		call_state_set(admin, call, CALL_QUEUED);
}

/* Of the commands that wait and may begin, one of the account for which the fewest run; or NULL. */
static struct call *queue_next(struct admin *admin)
{
	struct call *chosen = NULL;
	size_t least = 0;

	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		struct turn_use running;
		if (call->state != CALL_QUEUED)
			continue;
		turns_count(admin, call, false, &running);
		if (!turn_may_begin(&call->turn, &running) ||
		    (chosen != NULL && running.all.own >= least))
			continue;
		chosen = call;
		least = running.all.own;
	}
	return chosen;
}

static void queue_go_on(struct admin *admin)
{
	for (struct call *call; (call = queue_next(admin)) != NULL;)
		command_begin(admin, call);
}

static void command_end(struct admin *admin, struct call *call)
{
	struct answer answer;
	int code = errand_reap(&call->errand);

	answer_init(&answer);
	answer_errand(&answer, &call->errand, code);
	if (answer.status == 500)
		log_printf(admin->options.log, LOG_ERROR,
			   "admin: the command %s of the page ended with code %d", call->match.route->command,
			   code);
	call_answer(admin, call, &answer);
}

/* ---- logins and sessions ---- */

/*
 * False: the call was answered. Answers to guesses are delayed, so whoever guesses from one address
 * takes the places of that address; when all are taken, whoever has many gives way to who has few.
 */
static bool login_enter(struct admin *admin, struct call *call)
{
	static const char busy[] = "too many logins are being checked; try again";
	struct list_node *displaced;
	uint8_t whole[16];

	peer_key_parse(asked_of(call)->peer, &call->address, whole);
	bool is_in = queue_put(&admin->logins, &call->address, &call->login_place, &displaced);
	if (displaced != NULL)
		call_error(admin, list_entry(displaced, struct call, login_place), 503, "busy", busy);
	if (!is_in)
		call_error(admin, call, 503, "busy", busy);
	return is_in;
}

static void login_begin(struct admin *admin, struct call *call)
{
	const struct msg_api_asked *asked = asked_of(call);
	struct answer answer;
	struct login login;

	if (!login_enter(admin, call))
		return;
	answer_init(&answer);
	if (!login_read(asked->body, &login, &answer)) {
		call_answer(admin, call, &answer);
		return;
	}
	answer_done(&answer);
	CHECK(str_copy_c(str_from_c(login.account), call->account, sizeof(call->account)));
	struct msg_web_login ask = {.account = str_from_c(login.account),
				    .password = secret_reveal(&login.password),
				    .code = str_from_c(login.code),
				    .address = asked->peer};
	auth_ask(admin, call, CALL_LOGIN, MSG_web_login, &ask);
	login_wipe(&login);
}

/* A session that the client had before ends with a new login: nothing of it lives on. */
static void former_session_end(struct admin *admin, struct str token)
{
	struct msg_web_session_end end = {.token = token};

	if (!str_is_empty(token) && admin->auth.fd >= 0)
		(void)!channel_send(&admin->auth, MSG_web_session_end, 0, &end);
}

static void login_end(struct admin *admin, struct call *call,
		      const struct msg_web_session_given *given)
{
	struct answer answer;

	answer_init(&answer);
	login_answer(&answer, given);
	login_log(admin->options.log, given, str_from_c(call->account), asked_of(call)->peer);
	if (given->fault == FAULT_NONE && given->verdict == LOGIN_GRANTED)
		former_session_end(admin, asked_of(call)->token);
	call_answer(admin, call, &answer);
}

static void history_answer(struct admin *admin, struct call *call, struct answer *answer)
{
	int64_t now_s = clock_real_s(), since_s = now_s - HISTORY_S, step_s = 0;
	const char *wrong = samples_query_read(asked_of(call)->query, &since_s, &step_s);

	if (wrong != NULL)
		answer_error(answer, 400, "invalid", wrong, "a whole number of seconds is wanted");
	else if (admin->samples == NULL)
		answer_error(answer, 503, "unavailable", NULL, "no counters are kept; error.log says why");
	else
		samples_append(admin->samples, since_s, step_s, now_s, &answer->body);
}

static void own_answer(struct admin *admin, struct call *call,
		       const struct msg_web_session_given *given)
{
	struct msg_web_session_end end = {.token = asked_of(call)->token};
	struct answer answer;

	if (call->match.route->own == OWN_LOGOUT) {
		auth_ask(admin, call, CALL_LOGOUT, MSG_web_session_end, &end);
		return;
	}
	answer_init(&answer);
	if (call->match.route->own == OWN_OPENAPI)
		openapi_append(&answer.body);
	else if (call->match.route->own == OWN_HISTORY)
		history_answer(admin, call, &answer);
	else
		session_answer(&answer, given, asked_of(call)->token);
	call_answer(admin, call, &answer);
}

static enum turn_kind turn_kind_of(const struct route *route)
{
	return route->is_stream			? TURN_STREAM
	       : route->limit_s > ERRAND_STANDARD_S ? TURN_LONG
						    : TURN_SHORT;
}

/* ---- changes that want the password once more: whoever finds an open page may not make them ---- */

static const char *proof_name(const struct route *route)
{
	for (const struct route_parameter *at = route->parameters; at->name != NULL; at++)
		if (at->target == TARGET_PROOF)
			return at->name;
	return NULL;
}

static void proof_begin(struct admin *admin, struct call *call)
{
	struct secret password CLEANUP_SECRET = {0};
	struct answer answer;

	answer_init(&answer);
	if (!proof_read(asked_of(call)->body, proof_name(call->match.route), &password, &answer)) {
		call_answer(admin, call, &answer);
		return;
	}
	answer_done(&answer);
	struct msg_web_proof proof = {.account = call->match.account,
				      .password = secret_reveal(&password),
				      .address = asked_of(call)->peer};
	auth_ask(admin, call, CALL_PROOF, MSG_web_proof, &proof);
}

static void proof_end(struct admin *admin, struct call *call,
		      const struct msg_web_session_given *given)
{
	struct answer answer;

	if (given->fault == FAULT_NONE && given->verdict == LOGIN_GRANTED) {
		command_queue(admin, call);
		return;
	}
	answer_init(&answer);
	proof_refuse(&answer, given, proof_name(call->match.route));
	login_log(admin->options.log, given, call->match.account, asked_of(call)->peer);
	call_answer(admin, call, &answer);
}

/* ---- uploads ---- */

static size_t uploads_count(struct admin *admin)
{
	size_t count = 0;

	list_each(node, next, &admin->calls)
		count += list_entry(node, struct call, node)->state == CALL_UPLOAD;
	return count;
}

static void upload_refuse(struct admin *admin, struct call *call, enum fault fault,
			  uint64_t limit_bytes)
{
	char text[200];

	if (fault == FAULT_TOO_LARGE) {
		snprintf(text, sizeof(text),
			 "at most %llu bytes are taken at once (Limits/ImportBytes); send it in "
			 "parts, or use `postern import` on the server",
			 (unsigned long long)limit_bytes);
		call_error(admin, call, 413, "too_large", text);
	} else if (fault == FAULT_NO_SPACE)
		call_error(admin, call, 507, "no_space",
			   "the server's disk has no room for it: twice its size is wanted");
	else
		call_error(admin, call, 503, "unavailable",
			   "there is no place for what is to be sent; error.log may tell why");
}

/* Has the front take the body in. */
static void upload_begin(struct admin *admin, struct call *call)
{
	uint64_t limit_bytes = 0;

	if (uploads_count(admin) >= ADMIN_UPLOADS_MAX) {
		call_error(admin, call, 503, "busy", "others send already; try again");
		return;
	}
	enum fault fault = admin->options.upload(admin->options.context,
						 asked_of(call)->upload_bytes, &limit_bytes,
						 &call->upload_fd);
	if (fault != FAULT_NONE) {
		upload_refuse(admin, call, fault, limit_bytes);
		return;
	}
	struct msg_api_upload_given given = {.file = call->upload_fd};
	role_peer_answer(call->peer, MSG_api_upload_given, call->id, &given);
	call_state_set(admin, call, CALL_UPLOAD);
}

/* Nothing of a body that is not whole is looked at. */
static void upload_end(struct admin *admin, const struct role_peer *peer, uint64_t id)
{
	struct stat status;

	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		if (call->peer != peer || call->id != id || call->state != CALL_UPLOAD)
			continue;
		if (fstat(call->upload_fd, &status) == 0 &&
		    (uint64_t)status.st_size == asked_of(call)->upload_bytes)
			command_queue(admin, call);
		else
			call_error(admin, call, 400, "invalid",
				   "it did not come whole; nothing of it was done");
		return;
	}
}

/* The session is known: whether it may, and then the command. */
static void session_go_on(struct admin *admin, struct call *call,
			  const struct msg_web_session_given *given)
{
	const struct route *route = call->match.route;
	const struct guard_refusal *refusal =
		guard_session_check(asked_of(call), route, given->flags);

	CHECK(str_copy_c(given->account, call->account, sizeof(call->account)));
	call->turn = (struct turn){.kind = turn_kind_of(route),
				   .is_auditor = (given->flags & LOGIN_FLAG_ADMIN) == 0,
				   .account = str_from_c(call->account)};
	web_session_append_name(&call->session, asked_of(call)->token);
	call->match.account = str_from_c(call->account);
	call->match.session = buf_str(&call->session);
	if (refusal != NULL)
		call_refuse(admin, call, refusal);
	else if (route->own != OWN_NONE)
		own_answer(admin, call, given);
	else if (proof_name(route) != NULL)
		proof_begin(admin, call);
	else if (route->takes_upload)
		upload_begin(admin, call);
	else
		command_queue(admin, call);
}

static void session_given(struct admin *admin, struct call *call,
			  const struct msg_web_session_given *given)
{
	struct answer answer;

	if (given->fault == FAULT_NONE) {
		session_go_on(admin, call, given);
		return;
	}
	answer_init(&answer);
	if (given->fault == FAULT_NOT_FOUND)
		session_missing_answer(&answer);
	else
		answer_error(&answer, 503, "unavailable", NULL,
			     "sessions cannot be checked now; try again");
	call_answer(admin, call, &answer);
}

static void logout_end(struct admin *admin, struct call *call)
{
	struct answer answer;

	answer_init(&answer);
	session_end_answer(&answer);
	call_answer(admin, call, &answer);
}

static void auth_packet(struct admin *admin, const struct packet *packet)
{
	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		if (call->auth_id == 0 || call->auth_id != packet->header.id)
			continue;
		call->auth_id = 0;
		if (call->state == CALL_LOGOUT && packet->header.kind == MSG_done)
			logout_end(admin, call);
		else if (call->state == CALL_LOGIN && packet->header.kind == MSG_web_session_given)
			login_end(admin, call, &packet->message.web_session_given);
		else if (call->state == CALL_SESSION && packet->header.kind == MSG_web_session_given)
			session_given(admin, call, &packet->message.web_session_given);
		else if (call->state == CALL_PROOF && packet->header.kind == MSG_web_session_given)
			proof_end(admin, call, &packet->message.web_session_given);
		return;
	}
}

static void auth_read(struct admin *admin)
{
	struct packet packet;
	enum fault fault;

	packet_init(&packet);
	while ((fault = channel_receive(&admin->auth, &packet)) == FAULT_NONE)
		auth_packet(admin, &packet);
	packet_done(&packet);
	if (fault != FAULT_BUSY)
		auth_lose(admin);
}

/* ---- requests ---- */

static void call_begin(struct admin *admin, struct call *call)
{
	const struct msg_api_asked *asked = asked_of(call);
	struct msg_web_session_wanted wanted = {.token = asked->token};
	const struct guard_refusal *refusal = guard_request_check(asked);
	struct answer answer;

	route_find(asked->method, asked->path, &call->match);
	if (refusal != NULL)
		call_refuse(admin, call, refusal);
	else if (call->match.route == NULL)
		call_error(admin, call, call->match.is_other_method ? 405 : 404,
			   call->match.is_other_method ? "method" : "not_found",
			   "there is nothing here; GET " ROUTE_PREFIX "/openapi.json tells what there is");
	else if (call->match.route->own == OWN_LOGIN)
		login_begin(admin, call);
	else if (!str_is_empty(asked->token))
		auth_ask(admin, call, CALL_SESSION, MSG_web_session_wanted, &wanted);
	else {
		answer_init(&answer);
		session_missing_answer(&answer);
		call_answer(admin, call, &answer);
	}
}

/* What was only to be read ends; a change that is on its way goes on without its client. */
static void call_forget(struct admin *admin, struct call *call)
{
	if (call->state != CALL_RUNNING || call->match.route->access == ACCESS_READ) {
		call_free(admin, call);
		return;
	}
	role_peer_release(&call->peer);
	/* Nobody is told any more how far it is. */
	call->wants_part = false;
}

static void calls_cancel(struct admin *admin, const struct role_peer *peer, uint64_t id, bool all)
{
	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		if (call->peer == peer && (all || call->id == id))
			call_forget(admin, call);
	}
}

static void request_take(struct role_server *server, struct role_peer *peer, struct packet *packet)
{
	struct admin *admin = server->role_data;

	if (packet->header.kind == MSG_api_asked)
		call_begin(admin, call_new(admin, peer, packet));
	else if (packet->header.kind == MSG_api_part_taken)
		stream_go_on(admin, peer, packet->header.id);
	else if (packet->header.kind == MSG_api_uploaded)
		upload_end(admin, peer, packet->header.id);
	else if (packet->header.kind == MSG_api_cancelled)
		calls_cancel(admin, peer, packet->header.id, false);
}

static void peer_gone(struct role_server *server, struct role_peer *peer)
{
	calls_cancel(server->role_data, peer, 0, true);
}

/* The configuration is the commands' business, which ask for it. */
static void parent_message(struct role_server *server, struct packet *packet)
{
}

static void status_append(struct role_server *server, struct buf *json)
{
	const struct admin *admin = server->role_data;

	buf_printf(json, ",\"requests\":%zu,\"commands\":%zu", admin->call_count, admin->running);
}

static const struct role_server_ops admin_ops = {.parent_message = parent_message,
						  .request = request_take,
						  .peer_gone = peer_gone,
						  .status = status_append};

/* ---- counters ---- */

static void sample_take(struct admin *admin)
{
	struct sample_counters counters;

	admin->sample_ms += SAMPLE_PERIOD_S * 1000;
	admin->options.sample(admin->options.context, &counters);
	samples_add(admin->samples, &counters, clock_real_s());
}

static void samples_begin(struct admin *admin)
{
	const struct admin_options *options = &admin->options;
	enum fault fault = options->sample == NULL
				   ? FAULT_NOT_FOUND
				   : samples_open(options->samples, &admin->samples);

	admin->sample_ms = clock_mono_ms();
	if (fault == FAULT_NONE)
		sample_take(admin);
	else if (options->sample != NULL)
		log_printf(options->log, LOG_ERROR, "admin: %s: %s; charts will be empty",
			   options->samples, fault_text(fault));
}

/* ---- the loop ---- */

/* What the loop waits for: the server, auth, and the ends of commands. */
struct waiting {
	struct pollfd fds[2 + TURNS_MAX];
	struct call *calls[2 + TURNS_MAX];
	size_t count;
	int timeout_ms;
};

/* How long until the call has to be looked at by itself; -1: not at all. */
static int64_t call_left_ms(const struct call *call, int64_t now_ms)
{
	int64_t at_ms = call->errand.deadline_ms;

	if (call->errand.is_stream && !call->wants_part)
		return -1;
	if (call->wants_part && call->beat_ms < at_ms)
		at_ms = call->beat_ms;
	return at_ms > now_ms ? at_ms - now_ms : 0;
}

static void waiting_add(struct waiting *waiting, struct call *call, int64_t now_ms)
{
	const struct errand *errand = &call->errand;
	int64_t left_ms = call_left_ms(call, now_ms);
	int fd = !errand->is_stream ? errand->end_fd : call->wants_part ? errand->out_fd : -1;

	waiting->fds[waiting->count] = (struct pollfd){.fd = fd, .events = POLLIN};
	waiting->calls[waiting->count++] = call;
	if (left_ms >= 0 && (waiting->timeout_ms < 0 || left_ms < waiting->timeout_ms))
		waiting->timeout_ms = (int)left_ms;
}

static void waiting_collect(struct admin *admin, struct waiting *waiting)
{
	int64_t now_ms = clock_mono_ms();

	waiting->fds[0] = (struct pollfd){.fd = admin->server.epoll_fd, .events = POLLIN};
	waiting->fds[1] = (struct pollfd){.fd = admin->auth.fd, .events = POLLIN};
	waiting->count = 2;
	waiting->timeout_ms = -1;
	if (admin->samples != NULL)
		waiting->timeout_ms = now_ms < admin->sample_ms ? (int)(admin->sample_ms - now_ms) : 0;
	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		if (call->state == CALL_RUNNING)
			waiting_add(waiting, call, now_ms);
	}
}

/* Takes what the command told; true when it has ended. */
static bool command_read(struct call *call)
{
	char room[STREAM_READ_BYTES];
	bool is_ended;

	for (struct str told = errand_read(&call->errand, room, sizeof(room), &is_ended);
	     told.len > 0;) {
		size_t end = str_find_char(told, '\n');
		buf_append_str(&call->line, str_sub(told, 0, end));
		if (end == STR_NONE)
			break;
		buf_reset(&call->latest);
		event_append(&call->latest, "progress", buf_str(&call->line));
		buf_reset(&call->line);
		told = str_from(told, end + 1);
	}
	return is_ended;
}

static void command_look(struct admin *admin, struct call *call, bool is_readable, int64_t now_ms)
{
	if (is_readable && command_read(call)) {
		command_end(admin, call);
		return;
	}
	if (now_ms >= call->errand.deadline_ms) {
		errand_kill(&call->errand);
		command_end(admin, call);
		return;
	}
	follow_send(admin, call);
	if (call->wants_part && now_ms >= call->beat_ms)
		stream_part_send(admin, call, STR(": \n\n"), false);
}

/* Those that have ended or said something, and those whose time is up. */
static void commands_look(struct admin *admin, const struct waiting *waiting)
{
	int64_t now_ms = clock_mono_ms();

	for (size_t i = 2; i < waiting->count; i++) {
		struct call *call = waiting->calls[i];
		bool is_readable = waiting->fds[i].revents != 0;
		if (call->errand.is_stream)
			stream_look(admin, call, is_readable, now_ms);
		else
			command_look(admin, call, is_readable, now_ms);
	}
	queue_go_on(admin);
}

void admin_run(struct admin *admin)
{
	struct waiting waiting;

	for (;;) {
		waiting_collect(admin, &waiting);
		if (poll(waiting.fds, waiting.count, waiting.timeout_ms) < 0) {
			CHECK(errno == EINTR);
			continue;
		}
		if (admin->samples != NULL && clock_mono_ms() >= admin->sample_ms)
			sample_take(admin);
		/* First the ends of commands: what follows may free calls. */
		commands_look(admin, &waiting);
		if (waiting.fds[1].revents != 0)
			auth_read(admin);
		if (waiting.fds[0].revents != 0 && !role_server_take(&admin->server))
			return;
	}
}

struct admin *admin_new(const struct admin_options *options)
{
	struct admin *admin = calloc(1, sizeof(*admin));

	CHECK(admin != NULL);
	admin->options = *options;
	admin->auth = (struct channel){.fd = -1, .self = ROLE_ADMIN, .peer = ROLE_AUTH};
	list_init(&admin->calls);
	queue_init(&admin->logins, ADMIN_LOGINS_MAX, ADMIN_LOGINS_ADDRESS_MAX);
	role_server_init(&admin->server, &admin_ops, ROLE_ADMIN, options->parent_fd, options->log,
			 admin);
	samples_begin(admin);
	return admin;
}

void admin_free(struct admin **admin)
{
	struct admin *freed = *admin;

	*admin = NULL;
	list_each(node, next, &freed->calls)
		call_free(freed, list_entry(node, struct call, node));
	samples_close(&freed->samples);
	channel_close(&freed->auth);
	role_server_done(&freed->server);
	free(freed);
}
