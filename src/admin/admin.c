/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "admin/call.h"
#include "admin/guard.h"
#include "admin/login.h"
#include "base/clock.h"

/* ---- what auth answers ---- */

static void auth_packet(struct admin *admin, const struct packet *packet)
{
	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		if (call->auth_id == 0 || call->auth_id != packet->header.id)
			continue;
		call->auth_id = 0;
		if (call->state == CALL_LOGOUT && packet->header.kind == MSG_done)
			call_logout_end(admin, call);
		else if (call->state == CALL_LOGIN && packet->header.kind == MSG_web_session_given)
			call_login_end(admin, call, &packet->message.web_session_given);
		else if (call->state == CALL_SESSION && packet->header.kind == MSG_web_session_given)
			call_session_given(admin, call, &packet->message.web_session_given);
		else if (call->state == CALL_PROOF && packet->header.kind == MSG_web_session_given)
			call_proof_end(admin, call, &packet->message.web_session_given);
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
		calls_auth_lose(admin);
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
		call_login_begin(admin, call);
	else if (!str_is_empty(asked->token))
		call_auth_ask(admin, call, CALL_SESSION, MSG_web_session_wanted, &wanted);
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
		calls_part_taken(admin, peer, packet->header.id);
	else if (packet->header.kind == MSG_api_uploaded)
		calls_upload_end(admin, peer, packet->header.id);
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

/* Those that have ended or said something, and those whose time is up. */
static void commands_look(struct admin *admin, const struct waiting *waiting)
{
	int64_t now_ms = clock_mono_ms();

	for (size_t i = 2; i < waiting->count; i++) {
		struct call *call = waiting->calls[i];
		bool is_readable = waiting->fds[i].revents != 0;
		if (call->errand.is_stream)
			call_stream_look(admin, call, is_readable, now_ms);
		else
			call_command_look(admin, call, is_readable, now_ms);
	}
	calls_go_on(admin);
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
